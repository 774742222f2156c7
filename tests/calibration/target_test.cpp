// Names of targets, and the voxels that the binary ones mean.
#include "twintrack/calibration/target.hpp"

#include <gmock/gmock.h>

#include "support/error_message.hpp"

namespace twintrack {
namespace {

using Kind = CalibrationTarget::Kind;
using testing::HasSubstr;

TEST(CalibrationTarget, NamesRoundTrip) {
  for (const char* name : {"mhr", "rater:1", "rater:64", "majority", "staple"})
    EXPECT_EQ(to_string(parse_target(name)), name);
  EXPECT_EQ(parse_target("rater:7"), (CalibrationTarget{Kind::rater, 7}));
  EXPECT_EQ(CalibrationTarget{}.kind, Kind::mean_human_response);
}

TEST(CalibrationTarget, AnythingElseIsRefused) {
  for (const char* name : {"", "MHR", "mean", "rater", "rater:", "rater:0", "rater:65", "rater:-1", "rater:1x",
                           "rater: 1", "rater:99999999999999999999", "majority "}) {
    const std::string message = test::error_message<UsageError>([&] { parse_target(name); });
    EXPECT_THAT(message, HasSubstr("'" + std::string(name) + "'"));
    EXPECT_THAT(message, HasSubstr("mhr, rater:K (K from 1 to 64), majority or staple"));
  }
}

// Voxel i of 4 x 4 is marked by the raters whose bit is set in i.
RaterSet all_patterns() {
  Geometry geometry;
  geometry.size = {4, 4, 1};
  RaterSet raters{geometry, std::vector<BitMask>(4, BitMask(geometry.shape()))};
  for (int voxel = 0; voxel < 16; ++voxel) {
    for (int k = 0; k < 4; ++k) {
      if ((voxel >> k & 1) != 0) raters.masks[k].set(voxel);
    }
  }
  return raters;
}

TEST(BinaryTarget, IsTheRatersOwnMarksOrWhatMoreThanHalfMarked) {
  const RaterSet raters = all_patterns();
  const BitMask third = binary_target(parse_target("rater:3"), raters, "a");
  const BitMask majority = binary_target(parse_target("majority"), raters, "a");
  for (int voxel = 0; voxel < 16; ++voxel) {
    EXPECT_EQ(third[voxel], (voxel & 4) != 0);
    EXPECT_EQ(majority[voxel], std::popcount(static_cast<unsigned>(voxel)) > 2) << voxel;  // two of four is a tie
  }
}

TEST(BinaryTarget, StapleIsItsConsensus) {
  const RaterSet raters = all_patterns();
  const BitMask found = binary_target(parse_target("staple"), raters, "a");
  const BitMask expected = staple(raters).consensus;
  for (int voxel = 0; voxel < 16; ++voxel) EXPECT_EQ(found[voxel], expected[voxel]);
}

TEST(BinaryTarget, MoreRatersThanThereAreIsRefused) {
  const std::string message =
      test::error_message([] { binary_target(parse_target("rater:5"), all_patterns(), "case_7"); });
  EXPECT_EQ(message, "case case_7: target rater:5, but 4 rater(s) are given");
}

}  // namespace
}  // namespace twintrack
