#include "twintrack/calibration/target.hpp"

#include "twintrack/core/error.hpp"

#include <charconv>

namespace twintrack {
namespace {

constexpr std::string_view kRater = "rater:";

}  // namespace

CalibrationTarget parse_target(std::string_view text) {
  using Kind = CalibrationTarget::Kind;
  if (text == "mhr") return {Kind::mean_human_response, 0};
  if (text == "majority") return {Kind::majority, 0};
  if (text == "staple") return {Kind::staple, 0};
  if (text.starts_with(kRater)) {
    const std::string_view number = text.substr(kRater.size());
    int rater = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), rater);
    if (error == std::errc() && end == number.data() + number.size() && rater >= 1 &&
        rater <= static_cast<int>(kMaximalRaters)) {
      return {Kind::rater, rater};
    }
  }
  throw UsageError("target '{}': mhr, rater:K (K from 1 to {}), majority or staple is right", text, kMaximalRaters);
}

std::string to_string(const CalibrationTarget& target) {
  switch (target.kind) {
    case CalibrationTarget::Kind::mean_human_response:
      return "mhr";
    case CalibrationTarget::Kind::rater:
      return fmt::format("{}{}", kRater, target.rater);
    case CalibrationTarget::Kind::majority:
      return "majority";
    default:
      return "staple";
  }
}

BitMask binary_target(const CalibrationTarget& target, const RaterSet& raters, const std::string& case_name) {
  switch (target.kind) {
    case CalibrationTarget::Kind::rater:
      if (target.rater > raters.size()) {
        throw InputError("case {}: target rater:{}, but {} rater(s) are given", case_name, target.rater, raters.size());
      }
      return raters.masks[target.rater - 1];
    case CalibrationTarget::Kind::majority:
      return majority(raters);
    default:
      return staple(raters).consensus;
  }
}

}  // namespace twintrack
