#include "twintrack/augmentation/augment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "augmentation/patches.hpp"
#include "twintrack/core/error.hpp"

namespace twintrack {
namespace {

using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;
using testing::ThrowsMessage;

constexpr Shape3 small{6, 7, 8};
constexpr int draws = 2000;

void expect_share(int count, double probability) {
  EXPECT_NEAR(count / static_cast<double>(draws), probability,
              4 * std::sqrt(probability * (1 - probability) / static_cast<double>(draws)));
}

Patch augmented(const Patch& drawn, const Shape3& shape, const AugmentationSettings& settings, std::uint64_t key) {
  Random random(key, 1);
  return augment(drawn, shape, settings, random);
}

void expect_equal(const Patch& a, const Patch& b) {
  EXPECT_EQ(a.shape, b.shape);
  EXPECT_EQ(a.channels, b.channels);
  EXPECT_EQ(a.image, b.image);
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.soft, b.soft);
}

TEST(Augment, changes_nothing_when_all_is_off) {
  const Patch patch = noise_patch(small, 2);
  AugmentationSettings settings = no_augmentation();
  settings.mirror_axes = {0, 1, 2};
  for (std::uint64_t key = 0; key < 20; ++key) expect_equal(augmented(patch, small, settings, key), patch);
}

TEST(Augment, works_without_soft_labels) {
  const AugmentationSettings settings = default_augmentation(small, {0, 1, 2});
  Patch drawn = noise_patch(drawn_shape(small, settings));
  Patch without = drawn;
  without.soft.clear();
  for (std::uint64_t key = 0; key < 50; ++key) {
    const Patch with_soft = augmented(drawn, small, settings, key);
    const Patch result = augmented(without, small, settings, key);
    EXPECT_TRUE(result.soft.empty());
    EXPECT_EQ(result.image, with_soft.image);
    EXPECT_EQ(result.labels, with_soft.labels);
  }
}

TEST(Augment, marks_voxels_outside_the_case_as_background) {
  Patch patch = noise_patch(small);
  std::fill_n(patch.labels.begin(), 20, std::int16_t{-1});
  const Patch result = augmented(patch, small, no_augmentation(), 1);
  for (std::size_t i = 0; i < patch.labels.size(); ++i) EXPECT_EQ(result.labels[i], std::max<int>(patch.labels[i], 0));
}

TEST(Augment, is_decided_by_the_key) {
  const AugmentationSettings settings = default_augmentation(small, {0, 1, 2});
  const Patch drawn = noise_patch(drawn_shape(small, settings), 2);
  std::set<std::vector<float>> images;
  for (std::uint64_t key = 0; key < 100; ++key) {
    const Patch patch = augmented(drawn, small, settings, key);
    expect_equal(augmented(drawn, small, settings, key), patch);
    images.insert(patch.image);
  }
  EXPECT_GT(images.size(), 70U);  // about 18 see nothing but one of 8 mirrorings
}

TEST(Augment, in_two_steps_is_the_same) {
  const AugmentationSettings settings = default_augmentation(small, {0, 1, 2});
  const Patch drawn = noise_patch(drawn_shape(small, settings));
  for (std::uint64_t key = 0; key < 100; ++key) {
    Random random(key, 1);
    const SpatialTransform transform = draw_spatial_transform(settings, random);
    const Patch cut = resample_patch(drawn, source_shape(small, transform), {});
    const Patch patch = augment(cut, small, settings, transform, random);
    EXPECT_THAT(patch.image, Pointwise(FloatNear(1e-4F), augmented(drawn, small, settings, key).image));
  }
}

TEST(Augment, keeps_soft_labels_shares_and_labels_those_there_were) {
  for (const Shape3& shape : {Shape3{16, 16, 16}, Shape3{5, 20, 20}}) {
    const AugmentationSettings settings = default_augmentation(shape, {0, 1, 2});
    Patch drawn = noise_patch(drawn_shape(shape, settings));
    for (std::int16_t& label : drawn.labels) label = static_cast<std::int16_t>(label == 0 ? 0 : 10 * label + 1);
    for (float& share : drawn.soft) share = share > 0.8F ? 1.0F : share < 0.4F ? 0.0F : share;
    for (std::uint64_t key = 0; key < 200; ++key) {
      const Patch patch = augmented(drawn, shape, settings, key);
      EXPECT_EQ(patch.shape, shape);
      for (const std::int16_t label : patch.labels) {
        ASSERT_TRUE(label == 0 || label == 11 || label == 21 || label == 31) << label;
      }
      for (const float share : patch.soft) ASSERT_TRUE(share >= 0 && share <= 1) << share;
      for (const float value : patch.image) ASSERT_TRUE(std::isfinite(value));
    }
  }
}

TEST(Augment, each_intensity_change_happens_as_often_as_nnunet_has_it) {
  const Patch patch = noise_patch(small);
  struct Change {
    double AugmentationSettings::*probability;
    double expected;  // of a patch with one channel
  };
  const AugmentationSettings defaults = default_augmentation(small, {});
  for (const Change& change : {Change{&AugmentationSettings::noise_probability, 0.1},
                               Change{&AugmentationSettings::blur_probability, 0.2 * 0.5},
                               Change{&AugmentationSettings::brightness_probability, 0.15},
                               Change{&AugmentationSettings::contrast_probability, 0.15},
                               Change{&AugmentationSettings::low_resolution_probability, 0.25 * 0.5},
                               Change{&AugmentationSettings::inverted_gamma_probability, 0.1},
                               Change{&AugmentationSettings::gamma_probability, 0.3}}) {
    AugmentationSettings settings = no_augmentation();
    settings.low_resolution_scale = {0.5, 0.7};  // near 1 the coarse grid is the patch's
    settings.*change.probability = defaults.*change.probability;
    int changed = 0;
    for (std::uint64_t key = 0; key < draws; ++key) {
      const Patch result = augmented(patch, small, settings, key);
      ASSERT_EQ(result.labels, patch.labels);
      changed += result.image != patch.image ? 1 : 0;
    }
    expect_share(changed, change.expected);
  }
}

TEST(Augment, rotates_and_scales_as_often_as_nnunet_does) {
  AugmentationSettings settings = no_augmentation();
  settings.rotation_probability = settings.scaling_probability = 0.2;
  const Patch drawn = noise_patch(drawn_shape(small, settings));
  const Patch middle = resample_patch(drawn, small, {});
  int changed = 0;
  for (std::uint64_t key = 0; key < draws; ++key) {
    changed += augmented(drawn, small, settings, key).image != middle.image ? 1 : 0;
  }
  expect_share(changed, 1 - 0.8 * 0.8);
}

TEST(Augment, mirrors_allowed_axes_half_of_the_time_each) {
  AugmentationSettings settings = no_augmentation();
  settings.mirror_probability = 0.5;
  settings.mirror_axes = {0, 2};
  const Patch patch = noise_patch(small);
  int along_0 = 0;
  int along_2 = 0;
  int along_both = 0;
  for (std::uint64_t key = 0; key < draws; ++key) {
    const Patch result = augmented(patch, small, settings, key);
    bool found = false;
    for (const bool flip_0 : {false, true}) {
      for (const bool flip_2 : {false, true}) {
        Patch mirrored = patch;
        mirror(mirrored, {flip_0, false, flip_2});
        if (mirrored.image != result.image) continue;
        found = true;
        along_0 += flip_0 ? 1 : 0;
        along_2 += flip_2 ? 1 : 0;
        along_both += flip_0 && flip_2 ? 1 : 0;
      }
    }
    ASSERT_TRUE(found) << key;
  }
  expect_share(along_0, 0.5);
  expect_share(along_2, 0.5);
  expect_share(along_both, 0.25);
}

TEST(Augment, draws_factors_below_1_half_of_the_time) {
  AugmentationSettings settings = no_augmentation();
  settings.brightness_probability = 1;
  settings.brightness_factor = {0.7, 1.5};
  const Patch patch = patch_of({1, 1, 1}, [](const Place&) { return 1; });
  int below = 0;
  int near_the_top = 0;
  for (std::uint64_t key = 0; key < draws; ++key) {
    const float factor = augmented(patch, patch.shape, settings, key).image[0];
    ASSERT_GE(factor, 0.7F);
    ASSERT_LE(factor, 1.5F);
    below += factor < 1 ? 1 : 0;
    near_the_top += factor > 1.25F ? 1 : 0;
  }
  expect_share(below, 0.5);
  expect_share(near_the_top, 0.25);
}

TEST(Augment, draws_deviations_of_noise_within_their_range) {
  AugmentationSettings settings = no_augmentation();
  settings.noise_probability = 1;
  const Patch patch = blank_patch({20, 20, 20}, 2);
  double sum = 0;
  for (std::uint64_t key = 0; key < 300; ++key) {
    double squares = 0;
    for (const float value : augmented(patch, patch.shape, settings, key).image) squares += value * value;
    const double deviation = std::sqrt(squares / 16000);
    ASSERT_LT(deviation, 0.1 * 1.03);
    sum += deviation;
  }
  EXPECT_NEAR(sum / 300, 0.05, 4 * 0.1 / std::sqrt(12 * 300));
}

TEST(Augment, changes_each_channel_by_itself) {
  AugmentationSettings settings = no_augmentation();
  settings.brightness_probability = 1;
  Patch patch = blank_patch({1, 1, 1}, 2);
  std::fill(patch.image.begin(), patch.image.end(), 1.0F);
  const Patch result = augmented(patch, patch.shape, settings, 1);
  EXPECT_NE(result.image[0], result.image[1]);
}

TEST(Augment, applies_the_changes_in_nnunets_order) {
  // Mirrored last: noise is added to the patch as it was drawn.
  AugmentationSettings settings = no_augmentation();
  settings.noise_probability = settings.brightness_probability = settings.mirror_probability = 1;
  settings.noise_deviation = {0.1, 0.1};
  settings.brightness_factor = {2, 2};
  const Patch patch = blank_patch(small);
  const Patch unmirrored = augmented(patch, small, settings, 1);
  double squares = 0;
  for (const float value : unmirrored.image) squares += value * value;
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(unmirrored.image.size())), 0.2, 0.03);  // noise first
  settings.mirror_axes = {1};
  Patch mirrored = augmented(patch, small, settings, 1);
  mirror(mirrored, {false, true, false});
  EXPECT_EQ(mirrored.image, unmirrored.image);
}

