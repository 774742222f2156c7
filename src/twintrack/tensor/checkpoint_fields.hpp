// The fields of nnU-Net's checkpoints that every reader of them needs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "twintrack/tensor/torch_archive.hpp"

namespace twintrack {

struct NetworkWeights {
  TensorMap parameters;            // by canonical names
  std::vector<std::string> order;  // as they stand in the file, which is the order of network.parameters()
};

// All throw InputError naming file and field.

NetworkWeights load_network_weights(TorchArchive& archive);

// The string under `key`; "" when there is none.
std::string find_text(const TorchArchive& archive, pickle::Id dictionary, std::string_view key);

// The dictionary under `key` of the checkpoint; nothing when it is absent or None.
std::optional<pickle::Id> find_dictionary(const TorchArchive& archive, std::string_view key);

// inference_allowed_mirroring_axes; nothing when it is absent or None.
std::optional<std::vector<int>> find_mirroring_axes(const TorchArchive& archive);

}  // namespace twintrack
