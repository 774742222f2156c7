// What the machine offers to this process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace twintrack {

// Those that matter here, which the processor has and the operating system lets programs use: "AVX2", "AVX-512",
// "AVX-512 VNNI", "AVX-512 bf16", "AMX bf16".
std::vector<std::string> instruction_sets();

// Memory that programs can still take without swapping. Nothing where the system does not tell.
std::optional<std::int64_t> available_memory_bytes();

// Limits of the control groups that this process is in, the strictest on the way to the root: what containers and batch
// systems set.
struct ControlGroupLimits {
  std::optional<std::int64_t> memory_bytes;
  std::optional<double> processors;  // processor time a time
};
// Of both versions of Linux' control groups. `membership` and `hierarchy` are where Linux shows them.
ControlGroupLimits control_group_limits(const std::filesystem::path& membership = "/proc/self/cgroup",
                                        const std::filesystem::path& hierarchy = "/sys/fs/cgroup");

}  // namespace twintrack
