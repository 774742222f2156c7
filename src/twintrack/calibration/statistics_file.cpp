#include "twintrack/calibration/statistics_file.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/json.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>
#include <set>

namespace twintrack {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "twintrack-statistics/1\n";
constexpr std::size_t kHashCharacters = 64;
constexpr std::size_t kLargestFile = std::size_t{4} << 30;
constexpr std::int64_t kMostCases = 100'000;
constexpr double kMostVoxels = 0x1p53;
constexpr double kRounding = 1e-9;

template <typename T>
void append(std::string& bytes, const std::vector<T>& values) {
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

Json header_of(const CalibrationStatistics& statistics, std::size_t levels) {
  Json cases = Json::array();
  for (const CaseLevels& item : statistics.cases) {
    cases.push_back({{"name", item.name},
                     {"identity", item.identity},
                     {"raters", item.raters},
                     {"voxel_weight", item.voxel_weight},
                     {"levels", item.levels.size()}});
  }
  Json header{{"target", to_string(statistics.target)},
              {"case_weight", statistics.case_weight == CaseWeight::equal ? "equal" : "voxel"},
              {"networks_sha256", nullptr},
              {"on_grid", statistics.levels.on_grid()},
              {"levels", levels},
              {"cases", cases}};
  if (statistics.networks_sha256) header["networks_sha256"] = *statistics.networks_sha256;
  return header;
}

// Takes arrays off the front of the file's bytes.
class Payload {
 public:
  Payload(std::string_view bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  template <typename T>
  std::vector<T> take(std::size_t count, const std::string& field) {
    if (count > bytes_.size() / sizeof(T)) throw InputError("{}: truncated in {}", file_, field);
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), bytes_.data(), count * sizeof(T));
    bytes_.remove_prefix(count * sizeof(T));
    return values;
  }

  void finish() const {
    if (!bytes_.empty()) throw InputError("{}: {} bytes too many", file_, bytes_.size());
  }

 private:
  std::string_view bytes_;
  const std::string& file_;
};

std::vector<Level> take_levels(Payload& payload, const JsonView& header) {
  const JsonView field = header.at("levels");
  const auto count = static_cast<std::size_t>(field.as_integer(1, kGridLevels));
  const auto probability = payload.take<float>(count, "the levels' probabilities");
  const auto weight = payload.take<double>(count, "the levels' weights");
  const auto target = payload.take<double>(count, "the levels' targets");
  std::vector<Level> levels;
  levels.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const bool ascends = i == 0 || probability[i] > probability[i - 1];
    if (!(probability[i] >= 0 && probability[i] <= 1 && ascends)) {
      field.fail(fmt::format("level {} has probability {}; they ascend within 0 to 1", i, probability[i]));
    }
    if (!(weight[i] > 0 && weight[i] <= kMostVoxels && target[i] >= 0 && target[i] <= weight[i] * (1 + kRounding))) {
      field.fail(fmt::format("level {} has weight {} and target sum {}", i, weight[i], target[i]));
    }
    levels.push_back({probability[i], weight[i], target[i]});
  }
  return levels;
}

double sum_of(const std::vector<std::uint64_t>& counts) { return std::accumulate(counts.begin(), counts.end(), 0.0); }

CaseLevels take_case(Payload& payload, const JsonView& header, bool binary_target) {
  CaseLevels item{header.at("name").as_string(),
                  header.at("identity").as_string(),
                  static_cast<int>(header.at("raters").as_integer(1, kMaximalRaters)),
                  binary_target,
                  header.at("voxel_weight").as_number(0, 1),
                  {},
                  {},
                  {}};
  const auto levels = static_cast<std::size_t>(header.at("levels").as_integer(1, kCaseLevels));
  item.levels = payload.take<std::uint32_t>(levels, header.field());
  item.counts = payload.take<std::uint64_t>(levels * item.classes(), header.field());
  item.outside = payload.take<std::uint64_t>(item.raters + 1, header.field());
  for (std::size_t i = 0; i < levels; ++i) {
    if (item.levels[i] >= kCaseLevels || (i > 0 && item.levels[i] <= item.levels[i - 1])) {
      header.fail(fmt::format("level {} after others is not right", item.levels[i]));
    }
  }
  const double voxels = sum_of(item.counts);
  if (!(voxels > 0 && voxels + sum_of(item.outside) <= kMostVoxels)) header.fail(fmt::format("{} voxels", voxels));
  if (item.voxel_weight == 0) header.at("voxel_weight").fail("expected more than 0");
  return item;
}

