// Halving, kernels and the size of feature maps.
#include "twintrack/planning/topology.hpp"

#include <gmock/gmock.h>

namespace twintrack {
namespace {

using testing::Each;
using testing::ElementsAre;

constexpr int kNoLimit = 13;

TEST(Topology, CoarseAxisWaitsUntilTheOthersHaveCaughtUp) {
  const Topology found = plan_topology({1.5, 0.747, 0.747}, {48, 128, 288}, kNoLimit);
  EXPECT_THAT(found.strides, ElementsAre(Shape3{1, 1, 1}, Shape3{1, 2, 2}, Shape3{2, 2, 2}, Shape3{2, 2, 2},
                                         Shape3{2, 2, 2}, Shape3{1, 2, 2}));
  EXPECT_THAT(found.kernels, ElementsAre(Shape3{1, 3, 3}, Shape3{3, 3, 3}, Shape3{3, 3, 3}, Shape3{3, 3, 3},
                                         Shape3{3, 3, 3}, Shape3{3, 3, 3}));
  EXPECT_EQ(found.divisor, (Shape3{8, 32, 32}));
}

TEST(Topology, NoAxisFallsBelowFourVoxels) {
  EXPECT_EQ(plan_topology({1, 1, 1}, {8, 8, 8}, kNoLimit).stages(), 2);
  EXPECT_EQ(plan_topology({1, 1, 1}, {7, 7, 7}, kNoLimit).stages(), 1);
  EXPECT_THAT(plan_topology({1, 1, 1}, {7, 7, 7}, kNoLimit).kernels, ElementsAre(Shape3{3, 3, 3}));
}

TEST(Topology, ASingleAxisIsHalvedFromTwelveVoxelsOn) {
  EXPECT_EQ(plan_topology({1, 1, 1}, {11, 4, 4}, kNoLimit).stages(), 1);
  EXPECT_EQ(plan_topology({1, 1, 1}, {12, 4, 4}, kNoLimit).stages(), 2);
}

TEST(Topology, LimitOfStages) {
  const Topology found = plan_topology({1, 1, 1}, {128, 128, 128}, 3);
  EXPECT_EQ(found.stages(), 3);
  EXPECT_EQ(found.divisor, (Shape3{4, 4, 4}));
  EXPECT_THAT(found.kernels, Each(Shape3{3, 3, 3}));
}

TEST(Topology, PadsToTheNextMultiple) { EXPECT_EQ(pad_to_multiple({74.5, 64, 65}, {1, 32, 32}), (Shape3{75, 64, 96})); }

Architecture unet(Architecture::Kind kind, std::vector<int> encoder, int decoder) {
  const Topology topology = plan_topology({1, 1, 1}, {128, 128, 128}, kNoLimit);
  Architecture result;
  result.kind = kind;
  result.classes = 3;
  result.features = {32, 64, 128, 256, 320, 320};
  result.kernels = topology.kernels;
  result.strides = topology.strides;
  result.encoder_blocks = std::move(encoder);
  result.decoder_convolutions.assign(5, decoder);
  return result;
}

// compute_conv_feature_map_size of dynamic-network-architectures 0.4.4, without deep supervision.
TEST(Topology, FeatureMapsAreThoseNnunetCounts) {
  const Shape3 cube{128, 128, 128};
  EXPECT_EQ(feature_map_elements(unet(Architecture::Kind::plain_conv_unet, {2, 2, 2, 2, 2, 2}, 2), cube), 452796416);
  EXPECT_EQ(feature_map_elements(unet(Architecture::Kind::residual_encoder_unet, {1, 3, 4, 6, 6, 6}, 1), cube),
            557420544);
}

}  // namespace
}  // namespace twintrack
