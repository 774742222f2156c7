#include "twintrack/tensor/checkpoint_fields.hpp"

#include <algorithm>
#include <utility>

#include "twintrack/core/error.hpp"
#include "twintrack/tensor/parameter_names.hpp"

namespace twintrack {
namespace {

using pickle::Document;
using pickle::Id;
using pickle::Kind;

Id find_weights(const TorchArchive& archive) {
  const Document& document = archive.document();
  if (document.kind(document.root()) != Kind::dictionary) {
    throw InputError("{}: an nnU-Net checkpoint is a dictionary, this is {}", archive.file(),
                     document.describe(document.root()));
  }
  const auto found = document.find(document.root(), "network_weights");
  if (!found) {
    const bool version_1 = document.find(document.root(), "state_dict").has_value();
    throw InputError("{}: has no 'network_weights'; expected an nnU-Net v2 checkpoint{}", archive.file(),
                     version_1 ? " (it looks like one of nnU-Net v1)" : "");
  }
  if (document.kind(*found) != Kind::dictionary) {
    throw InputError("{}: network_weights should be a dictionary, it is {}", archive.file(), document.describe(*found));
  }
  return *found;
}

struct Entries {
  std::vector<std::string> names;
  std::vector<Id> values;
};

Entries list_entries(const TorchArchive& archive, Id weights) {
  const Document& document = archive.document();
  Entries entries;
  const std::span<const Id> items = document.children(weights);
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (document.kind(items[i]) != Kind::text) {
      throw InputError("{}: network_weights: a name should be a string, it is {}", archive.file(),
                       document.describe(items[i]));
    }
    entries.names.emplace_back(document.text(items[i]));
    entries.values.push_back(items[i + 1]);
  }
  return entries;
}

}  // namespace

NetworkWeights load_network_weights(TorchArchive& archive) {
  const Entries entries = list_entries(archive, find_weights(archive));
  NetworkWeights weights;
  std::vector<std::pair<std::size_t, std::string>> positions;
  for (const auto& [name, position] : canonical_parameters(entries.names, archive.file())) {
    auto tensor = archive.load(entries.values[position], "network_weights: " + in_quotes(name));
    if (!tensor) continue;
    weights.parameters.emplace_hint(weights.parameters.end(), name, *std::move(tensor));
    positions.emplace_back(position, name);
  }
  if (positions.empty()) throw InputError("{}: network_weights holds no floating-point tensor", archive.file());
  std::ranges::sort(positions);
  for (auto& [position, name] : positions) weights.order.push_back(std::move(name));
  return weights;
}

std::string find_text(const TorchArchive& archive, Id dictionary, std::string_view key) {
  const Document& document = archive.document();
  const auto found = document.find(dictionary, key);
  if (!found) return "";
  if (document.kind(*found) != Kind::text) {
    throw InputError("{}: {} should be a string, it is {}", archive.file(), key, document.describe(*found));
  }
  return std::string(document.text(*found));
}

std::optional<Id> find_dictionary(const TorchArchive& archive, std::string_view key) {
  const Document& document = archive.document();
  const auto found = document.find(document.root(), key);
  if (!found || document.kind(*found) == Kind::none) return std::nullopt;
  if (document.kind(*found) != Kind::dictionary) {
    throw InputError("{}: {} should be a dictionary, it is {}", archive.file(), key, document.describe(*found));
  }
  return found;
}

std::optional<std::vector<int>> find_mirroring_axes(const TorchArchive& archive) {
  constexpr std::string_view key = "inference_allowed_mirroring_axes";
  const Document& document = archive.document();
  const auto found = document.find(document.root(), key);
  if (!found || document.kind(*found) == Kind::none) return std::nullopt;
  const Kind kind = document.kind(*found);
  if (kind != Kind::tuple && kind != Kind::list) {
    throw InputError("{}: {} should be a tuple of axes or None, it is {}", archive.file(), key,
                     document.describe(*found));
  }
  std::vector<int> axes;
  for (const Id axis : document.children(*found)) {
    const bool valid = document.kind(axis) == Kind::integer && document.integer(axis) >= 0 &&
                       document.integer(axis) <= 2 && std::ranges::find(axes, document.integer(axis)) == axes.end();
    if (!valid) throw InputError("{}: {} should hold distinct axes from 0 to 2", archive.file(), key);
    axes.push_back(static_cast<int>(document.integer(axis)));
  }
  return axes;
}

}  // namespace twintrack
