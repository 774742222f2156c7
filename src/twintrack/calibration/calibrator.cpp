#include "twintrack/calibration/calibrator.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/core/parallel.hpp"

#include <algorithm>
#include <array>

namespace twintrack {
namespace {

constexpr std::int64_t kBlock = 1 << 15;

std::vector<float> read_knots(const JsonView& view, bool strictly) {
  std::vector<float> knots;
  double last = strictly ? -1.0 : 0.0;
  for (const JsonView& element : view.elements()) {
    const double value = element.as_number(0, 1);
    if (value < last || (strictly && value == last)) {
      element.fail(fmt::format("{} after {}: knots must ascend", value, last));
    }
    knots.push_back(static_cast<float>(value));
    last = value;
  }
  if (knots.empty()) view.fail("no knots");
  return knots;
}

}  // namespace

float Calibrator::operator()(float probability) const {
  const auto above = std::upper_bound(x.begin(), x.end(), probability);
  if (above == x.begin()) return y.front();
  if (above == x.end()) return y.back();
  const auto i = above - x.begin();
  return y[i - 1] + (y[i] - y[i - 1]) * ((probability - x[i - 1]) / (x[i] - x[i - 1]));
}

void Calibrator::apply(std::span<float> probabilities) const {
  parallel_for_blocks(static_cast<std::int64_t>(probabilities.size()), kBlock,
                      [&](std::int64_t begin, std::int64_t end) {
                        for (std::int64_t i = begin; i < end; ++i) probabilities[i] = (*this)(probabilities[i]);
                      });
}

double Calibrator::share_outside_support(std::span<const float> probabilities,
                                         std::span<const std::uint8_t> mask) const {
  if (!support) return 0;
  std::vector<std::array<std::int64_t, 2>> counts((probabilities.size() + kBlock - 1) / kBlock);  // inside, outside
  parallel_for_blocks(static_cast<std::int64_t>(probabilities.size()), kBlock,
                      [&](std::int64_t begin, std::int64_t end) {
                        auto& count = counts[begin / kBlock];
                        for (std::int64_t i = begin; i < end; ++i) {
                          const float p = probabilities[i];
                          if (mask[i] != 0) ++count[p < support->first || p > support->second ? 1 : 0];
                        }
                      });
  std::array<std::int64_t, 2> sum{};
  for (const auto& count : counts) {
    sum[0] += count[0];
    sum[1] += count[1];
  }
  return sum[1] == 0 ? 0.0 : static_cast<double>(sum[1]) / static_cast<double>(sum[0] + sum[1]);
}

Calibrator parse_calibrator(const JsonView& document) {
  const JsonView format = document.at("format");
  if (format.as_string() != kCalibratorFormat) {
    format.fail(fmt::format("'{}' is not supported; {} is", format.as_string(), kCalibratorFormat));
  }
  Calibrator calibrator{document.at("target").as_string(), read_knots(document.at("x"), true),
                        read_knots(document.at("y"), false)};
  if (calibrator.x.size() != calibrator.y.size()) {
    document.at("y").fail(fmt::format("{} values for {} knots in x", calibrator.y.size(), calibrator.x.size()));
  }
  if (const auto support = document.find("support"); support && !support->is_null()) {
    const auto low = static_cast<float>(support->at("low").as_number(0, 1));
    calibrator.support = {low, static_cast<float>(support->at("high").as_number(low, 1))};
  }
  if (const auto networks = document.find("networks_sha256"); networks && !networks->is_null()) {
    calibrator.networks_sha256 = networks->as_string();
  }
  return calibrator;
}

Calibrator read_calibrator(const std::filesystem::path& path) {
  const Json document = read_json(path);
  return parse_calibrator(JsonView(document, path.string()));
}

}  // namespace twintrack
