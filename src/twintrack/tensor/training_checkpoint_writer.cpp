#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/tensor/byte_source.hpp"
#include "twintrack/tensor/elements.hpp"
#include "twintrack/tensor/parameter_names.hpp"
#include "twintrack/tensor/pickle.hpp"
#include "twintrack/tensor/pickle_writer.hpp"
#include "twintrack/tensor/training_checkpoint.hpp"
#include "twintrack/tensor/zip_writer.hpp"

namespace twintrack {
namespace {

constexpr std::string_view root = "archive/";  // as torch.save names it when it is given no file name

class Checker {
 public:
  Checker(const TrainingCheckpoint& checkpoint, const std::string& file) : checkpoint_(checkpoint), file_(file) {}

  void check() const {
    check_order();
    for (const auto& [name, tensor] : checkpoint_.parameters) {
      check_tensor("network_weights: " + in_quotes(name), tensor);
    }
    for (const auto& [name, tensor] : checkpoint_.momenta) check_momentum(name, tensor);
    check_finite("learning_rate", checkpoint_.learning_rate);
    check_finite("momentum", checkpoint_.momentum);
    check_finite("weight_decay", checkpoint_.weight_decay);
    check_finite("best_ema", checkpoint_.best_ema.value_or(0));
    if (checkpoint_.epoch < 0) fail("epoch: {} should be at least 0", checkpoint_.epoch);
    if (!checkpoint_.logging.is_object()) fail("logging: should be an object of lists");
    if (!checkpoint_.init_args.is_object()) fail("init_args: should be an object");
    check_mirroring_axes();
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw InputError("{}: {}", file_, fmt::format(format, std::forward<Args>(args)...));
  }

  void check_order() const {
    if (checkpoint_.parameters.empty()) fail("parameters: there are none");
    for (const std::string& name : checkpoint_.order) {
      if (!checkpoint_.parameters.contains(name)) fail("order: {} is none of the parameters", in_quotes(name));
    }
    if (std::set(checkpoint_.order.begin(), checkpoint_.order.end()).size() != checkpoint_.parameters.size()) {
      fail("order: should name each of {} parameters", checkpoint_.parameters.size());
    }
  }

  void check_tensor(const std::string& place, const Tensor& tensor) const {
    if (element_count(tensor.shape) != static_cast<std::int64_t>(tensor.values.size())) {
      fail("{}: has {} values, its shape is {}", place, tensor.values.size(), to_string(tensor.shape));
    }
    if (const std::int64_t wrong = count_non_finite(tensor.values); wrong > 0) {
      fail("{}: {} of {} values are not finite", place, wrong, tensor.values.size());
    }
  }

  void check_momentum(const std::string& name, const Tensor& momentum) const {
    const std::string place = fmt::format("optimizer_state: momentum_buffer of {}", in_quotes(name));
    const auto parameter = checkpoint_.parameters.find(name);
    if (parameter == checkpoint_.parameters.end()) fail("{}: there is no such parameter", place);
    if (momentum.shape != parameter->second.shape) {
      fail("{}: its shape {} should be that of the parameter, {}", place, to_string(momentum.shape),
           to_string(parameter->second.shape));
    }
    check_tensor(place, momentum);
  }

  void check_finite(std::string_view field, double value) const {
    if (!std::isfinite(value)) fail("{}: {} should be a finite number", field, value);
  }

  void check_mirroring_axes() const {
    const std::vector<int> axes = checkpoint_.mirroring_axes.value_or(std::vector<int>{});
    const bool in_range = std::ranges::all_of(axes, [](int axis) { return axis >= 0 && axis <= 2; });
    if (!in_range || std::set(axes.begin(), axes.end()).size() != axes.size()) {
      fail("mirroring_axes: should be distinct axes from 0 to 2");
    }
  }

  const TrainingCheckpoint& checkpoint_;
  const std::string& file_;
};

// Writes data.pkl and gathers the storages it refers to, data/0, data/1, ...
class Pickler {
 public:
  Pickler(const TrainingCheckpoint& checkpoint, const std::string& file) : checkpoint_(checkpoint), file_(file) {}

  std::string pickle() {
    writer_.dictionary([&] {
      item("network_weights", [&] { write_weights(); });
      item("optimizer_state", [&] { write_optimizer(); });
      item("grad_scaler_state", [&] { writer_.none(); });
      item("logging", [&] { write_json(checkpoint_.logging, "logging", pickle::JsonNull::nan_in_lists); });
      item("_best_ema", [&] { checkpoint_.best_ema ? writer_.real(*checkpoint_.best_ema) : writer_.none(); });
      item("current_epoch", [&] { writer_.integer(checkpoint_.epoch); });
      item("init_args", [&] { write_json(checkpoint_.init_args, "init_args"); });
      item("trainer_name", [&] { write_json(checkpoint_.trainer_name, "trainer_name"); });
      item("inference_allowed_mirroring_axes", [&] { write_mirroring_axes(); });
      if (!checkpoint_.twintrack.is_null()) {
        item("twintrack", [&] { write_json(checkpoint_.twintrack, "twintrack"); });
      }
    });
    return std::move(writer_).finish();
  }

  const std::vector<const Tensor*>& storages() const noexcept { return storages_; }

 private:
  template <typename Value>
  void item(std::string_view key, Value value) {
    writer_.text(key);
    value();
  }

