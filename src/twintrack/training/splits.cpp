#include "twintrack/training/splits.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/json.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <numeric>
#include <random>
#include <set>

namespace twintrack {
namespace {

constexpr std::size_t kFolds = 5;
constexpr std::uint32_t kSeed = 12345;

// numpy.random.RandomState(seed).shuffle of 0, 1, ..., count - 1.
std::vector<std::size_t> shuffled_indices(std::size_t count, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<std::size_t> indices(count);
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  for (std::size_t i = count - 1; i > 0; --i) {
    const auto mask = static_cast<std::uint32_t>(std::bit_ceil(i + 1) - 1);
    std::uint32_t j = 0;
    do {
      j = static_cast<std::uint32_t>(generator()) & mask;
    } while (j > i);
    std::swap(indices[i], indices[j]);
  }
  return indices;
}

Json to_json(const std::vector<Split>& splits) {
  Json json = Json::array();
  for (const Split& split : splits) json.push_back({{"train", split.training}, {"val", split.validation}});
  return json;
}

// The names in `list`, each known and, with those in `seen`, at most once.
std::vector<std::string> read_names(const JsonView& list, const std::set<std::string>& known,
                                    std::set<std::string>& seen) {
  std::vector<std::string> names;
  for (const JsonView& element : list.elements()) {
    const std::string name = element.as_string();
    if (!known.contains(name)) element.fail(fmt::format("there is no case '{}' in the dataset", name));
    if (!seen.insert(name).second) element.fail(fmt::format("case '{}' appears twice in this fold", name));
    names.push_back(name);
  }
  if (names.empty()) list.fail("no case; at least one is needed");
  return names;
}

std::vector<Split> read_splits(const std::filesystem::path& file, const std::vector<std::string>& case_names) {
  const Json document = read_json(file);
  const JsonView view(document, file.string());
  const std::set<std::string> known(case_names.begin(), case_names.end());
  std::vector<Split> splits;
  for (const JsonView& fold : view.elements()) {
    std::set<std::string> seen;
    std::vector<std::string> training = read_names(fold.at("train"), known, seen);
    splits.push_back({std::move(training), read_names(fold.at("val"), known, seen)});
  }
  if (splits.empty()) view.fail("no fold; a list of {\"train\": [...], \"val\": [...]} is right");
  return splits;
}

}  // namespace

std::vector<Split> cross_validation_splits(std::vector<std::string> case_names) {
  if (case_names.size() < 2) {
    throw InputError("{} case(s): a split into training and validation needs 2; fold 'all' trains on all cases",
                     case_names.size());
  }
  std::sort(case_names.begin(), case_names.end());
  if (const auto repeated = std::adjacent_find(case_names.begin(), case_names.end()); repeated != case_names.end()) {
    throw InputError("case '{}' is there twice; every case needs a name of its own", *repeated);
  }
  const std::vector<std::size_t> order = shuffled_indices(case_names.size(), kSeed);
  std::vector<Split> splits(std::min(kFolds, case_names.size()));
  std::size_t begin = 0;
  for (std::size_t fold = 0; fold < splits.size(); ++fold) {
    const std::size_t size = order.size() / splits.size() + (fold < order.size() % splits.size() ? 1 : 0);
    const std::set<std::size_t> held_out(order.begin() + begin, order.begin() + begin + size);
    for (std::size_t i = 0; i < case_names.size(); ++i)
      (held_out.contains(i) ? splits[fold].validation : splits[fold].training).push_back(case_names[i]);
    begin += size;
  }
  return splits;
}

std::vector<Split> open_splits(const std::filesystem::path& file, const std::vector<std::string>& case_names) {
  if (std::filesystem::exists(file)) return read_splits(file, case_names);
  std::vector<Split> splits = cross_validation_splits(case_names);
  make_output_folder(std::filesystem::absolute(file).parent_path());
  write_file(file, to_text(to_json(splits), 4) + "\n");
  return splits;
}

Split open_split(const std::filesystem::path& file, const std::vector<std::string>& case_names,
                 const std::optional<int>& fold) {
  if (!fold) return {case_names, case_names};
  std::vector<Split> splits = open_splits(file, case_names);
  if (*fold < 0 || *fold >= std::ssize(splits)) {
    throw InputError("{}: there is no fold {}; it has folds 0 to {}, and 'all' trains on every case", file.string(),
                     *fold, splits.size() - 1);
  }
  return std::move(splits[*fold]);
}

}  // namespace twintrack
