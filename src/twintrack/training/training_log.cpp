#include "twintrack/training/training_log.hpp"

#include <cmath>
#include <limits>

namespace twintrack {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double number_or_nan(const JsonView& view) { return view.is_null() ? kNone : view.as_number(); }

Json dice_of(const EpochReport& report) {
  Json list = Json::array();
  for (const double value : report.dice) list.push_back(number_or_null(value));
  return list;
}

Json list_of(const std::vector<EpochReport>& epochs, const auto& value) {
  Json list = Json::array();
  for (const EpochReport& epoch : epochs) list.push_back(value(epoch));
  return list;
}

}  // namespace

Json to_json(const EpochReport& r) {
  return {{"epoch", r.epoch},
          {"learning_rate", r.learning_rate},
          {"training_loss", number_or_null(r.training_loss)},
          {"validation_loss", number_or_null(r.validation_loss)},
          {"dice", dice_of(r)},
          {"mean_dice", number_or_null(r.mean_dice)},
          {"smoothed_dice", number_or_null(r.smoothed_dice)},
          {"seconds", r.seconds},
          {"patches_per_second", r.patches_per_second},
          {"loading_seconds", r.loading_seconds},
          {"forward_seconds", r.forward_seconds},
          {"backward_seconds", r.backward_seconds},
          {"validation_seconds", r.validation_seconds},
          {"end_time", r.end_time}};
}

EpochReport parse_epoch(const JsonView& view) {
  EpochReport r;
  constexpr std::int64_t most = std::int64_t{1} << 40;
  r.epoch = view.at("epoch").as_integer(0, most);
  r.learning_rate = view.at("learning_rate").as_number();
  r.training_loss = number_or_nan(view.at("training_loss"));
  r.validation_loss = number_or_nan(view.at("validation_loss"));
  for (const JsonView& value : view.at("dice").elements()) r.dice.push_back(number_or_nan(value));
  r.mean_dice = number_or_nan(view.at("mean_dice"));
  r.smoothed_dice = number_or_nan(view.at("smoothed_dice"));
  r.seconds = view.at("seconds").as_number();
  r.patches_per_second = view.at("patches_per_second").as_number();
  r.loading_seconds = view.at("loading_seconds").as_number();
  r.forward_seconds = view.at("forward_seconds").as_number();
  r.backward_seconds = view.at("backward_seconds").as_number();
  r.validation_seconds = view.at("validation_seconds").as_number();
  r.end_time = view.at("end_time").as_integer(0, most);
  return r;
}

Json nnunet_logging(const std::vector<EpochReport>& epochs) {
  const auto numbers = [&](double EpochReport::*member) {
    return list_of(epochs, [&](const EpochReport& r) { return number_or_null(r.*member); });
  };
  const auto end = [](const EpochReport& r) { return static_cast<double>(r.end_time); };
  const auto start = [&](const EpochReport& r) { return end(r) - r.seconds; };
  return {
      {"mean_fg_dice", numbers(&EpochReport::mean_dice)},     {"ema_fg_dice", numbers(&EpochReport::smoothed_dice)},
      {"dice_per_class_or_region", list_of(epochs, dice_of)}, {"train_losses", numbers(&EpochReport::training_loss)},
      {"val_losses", numbers(&EpochReport::validation_loss)}, {"lrs", numbers(&EpochReport::learning_rate)},
      {"epoch_start_timestamps", list_of(epochs, start)},     {"epoch_end_timestamps", list_of(epochs, end)}};
}

}  // namespace twintrack
