#include "twintrack/phantom/cohort_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/phantom/anatomy.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::phantom {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "twintrack-phantom/1";
constexpr const char* kNote = "Synthetic: computed from a seed, no patient.";

std::string name_of(Layout layout) { return layout == Layout::curvas ? "curvas" : "nnunet"; }
std::string name_of(TrainingLabels labels) { return labels == TrainingLabels::panorama ? "panorama" : "pancreas"; }

Json to_json(const CohortSettings& settings) {
  const PhantomOptions& p = settings.phantom;
  Json document{{"format", kFormat},    {"research_use", kResearchUse},
                {"note", kNote},        {"layout", name_of(settings.layout)},
                {"seed", p.seed},       {"size", nullptr},
                {"spacing_mm", nullptr}};
  if (p.size) document["size"] = *p.size;
  if (p.spacing_mm) document["spacing_mm"] = *p.spacing_mm;
  if (settings.layout == Layout::curvas) document["raters"] = p.raters;
  if (settings.layout == Layout::nnunet) document["labels"] = name_of(settings.labels);
  return document;
}

fs::path image_file(const fs::path& folder, const std::string& name) {
  return folder / "imagesTr" / (name + "_0000.nii.gz");
}
fs::path label_file(const fs::path& folder, const std::string& name) {
  return folder / "labelsTr" / (name + ".nii.gz");
}

bool is_case_name(const std::string& name) {
  constexpr std::string_view start = "phantom_";
  return name.starts_with(start) && name.size() > start.size() &&
         name.find_first_not_of("0123456789", start.size()) == std::string::npos;
}

std::vector<std::string> complete_cases(const fs::path& folder, Layout layout) {
  std::vector<std::string> names;
  const fs::path list = layout == Layout::curvas ? folder : folder / "labelsTr";
  if (!fs::is_directory(list)) return names;
  for (const auto& entry : fs::directory_iterator(list)) {
    const std::string name = layout == Layout::curvas ? entry.path().filename().string() : volume_stem(entry.path());
    if (is_case_name(name) && is_complete(folder, layout, name)) names.push_back(name);
  }
  std::ranges::sort(names, {}, [](const std::string& name) { return std::pair(name.size(), name); });
  return names;
}

void remove_case(const fs::path& folder, Layout layout, const std::string& name) {
  if (layout == Layout::curvas) {
    fs::remove_all(folder / name);
  } else {
    fs::remove(label_file(folder, name));
    fs::remove(image_file(folder, name));
  }
}

// The box's values on the whole grid.
template <typename T>
Volume<T> on_grid(const Phantom& phantom, const std::vector<T>& values) {
  const Geometry& grid = phantom.image.geometry;
  Volume<T> volume{grid, std::vector<T>(static_cast<std::size_t>(grid.voxel_count()))};
  const Shape3 shape = phantom.box.shape();
  if (phantom.box.empty()) return volume;
  for (std::int64_t z = 0; z < shape[0]; ++z) {
    for (std::int64_t y = 0; y < shape[1]; ++y) {
      const std::int64_t to =
          ((z + phantom.box.begin[0]) * grid.size[1] + y + phantom.box.begin[1]) * grid.size[0] + phantom.box.begin[2];
      std::copy_n(values.begin() + (z * shape[1] + y) * shape[2], shape[2], volume.voxels.begin() + to);
    }
  }
  return volume;
}

void write_curvas_case(const fs::path& folder, const CohortSettings& settings, const Phantom& phantom) {
  AtomicFolder target(folder / phantom.name);
  const auto path = [&](const std::string& stem) { return target.path() / (stem + ".nii.gz"); };
  write_volume(path("image"), phantom.image);
  for (std::size_t k = 0; k < phantom.raters.size(); ++k) {
    throw_if_interrupted();
    write_volume(path(fmt::format("annotation_{}", k + 1)), on_grid(phantom, phantom.raters[k]));
  }
  write_volume(path("mhr"), on_grid(phantom, phantom.mean_human_response));
  write_volume(path("labels"), phantom.labels);
  write_volume(path("vessels"), phantom.vessels);
  const Json document{
      {"format", kFormat},     {"research_use", kResearchUse},  {"note", kNote},
      {"case", phantom.name},  {"seed", settings.phantom.seed}, {"facts", phantom::to_json(phantom.facts)},
      {"twintrack", version()}};
  write_file(target.path() / "case.json", document.dump(1) + "\n");
  target.commit();
}

