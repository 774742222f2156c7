// Several processes that train one network together, each on a share of every batch: libtorch's distributed package.
#pragma once

#include "twintrack/network/trainable_network.hpp"

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

namespace twintrack::libtorch {

class Group {
 public:
  virtual ~Group() = default;
  // Every process gets the sum of all processes' tensors, in place. Blocks until all have called it.
  virtual void sum(at::Tensor& tensor) = 0;
};

// Gloo between CPUs, NCCL between GPUs of one machine; they find each other through the file `membership.rendezvous`.
// Throws UsageError when this libtorch does not have it.
std::unique_ptr<Group> join_group(const GroupMembership& membership, const at::Device& device);

// The mean over processes of tensors of one type, in one exchange.
void average(Group& group, int processes, std::vector<at::Tensor>& tensors);

}  // namespace twintrack::libtorch
