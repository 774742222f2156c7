#include "twintrack/planning/training_dataset.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/planning/training_case.hpp"
#include "twintrack/volume/io.hpp"

#include <algorithm>

namespace twintrack {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaximalCases = 1'000'000;
constexpr std::string_view kChannel = "_0000";

// Readers of nnU-Net that keep a file's orientation, as ours do.
constexpr std::string_view kReaders[] = {"None", "SimpleITKIO", "NibabelIO"};

void refuse_unsupported(const JsonView& document) {
  if (const auto paths = document.find("dataset")) {
    paths->fail("cases listed by path are not supported; imagesTr and labelsTr beside dataset.json are");
  }
  const auto reader = document.find("overwrite_image_reader_writer");
  if (!reader || reader->is_null()) return;
  const std::string name = reader->as_string();
  if (std::ranges::find(kReaders, name) == std::end(kReaders)) {
    reader->fail(fmt::format("reader '{}' is not supported; SimpleITKIO and NibabelIO are", name));
  }
}

std::string read_file_ending(const JsonView& document) {
  const JsonView view = document.at("file_ending");
  std::string ending = view.as_string();
  if (!has_volume_extension("case" + ending) || volume_stem("case" + ending) != "case") {
    view.fail(fmt::format("'{}' is not supported; .nii.gz, .nii, .mha, .mhd and .nrrd are", ending));
  }
  return ending;
}

// Names of the visible files with this ending, ascending.
std::vector<std::string> list_files(const fs::path& folder, const std::string& ending) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) throw InputError("{}: no such folder", folder.string());
  std::vector<std::string> names;
  fs::directory_iterator entries(folder, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    std::string name = entries->path().filename().string();
    if (!name.starts_with('.') && name.ends_with(ending)) names.push_back(std::move(name));
  }
  if (error) throw InputError("{}: cannot be read: {}", folder.string(), error.message());
  std::ranges::sort(names);
  return names;
}

std::vector<TrainingCase> find_cases(const fs::path& folder, const std::string& ending) {
  std::vector<TrainingCase> cases;
  const std::string suffix = std::string(kChannel) + ending;
  for (const std::string& file : list_files(folder / "imagesTr", ending)) {
    const fs::path image = folder / "imagesTr" / file;
    if (!file.ends_with(suffix) || file.size() == suffix.size()) {
      throw InputError("{}: expected a name such as CASE{}; images of one channel are supported", image.string(),
                       suffix);
    }
    const std::string name = file.substr(0, file.size() - suffix.size());
    cases.push_back({name, image, folder / "labelsTr" / (name + ending)});
  }
  return cases;
}

void check_cases(const TrainingDataset& dataset, const JsonView& document, Validation validation) {
  const fs::path images = dataset.folder / "imagesTr";
  const auto found = std::ssize(dataset.cases);
  if (found == 0) {
    throw InputError("{}: no training case; expected files named CASE{}{}", images.string(), kChannel,
                     dataset.file_ending);
  }
  const JsonView count = document.at("numTraining");
  if (count.as_integer(0, kMaximalCases) != found) {
    count.fail(fmt::format("{} cases are announced, {} lie in {}", count.raw().dump(), found, images.string()));
  }
  for (const TrainingCase& item : dataset.cases) {
    std::error_code error;
    if (!fs::exists(item.labels, error)) {
      throw InputError("{}: no such file; it must hold the labels of {}", item.labels.string(), item.image.string());
    }
  }
  if (validation == Validation::held_out && found < 2) {
    throw InputError("{}: one case; at least 2 are needed to keep one for validation (fold 'all' keeps none)",
                     images.string());
  }
}

}  // namespace

std::string TrainingDataset::name() const {
  const fs::path full = fs::absolute(folder).lexically_normal();
  return (full.has_filename() ? full : full.parent_path()).filename().string();
}

TrainingDataset read_training_dataset(const fs::path& folder, Validation validation) {
  TrainingDataset result;
  result.folder = folder;
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    throw InputError("{}: no such folder; expected an nnU-Net raw dataset (dataset.json, imagesTr, labelsTr)",
                     folder.string());
  }
  result.document = read_json(result.json_path());
  const JsonView document(result.document, result.json_path().string());
  refuse_unsupported(document);
  result.dataset = parse_dataset(document);
  const std::size_t channels = document.at("channel_names").members().size();
  if (channels != 1) {
    document.at("channel_names").fail(fmt::format("{} input channels are not supported; one, a CT, is", channels));
  }
  result.file_ending = read_file_ending(document);
  result.cases = find_cases(folder, result.file_ending);
  check_cases(result, document, validation);
  return result;
}

void check_training_case(const TrainingDataset& dataset, const TrainingCase& item) {
  read_training_case(dataset, item, {});
}

std::vector<bool> known_labels(const LabelScheme& labels) {
  std::vector<bool> known(std::size_t{1} << 16, false);
  known[0] = true;
  if (labels.ignore) known[*labels.ignore] = true;
  for (const auto& members : labels.members) {
    for (const std::uint16_t value : members) known[value] = true;
  }
  return known;
}

}  // namespace twintrack
