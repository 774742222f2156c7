#include "twintrack/core/machine.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace twintrack {
namespace {

namespace fs = std::filesystem;

// The first line, without its end; empty where there is none.
std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

template <typename T>
std::optional<T> smaller(std::optional<T> a, std::optional<T> b) {
  return a && b ? std::min(*a, *b) : a ? a : b;
}

// A number, or nothing for "max" and for the "no limit" of version 1 (the largest multiple of the page size).
std::optional<std::int64_t> memory_limit(const fs::path& file) {
  constexpr std::int64_t no_limit = std::int64_t{1} << 60;
  std::int64_t bytes = 0;
  std::istringstream text(first_line(file));
  if (!(text >> bytes) || bytes <= 0 || bytes >= no_limit) return {};
  return bytes;
}

std::optional<double> share_of_time(const std::string& quota_and_period) {
  double quota = 0, period = 0;
  std::istringstream text(quota_and_period);
  if (!(text >> quota >> period) || quota <= 0 || period <= 0) return {};
  return quota / period;
}

ControlGroupLimits limits_in(const fs::path& group) {
  return {
      smaller(memory_limit(group / "memory.max"), memory_limit(group / "memory.limit_in_bytes")),
      smaller(share_of_time(first_line(group / "cpu.max")),
              share_of_time(first_line(group / "cpu.cfs_quota_us") + " " + first_line(group / "cpu.cfs_period_us")))};
}

// Of the group and those it lies in. In a container the path may be one of the host's, which is not there; what the
// container may use stands at the root then.
ControlGroupLimits limits_up_from(const fs::path& hierarchy, const fs::path& group) {
  ControlGroupLimits limits = limits_in(hierarchy);
  fs::path path = hierarchy;
  for (const fs::path& part : group.relative_path()) {
    if (part == "..") break;
    path /= part;
    const ControlGroupLimits here = limits_in(path);
    limits = {smaller(limits.memory_bytes, here.memory_bytes), smaller(limits.processors, here.processors)};
  }
  return limits;
}

#if defined(__x86_64__)
// Extended control register 0: which register sets the operating system keeps for a program.
std::uint64_t kept_registers() {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (std::uint64_t{high} << 32) | low;
}
#endif

}  // namespace

// Intel SDM volume 2, CPUID: leaf 1 ECX[27] OSXSAVE; leaf 7.0 EBX[5] AVX2, EBX[16] AVX512F, ECX[11] AVX512_VNNI,
// EDX[22] AMX-BF16; leaf 7.1 EAX[5] AVX512_BF16. Volume 1, section 13.3: XCR0[2:1] AVX, [7:5] AVX-512, [18:17] AMX.
std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 27))) return names;
  const std::uint64_t kept = kept_registers();
  const bool avx = (kept & 0x6) == 0x6;
  const bool avx512 = (kept & 0xe6) == 0xe6;
  const bool amx = (kept & 0x60000) == 0x60000;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return names;
  const bool has_subleaf_1 = a >= 1;
  if (avx && (b & (1u << 5))) names.emplace_back("AVX2");
  if (avx512 && (b & (1u << 16))) names.emplace_back("AVX-512");
  if (avx512 && (c & (1u << 11))) names.emplace_back("AVX-512 VNNI");
  const bool has_amx = amx && (d & (1u << 22));
  if (has_subleaf_1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && avx512 && (a & (1u << 5)))
    names.emplace_back("AVX-512 bf16");
  if (has_amx) names.emplace_back("AMX bf16");
#endif
  return names;
}

std::optional<std::int64_t> available_memory_bytes() {
  std::ifstream file("/proc/meminfo");
  for (std::string name; file >> name;) {
    std::int64_t kibibytes = 0;
    if (name == "MemAvailable:" && file >> kibibytes) return kibibytes * 1024;
    file.ignore(1 << 12, '\n');
  }
  return {};
}

ControlGroupLimits control_group_limits(const fs::path& membership, const fs::path& hierarchy) {
  ControlGroupLimits limits;
  std::ifstream file(membership);
  for (std::string line; std::getline(file, line);) {  // NUMBER:CONTROLLERS:PATH
    std::istringstream fields(line);
    std::string number, controllers, path;
    std::getline(fields, number, ':');
    std::getline(fields, controllers, ':');
    std::getline(fields, path);
    const std::string folder = controllers == "cpuacct,cpu" ? "cpu,cpuacct" : controllers;
    const ControlGroupLimits found = limits_up_from(hierarchy / folder, path);
    limits = {smaller(limits.memory_bytes, found.memory_bytes), smaller(limits.processors, found.processors)};
  }
  return limits;
}

}  // namespace twintrack