TEST(AugmentationSettings, are_nnunets_for_the_patch) {
  const AugmentationSettings cubic = default_augmentation({48, 64, 64}, {0, 1, 2});
  EXPECT_FALSE(cubic.in_plane);
  EXPECT_EQ(cubic.rotation_degrees, (DrawnRange{-30, 30}));
  EXPECT_EQ(cubic.mirror_axes, (std::vector<int>{0, 1, 2}));
  EXPECT_FALSE(default_augmentation({20, 60, 60}, {}).in_plane);
  EXPECT_FALSE(default_augmentation({60, 60, 10}, {}).in_plane);  // only axis 0 counts
  const AugmentationSettings flat = default_augmentation({20, 40, 61}, {});
  EXPECT_TRUE(flat.in_plane);
  EXPECT_EQ(flat.rotation_degrees, (DrawnRange{-180, 180}));
  EXPECT_NO_THROW(check_settings(cubic));
  EXPECT_NO_THROW(check_settings(flat));
  EXPECT_NO_THROW(check_settings(no_augmentation()));
}

TEST(AugmentationSettings, in_plane_spare_axis_0_of_low_resolution) {
  AugmentationSettings settings = no_augmentation();
  settings.in_plane = true;
  settings.low_resolution_probability = settings.low_resolution_channel_probability = 1;
  settings.low_resolution_scale = {0.5, 0.5};
  const Patch patch = patch_of(small, [](const Place& p) { return std::sin(p[0] * 2); });
  EXPECT_THAT(augmented(patch, small, settings, 1).image, Pointwise(FloatNear(1e-6F), patch.image));
  settings.in_plane = false;
  EXPECT_NE(augmented(patch, small, settings, 1).image, patch.image);
}

