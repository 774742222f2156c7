#include "twintrack/evaluation/vascular_involvement.hpp"

#include "evaluation/vascular_scene.hpp"
#include "support/error_message.hpp"
#include "support/temporary_folder.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/volume/io.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace twintrack {
namespace {

using test::Axis;
using test::Cylindrical;
using testing::HasSubstr;

constexpr double kRadius_mm = 5;

// A vessel along z with a tumour that k of 5 experts see around (6 - k) * 60 degrees of it.
struct Scene {
  Geometry geometry = test::grid({24, 48, 48}, {1.5, 0.8, 0.8});
  Axis axis{{17, 19, 19}, {1, 0.1, 0}};
  std::vector<VesselMask> vessels{
      {"smv", test::mask_where(geometry, [&](const Point& p) { return axis(p).radial_mm <= kRadius_mm; })},
      {"sma", BitMask(geometry.shape())}};
  Volume<float> probability{geometry, std::vector<float>(geometry.voxel_count())};
  RaterSet raters{geometry, {}};

  Scene() {
    std::int64_t voxel = 0;
    test::mask_where(geometry, [&](const Point& p) {
      const Cylindrical c = axis(p);
      const bool near = c.radial_mm > kRadius_mm && c.radial_mm < kRadius_mm + 5 && std::abs(c.along_mm) < 8;
      int k = 5;
      while (k > 0 && std::abs(c.degrees) > (6 - k) * 30) --k;
      probability.voxels[voxel++] = near ? static_cast<float>(k) / 5 : 0;
      return false;
    });
    for (int k = 1; k <= 5; ++k) {
      BitMask mask(geometry.shape());
      for (std::int64_t i = 0; i < mask.size(); ++i) {
        if (probability.voxels[i] * 5 > static_cast<float>(k) - 0.5F) mask.set(i);
      }
      raters.masks.push_back(std::move(mask));
    }
  }
};

TEST(VascularContact, follows_the_levels_of_agreement) {
  const Scene scene;
  const auto vessels = vascular_contact(scene.probability, scene.vessels);
  ASSERT_EQ(vessels.size(), 2U);
  EXPECT_EQ(vessels[0].vessel, "smv");
  const AgreementContact& contact = *vessels[0].contact;
  double mean = 0;
  for (int k = 1; k <= 5; ++k) {
    EXPECT_NEAR(contact.degrees[k - 1], (6 - k) * 60, 10);
    mean += contact.degrees[k - 1] / 5;
  }
  EXPECT_DOUBLE_EQ(contact.expected_degrees, mean);
  EXPECT_NEAR(contact.sd_degrees, 60 * std::sqrt(2), 5);
  EXPECT_EQ(contact.share_above_0, 1);
  EXPECT_EQ(contact.share_above_90, 0.8);
  EXPECT_THAT(contact.share_above_180, testing::AnyOf(0.4, 0.6));  // level 3 lies on 180
  EXPECT_FALSE(vessels[1].contact.has_value());
}

TEST(VascularContact, is_zero_where_no_level_is_reached) {
  Scene scene;
  for (float& p : scene.probability.voxels) p = std::min(p, 0.19F);
  const AgreementContact contact = *vascular_contact(scene.probability, scene.vessels)[0].contact;
  EXPECT_EQ(contact.degrees, (std::array<double, 5>{}));
  EXPECT_EQ(contact.share_above_0, 0);
  EXPECT_EQ(contact.sd_degrees, 0);
}

TEST(VascularInvolvement, gives_raters_the_angles_of_their_outlines) {
  const Scene scene;
  const auto vessels = vascular_involvement(scene.probability, scene.raters, scene.vessels);
  const VesselInvolvement& smv = vessels[0];
  // Rater k's outline is level k's map.
  for (int k = 0; k < 5; ++k) EXPECT_EQ(smv.raters->degrees[k], smv.prediction.contact->degrees[k]);
  EXPECT_DOUBLE_EQ(smv.raters->over_raters.mean, smv.prediction.contact->expected_degrees);
  EXPECT_EQ(vascular_contact(scene.probability, scene.vessels)[0].contact->degrees, smv.prediction.contact->degrees);
}

TEST(VascularInvolvement, takes_any_number_of_raters) {
  const Scene scene;
  const auto five = vascular_involvement(scene.probability, scene.raters, scene.vessels)[0];
  RaterSet many = scene.raters;
  for (int repeat = 0; repeat < 3; ++repeat)
    many.masks.insert(many.masks.end(), scene.raters.masks.begin(), scene.raters.masks.end());
  const auto twenty = vascular_involvement(scene.probability, many, scene.vessels)[0];
  ASSERT_EQ(twenty.raters->degrees.size(), 20U);
  for (int k = 0; k < 20; ++k) EXPECT_EQ(twenty.raters->degrees[k], five.raters->degrees[k % 5]);
  for (int plane = 0; plane < 3; ++plane)
    EXPECT_NEAR(twenty.challenge.raters[plane].mean, five.challenge.raters[plane].mean, 1e-9);
  EXPECT_NEAR(twenty.challenge.wasserstein_mean_degrees, five.challenge.wasserstein_mean_degrees, 1e-6);
  many.masks.resize(1);
  EXPECT_EQ(vascular_involvement(scene.probability, many, scene.vessels)[0].raters->over_raters.sd, 0);
}

TEST(VascularInvolvement, does_not_depend_on_the_number_of_threads) {
  const Scene scene;
  const int before = thread_count();
  set_thread_count(1);
  const Json expected = to_json(vascular_involvement(scene.probability, scene.raters, scene.vessels));
  for (const int threads : {2, 3}) {
    set_thread_count(threads);
    EXPECT_EQ(to_json(vascular_involvement(scene.probability, scene.raters, scene.vessels)), expected);
  }
  set_thread_count(before);
}

TEST(VascularInvolvement, writes_documented_keys) {
  const Scene scene;
  const Json json = to_json(vascular_involvement(scene.probability, scene.raters, scene.vessels));
  const Json& smv = json.at("smv");
  EXPECT_GT(smv.at("raters").at("ax").at("mean").get<double>(), 0);
  EXPECT_GT(smv.at("prediction").at("cor").at("sd").get<double>(), 0);
  EXPECT_EQ(smv.at("wasserstein_by_plane").size(), 3U);
  const Json& predicted = smv.at("geometric").at("prediction");
  EXPECT_EQ(predicted.at("levels").size(), 5U);
  EXPECT_EQ(predicted.at("max"), predicted.at("levels").at("1/5"));
  EXPECT_EQ(predicted.at("min"), predicted.at("levels").at("5/5"));
  EXPECT_EQ(predicted.at("share_above").at("90"), 0.8);
  EXPECT_EQ(smv.at("geometric").at("raters").at("degrees").size(), 5U);
  const Json& absent = json.at("sma");
  EXPECT_EQ(absent.at("wasserstein"), 0.0);
  EXPECT_TRUE(absent.at("geometric").at("prediction").is_null());
  EXPECT_TRUE(absent.at("geometric").at("raters").is_null());
  EXPECT_EQ(to_json(vascular_contact(scene.probability, scene.vessels)).at("smv"), predicted);
}

TEST(VascularInvolvement, refuses_inputs_of_different_size) {
  const Scene scene;
  const std::vector<VesselMask> other{{"aorta", BitMask({24, 48, 47})}};
  EXPECT_THAT(test::error_message([&] { vascular_contact(scene.probability, other); }),
              AllOf(HasSubstr("vessel aorta"), HasSubstr("24 x 48 x 47"), HasSubstr("24 x 48 x 48")));
  RaterSet raters = scene.raters;
  raters.masks[1] = BitMask({1, 2, 3});
  EXPECT_THAT(test::error_message([&] { vascular_involvement(scene.probability, raters, scene.vessels); }),
              HasSubstr("rater 2"));
  raters.masks.clear();
  EXPECT_THAT(test::error_message([&] { vascular_involvement(scene.probability, raters, scene.vessels); }),
              HasSubstr("no rater"));
}

class ReadVessels : public testing::Test {
 protected:
  Vessels read(std::vector<VesselLabel> labels) const { return read_vessels(file_, labels); }
  std::string message(const std::vector<VesselLabel>& labels) const {
    return test::error_message([&] { read(labels); });
  }

