#include "twintrack/report/find_case.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/pipeline/cases.hpp"
#include "twintrack/pipeline/input_identity.hpp"
#include "twintrack/volume/io.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

namespace twintrack {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kProbability = "_probability";

// STEM with any volume ending.
std::optional<fs::path> volume_called(const fs::path& folder, const std::string& stem) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path& file = entry.path();
    if (has_volume_extension(file) && volume_stem(file) == stem) found.push_back(file);
  }
  if (found.size() > 1) {
    std::ranges::sort(found);
    throw InputError("{}: {} and {} are both there; keep the one that is meant", folder.string(),
                     found[0].filename().string(), found[1].filename().string());
  }
  return found.empty() ? std::nullopt : std::optional(found.front());
}

fs::path needed_volume(const fs::path& folder, const std::string& stem) {
  const auto found = volume_called(folder, stem);
  if (!found) throw InputError("{}: there is no {}.nii.gz (or .mha, .nrrd)", folder.string(), stem);
  return *found;
}

struct Summary {
  std::string name;
  std::string input_sha256;
};

// In name order; other JSON files are passed over.
std::vector<Summary> summaries_in(const fs::path& results) {
  std::vector<Summary> summaries;
  for (const auto& entry : fs::directory_iterator(results)) {
    const fs::path& file = entry.path();
    if (file.extension() != ".json" || file.filename().string().starts_with(".")) continue;
    try {
      const Json document = read_json(file);
      const JsonView view(document, file.string());
      if (view.at("format").as_string() == "twintrack-case/1")
        summaries.push_back({file.stem().string(), view.at("input").at("sha256").as_string()});
    } catch (const InputError&) {  // not a summary of ours
    }
  }
  std::ranges::sort(summaries, {}, &Summary::name);
  return summaries;
}

std::string name_of_case(const fs::path& results, const fs::path& image) {
  const std::vector<Summary> summaries = summaries_in(results);
  if (summaries.empty()) throw InputError("{}: holds no CASE.json of `predict`", results.string());
  if (summaries.size() == 1) return summaries.front().name;
  const std::string sha256 = sha256_of_input(image);
  const std::string image_name = list_cases(image).front().name;
  std::vector<std::string> same_input;
  std::vector<std::string> all;
  for (const Summary& summary : summaries) {
    if (summary.input_sha256 == sha256) same_input.push_back(summary.name);
    all.push_back(summary.name);
  }
  if (same_input.size() == 1) return same_input.front();
  const auto& candidates = same_input.empty() ? all : same_input;
  if (std::ranges::find(candidates, image_name) != candidates.end()) return image_name;
  throw InputError("{}: holds several cases, and it is not clear which belongs to {}; --case says it: {}",
                   results.string(), image.string(), fmt::join(candidates, ", "));
}

}  // namespace

CaseFiles case_of_results(const fs::path& results, const fs::path& image, const std::optional<std::string>& name) {
  if (!fs::is_directory(results)) throw InputError("{}: is no folder with results of `predict`", results.string());
  const std::vector<Case> images = list_cases(image);
  if (images.size() != 1) throw InputError("{}: holds {} volumes; one CT is right", image.string(), images.size());
  CaseFiles files;
  files.name = name ? *name : name_of_case(results, image);
  files.image = images.front().path;
  files.summary = results / (files.name + ".json");
  if (!fs::exists(*files.summary))
    throw InputError("{}: there is no such summary of `predict`", files.summary->string());
  files.probability = needed_volume(results, files.name + std::string(kProbability));
  files.segmentation = needed_volume(results, files.name + "_segmentation");
  files.uncalibrated = volume_called(results, files.name + "_uncalibrated");
  files.roi = volume_called(results, files.name + "_roi");
  return files;
}

CaseFiles case_of_manifest(const Manifest& manifest, const std::string& name) {
  const auto item = std::ranges::find(manifest.cases, name, &CohortCase::name);
  if (item == manifest.cases.end()) throw InputError("{}: has no case '{}'", manifest.file.string(), name);
  require_one_map(*item, manifest);
  CaseFiles files;
  files.name = item->name;
  files.image = *item->image;
  files.probability = item->probability.front();
  files.segmentation = item->segmentation;
  files.roi = item->roi;
  files.vessels = item->vessels;
  files.raters = item->raters;
  std::string stem = volume_stem(files.probability);
  if (!stem.ends_with(kProbability)) return files;
  stem.resize(stem.size() - kProbability.size());
  const fs::path folder = fs::absolute(files.probability).parent_path();
  if (!fs::is_directory(folder)) return files;
  if (const fs::path summary = folder / (stem + ".json"); fs::exists(summary)) files.summary = summary;
  files.uncalibrated = volume_called(folder, stem + "_uncalibrated");
  return files;
}

}  // namespace twintrack
