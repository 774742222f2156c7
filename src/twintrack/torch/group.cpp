#include "group.hpp"

#include "twintrack/core/error.hpp"

#include <ATen/ATen.h>
#include <torch/version.h>

// What libtorch was built with, and whether the headers that its own need are there.
#if defined(USE_C10D_GLOO) && __has_include(<gloo/algorithm.h>)
#define TWINTRACK_GLOO
#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#if defined(USE_C10D_NCCL) && __has_include(<nccl.h>)
#define TWINTRACK_NCCL
#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

namespace twintrack::libtorch {
namespace {

#if defined(TWINTRACK_GLOO) || defined(TWINTRACK_NCCL)
template <typename ProcessGroup>
class GroupOf final : public Group {
 public:
  explicit GroupOf(c10::intrusive_ptr<ProcessGroup> group) : group_(std::move(group)) {}

  void sum(at::Tensor& tensor) override {
    std::vector<at::Tensor> tensors{tensor};
    group_->allreduce(tensors)->wait();
  }

 private:
  c10::intrusive_ptr<ProcessGroup> group_;
};

c10::intrusive_ptr<c10d::Store> store_of(const GroupMembership& membership) {
  return c10::make_intrusive<c10d::FileStore>(membership.rendezvous, membership.processes);
}
#endif

}  // namespace

std::unique_ptr<Group> join_group(const GroupMembership& membership, const at::Device& device) {
#if defined(TWINTRACK_GLOO)
  if (device.is_cpu()) {
    const auto options = c10d::ProcessGroupGloo::Options::create();
    options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForInterface("lo"));
    return std::make_unique<GroupOf<c10d::ProcessGroupGloo>>(c10::make_intrusive<c10d::ProcessGroupGloo>(
        store_of(membership), membership.rank, membership.processes, options));
  }
#endif
#if defined(TWINTRACK_NCCL)
  if (device.is_cuda()) {
    return std::make_unique<GroupOf<c10d::ProcessGroupNCCL>>(
        c10::make_intrusive<c10d::ProcessGroupNCCL>(store_of(membership), membership.rank, membership.processes));
  }
#endif
  throw UsageError("{} processes on {}: this libtorch ({}) came without {}; train on one device", membership.processes,
                   device.str(), TORCH_VERSION, device.is_cuda() ? "NCCL" : "Gloo (Debian: libgloo-dev)");
}

void average(Group& group, int processes, std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> parts;
  for (const at::Tensor& tensor : tensors) parts.push_back(tensor.reshape({-1}));
  at::Tensor all = at::cat(parts);
  group.sum(all);
  all.div_(processes);
  std::int64_t begin = 0;
  for (at::Tensor& tensor : tensors) {
    tensor.copy_(all.narrow(0, begin, tensor.numel()).view(tensor.sizes()));
    begin += tensor.numel();
  }
}

}  // namespace twintrack::libtorch
