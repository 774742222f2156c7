#include "twintrack/core/machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "support/temporary_folder.hpp"
#include "twintrack/core/system.hpp"

namespace twintrack {
namespace {

namespace fs = std::filesystem;

class ControlGroups : public testing::Test {
 protected:
  void put(const std::string& file, const std::string& text) const {
    const fs::path path = folder_ / file;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  ControlGroupLimits limits() const { return control_group_limits(folder_ / "membership", folder_ / "groups"); }

  test::TemporaryFolder folder_;
};

TEST_F(ControlGroups, none_where_there_are_none) {
  EXPECT_FALSE(limits().memory_bytes);
  EXPECT_FALSE(limits().processors);
}

TEST_F(ControlGroups, version_2_the_strictest_on_the_way_to_the_root_counts) {
  put("membership", "0::/batch/job 7\n");
  put("groups/batch/memory.max", "2000000000\n");
  put("groups/batch/cpu.max", "max 100000\n");
  put("groups/batch/job 7/memory.max", "max\n");
  put("groups/batch/job 7/cpu.max", "250000 100000\n");
  EXPECT_EQ(limits().memory_bytes, 2'000'000'000);
  EXPECT_EQ(limits().processors, 2.5);
}

TEST_F(ControlGroups, version_1) {
  put("membership", "5:memory:/job\n4:cpu,cpuacct:/job\n");
  put("groups/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("groups/memory/job/memory.limit_in_bytes", "1073741824\n");
  put("groups/cpu,cpuacct/job/cpu.cfs_quota_us", "50000\n");
  put("groups/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(limits().memory_bytes, 1'073'741'824);
  EXPECT_EQ(limits().processors, 0.5);
}

TEST_F(ControlGroups, version_1_without_limits) {
  put("membership", "5:memory:/\n4:cpu,cpuacct:/\n");
  put("groups/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("groups/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  put("groups/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_FALSE(limits().memory_bytes);
  EXPECT_FALSE(limits().processors);
}

TEST_F(ControlGroups, a_containers_limits_stand_at_its_root) {
  put("membership", "0::/../../system.slice/docker-1234.scope\n");
  put("groups/memory.max", "512000000\n");
  EXPECT_EQ(limits().memory_bytes, 512'000'000);
}

TEST_F(ControlGroups, damaged_files_are_no_limits) {
  put("membership", "nonsense\n0::/job\n::\n");
  put("groups/job/memory.max", "-5\n");
  put("groups/job/cpu.max", "100000 0\n");
  EXPECT_FALSE(limits().memory_bytes);
  EXPECT_FALSE(limits().processors);
}

TEST(Machine, available_memory_is_part_of_what_is_installed) {
  const auto available = available_memory_bytes();
  ASSERT_TRUE(available);
  EXPECT_GT(*available, 0);
  EXPECT_LE(*available, installed_memory_bytes());
}

// The kernel lists a feature among the flags when the processor has it and programs may use it.
TEST(Machine, instruction_sets_are_those_that_the_kernel_lists) {
  std::ifstream file("/proc/cpuinfo");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::vector<std::string> sets = instruction_sets();
  const std::vector<std::pair<std::string, std::string>> names{{"AVX2", " avx2"},
                                                               {"AVX-512", " avx512f"},
                                                               {"AVX-512 VNNI", " avx512_vnni"},
                                                               {"AVX-512 bf16", " avx512_bf16"},
                                                               {"AMX bf16", " amx_bf16"}};
  for (const auto& [name, flag] : names)
    EXPECT_EQ(std::ranges::count(sets, name) > 0, text.find(flag) != std::string::npos) << name;
}

}  // namespace
}  // namespace twintrack
