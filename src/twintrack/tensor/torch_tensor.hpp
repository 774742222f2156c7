// Tensors as torch.save describes them: a view (offset, shape, strides) of a storage that is a member of the archive.
// Source: torch/_utils.py (_rebuild_*), torch/serialization.py (persistent_load).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "twintrack/tensor/pickle.hpp"
#include "twintrack/tensor/tensor.hpp"
#include "twintrack/tensor/zip.hpp"

namespace twintrack {

struct TorchTensor {
  std::string storage_type;   // "torch.FloatStorage"
  std::optional<DType> type;  // nothing: integers or booleans
  std::string storage_key;    // the member data/KEY
  std::int64_t storage_elements = 0;
  std::int64_t offset = 0;  // in elements
  TensorShape shape;
  std::vector<std::int64_t> strides;  // in elements
};

// Interprets `value` as a tensor. Throws InputError naming `file`, `place` ("network_weights: 'a.weight'") and the
// function that it would need.
TorchTensor describe_tensor(const pickle::Document& document, pickle::Id value, const std::string& file,
                            const std::string& place);

// Number of elements; throws InputError when the shape is absurd or the view reaches beyond its storage.
std::int64_t checked_element_count(const TorchTensor& tensor, const std::string& file, const std::string& place);

// Reads a floating-point tensor as float32, row-major. `root` is the folder in the archive ("archive/"). Throws
// InputError when the storage is missing, has another size than declared, or holds values that are not finite.
Tensor load_tensor(const ZipArchive& archive, const std::string& root, const TorchTensor& tensor,
                   const std::string& place);

}  // namespace twintrack
