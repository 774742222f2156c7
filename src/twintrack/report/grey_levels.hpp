// How a report keeps CT values and probabilities in one byte.
#pragma once

#include <array>
#include <cstdint>

namespace twintrack {

// The HU that each of the 256 levels stands for, ascending: -1000 to -225 in steps of 25, -200 to 250 in steps of 2.5
// (soft tissue and contrast, where windows are narrow), 280 to 1540 in steps of 30.
const std::array<float, 256>& hu_of_levels();

// The nearest level; values beyond the ends take the last one. `hu` is finite.
std::uint8_t level_of_hu(float hu);

inline constexpr int kLevelsPerExpert = 51;  // 255 / 5

// round(255 p), except that it reaches 51 k exactly where the probability reaches agreement level k/5
// (agreement_edge(k, 5), as in the summary's volumes), k = 1 ... 5. `probability` lies in [0, 1].
std::uint8_t level_of_probability(float probability);

}  // namespace twintrack