CaseWeight parse_case_weight(const JsonView& field) {
  if (field.as_string() == "voxel") return CaseWeight::voxel;
  if (field.as_string() == "equal") return CaseWeight::equal;
  field.fail(fmt::format("'{}': voxel or equal is right", field.as_string()));
}

CalibrationTarget parse_target_field(const JsonView& field) {
  try {
    return parse_target(field.as_string());
  } catch (const UsageError& error) {
    field.fail(error.what());
  }
}

}  // namespace

void write_statistics(const std::filesystem::path& path, const CalibrationStatistics& statistics) {
  const std::vector<Level> levels = statistics.levels.levels();
  const std::string header = header_of(statistics, levels.size()).dump();
  std::string bytes(kMagic);
  append(bytes, std::vector<std::uint64_t>{header.size()});
  bytes += header;
  std::vector<float> probability;
  std::vector<double> weight;
  std::vector<double> target;
  for (const Level& level : levels) {
    probability.push_back(level.probability);
    weight.push_back(level.weight);
    target.push_back(level.target_sum);
  }
  append(bytes, probability);
  append(bytes, weight);
  append(bytes, target);
  for (const CaseLevels& item : statistics.cases) {
    append(bytes, item.levels);
    append(bytes, item.counts);
    append(bytes, item.outside);
  }
  bytes += sha256_of(bytes);
  write_file(path, bytes);
}

CalibrationStatistics parse_statistics(std::string_view bytes, const std::string& file) {
  if (!bytes.starts_with(kMagic)) {
    throw InputError("{}: not a file of calibration statistics (twintrack-statistics/1)", file);
  }
  if (bytes.size() < kMagic.size() + sizeof(std::uint64_t) + kHashCharacters) throw InputError("{}: truncated", file);
  const std::string_view content = bytes.substr(0, bytes.size() - kHashCharacters);
  if (sha256_of(content) != bytes.substr(content.size())) {
    throw InputError("{}: damaged or truncated, its SHA-256 is another", file);
  }
  Payload payload(content.substr(kMagic.size()), file);
  const std::size_t header_size = payload.take<std::uint64_t>(1, "the header").front();
  const std::vector<char> text = payload.take<char>(header_size, "the header");
  const Json document = parse_json({text.data(), text.size()}, file);
  const JsonView header(document, file);

  CalibrationStatistics statistics;
  statistics.target = parse_target_field(header.at("target"));
  statistics.case_weight = parse_case_weight(header.at("case_weight"));
  if (const JsonView networks = header.at("networks_sha256"); !networks.is_null()) {
    statistics.networks_sha256 = networks.as_string();
  }
  const std::vector<Level> levels = take_levels(payload, header);
  if (header.at("on_grid").as_bool()) statistics.levels.move_to_grid();
  statistics.levels.add(levels);
  const bool binary = statistics.target.kind != CalibrationTarget::Kind::mean_human_response;
  const JsonView list = header.at("cases");
  std::set<std::string> names;
  for (const JsonView& item : list.elements()) {
    if (static_cast<std::int64_t>(names.size()) == kMostCases) list.fail("more than 100000 cases");
    statistics.cases.push_back(take_case(payload, item, binary));
    if (!names.insert(statistics.cases.back().name).second) item.at("name").fail("stands there twice");
  }
  if (statistics.cases.empty()) list.fail("no cases");
  payload.finish();
  return statistics;
}

CalibrationStatistics read_statistics(const std::filesystem::path& path) {
  return parse_statistics(read_file(path, kLargestFile), path.string());
}

}  // namespace twintrack
