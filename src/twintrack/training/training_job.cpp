#include "twintrack/training/training_job.hpp"

namespace twintrack {
namespace {

constexpr std::int64_t kMost = std::int64_t{1} << 40;

Json to_json(const TrainingOptions& o) {
  return {{"cross_entropy_alone", o.loss == TrainingLoss::cross_entropy},
          {"deep_supervision", o.deep_supervision},
          {"momentum", o.momentum},
          {"weight_decay", o.weight_decay},
          {"gradient_clip", o.gradient_clip},
          {"precision", static_cast<int>(o.precision)},
          {"device", o.device},
          {"processes", o.group.processes},
          {"rank", o.group.rank},
          {"rendezvous", o.group.rendezvous}};
}

TrainingOptions parse_options(const JsonView& view) {
  TrainingOptions o;
  if (view.at("cross_entropy_alone").as_bool()) o.loss = TrainingLoss::cross_entropy;
  o.deep_supervision = view.at("deep_supervision").as_bool();
  o.momentum = view.at("momentum").as_number();
  o.weight_decay = view.at("weight_decay").as_number();
  o.gradient_clip = view.at("gradient_clip").as_number();
  o.precision = static_cast<TrainingPrecision>(view.at("precision").as_integer(0, 2));
  o.device = view.at("device").as_string();
  o.group.processes = static_cast<int>(view.at("processes").as_integer(1, 1024));
  o.group.rank = static_cast<int>(view.at("rank").as_integer(0, o.group.processes - 1));
  o.group.rendezvous = view.at("rendezvous").as_string();
  return o;
}

Json to_json(const TrainingSettings& s) {
  return {{"configuration", s.configuration},
          {"fold", s.fold ? Json(*s.fold) : Json(nullptr)},
          {"epochs", s.epochs},
          {"iterations", s.iterations},
          {"validation_iterations", s.validation_iterations},
          {"learning_rate", s.learning_rate},
          {"foreground_share", s.foreground_share},
          {"augmentation", s.augmentation},
          {"mirroring", s.mirroring},
          {"seed", s.seed},
          {"network", to_json(s.network)},
          {"soft_label", s.soft_label},
          {"workers", s.workers},
          {"save_every", s.save_every}};
}

TrainingSettings parse_settings(const JsonView& view) {
  TrainingSettings s;
  const auto count = [&](const char* key) { return view.at(key).as_integer(1, kMost); };
  s.configuration = view.at("configuration").as_string();
  const JsonView fold = view.at("fold");
  s.fold = fold.is_null() ? std::nullopt : std::optional(static_cast<int>(fold.as_integer(0, 1 << 20)));
  s.epochs = count("epochs");
  s.iterations = count("iterations");
  s.validation_iterations = count("validation_iterations");
  s.learning_rate = view.at("learning_rate").as_number();
  s.foreground_share = view.at("foreground_share").as_number();
  s.augmentation = view.at("augmentation").as_bool();
  s.mirroring = view.at("mirroring").as_bool();
  s.seed = view.at("seed").raw().get<std::uint64_t>();
  s.network = parse_options(view.at("network"));
  s.soft_label = view.at("soft_label").as_string();
  s.workers = static_cast<int>(view.at("workers").as_integer(1, 1024));
  s.save_every = count("save_every");
  return s;
}

Json to_json(const TrainingSource& source) {
  Json raters = Json::object();
  for (const auto& [name, files] : source.raters) {
    for (const auto& file : files) raters[name].push_back(file.string());
  }
  return {{"dataset", source.dataset.folder.string()},
          {"dataset_json", source.dataset.document},
          {"plans", source.plans},
          {"plans_file", source.plans_file.string()},
          {"work_folder", source.work_folder.string()},
          {"raters", raters},
          {"rater_labels", source.rater_labels}};
}

TrainingSource parse_source(const JsonView& view) {
  TrainingSource source;
  source.dataset = read_training_dataset(view.at("dataset").as_string(), Validation::none);
  source.dataset.document = view.at("dataset_json").raw();
  source.dataset.dataset = parse_dataset(view.at("dataset_json"));
  source.plans = view.at("plans").raw();
  source.plans_file = view.at("plans_file").as_string();
  source.work_folder = view.at("work_folder").as_string();
  for (const auto& [name, files] : view.at("raters").members()) {
    for (const JsonView& file : files.elements()) source.raters[name].emplace_back(file.as_string());
  }
  for (const JsonView& label : view.at("rater_labels").elements()) {
    source.rater_labels.push_back(static_cast<int>(label.as_integer(0, 65535)));
  }
  return source;
}

}  // namespace

Json to_json(const TrainingJob& job) {
  return {{"source", to_json(job.source)},
          {"settings", to_json(job.settings)},
          {"model_folder", job.model_folder.string()},
          {"overwrite", job.overwrite}};
}

TrainingJob parse_job(const JsonView& document) {
  return {parse_source(document.at("source")), parse_settings(document.at("settings")),
          document.at("model_folder").as_string(), document.at("overwrite").as_bool()};
}

}  // namespace twintrack
