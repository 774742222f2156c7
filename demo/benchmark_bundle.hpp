// A bundle of networks with random parameters, for measurements: everything a real one has but training.
#pragma once

#include <filesystem>

namespace twintrack::demo {

// A small localiser before three members of the shape of PANORAMA's Dataset104.
void write_benchmark_bundle(const std::filesystem::path& folder);

}  // namespace twintrack::demo
