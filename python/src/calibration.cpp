// Curves, the statistics they are fitted from, and cohorts.
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "arrays.hpp"
#include "twintrack/calibration/level_statistics.hpp"
#include "twintrack/core/parallel.hpp"

namespace twintrack::python {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 20;  // bounds the memory for sorting

bool within_unit(double value) { return value >= 0 && value <= 1; }

Level observation(std::span<const float> p, std::span<const double> y, std::span<const double> weight, std::size_t i) {
  if (!within_unit(p[i])) throw InputError("p: {} at {} is no probability, 0 to 1 is right", p[i], i);
  if (!within_unit(y[i])) throw InputError("y: {} at {}, 0 to 1 is right", y[i], i);
  const double w = weight.empty() ? 1.0 : weight[i];
  if (!(w >= 0 && std::isfinite(w)))
    throw InputError("sample_weight: {} at {}, finite and not negative is right", w, i);
  return {p[i], w, w * y[i]};
}

// Observations in, a calibrator out. Several Python threads may use one object.
class IsotonicStatistics {
 public:
  void add(std::span<const float> p, std::span<const double> y, std::span<const double> weight) {
    LevelStatistics added;  // complete before it counts
    for (std::size_t begin = 0; begin < p.size(); begin += kChunk) {
      std::vector<Level> levels;
      levels.reserve(std::min(kChunk, p.size() - begin));
      for (std::size_t i = begin; i < std::min(p.size(), begin + kChunk); ++i) {
        const Level level = observation(p, y, weight, i);
        if (level.weight > 0) levels.push_back(level);
      }
      std::ranges::stable_sort(levels, {}, &Level::probability);
      added.add(std::move(levels));
    }
    const std::lock_guard lock(mutex_);
    levels_.add(added);
  }
  void merge(const IsotonicStatistics& other) {
    const LevelStatistics added = other.copy();
    const std::lock_guard lock(mutex_);
    levels_.add(added);
  }

  Calibrator fit(const std::string& target) const {
    const LevelStatistics levels = copy();
    if (levels.levels().empty()) throw UsageError("fit: no observation with a weight above 0");
    const Knots knots = levels.fit();
    return {target, knots.x, knots.y, levels.range()};
  }

 private:
  LevelStatistics copy() const {
    const std::lock_guard lock(mutex_);
    return levels_;
  }

  mutable std::mutex mutex_;
  LevelStatistics levels_;
};

void add_observations(IsotonicStatistics& statistics, const FloatArray& p, const DoubleArray& y,
                      const std::optional<DoubleArray>& weight) {
  if (y.size() != p.size()) throw py::value_error(fmt::format("y: {} values for {} of p", y.size(), p.size()));
  if (weight && weight->size() != p.size())
    throw py::value_error(fmt::format("sample_weight: {} values for {} of p", weight->size(), p.size()));
  without_gil([&] { statistics.add(span_of(p), span_of(y), weight ? span_of(*weight) : std::span<const double>()); });
}

py::array_t<float> apply(const Calibrator& calibrator, const FloatArray& p) {
  const auto values = span_of(p);
  std::vector<float> result;
  without_gil([&] {
    result.assign(values.begin(), values.end());
    calibrator.apply(result);
  });
  return array_of(std::move(result), {p.shape(), p.shape() + p.ndim()});
}

void add_curves(py::module_& module) {
  py::class_<Calibrator>(module, "Calibrator")
      .def_readonly("target", &Calibrator::target)
      .def_readonly("support", &Calibrator::support)
      .def_readonly("networks_sha256", &Calibrator::networks_sha256)
      .def_property_readonly("x", [](const Calibrator& c) { return array_of(c.x, {std::ssize(c.x)}); })
      .def_property_readonly("y", [](const Calibrator& c) { return array_of(c.y, {std::ssize(c.y)}); })
      .def("apply", &apply, py::arg("p").noconvert());
  module.def("read_calibrator", &read_calibrator, py::arg("file"));
  module.def("write_calibrator", py::overload_cast<const std::filesystem::path&, const Calibrator&>(&write_calibrator),
             py::arg("file"), py::arg("calibrator"));
  py::class_<IsotonicStatistics>(module, "IsotonicStatistics")
      .def(py::init<>())
      .def("add", &add_observations, py::arg("p").noconvert(), py::arg("y").noconvert(),
           py::arg("sample_weight").noconvert())
      .def("merge", &IsotonicStatistics::merge, py::arg("other"))
      .def("fit", &IsotonicStatistics::fit, py::arg("target"), py::call_guard<py::gil_scoped_release>());
}

// Several Python threads may use one object, one after the other.
class Cohort {
 public:
  explicit Cohort(CalibrationCohort cohort) : cohort_(std::move(cohort)) {}

  // What `use` returns of the cohort, while other Python threads run.
  template <typename Use>
  auto locked(const Use& use) {
    return without_gil([&] {
      const std::lock_guard lock(mutex_);
      return use(cohort_);
    });
  }
  void merge(Cohort& other) {
    without_gil([&] {
      if (this == &other) throw UsageError("merge: a cohort cannot be merged with itself, its cases would count twice");
      const std::scoped_lock lock(mutex_, other.mutex_);
      cohort_.merge(other.cohort_);
    });
  }

 private:
  std::mutex mutex_;
  CalibrationCohort cohort_;
};

void add_case(Cohort& cohort, const std::string& name, const FloatArray& probability,
              const std::vector<ByteArray>& raters, const std::optional<ByteArray>& region) {
  const VolumeView<float> map = view_of(probability, "probability", {1, 1, 1});  // a fit knows no millimetres
  const std::vector<MaskView> views = views_of(raters, probability);
  const std::optional<MaskView> inside = view_of(region, probability, "region");
  cohort.locked([&](CalibrationCohort& c) { c.add(name, map, views, inside); });
}

py::tuple fit_cohort(Cohort& cohort, int replicates, std::uint64_t seed) {
  CalibrationFit fit = cohort.locked([&](const CalibrationCohort& c) { return c.fit(replicates, seed); });
  return py::make_tuple(std::move(fit.calibrator), fit.warnings, fit.document);
}

void add_cohorts(py::module_& module) {
  py::class_<Cohort>(module, "Cohort")
      .def(py::init([](const std::string& target, bool equal_case_weight) {
             return std::make_unique<Cohort>(CalibrationCohort(target, equal_case_weight));
           }),
           py::arg("target"), py::arg("equal_case_weight"))
      .def_static(
          "read",
          [](const std::filesystem::path& file) { return std::make_unique<Cohort>(CalibrationCohort::read(file)); },
          py::arg("file"))
      .def("add", &add_case, py::arg("name"), py::arg("probability").noconvert(), py::arg("raters").noconvert(),
           py::arg("region").noconvert())
      .def("merge", &Cohort::merge, py::arg("other"))
      .def(
          "write",
          [](Cohort& cohort, const std::filesystem::path& file) {
            cohort.locked([&](const CalibrationCohort& c) { c.write(file); });
          },
          py::arg("file"))
      .def("fit", &fit_cohort, py::arg("replicates"), py::arg("seed"))
      .def("__len__",
           [](Cohort& cohort) { return cohort.locked([](const CalibrationCohort& c) { return c.size(); }); });
  module.def(
      "write_fit",
      [](const std::filesystem::path& file, const std::string& document) {
        write_calibrator(file, CalibrationFit{{}, {}, document});
      },
      py::arg("file"), py::arg("document"));
}

}  // namespace

void add_calibration(py::module_& module) {
  add_curves(module);
  add_cohorts(module);
}

}  // namespace twintrack::python