TEST(AugmentationSettings, that_cannot_be_are_refused) {
  const auto refuses = [](auto change, const std::string& message) {
    AugmentationSettings settings;
    change(settings);
    EXPECT_THAT([&] { check_settings(settings); }, ThrowsMessage<InputError>(HasSubstr(message)));
  };
  refuses([](auto& s) { s.gamma_probability = 1.5; }, "gamma_probability is 1.5: 0 to 1 is right");
  refuses([](auto& s) { s.blur_probability = std::nan(""); }, "blur_probability is nan");
  refuses([](auto& s) { s.scaling = {1.4, 0.7}; }, "scaling is from 1.4 to 0.7: ascending");
  refuses([](auto& s) { s.scaling = {0, 1}; }, "scaling is from 0 to 1");
  refuses([](auto& s) { s.low_resolution_scale = {0.5, 2}; }, "low_resolution_scale");
  refuses([](auto& s) { s.mirror_axes = {0, 3}; }, "mirror_axes are [0, 3]");
  refuses([](auto& s) { s.mirror_axes = {1, 1}; }, "each of 0, 1 and 2 at most once");
  EXPECT_THROW(default_augmentation(small, {-1}), InputError);
  AugmentationSettings settings;
  settings.mirror_axes = {7};
  Random random(1, 1);
  EXPECT_THROW(augment(noise_patch(small), small, settings, random), InputError);
}

}  // namespace
}  // namespace twintrack
