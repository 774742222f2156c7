// twintrack._core: what the Python files beside it call. Its arguments are checked there; the documentation stands
// there.
#include "arrays.hpp"

namespace twintrack::python {
namespace {

PyObject* make_error(py::module_& module, const char* name, const char* documentation, const py::tuple& bases) {
  const std::string full_name = std::string("twintrack.") + name;
  PyObject* const type = PyErr_NewExceptionWithDoc(full_name.c_str(), documentation, bases.ptr(), nullptr);
  if (type == nullptr) throw py::error_already_set();
  module.add_object(name, type);
  return type;
}

struct ErrorTypes {
  PyObject* error = nullptr;
  PyObject* usage = nullptr;
  PyObject* input = nullptr;
  PyObject* resource = nullptr;
};
// Python keeps them as long as the module, which is never unloaded.
ErrorTypes types;

void add_errors(py::module_& module) {
  const py::object exception = py::reinterpret_borrow<py::object>(PyExc_Exception);
  types.error = make_error(module, "Error", "What went wrong, with what would be right.", py::make_tuple(exception));
  const py::object error = py::reinterpret_borrow<py::object>(types.error);
  const py::object value_error = py::reinterpret_borrow<py::object>(PyExc_ValueError);
  const py::object runtime_error = py::reinterpret_borrow<py::object>(PyExc_RuntimeError);
  types.usage =
      make_error(module, "UsageError", "An argument that makes no sense.", py::make_tuple(error, value_error));
  types.input = make_error(module, "InputError", "Data or a file that is not what it should be.",
                           py::make_tuple(error, value_error));
  types.resource =
      make_error(module, "ResourceError", "Memory, disk or a device is missing.", py::make_tuple(error, runtime_error));
  py::register_local_exception_translator([](std::exception_ptr thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const UsageError& e) {
      PyErr_SetString(types.usage, e.what());
    } catch (const InputError& e) {
      PyErr_SetString(types.input, e.what());
    } catch (const ResourceError& e) {
      PyErr_SetString(types.resource, e.what());
    } catch (const Interrupted&) {
      PyErr_SetNone(PyExc_KeyboardInterrupt);
    } catch (const Error& e) {
      PyErr_SetString(types.error, e.what());
    }
  });
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  module.attr("__version__") = version();
  module.attr("RESEARCH_USE") = kResearchUse;
  add_errors(module);
  add_volumes(module);
  add_calibration(module);
  add_predictor(module);
  add_metrics(module);
}

}  // namespace twintrack::python
