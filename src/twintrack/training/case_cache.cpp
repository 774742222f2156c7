#include "twintrack/training/case_cache.hpp"

#include "twintrack/cohort/case_files.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/nnunet/preprocessing.hpp"
#include "twintrack/pipeline/input_identity.hpp"
#include "twintrack/training/foreground_voxels.hpp"
#include "twintrack/training/segmentation_resampling.hpp"
#include "twintrack/volume/io.hpp"

#include <algorithm>
#include <optional>

namespace twintrack {
namespace {

namespace fs = std::filesystem;

constexpr int kRecipe = 1;                // counted up when the same sources and rules would give another file
constexpr std::uint64_t kSeed = 1234;     // of foreground positions, as nnU-Net's
constexpr std::int64_t kBlock = 1 << 16;  // voxels; a multiple of 64
constexpr const char* kEnding = ".twtrcase";

const std::vector<fs::path>& raters_of(const TrainingCase& item, const CacheRequest& request) {
  static const std::vector<fs::path> none;
  const auto found = request.raters.find(item.name);
  return found == request.raters.end() ? none : found->second;
}

Json to_json(const ResamplingRule& rule) {
  return {{"order", rule.order},
          {"order_z", rule.order_z},
          {"force_separate_z", rule.force_separate_z ? Json(*rule.force_separate_z) : Json()}};
}

Json to_json(const Channel& channel) {
  const IntensityProperties& p = channel.intensities;
  return {{"normalization", static_cast<int>(channel.normalization)},
          {"use_mask_for_norm", channel.use_mask_for_norm},
          {"intensities", {p.mean, p.std, p.percentile_00_5, p.percentile_99_5}}};
}

// Everything that is the same for all cases and decides what is in their files.
Json rules(const CacheRequest& request) {
  const LabelScheme& labels = request.dataset.dataset.labels;
  Json channels = Json::array();
  for (const Channel& channel : request.plans.channels) channels.push_back(to_json(channel));
  return {{"recipe", kRecipe},
          {"transpose_forward", request.plans.transpose_forward},
          {"spacing_mm", request.plans.spacing_mm},
          {"channels", channels},
          {"data_resampling", to_json(request.plans.data_resampling)},
          {"segmentation_resampling", to_json(segmentation_resampling(request.plans))},
          {"regions", labels.regions},
          {"members", labels.members},
          {"ignore", labels.ignore ? Json(*labels.ignore) : Json()},
          {"box", request.box ? Json(request.box_rule) : Json()},
          {"tumor_labels", request.tumor_labels}};
}

// The files whose bytes are a volume: a MetaImage header has its voxels in a file of the same stem.
std::vector<fs::path> source_files(const fs::path& volume) {
  if (volume.extension() != ".mhd") return {volume};
  std::vector<fs::path> files;
  const fs::path folder = volume.has_parent_path() ? volume.parent_path() : fs::path(".");
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && name.starts_with(volume.stem().string() + ".")) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string identity_of(const TrainingCase& item, const CacheRequest& request, const Json& rules) {
  std::vector<fs::path> volumes{item.image, item.labels};
  volumes.insert(volumes.end(), raters_of(item, request).begin(), raters_of(item, request).end());
  std::vector<std::string> sums(volumes.size());
  parallel_for(std::ssize(volumes), [&](std::int64_t i) {
    for (const fs::path& file : source_files(volumes[i])) sums[i] += sha256_of_input(file);
  });
  return sha256_of(to_text(Json{{"case", item.name}, {"sources", sums}, {"rules", rules}}));
}

LabelSet set_of(const std::vector<std::uint16_t>& labels) {
  LabelSet set(kTrainingLabels);
  for (const std::uint16_t label : labels) {
    if (label < kTrainingLabels) set[label] = true;
  }
  return set;
}

// Index of the first label that is not known, if any.
template <typename T>
std::optional<std::int64_t> first_unknown(std::span<const T> labels, const std::vector<bool>& known) {
  const std::int64_t blocks = (std::ssize(labels) + kBlock - 1) / kBlock;
  const std::vector<std::uint8_t> is_known(known.begin(), known.end());
  std::vector<std::int64_t> first(blocks, -1);
  parallel_for_blocks(std::ssize(labels), kBlock, [&](std::int64_t begin, std::int64_t end) {
    const auto unknown = [&](T label) { return label < 0 || label >= std::ssize(is_known) || is_known[label] == 0; };
    const auto part = labels.subspan(begin, end - begin);
    const auto found = std::find_if(part.begin(), part.end(), unknown);
    if (found != part.end()) first[begin / kBlock] = begin + (found - part.begin());
  });
  const auto found = std::find_if(first.begin(), first.end(), [](std::int64_t index) { return index >= 0; });
  return found == first.end() ? std::nullopt : std::optional(*found);
}

Volume<std::uint16_t> read_training_labels(const TrainingCase& item, const LabelScheme& scheme) {
  Volume<std::uint16_t> labels = read_labels(item.labels);
  if (const auto voxel = first_unknown(std::span<const std::uint16_t>(labels.voxels), known_labels(scheme))) {
    throw InputError("{}: label {} at {} is not among the labels of dataset.json", item.labels.string(),
                     labels.voxels[*voxel], voxel_name(*voxel, labels.geometry));
  }
  return labels;
}

Box3 box_of(const TrainingCase& item, const CacheRequest& request, const Volume<std::uint16_t>& labels) {
  const Shape3 shape = labels.geometry.shape();
  if (!request.box) return {{0, 0, 0}, shape};
  const Box3 box = request.box(item, labels);
  bool inside = !box.empty();
  for (int axis = 0; axis < 3; ++axis) inside = inside && box.begin[axis] >= 0 && box.end[axis] <= shape[axis];
  if (!inside) {
    throw InputError("{}: the box to train on ({}) is empty or reaches out of the volume", item.labels.string(),
                     request.box_rule);
  }
  return box;
}

// Share of the raters who mark each voxel.
Volume<float> mean_of_raters(const std::vector<fs::path>& files, const CacheRequest& request,
                             const Geometry& image_geometry, const fs::path& image) {
  const RaterSet raters = read_raters(files, request.tumor_labels);
  require_same_grid(image_geometry, image, raters.geometry, files.front());
  Volume<float> share{raters.geometry, std::vector<float>(raters.geometry.voxel_count())};
  parallel_for_blocks(std::ssize(share.voxels), kBlock, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::uint8_t> counts(end - begin);
    rater_counts(raters, begin, counts);
    for (std::int64_t i = begin; i < end; ++i)
      share.voxels[i] = static_cast<float>(counts[i - begin]) / static_cast<float>(raters.size());
  });
  return share;
}

void sample_foreground(CaseContents& contents, const LabelScheme& scheme) {
  std::uint64_t key = kSeed;
  for (const char letter : contents.name) key = combine_bits(key, static_cast<unsigned char>(letter));
  for (std::size_t channel = scheme.regions ? 0 : 1; channel < scheme.members.size(); ++channel) {
    Random random(key, channel);
    contents.classes.push_back(scheme.names[channel]);
    contents.foreground.push_back(sample_voxels(contents.labels, set_of(scheme.members[channel]), random));
  }
  if (!scheme.ignore) return;
  LabelSet annotated(kTrainingLabels, true);
  if (*scheme.ignore < kTrainingLabels) annotated[*scheme.ignore] = false;
  Random random(key, scheme.members.size());
  contents.annotated = sample_voxels(contents.labels, annotated, random);
}

CaseContents make_case(const TrainingCase& item, const CacheRequest& request, const std::string& identity) {
  const LabelScheme& scheme = request.dataset.dataset.labels;
  CaseContents contents;
  contents.name = item.name;
  contents.identity = identity;
  contents.spacing_mm = request.plans.spacing_mm;
  Volume<float> image = read_volume(item.image);
  const Geometry geometry = image.geometry;
  Volume<std::uint16_t> labels = read_training_labels(item, scheme);
  require_same_grid(geometry, item.image, labels.geometry, item.labels);
  contents.box = box_of(item, request, labels);
  Preprocessed preprocessed = preprocess(image, contents.box, request.plans);
  image.voxels = {};
  contents.shape = preprocessed.shape;
  contents.image = std::move(preprocessed.values);
  contents.labels = preprocess_labels(labels, preprocessed, request.plans);
  labels.voxels = {};
  if (const auto& raters = raters_of(item, request); !raters.empty()) {
    contents.soft = preprocess_soft(mean_of_raters(raters, request, geometry, item.image), preprocessed, request.plans);
  }
  sample_foreground(contents, scheme);
  return contents;
}

std::optional<OpenedCase> open_checked(const fs::path& path, const std::string& identity, const LabelScheme& scheme) {
  std::optional<OpenedCase> opened = open_case_file(path, identity);
  if (opened && first_unknown(opened->item.labels, known_labels(scheme))) {
    throw InputError("{}: is damaged: it has labels that the dataset does not know", path.string());
  }
  return opened;
}

OpenedCase open_or_make(const TrainingCase& item, const CacheRequest& request, const Json& rules,
                        std::vector<std::string>& warnings) {
  const fs::path path = request.folder / (item.name + kEnding);
  const LabelScheme& scheme = request.dataset.dataset.labels;
  const std::string identity = identity_of(item, request, rules);
  try {
    if (auto opened = open_checked(path, identity, scheme)) return std::move(*opened);
  } catch (const InputError& error) {
    warnings.push_back(fmt::format("{}; it is made anew", error.what()));
  }
  write_case_file(path, make_case(item, request, identity));
  if (auto opened = open_checked(path, identity, scheme)) return std::move(*opened);
  throw ResourceError("{}: was written and is gone; another process uses this folder", path.string());
}

const TrainingCase& find_case(const CacheRequest& request, const std::string& name) {
  const auto& cases = request.dataset.cases;
  const auto found =
      std::find_if(cases.begin(), cases.end(), [&](const TrainingCase& item) { return item.name == name; });
  if (found == cases.end()) {
    throw InputError("{}: there is no case '{}' in the dataset", request.dataset.folder.string(), name);
  }
  if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos) {
    throw InputError("{}: case '{}' cannot be the name of a file", request.dataset.folder.string(), name);
  }
  return *found;
}

