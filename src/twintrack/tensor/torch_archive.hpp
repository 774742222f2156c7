// A torch.save archive, opened: its pickle as data, and the tensors that lie beside it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "twintrack/tensor/byte_source.hpp"
#include "twintrack/tensor/pickle.hpp"
#include "twintrack/tensor/tensor.hpp"
#include "twintrack/tensor/zip.hpp"

namespace twintrack {

class TorchArchive {
 public:
  // Throws InputError that says what the file is when it is no archive of torch.save. `source` must outlive it.
  explicit TorchArchive(const ByteSource& source);

  const std::string& file() const noexcept { return zip_.source().name(); }
  std::uint64_t size() const noexcept { return zip_.source().size(); }  // in bytes
  const pickle::Document& document() const noexcept { return document_; }

  // The tensor that `value` describes, as float32; nothing when it holds integers. All that are loaded may together
  // take 8 times the file's size, since expanded and shared storages let a small file ask for any amount of memory.
  // Throws InputError naming file and `place`.
  std::optional<Tensor> load(pickle::Id value, const std::string& place);

 private:
  ZipArchive zip_;
  std::string root_;  // the folder that holds data.pkl, with its slash
  pickle::Document document_;
  std::uint64_t bytes_left_;
};

}  // namespace twintrack
