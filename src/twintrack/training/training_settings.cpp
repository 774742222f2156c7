#include "twintrack/training/training_settings.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"

#include <fmt/ranges.h>

namespace twintrack {
namespace {

std::string text_of(TrainingPrecision precision) {
  switch (precision) {
    case TrainingPrecision::fp32:
      return "fp32";
    case TrainingPrecision::bf16:
      return "bf16";
    case TrainingPrecision::mixed:
      break;
  }
  return "mixed";
}

}  // namespace

Json identity_of(const TrainingSource& source, const TrainingSettings& s) {
  std::string cases;
  for (const TrainingCase& item : source.dataset.cases) cases += item.name + "\n";
  Json raters = Json::object();
  for (const auto& [name, files] : source.raters) raters[name] = files.size();
  Json identity{{"configuration", s.configuration},
                {"fold", s.fold ? Json(*s.fold) : Json("all")},
                {"epochs", s.epochs},
                {"iterations", s.iterations},
                {"validation_iterations", s.validation_iterations},
                {"learning_rate", s.learning_rate},
                {"momentum", s.network.momentum},
                {"weight_decay", s.network.weight_decay},
                {"gradient_clip", s.network.gradient_clip},
                {"foreground_share", s.foreground_share},
                {"augmentation", s.augmentation},
                {"mirroring", s.mirroring},
                {"seed", s.seed},
                {"loss", s.network.loss == TrainingLoss::cross_entropy ? "ce" : "dice-ce"},
                {"deep_supervision", s.network.deep_supervision},
                {"precision", text_of(s.network.precision)},
                {"soft_label", s.soft_label},
                {"raters", raters},
                {"plans", sha256_of(to_text(source.plans))},
                {"dataset", sha256_of(to_text(source.dataset.document))},
                {"cases", sha256_of(cases)}};
  if (!source.rater_labels.empty()) identity["rater_labels"] = source.rater_labels;
  return identity;
}

std::string differing_keys(const Json& a, const Json& b) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : a.items()) {
    if (!b.contains(key) || b[key] != value) keys.push_back(key);
  }
  for (const auto& [key, value] : b.items()) {
    if (!a.contains(key)) keys.push_back(key);
  }
  return fmt::format("{}", fmt::join(keys, ", "));
}

void check_settings(const TrainingSettings& s) {
  const auto positive = [](const char* name, std::int64_t value) {
    if (value < 1) throw UsageError("{} is {}; 1 or more is right", name, value);
  };
  positive("epochs", s.epochs);
  positive("iterations", s.iterations);
  positive("validation iterations", s.validation_iterations);
  positive("workers", s.workers);
  positive("epochs between checkpoints", s.save_every);
  const auto within = [](const char* name, double value, double low, double high) {
    if (!(value >= low && value <= high)) throw UsageError("{} is {}; {:g} to {:g} is right", name, value, low, high);
  };
  within("learning rate", s.learning_rate, 1e-8, 10);
  within("foreground share", s.foreground_share, 0, 1);
  within("momentum", s.network.momentum, 0, 0.9999);
  within("weight decay", s.network.weight_decay, 0, 1);
  within("gradient clip", s.network.gradient_clip, 1e-6, 1e9);
}

}  // namespace twintrack
