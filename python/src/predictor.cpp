// Bundles and predictions.
#include <pybind11/functional.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "arrays.hpp"

namespace twintrack::python {
namespace {

py::dict to_dict(const BundleInfo& info) {
  py::dict result;
  result["folder"] = info.folder;
  result["name"] = info.name;
  result["trained_on"] = info.trained_on;
  result["intended_use"] = info.intended_use;
  result["sha256"] = info.sha256;
  result["networks_sha256"] = info.networks_sha256;
  result["members"] = info.members;
  result["has_localizer"] = info.has_localizer;
  result["tumor_labels"] = py::tuple(py::cast(info.tumor_labels));
  result["roi_margin_mm"] = tuple_of(Triple{info.roi_margin_mm[2], info.roi_margin_mm[1], info.roi_margin_mm[0]});
  result["threshold"] = info.threshold;
  result["calibrator"] = info.calibrator;
  return result;
}

// The one copy of a CT that a prediction makes.
template <typename Array>
Volume<float> copy_of(const Array& ct, const Triple& spacing_mm, const Triple& origin_mm, const Nine& direction) {
  const auto voxels = span_of(ct);
  return {geometry_of(ct, "ct", spacing_mm, origin_mm, direction), {voxels.begin(), voxels.end()}};
}

// Ctrl-C ends a prediction at the next tile, whether the caller listens to progress or not.
ProgressFunction listening(const py::object& progress) {
  return [&progress](const std::string& stage, std::int64_t done, std::int64_t total) {
    const py::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (!progress.is_none()) progress(stage, done, total);
  };
}

py::dict to_dict(Prediction p) {
  py::dict result;
  result["probability"] = array_of(std::move(p.probability));
  result["uncalibrated"] = p.uncalibrated ? py::object(array_of(std::move(*p.uncalibrated))) : py::none();
  result["segmentation"] = array_of(std::move(p.segmentation));
  result["region_of_interest"] = array_of(std::move(p.region_of_interest));
  result["calibrated"] = p.calibrated;
  result["tumor_volume_mm3"] = p.tumor_volume_mm3;
  result["expected_volume_mm3"] = p.expected_volume_mm3;
  result["agreement_volume_mm3"] = tuple_of(p.agreement_volume_mm3);
  result["maximum_probability"] = p.maximum_probability;
  result["warnings"] = p.warnings;
  py::dict seconds;
  for (const auto& [stage, time] : p.seconds) seconds[py::str(stage)] = time;
  result["seconds"] = seconds;
  result["summary"] = python_of(p.summary);
  return result;
}

template <typename Array>
py::dict predict(TumorPredictor& predictor, const Array& ct, const Triple& spacing_mm, const Triple& origin_mm,
                 const Nine& direction, const py::object& progress, bool keep_uncalibrated) {
  const ProgressFunction listen = listening(progress);
  return to_dict(without_gil(
      [&] { return predictor.predict(copy_of(ct, spacing_mm, origin_mm, direction), listen, keep_uncalibrated); }));
}

}  // namespace

void add_predictor(py::module_& module) {
  module.def(
      "read_bundle",
      [](const std::filesystem::path& folder) {
        return to_dict(without_gil([&] { return read_bundle_info(folder); }));
      },
      py::arg("folder"));
  py::class_<TumorPredictor> predictor(module, "Predictor");
  predictor.def(
      py::init([](const std::filesystem::path& bundle, const std::string& precision, const std::string& device,
                  bool mirroring, double step_size, int threads, const std::optional<Calibrator>& calibrator) {
        return without_gil([&] {
          return std::make_unique<TumorPredictor>(
              bundle, PredictOptions{precision, device, mirroring, step_size, threads, calibrator});
        });
      }),
      py::arg("bundle"), py::arg("precision"), py::arg("device"), py::arg("mirroring"), py::arg("step_size"),
      py::arg("threads"), py::arg("calibrator"));
  predictor.def_property_readonly("engine", &TumorPredictor::engine);
  predictor.def_property_readonly("bundle", [](const TumorPredictor& p) { return to_dict(p.bundle()); });
  const auto add_predict = [&](auto function) {
    predictor.def("predict", function, py::arg("ct").noconvert(), py::arg("spacing_mm"), py::arg("origin_mm"),
                  py::arg("direction"), py::arg("progress"), py::arg("keep_uncalibrated"));
  };
  add_predict(&predict<FloatArray>);
  add_predict(&predict<ShortArray>);
}

}  // namespace twintrack::python
