// Metrics, one by one and all of a case.
#include <pybind11/stl.h>

#include "arrays.hpp"
#include "twintrack/api/in_memory.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/evaluation/agreement_counts.hpp"
#include "twintrack/evaluation/calibration_error.hpp"
#include "twintrack/evaluation/cohort_metrics.hpp"
#include "twintrack/evaluation/crps.hpp"
#include "twintrack/evaluation/surface_distance.hpp"
#include "twintrack/evaluation/vascular_involvement.hpp"

namespace twintrack::python {
namespace {

constexpr std::int64_t kBlock = 1 << 16;
constexpr Triple kUnitSpacing{1, 1, 1};  // of metrics that know no millimetres

py::array_t<float> mean_human_response(const std::vector<ByteArray>& raters) {
  if (raters.empty()) throw py::value_error("raters: none, at least one map is needed");
  const ByteArray& first = raters.front();
  const std::vector<MaskView> views = views_of(raters, first);
  std::vector<float> mean;
  without_gil([&] {
    mean.resize(views.front().size());
    const auto count = static_cast<float>(views.size());
    parallel_for_blocks(std::ssize(mean), kBlock, [&](std::int64_t begin, std::int64_t end) {
      for (const MaskView& rater : views) {
        int most = 0;
        for (std::int64_t i = begin; i < end; ++i) {
          most |= rater[i];
          mean[i] += static_cast<float>(rater[i]);
        }
        if (most > 1) throw InputError("raters: binary maps of 0 and 1 are needed");
      }
      for (std::int64_t i = begin; i < end; ++i) mean[i] /= count;
    });
  });
  return array_of(std::move(mean), {first.shape(), first.shape() + first.ndim()});
}

// A map and its raters, checked; what `measure` makes of them.
template <typename Measure>
auto measured(const FloatArray& probability, const std::vector<ByteArray>& raters, const Measure& measure) {
  const VolumeView<float> map = view_of(probability, "probability", kUnitSpacing);
  const std::vector<MaskView> views = views_of(raters, probability);
  return without_gil([&] {
    const CheckedProbability checked(map, "probability");
    return measure(checked.view().voxels, pack_raters(views, map.geometry, "raters"));
  });
}

double tdsc(const FloatArray& probability, const std::vector<ByteArray>& raters) {
  return measured(probability, raters,
                  [](auto voxels, const RaterSet& set) { return thresholded_dice(count_agreement(voxels, set)); });
}

std::vector<double> ece(const FloatArray& probability, const std::vector<ByteArray>& raters) {
  return measured(probability, raters,
                  [](auto voxels, const RaterSet& set) { return calibration_metrics(voxels, set).ece; });
}

py::dict brier(const FloatArray& probability, const std::vector<ByteArray>& raters) {
  const BrierScore score = measured(
      probability, raters, [](auto voxels, const RaterSet& set) { return calibration_metrics(voxels, set).brier; });
  py::dict result;
  result["score"] = score.score;
  result["reliability"] = score.reliability;
  result["resolution"] = score.resolution;
  result["uncertainty"] = score.uncertainty;
  result["within_bins"] = score.within_bins;
  return result;
}

// What `measure` makes of two masks.
template <typename Measure>
auto of_two_masks(const ByteArray& a, const ByteArray& b, const Triple& spacing_mm, const Measure& measure) {
  const Geometry grid = geometry_of(a, "a", spacing_mm);
  const MaskView second = *view_of(std::optional(b), a, "b");
  return without_gil([&] {
    check_grid(grid, span_of(a).size(), "a");
    return measure(pack_mask(span_of(a), grid, "a"), pack_mask(second, grid, "b"), grid);
  });
}

double dice_of(const ByteArray& a, const ByteArray& b) {
  return of_two_masks(a, b, kUnitSpacing,
                      [](const BitMask& x, const BitMask& y, const Geometry&) { return dice(overlap(x, y)); });
}

py::tuple distance_of(const ByteArray& a, const ByteArray& b, const Triple& spacing_mm) {
  const SurfaceDistance distance =
      of_two_masks(a, b, spacing_mm, [](const BitMask& x, const BitMask& y, const Geometry& grid) {
        return surface_distance(x, y, grid.spacing_zyx_mm());
      });
  return py::make_tuple(distance.hd95_mm, distance.average_mm);
}

double crps(double volume_mm3, const std::vector<double>& rater_volumes_mm3, const std::string& kind) {
  const VolumeDistribution raters = volume_distribution(rater_volumes_mm3);
  if (kind == "challenge") return challenge_crps_mm3(raters, volume_mm3);
  if (kind == "tabulated") return tabulated_crps_mm3(raters, volume_mm3);
  if (kind == "exact") return normal_crps_mm3(raters, volume_mm3);
  throw UsageError("kind '{}': challenge, tabulated or exact is right", kind);
}

py::object evaluate_case(const FloatArray& probability, const std::vector<ByteArray>& raters, const Triple& spacing_mm,
                         const std::optional<ByteArray>& segmentation, double threshold,
                         const std::optional<ByteArray>& vessels) {
  const EvaluationCase item{view_of(probability, "probability", spacing_mm), views_of(raters, probability),
                            view_of(segmentation, probability, "segmentation"), threshold,
                            view_of(vessels, probability, "vessels")};
  return python_of(without_gil([&] { return evaluate(item).document; }));
}

py::object contact(const FloatArray& probability, const ByteArray& vessels, const Triple& spacing_mm) {
  const VolumeView<float> map = view_of(probability, "probability", spacing_mm);
  const MaskView labels = *view_of(std::optional(vessels), probability, "vessels");
  return python_of(without_gil([&] {
    const CheckedProbability checked(map, "probability");
    return to_json(vascular_contact(checked.view(), pack_vessels(labels, map.geometry)));
  }));
}

// Metrics of cases by name, as JSON text.
py::object summary_of(const std::string& cases, int replicates, std::uint64_t seed) {
  return python_of(without_gil([&] { return summarise(parse_json(cases, "cases"), replicates, seed); }));
}

}  // namespace

void add_metrics(py::module_& module) {
  const auto map = py::arg("probability").noconvert();
  const auto raters = py::arg("raters").noconvert();
  module.def("mean_human_response", &mean_human_response, raters);
  module.def("tdsc", &tdsc, map, raters);
  module.def("ece", &ece, map, raters);
  module.def("brier", &brier, map, raters);
  module.def("dice", &dice_of, py::arg("a").noconvert(), py::arg("b").noconvert());
  module.def("surface_distance", &distance_of, py::arg("a").noconvert(), py::arg("b").noconvert(),
             py::arg("spacing_mm"));
  module.def("crps", &crps, py::arg("volume_mm3"), py::arg("rater_volumes_mm3"), py::arg("kind"));
  module.def("evaluate", &evaluate_case, map, raters, py::arg("spacing_mm"), py::arg("segmentation").noconvert(),
             py::arg("threshold"), py::arg("vessels").noconvert());
  module.def("vascular_contact", &contact, map, py::arg("vessels").noconvert(), py::arg("spacing_mm"));
  module.def("summarise", &summary_of, py::arg("cases"), py::arg("replicates"), py::arg("seed"));
}

}  // namespace twintrack::python
