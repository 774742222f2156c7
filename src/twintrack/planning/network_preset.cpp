#include "twintrack/planning/network_preset.hpp"

#include "twintrack/core/error.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace twintrack {
namespace {

constexpr auto kPlain = Architecture::Kind::plain_conv_unet;
constexpr auto kResidual = Architecture::Kind::residual_encoder_unet;

// In the order of NetworkPreset.
constexpr std::array<PresetRules, 4> kRules{
    {{"plain", "ExperimentPlanner", "nnUNetPlans", kPlain, 560e6, 8, 0.05},
     {"resenc-m", "nnUNetPlannerResEncM", "nnUNetResEncUNetMPlans", kResidual, 680e6, 8, 1},
     {"resenc-l", "nnUNetPlannerResEncL", "nnUNetResEncUNetLPlans", kResidual, 2100e6, 24, 1},
     {"resenc-xl", "nnUNetPlannerResEncXL", "nnUNetResEncUNetXLPlans", kResidual, 3600e6, 40, 1}}};

constexpr std::array<int, 4> kResidualBlocks{1, 3, 4, 6};  // of the first stages; the last number for all others

}  // namespace

const PresetRules& rules_of(NetworkPreset preset) { return kRules.at(static_cast<std::size_t>(preset)); }

NetworkPreset network_preset(const std::string& name) {
  const auto found = std::ranges::find(kRules, name, &PresetRules::option_name);
  if (found != kRules.end()) return static_cast<NetworkPreset>(found - kRules.begin());
  throw UsageError("network preset '{}' is not known; plain, resenc-m, resenc-l and resenc-xl are", name);
}

Architecture architecture_of(NetworkPreset preset, int stages) {
  Architecture result;
  result.kind = rules_of(preset).kind;
  const bool plain = result.kind == kPlain;
  for (std::size_t stage = 0; stage < static_cast<std::size_t>(stages); ++stage) {
    result.encoder_blocks.push_back(plain ? 2 : kResidualBlocks[std::min(stage, kResidualBlocks.size() - 1)]);
  }
  result.decoder_convolutions.assign(stages - 1, plain ? 2 : 1);
  return result;
}

}  // namespace twintrack
