// A bundle of tiny networks with random parameters: everything a real one has but training.
#pragma once

#include <filesystem>

namespace twintrack::demo {

void write_demo_bundle(const std::filesystem::path& folder);

// The demo's localiser before three members of the shape of PANORAMA's Dataset104, for measurements.
void write_benchmark_bundle(const std::filesystem::path& folder);

}  // namespace twintrack::demo