void check(const CacheRequest& request) {
  if (request.plans.channels.size() != 1) {
    throw InputError("{}: {} input channels; training on one channel is supported", request.dataset.folder.string(),
                     request.plans.channels.size());
  }
  if (request.box && request.box_rule.empty()) throw InputError("a box to train on needs a rule that names it");
}

}  // namespace

CaseCache open_case_cache(const CacheRequest& request, const std::vector<std::string>& wanted_cases,
                          const CacheProgress& progress) {
  check(request);
  std::vector<const TrainingCase*> wanted;
  wanted.reserve(wanted_cases.size());
  for (const std::string& name : wanted_cases) wanted.push_back(&find_case(request, name));
  make_output_folder(request.folder);
  const Json common = rules(request);
  std::vector<MappedFile> files;
  std::vector<CachedCase> cases;
  std::vector<std::string> warnings;
  for (const TrainingCase* const item : wanted) {
    try {
      OpenedCase opened = open_or_make(*item, request, common, warnings);
      files.push_back(std::move(opened.file));
      cases.push_back(std::move(opened.item));
    } catch (const InputError& error) {
      throw InputError("case '{}': {}", item->name, error.what());
    }
    if (progress) progress(std::ssize(cases), std::ssize(wanted));
  }
  return {std::move(files), std::move(cases), std::move(warnings)};
}

}  // namespace twintrack
