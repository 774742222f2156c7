#include "twintrack/tensor/training_checkpoint.hpp"

#include <limits>
#include <map>
#include <span>
#include <string_view>

#include "twintrack/core/error.hpp"
#include "twintrack/tensor/checkpoint_fields.hpp"
#include "twintrack/tensor/pickle_json.hpp"

namespace twintrack {
namespace {

using pickle::Document;
using pickle::Id;
using pickle::Kind;

class Reader {
 public:
  explicit Reader(const ByteSource& source)
      : archive_(source), document_(archive_.document()), limits_(pickle::json_limits_for(source.size())) {}

  TrainingCheckpoint read() {
    TrainingCheckpoint checkpoint;
    NetworkWeights weights = load_network_weights(archive_);
    checkpoint.parameters = std::move(weights.parameters);
    checkpoint.order = std::move(weights.order);
    if (const auto optimizer = find_dictionary(archive_, "optimizer_state")) read_optimizer(*optimizer, checkpoint);
    checkpoint.epoch = read_epoch();
    if (const Json best = json_of("_best_ema"); best.is_number()) checkpoint.best_ema = best.get<double>();
    checkpoint.logging = object_of("logging");
    checkpoint.init_args = object_of("init_args");
    checkpoint.trainer_name = find_text(archive_, document_.root(), "trainer_name");
    checkpoint.mirroring_axes = find_mirroring_axes(archive_);
    checkpoint.twintrack = json_of("twintrack");
    return checkpoint;
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw InputError("{}: {}", archive_.file(), fmt::format(format, std::forward<Args>(args)...));
  }

  Json json_of(const std::string& key) {
    const auto found = document_.find(document_.root(), key);
    return found ? pickle::to_json(document_, *found, limits_, archive_.file(), key) : Json(nullptr);
  }

  Json object_of(const std::string& key) { return find_dictionary(archive_, key) ? json_of(key) : Json::object(); }

  std::int64_t read_epoch() {
    const Json epoch = json_of("current_epoch");
    if (epoch.is_null()) return 0;
    const bool valid = epoch.is_number_integer() && !(epoch.is_number_unsigned() && epoch.get<std::int64_t>() < 0) &&
                       epoch.get<std::int64_t>() >= 0;
    if (!valid) fail("current_epoch should be a whole number of at least 0");
    return epoch.get<std::int64_t>();
  }

  void read_optimizer(Id optimizer, TrainingCheckpoint& checkpoint) {
    const std::vector<Id> parameters = read_groups(optimizer, checkpoint);
    const auto state = document_.find(optimizer, "state");
    if (!state) return;
    if (document_.kind(*state) != Kind::dictionary) {
      fail("optimizer_state: state should be a dictionary, it is {}", document_.describe(*state));
    }
    const std::map<std::int64_t, Id> buffers = momentum_buffers(*state);
    if (buffers.empty()) return;
    if (parameters.size() != checkpoint.order.size()) {
      fail(
          "optimizer_state: param_groups should be one group of {} parameters, as network_weights hold; it is {} of {}",
          checkpoint.order.size(), groups_, parameters.size());
    }
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const std::string& name = checkpoint.order[i];
      const auto buffer = buffers.find(integer_of(parameters[i], "param_groups: params"));
      const Tensor& parameter = checkpoint.parameters.at(name);
      checkpoint.momenta.emplace(
          name, buffer == buffers.end() ? zeros_like(parameter) : load_momentum(buffer->second, name, parameter));
    }
  }

  // Takes the numbers from the first group; returns its params, nothing where there are several groups.
  std::vector<Id> read_groups(Id optimizer, TrainingCheckpoint& checkpoint) {
    const auto groups = document_.find(optimizer, "param_groups");
    const bool valid = groups && document_.kind(*groups) == Kind::list && !document_.children(*groups).empty();
    if (!valid) fail("optimizer_state: param_groups should be a list of groups");
    groups_ = document_.children(*groups).size();
    const Id group = document_.children(*groups)[0];
    if (document_.kind(group) != Kind::dictionary) {
      fail("optimizer_state: param_groups[0] should be a dictionary, it is {}", document_.describe(group));
    }
    read_number(group, "lr", checkpoint.learning_rate);
    read_number(group, "momentum", checkpoint.momentum);
    read_number(group, "weight_decay", checkpoint.weight_decay);
    const auto params = document_.find(group, "params");
    if (groups_ != 1 || !params || document_.kind(*params) != Kind::list) return {};
    const std::span<const Id> ids = document_.children(*params);
    return {ids.begin(), ids.end()};
  }

  // Stays what it is where the group of another optimizer has no such number.
  void read_number(Id group, const std::string& key, double& number) {
    const auto found = document_.find(group, key);
    if (!found) return;
    const std::string field = "optimizer_state: param_groups[0]: " + key;
    const Json value = pickle::to_json(document_, *found, limits_, archive_.file(), field);
    if (!value.is_number()) fail("{} should be a finite number, it is {}", field, document_.describe(*found));
    number = value.get<double>();
  }

  // The buffers by number of parameter; none for optimizers that have no momentum_buffer.
  std::map<std::int64_t, Id> momentum_buffers(Id state) {
    std::map<std::int64_t, Id> buffers;
    const std::span<const Id> items = document_.children(state);
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      const std::int64_t index = integer_of(items[i], "state");
      if (document_.kind(items[i + 1]) != Kind::dictionary) {
        fail("optimizer_state: state: {} should be a dictionary, it is {}", index, document_.describe(items[i + 1]));
      }
      const auto buffer = document_.find(items[i + 1], "momentum_buffer");
      if (buffer && document_.kind(*buffer) != Kind::none) buffers.insert_or_assign(index, *buffer);
    }
    return buffers;
  }

  std::int64_t integer_of(Id id, std::string_view field) const {
    if (document_.kind(id) != Kind::integer) {
      fail("optimizer_state: {}: the number of a parameter should be an integer, it is {}", field,
           document_.describe(id));
    }
    return document_.integer(id);
  }

  Tensor load_momentum(Id buffer, const std::string& name, const Tensor& parameter) {
    const std::string place = fmt::format("optimizer_state: momentum_buffer of {}", in_quotes(name));
    auto momentum = archive_.load(buffer, place);
    if (!momentum) fail("{}: should hold floating-point numbers", place);
    if (momentum->shape != parameter.shape) {
      fail("{}: its shape {} should be that of the parameter, {}", place, to_string(momentum->shape),
           to_string(parameter.shape));
    }
    return *std::move(momentum);
  }

  // Where nothing was accumulated yet, SGD goes on from zeros as it goes on without.
  static Tensor zeros_like(const Tensor& parameter) {
    return {parameter.shape, std::vector<float>(parameter.values.size())};
  }

  TorchArchive archive_;
  const Document& document_;
  pickle::JsonLimits limits_;
  std::size_t groups_ = 0;
};

}  // namespace

TrainingCheckpoint read_training_checkpoint(const ByteSource& source) { return Reader(source).read(); }

TrainingCheckpoint read_training_checkpoint(const std::filesystem::path& path) {
  return read_training_checkpoint(FileSource(path));
}

}  // namespace twintrack