Volume<std::uint8_t> pancreas_alone(Volume<std::uint8_t> labels) {
  for (std::uint8_t& label : labels.voxels) {
    const auto known = static_cast<Label>(label);
    label = known == Label::pancreas || known == Label::tumor || known == Label::pancreatic_duct ? 1 : 0;
  }
  return labels;
}

void write_nnunet_case(const fs::path& folder, const CohortSettings& settings, const Phantom& phantom) {
  make_output_folder(folder / "imagesTr");
  make_output_folder(folder / "labelsTr");
  // The label file says that the case is complete: of another run's case it goes first.
  fs::remove(label_file(folder, phantom.name));
  write_volume(image_file(folder, phantom.name), phantom.image);
  write_volume(label_file(folder, phantom.name),
               settings.labels == TrainingLabels::pancreas ? pancreas_alone(phantom.labels) : phantom.labels);
}

std::string manifest_of(const std::vector<std::string>& cases, int raters) {
  std::string text = "case,image,raters,vessels\n";
  for (const std::string& name : cases) {
    text += fmt::format("{0},{0}/image.nii.gz,", name);
    for (int k = 1; k <= raters; ++k) text += fmt::format("{}{}/annotation_{}.nii.gz", k > 1 ? ";" : "", name, k);
    text += fmt::format(",{}/vessels.nii.gz\n", name);
  }
  return text;
}

Json dataset_of(std::int64_t cases, TrainingLabels labels) {
  Json names{{"background", 0}};
  if (labels == TrainingLabels::pancreas) {
    names["pancreas"] = 1;
  } else {
    const char* const panorama[] = {"tumor", "veins", "arteries", "pancreas", "pancreatic_duct", "common_bile_duct"};
    for (int i = 0; i < 6; ++i) names[panorama[i]] = i + 1;
  }
  return {{"channel_names", {{"0", "CT"}}}, {"labels", names},      {"numTraining", cases},
          {"file_ending", ".nii.gz"},       {"description", kNote}, {"research_use", kResearchUse}};
}

}  // namespace

void open_cohort(const fs::path& folder, const CohortSettings& settings, bool overwrite) {
  make_output_folder(folder);
  const fs::path file = folder / "phantom.json";
  const Json document = to_json(settings);
  if (fs::exists(file)) {
    const Json known = read_json(file);
    if (known == document) return;
    if (!overwrite) {
      std::string differing;
      for (const auto& [key, value] : document.items()) {
        if (!known.is_object() || !known.contains(key) || known[key] != value)
          differing += (differing.empty() ? "" : ", ") + key;
      }
      throw UsageError(
          "{}: this cohort was made with other settings ({}); another folder, or --overwrite to replace it",
          file.string(), differing);
    }
    for (const Layout layout : {Layout::curvas, Layout::nnunet})
      for (const std::string& name : complete_cases(folder, layout)) remove_case(folder, layout, name);
    fs::remove(folder / "manifest.csv");
    fs::remove(folder / "dataset.json");
  }
  write_file(file, document.dump(1) + "\n");
}

bool is_complete(const fs::path& folder, Layout layout, const std::string& name) {
  if (layout == Layout::curvas) return fs::exists(folder / name / "case.json");
  return fs::exists(label_file(folder, name)) && fs::exists(image_file(folder, name));
}

void write_case(const fs::path& folder, const CohortSettings& settings, const Phantom& phantom) {
  if (settings.layout == Layout::curvas) {
    write_curvas_case(folder, settings, phantom);
  } else {
    write_nnunet_case(folder, settings, phantom);
  }
}

std::int64_t write_index(const fs::path& folder, const CohortSettings& settings) {
  const std::vector<std::string> cases = complete_cases(folder, settings.layout);
  if (settings.layout == Layout::curvas) {
    write_file(folder / "manifest.csv", manifest_of(cases, settings.phantom.raters));
  } else {
    write_file(folder / "dataset.json", dataset_of(std::ssize(cases), settings.labels).dump(1) + "\n");
  }
  return std::ssize(cases);
}

}  // namespace twintrack::phantom
