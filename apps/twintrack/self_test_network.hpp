// A network whose logits are known.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "twintrack/network/network.hpp"

namespace twintrack::cli {

// A U-Net with these features, stages of half the size one after the other, two classes.
Network u_net(const std::vector<std::int64_t>& features);

// Parameters and patches that follow from integers alone: the same on every machine.
TensorMap known_weights(const Network& network);
std::vector<float> known_patch(const Shape3& patch);

inline constexpr Shape3 kKnownPatch{8, 16, 16};
inline const std::vector<std::int64_t> kKnownFeatures{32, 64};

// Logits of that network for that patch, number i at known_index(i) of (class, z, y, x), computed in double precision
// layer by layer (tests/network/reference_network.hpp; tests/cli/doctor_test.cpp computes them anew).
inline constexpr std::array<double, 16> kKnownLogits{
    1.92233541,   1.83076172,   0.888116154, 2.06277171,  2.56029735, 2.64866153, 2.62228964,  1.60391127,
    -0.187932903, -0.160152808, -1.61624198, -0.79487635, -1.1537932, 1.61854817, 0.258948266, -1.62361495};
constexpr std::int64_t known_index(std::int64_t i) { return i * 263 % (2 * 8 * 16 * 16); }

}  // namespace twintrack::cli