  void write_json(const Json& json, const std::string& field, pickle::JsonNull null = pickle::JsonNull::none) {
    pickle::write_json(writer_, json, null, file_, field);
  }

  void write_weights() {
    std::map<std::string_view, std::size_t> storages;
    for (const std::string& name : checkpoint_.order) storages.emplace(name, add_storage(checkpoint_.parameters, name));
    writer_.ordered_dictionary([&] {
      for (const StateDictKey& key : state_dict_keys(checkpoint_.order, file_)) {
        item(key.key, [&] { write_tensor(storages.at(key.parameter)); });
      }
    });
  }

  // torch.optim.SGD.state_dict(); `fused` is unknown to PyTorch before 2.3, which passes over it.
  void write_optimizer() {
    writer_.dictionary([&] {
      item("state", [&] { writer_.dictionary([&] { write_momenta(); }); });
      item("param_groups", [&] { writer_.list([&] { writer_.dictionary([&] { write_group(); }); }); });
    });
  }

  void write_momenta() {
    for (std::size_t i = 0; i < checkpoint_.order.size(); ++i) {
      const std::string& name = checkpoint_.order[i];
      if (!checkpoint_.momenta.contains(name)) continue;
      writer_.integer(static_cast<std::int64_t>(i));
      writer_.dictionary(
          [&] { item("momentum_buffer", [&] { write_tensor(add_storage(checkpoint_.momenta, name)); }); });
    }
  }

  void write_group() {
    item("lr", [&] { writer_.real(checkpoint_.learning_rate); });
    item("momentum", [&] { writer_.real(checkpoint_.momentum); });
    item("dampening", [&] { writer_.integer(0); });
    item("weight_decay", [&] { writer_.real(checkpoint_.weight_decay); });
    item("nesterov", [&] { writer_.boolean(true); });
    item("maximize", [&] { writer_.boolean(false); });
    item("foreach", [&] { writer_.none(); });
    item("differentiable", [&] { writer_.boolean(false); });
    item("fused", [&] { writer_.none(); });
    item("params", [&] {
      writer_.list([&] {
        for (std::size_t i = 0; i < checkpoint_.order.size(); ++i) writer_.integer(static_cast<std::int64_t>(i));
      });
    });
  }

  void write_mirroring_axes() {
    if (!checkpoint_.mirroring_axes) return writer_.none();
    writer_.tuple([&] {
      for (const int axis : *checkpoint_.mirroring_axes) writer_.integer(axis);
    });
  }

  std::size_t add_storage(const TensorMap& tensors, const std::string& name) {
    storages_.push_back(&tensors.at(name));
    return storages_.size() - 1;
  }

  // The whole of a storage, in row-major order.
  void write_tensor(std::size_t storage) {
    const Tensor& tensor = *storages_[storage];
    writer_.call("torch._utils", "_rebuild_tensor_v2", [&] {
      writer_.persistent([&] {
        writer_.tuple([&] {
          writer_.text("storage");
          writer_.global("torch", "FloatStorage");
          writer_.text(std::to_string(storage));
          writer_.text("cpu");
          writer_.integer(static_cast<std::int64_t>(tensor.values.size()));
        });
      });
      writer_.integer(0);
      write_integers(tensor.shape);
      write_integers(row_major_strides(tensor.shape));
      writer_.boolean(false);
      writer_.ordered_dictionary([] {});
    });
  }

  void write_integers(const std::vector<std::int64_t>& integers) {
    writer_.tuple([&] {
      for (const std::int64_t integer : integers) writer_.integer(integer);
    });
  }

  static std::vector<std::int64_t> row_major_strides(const TensorShape& shape) {
    std::vector<std::int64_t> strides(shape.size());
    std::int64_t stride = 1;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      strides[axis] = stride;
      stride *= std::max<std::int64_t>(shape[axis], 1);
    }
    return strides;
  }

  const TrainingCheckpoint& checkpoint_;
  const std::string& file_;
  pickle::Writer writer_;
  std::vector<const Tensor*> storages_;
};

void write_archive(const std::filesystem::path& path, std::string_view pickle,
                   std::span<const Tensor* const> storages) {
  AtomicFile file(path);
  std::ofstream out(file.path(), std::ios::binary);
  ZipWriter zip(out);
  const auto add = [&](std::string_view name, std::span<const std::byte> bytes) {
    if (out) zip.add(std::string(root).append(name), bytes);
    if (!out) throw_cannot_write(path, errno);
  };
  const auto add_text = [&](std::string_view name, std::string_view text) {
    add(name, std::as_bytes(std::span(text)));
  };
  add_text("data.pkl", pickle);
  add_text("byteorder", "little");
  for (std::size_t i = 0; i < storages.size(); ++i) {
    add("data/" + std::to_string(i), std::as_bytes(std::span(storages[i]->values)));
  }
  add_text("version", "3\n");
  zip.finish();
  if (out) out.close();
  if (!out) throw_cannot_write(path, errno);
  file.commit();
}

}  // namespace

void write_training_checkpoint(const std::filesystem::path& path, const TrainingCheckpoint& checkpoint) {
  const std::string file = path.string();
  Checker(checkpoint, file).check();
  Pickler pickler(checkpoint, file);
  const std::string pickle = pickler.pickle();
  pickle::interpret(pickle, file);  // what could not be read again is not written
  write_archive(path, pickle, pickler.storages());
}

}  // namespace twintrack
