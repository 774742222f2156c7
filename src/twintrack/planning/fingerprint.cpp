#include "twintrack/planning/fingerprint.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/core/resampling.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/planning/training_case.hpp"

#include <algorithm>
#include <mutex>

namespace twintrack {
namespace {

constexpr double kMaximalIntensity = 1e9;
constexpr std::int64_t kMaximalExtent = 1 << 20;
constexpr int kIndent = 4;

struct CaseSummary {
  Spacing3 spacing_mm{};
  Shape3 shape{};
  double relative_size = 1;
  std::vector<WeightedIntensity> intensities;
};

CaseSummary summarise(CaseFacts facts, std::int64_t samples, std::uint64_t key) {
  const Shape3 shape = facts.nonzero_box.shape();
  const auto whole = static_cast<double>(voxel_count(facts.training_box.shape()));
  return {facts.geometry.spacing_zyx_mm(), shape, static_cast<double>(voxel_count(shape)) / whole,
          sample_intensities(std::move(facts.foreground), samples, key)};
}

std::vector<CaseSummary> summarise_cases(const TrainingDataset& dataset, const FingerprintOptions& options,
                                         const std::function<void()>& case_done) {
  const auto count = std::ssize(dataset.cases);
  const std::int64_t samples = std::max<std::int64_t>(options.samples / count, 1);
  std::vector<CaseSummary> cases(count);
  std::mutex reporting;
  parallel_for(count, [&](std::int64_t i) {
    throw_if_interrupted();
    cases[i] = summarise(read_training_case(dataset, dataset.cases[i], options.crop), samples, i);
    if (!case_done) return;
    const std::scoped_lock lock(reporting);
    case_done();
  });
  return cases;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return percentile_of_sorted(values, 50);
}

// Spacing within what images may have, shapes within what files hold.
Spacing3 parse_spacing(const JsonView& view) {
  const auto elements = view.elements();
  if (elements.size() != 3) view.fail(fmt::format("expected z, y, x, found {} numbers", elements.size()));
  return {elements[0].as_number(1e-3, 1e3), elements[1].as_number(1e-3, 1e3), elements[2].as_number(1e-3, 1e3)};
}

Shape3 parse_shape(const JsonView& view) {
  const auto elements = view.elements();
  if (elements.size() != 3) view.fail(fmt::format("expected z, y, x, found {} numbers", elements.size()));
  Shape3 shape{};
  for (int axis = 0; axis < 3; ++axis) shape[axis] = elements[axis].as_integer(1, kMaximalExtent);
  return shape;
}

IntensityStatistics parse_statistics(const JsonView& view) {
  const auto number = [&](const char* key) { return view.at(key).as_number(-kMaximalIntensity, kMaximalIntensity); };
  IntensityStatistics result{number("mean"),
                             number("median"),
                             view.at("std").as_number(0, kMaximalIntensity),
                             number("min"),
                             number("max"),
                             number("percentile_00_5"),
                             number("percentile_99_5")};
  if (result.percentile_00_5 > result.percentile_99_5) view.fail("percentile_00_5 is larger than percentile_99_5");
  return result;
}

}  // namespace

Fingerprint extract_fingerprint(const TrainingDataset& dataset, const FingerprintOptions& options,
                                const std::function<void()>& case_done) {
  std::vector<CaseSummary> cases = summarise_cases(dataset, options, case_done);
  Fingerprint result;
  result.crop = options.crop;
  std::vector<double> relative_sizes;
  std::vector<WeightedIntensity> intensities;
  for (CaseSummary& item : cases) {
    result.spacings_mm.push_back(item.spacing_mm);
    result.shapes_after_crop.push_back(item.shape);
    relative_sizes.push_back(item.relative_size);
    intensities.insert(intensities.end(), item.intensities.begin(), item.intensities.end());
    item.intensities = {};
  }
  if (intensities.empty()) {
    throw InputError("{}: no case has a voxel with a label other than 0; there is nothing to learn",
                     (dataset.folder / "labelsTr").string());
  }
  result.relative_size_after_crop = median(std::move(relative_sizes));
  result.foreground = statistics_of(intensities);
  return result;
}

Json to_json(const Fingerprint& fingerprint) {
  Json json = {{"foreground_intensity_properties_per_channel", {{"0", to_json(fingerprint.foreground)}}},
               {"median_relative_size_after_cropping", fingerprint.relative_size_after_crop},
               {"shapes_after_crop", fingerprint.shapes_after_crop},
               {"spacings", fingerprint.spacings_mm}};
  if (fingerprint.crop) json["crop_to_labels"] = to_json(*fingerprint.crop);
  return json;
}

Fingerprint parse_fingerprint(const JsonView& document) {
  Fingerprint result;
  for (const JsonView& view : document.at("spacings").elements()) result.spacings_mm.push_back(parse_spacing(view));
  for (const JsonView& view : document.at("shapes_after_crop").elements()) {
    result.shapes_after_crop.push_back(parse_shape(view));
  }
  if (result.spacings_mm.empty()) document.at("spacings").fail("no case; one for each training case is right");
  if (result.shapes_after_crop.size() != result.spacings_mm.size()) {
    document.at("shapes_after_crop")
        .fail(fmt::format("{} shapes for {} spacings", result.shapes_after_crop.size(), result.spacings_mm.size()));
  }
  const JsonView properties = document.at("foreground_intensity_properties_per_channel");
  if (properties.members().size() != 1) {
    properties.fail(fmt::format("{} channels are not supported; one is", properties.members().size()));
  }
  result.foreground = parse_statistics(properties.at("0"));
  result.relative_size_after_crop = document.at("median_relative_size_after_cropping").as_number(0, 1);
  result.crop = find_crop(document);
  return result;
}

Fingerprint read_fingerprint(const std::filesystem::path& path) {
  const Json document = read_json(path);
  return parse_fingerprint(JsonView(document, path.string()));
}

void write_fingerprint(const std::filesystem::path& path, const Fingerprint& fingerprint) {
  write_file(path, to_text(to_json(fingerprint), kIndent) + "\n");
}

}  // namespace twintrack