  void SetUp() override {
    Volume<std::uint16_t> map{test::grid({3, 4, 5}, {2, 1, 1}), std::vector<std::uint16_t>(60)};
    map.voxels[7] = 2;
    map.voxels[8] = 2;
    map.voxels[59] = 63;
    map.voxels[30] = 300;
    write_volume(file_, map);
  }

  test::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "vessels.nii.gz";
};

TEST_F(ReadVessels, keeps_the_labels_asked_for_in_their_order) {
  const Vessels vessels = read({{"vena_cava", 63}, {"portal", 2}, {"absent", 9}});
  EXPECT_EQ(vessels.geometry.size, (std::array<std::int64_t, 3>{5, 4, 3}));
  ASSERT_EQ(vessels.masks.size(), 3U);
  EXPECT_EQ(vessels.masks[0].name, "vena_cava");
  EXPECT_EQ(count(vessels.masks[0].mask), 1);
  EXPECT_TRUE(vessels.masks[0].mask[59]);
  EXPECT_EQ(count(vessels.masks[1].mask), 2);
  EXPECT_TRUE(vessels.masks[1].mask[7] && vessels.masks[1].mask[8]);
  EXPECT_EQ(count(vessels.masks[2].mask), 0);
}

TEST_F(ReadVessels, knows_the_challenge) {
  const Vessels vessels = read(challenge_vessels());
  EXPECT_EQ(vessels.masks[1].name, "smv");
  EXPECT_EQ(count(vessels.masks[1].mask), 2);
}

TEST_F(ReadVessels, refuses_what_cannot_be_meant) {
  EXPECT_THAT(message({{"a", 3}, {"b", 4}}), AllOf(HasSubstr(file_.string()), HasSubstr("3 (a)"), HasSubstr("4 (b)")));
  EXPECT_THAT(message({{"a", 2}, {"a", 63}}), HasSubstr("a is given more than once"));
  EXPECT_THAT(message({{"a", 2}, {"b", 2}}), HasSubstr("2 is both a and b"));
  EXPECT_THAT(message({{"a", 0}}), HasSubstr("1 to 65535"));
  EXPECT_THAT(message({{"a", 65536}}), HasSubstr("1 to 65535"));
  EXPECT_THAT(message({{"", 2}}), HasSubstr("no name"));
}

}  // namespace
}  // namespace twintrack
