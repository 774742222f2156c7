// Small phantoms for tests, and what is counted in them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "twintrack/phantom/phantom.hpp"

namespace twintrack::phantom::test {

inline PhantomOptions small_options(std::uint64_t seed, double step_mm = 2) {
  PhantomOptions options;
  options.seed = seed;
  options.spacing_mm = {step_mm, step_mm, 3};
  return options;
}

inline std::int64_t count_of(const Volume<std::uint8_t>& volume, int value) {
  std::int64_t count = 0;
  for (const std::uint8_t v : volume.voxels) count += v == value ? 1 : 0;
  return count;
}

// Sizes of the 26-connected components of `value`, largest first.
std::vector<std::int64_t> component_sizes(const Volume<std::uint8_t>& volume, int value);

}  // namespace twintrack::phantom::test
