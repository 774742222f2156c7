#include "twintrack/augmentation/spatial.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "augmentation/patches.hpp"
#include "twintrack/core/error.hpp"

namespace twintrack {
namespace {

using testing::Each;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;
using testing::ThrowsMessage;

constexpr Shape3 usual_patch{48, 64, 64};

Place look_up_place(const SpatialTransform& transform, const Place& p) {
  Place place{};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) place[i] += transform.matrix[i][j] * p[j];
  }
  return place;
}

// A rotation by 90 degrees looks up voxel `source(z, y, x)` of a cube of n voxels.
void expect_permutation(const std::array<double, 3>& degrees,
                        const std::function<Shape3(std::int64_t, std::int64_t, std::int64_t, std::int64_t)>& source) {
  constexpr std::int64_t n = 9;
  const Patch patch = noise_patch({n, n, n}, 2);
  const Patch turned = resample_patch(patch, patch.shape, rotation_and_scaling(degrees, 1));
  for (std::int64_t i = 0; i < n * n * n; ++i) {
    const auto [z, y, x] = source(n - 1, i / (n * n), i / n % n, i % n);
    const std::int64_t from = (z * n + y) * n + x;
    ASSERT_NEAR(turned.image[i], patch.image[from], 1e-5) << i;
    ASSERT_NEAR(turned.image[i + n * n * n], patch.image[from + n * n * n], 1e-5) << i;
    ASSERT_EQ(turned.labels[i], patch.labels[from]) << i;
    ASSERT_NEAR(turned.soft[i], patch.soft[from], 1e-5) << i;
  }
}

TEST(Spatial, turns_by_90_degrees_as_a_permutation_of_voxels) {
  expect_permutation({90, 0, 0}, [](auto last, auto z, auto y, auto x) { return Shape3{z, last - x, y}; });
  expect_permutation({0, 90, 0}, [](auto last, auto z, auto y, auto x) { return Shape3{x, y, last - z}; });
  expect_permutation({0, 0, 90}, [](auto last, auto z, auto y, auto x) { return Shape3{last - y, z, x}; });
  expect_permutation({-90, 0, 0}, [](auto last, auto z, auto y, auto x) { return Shape3{z, x, last - y}; });
  expect_permutation({180, 0, 0}, [](auto last, auto z, auto y, auto x) { return Shape3{z, last - y, last - x}; });
}

TEST(Spatial, multiplies_a_ramp_by_the_scale) {
  const auto ramp = [](const Place& p) { return 3 * p[0] - 2 * p[1] + 0.5 * p[2]; };
  for (const double scale : {0.7, 1.4}) {
    const SpatialTransform transform = rotation_and_scaling({0, 0, 0}, scale);
    const Shape3 shape{10, 17, 70};
    const Patch result = resample_patch(patch_of(source_shape(shape, transform), ramp), shape, transform);
    for_each_voxel(shape, [&](std::int64_t i, const Place& p) { ASSERT_NEAR(result.image[i], scale * ramp(p), 2e-4); });
  }
}

TEST(Spatial, copies_the_middle_when_nothing_happens) {
  const Patch drawn = noise_patch({9, 12, 15}, 2);
  const Patch patch = resample_patch(drawn, {5, 6, 7}, {});
  for (std::int64_t c = 0; c < 2; ++c) {
    for (std::int64_t z = 0; z < 5; ++z) {
      for (std::int64_t y = 0; y < 6; ++y) {
        for (std::int64_t x = 0; x < 7; ++x) {
          const std::int64_t to = (z * 6 + y) * 7 + x;
          const std::int64_t from = ((z + 2) * 12 + y + 3) * 15 + x + 4;
          EXPECT_EQ(patch.image[c * 210 + to], drawn.image[c * 1620 + from]);
          EXPECT_EQ(patch.labels[to], drawn.labels[from]);
          EXPECT_EQ(patch.soft[to], drawn.soft[from]);
        }
      }
    }
  }
}

TEST(Spatial, shows_zeros_beyond_the_region) {
  Patch drawn = patch_of({3, 3, 3}, [](const Place&) { return 1; });
  std::fill(drawn.labels.begin(), drawn.labels.end(), std::int16_t{2});
  std::fill(drawn.soft.begin(), drawn.soft.end(), 0.5F);
  for (const SpatialTransform& transform : {SpatialTransform{}, rotation_and_scaling({0, 0, 0}, 1)}) {
    const Patch patch = resample_patch(drawn, {7, 5, 9}, transform);
    for_each_voxel(patch.shape, [&](std::int64_t i, const Place& p) {
      const bool inside = std::abs(p[0]) <= 1 && std::abs(p[1]) <= 1 && std::abs(p[2]) <= 1;
      EXPECT_EQ(patch.image[i], inside ? 1 : 0);
      EXPECT_EQ(patch.labels[i], inside ? 2 : 0);
      EXPECT_EQ(patch.soft[i], inside ? 0.5F : 0);
    });
  }
}

TEST(Spatial, resamples_regions_of_one_voxel_depth) {
  const Patch drawn = patch_of({1, 21, 21}, [](const Place& p) { return p[1] + 2 * p[2]; });
  const SpatialTransform transform = rotation_and_scaling({30, 0, 0}, 1);
  const Patch patch = resample_patch(drawn, {1, 11, 11}, transform);
  for_each_voxel(patch.shape, [&](std::int64_t i, const Place& p) {
    const Place at = look_up_place(transform, p);
    ASSERT_NEAR(patch.image[i], at[1] + 2 * at[2], 1e-4);
  });
}

// Whatever is drawn, every voxel of the patch lies within the region: an affine image stays affine, and is nowhere 0.
TEST(Spatial, draws_regions_that_hold_every_voxel) {
  for (const Shape3& shape : {Shape3{24, 32, 40}, Shape3{40, 32, 15}, Shape3{7, 30, 32}}) {
    const AugmentationSettings settings = default_augmentation(shape, {});
    const auto ramp = [](const Place& p) { return 1000 + 3 * p[0] - 2 * p[1] + p[2]; };
    const Patch drawn = patch_of(drawn_shape(shape, settings), ramp);
    for (std::uint64_t key = 0; key < 150; ++key) {
      Random random(key, 1);
      const SpatialTransform transform = draw_spatial_transform(settings, random);
      const Patch patch = resample_patch(drawn, shape, transform);
      double worst = 0;
      for_each_voxel(shape, [&](std::int64_t i, const Place& p) {
        worst = std::max(worst, std::abs(patch.image[i] - ramp(look_up_place(transform, p))));
      });
      ASSERT_LT(worst, 1e-3 * 3) << key;
    }
  }
}

TEST(Spatial, the_largest_draw_needs_the_drawn_shape_and_no_more) {
  AugmentationSettings settings = default_augmentation(usual_patch, {});
  settings.rotation_probability = settings.scaling_probability = 1;
  const Shape3 drawn = drawn_shape(usual_patch, settings);
  Shape3 largest{};
  for (std::uint64_t key = 0; key < 20000; ++key) {
    Random random(key, 2);
    const Shape3 needed = source_shape(usual_patch, draw_spatial_transform(settings, random));
    for (int axis = 0; axis < 3; ++axis) {
      ASSERT_LE(needed[axis], drawn[axis]);
      ASSERT_EQ(needed[axis] % 2, usual_patch[axis] % 2);
      largest[axis] = std::max(largest[axis], needed[axis]);
    }
  }
  for (int axis = 0; axis < 3; ++axis) EXPECT_GE(largest[axis], drawn[axis] - 6);
}

TEST(Spatial, drawn_shape_without_rotation_is_the_scaled_patch) {
  AugmentationSettings settings = default_augmentation({11, 21, 31}, {});
  settings.rotation_probability = 0;
  EXPECT_EQ(drawn_shape({11, 21, 31}, settings), (Shape3{15, 29, 43}));  // 1.4 * (extent - 1) + 1
  settings.in_plane = true;
  EXPECT_EQ(drawn_shape({11, 21, 31}, settings), (Shape3{11, 29, 43}));
  EXPECT_EQ(drawn_shape({11, 20, 31}, no_augmentation()), (Shape3{11, 20, 31}));
}

TEST(Spatial, drawn_shape_in_plane_is_the_diagonal) {
  AugmentationSettings settings = default_augmentation({5, 31, 41}, {});
  ASSERT_TRUE(settings.in_plane);
  settings.scaling_probability = 0;
  EXPECT_EQ(drawn_shape({5, 31, 41}, settings), (Shape3{5, 51, 51}));  // hypot(30, 40) = 50
}

TEST(Spatial, a_region_cut_for_the_draw_gives_the_patch_of_the_largest_region) {
  const Shape3 shape{16, 23, 20};
  const AugmentationSettings settings = default_augmentation(shape, {});
  const Patch drawn = noise_patch(drawn_shape(shape, settings));
  int transformed = 0;
  for (std::uint64_t key = 0; key < 40; ++key) {
    Random random(key, 3);
    const SpatialTransform transform = draw_spatial_transform(settings, random);
    transformed += transform.identity ? 0 : 1;
    const Patch cut = resample_patch(drawn, source_shape(shape, transform), {});
    const Patch from_cut = resample_patch(cut, shape, transform);
    const Patch from_drawn = resample_patch(drawn, shape, transform);
    EXPECT_THAT(from_cut.image, Pointwise(FloatNear(5e-5F), from_drawn.image));
    EXPECT_THAT(from_cut.soft, Pointwise(FloatNear(5e-5F), from_drawn.soft));
  }
  EXPECT_GT(transformed, 5);
}

TEST(Spatial, chooses_the_label_with_the_largest_interpolated_share) {
  Patch drawn = noise_patch({20, 20, 20}, 4);
  const std::int64_t voxels = voxel_count(drawn.shape);
  for (std::int64_t i = 0; i < 4 * voxels; ++i) drawn.image[i] = drawn.labels[i % voxels] == i / voxels ? 1 : 0;
  const Shape3 shape{9, 10, 11};
  const Patch patch = resample_patch(drawn, shape, rotation_and_scaling({20, -10, 35}, 0.9));
  const std::int64_t count = voxel_count(shape);
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t label = 0; label < 4; ++label) {
      EXPECT_LE(patch.image[label * count + i], patch.image[patch.labels[i] * count + i] + 1e-5F);
    }
  }
}

TEST(Spatial, gives_equal_shares_to_the_lower_label) {
  Patch drawn = blank_patch({3, 3, 4});
  for (std::int64_t i = 0; i < 36; ++i) drawn.labels[i] = i % 4 < 2 ? 5 : 4;
  const Patch patch = resample_patch(drawn, {1, 1, 3}, rotation_and_scaling({0, 0, 0}, 1));
  EXPECT_THAT(patch.labels, testing::ElementsAre(5, 4, 4));  // looked up at 0.5, 1.5 and 2.5
}

TEST(Spatial, keeps_image_and_labels_aligned) {
  const auto blobs = [](const Place& p) { return std::sin(p[0] * 0.3) + std::sin(p[1] * 0.25) + std::cos(p[2] * 0.2); };
  const Shape3 shape{32, 32, 32};
  const AugmentationSettings settings = default_augmentation(shape, {});
  Patch drawn = patch_of(drawn_shape(shape, settings), blobs);
  const auto label_of = [](float value) { return static_cast<std::int16_t>(value > 1 ? 2 : value > 0 ? 1 : 0); };
  std::transform(drawn.image.begin(), drawn.image.end(), drawn.labels.begin(), label_of);
  int transformed = 0;
  for (std::uint64_t key = 0; key < 60; ++key) {
    Random random(key, 4);
    const SpatialTransform transform = draw_spatial_transform(settings, random);
    transformed += transform.identity ? 0 : 1;
    const Patch patch = resample_patch(drawn, shape, transform);
    std::int64_t agreeing = 0;
    for (std::size_t i = 0; i < patch.labels.size(); ++i) agreeing += label_of(patch.image[i]) == patch.labels[i];
    EXPECT_GT(static_cast<double>(agreeing), 0.97 * static_cast<double>(patch.labels.size())) << key;
  }
  EXPECT_GT(transformed, 10);
}

TEST(Spatial, leaves_slices_in_their_plane) {
  const Shape3 shape{6, 40, 40};
  AugmentationSettings settings = default_augmentation(shape, {});
  settings.rotation_probability = settings.scaling_probability = 1;
  const Patch drawn = patch_of(drawn_shape(shape, settings), [](const Place& p) { return p[0]; });
  Random random(1, 1);
  const Patch patch = resample_patch(drawn, shape, draw_spatial_transform(settings, random));
  for_each_voxel(shape, [&](std::int64_t i, const Place& p) { ASSERT_NEAR(patch.image[i], p[0], 1e-5); });
}

TEST(Spatial, draws_angles_and_scales_of_the_settings) {
  const AugmentationSettings settings = default_augmentation(usual_patch, {});
  int identities = 0;
  for (std::uint64_t key = 0; key < 2000; ++key) {
    Random random(key, 5);
    const SpatialTransform transform = draw_spatial_transform(settings, random);
    identities += transform.identity ? 1 : 0;
    double squares = 0;
    for (const double element : transform.matrix[0]) squares += element * element;
    EXPECT_THAT(std::sqrt(squares), testing::AllOf(testing::Ge(0.7 - 1e-9), testing::Le(1.4 + 1e-9)));
    EXPECT_LE(std::abs(transform.matrix[2][0]) / std::sqrt(squares), 0.5 + 1e-9);  // sine of the angle about axis 1
  }
  EXPECT_NEAR(identities / 2000.0, 0.64, 4 * std::sqrt(0.64 * 0.36 / 2000));
}

TEST(Spatial, mirrors_each_axis_alone) {
  const Patch patch = noise_patch({3, 4, 5}, 2);
  for (int axis = 0; axis < 3; ++axis) {
    Patch mirrored = patch;
    std::array<bool, 3> axes{};
    axes[axis] = true;
    mirror(mirrored, axes);
    for (std::int64_t i = 0; i < 60; ++i) {
      Shape3 at{i / 20, i / 5 % 4, i % 5};
      at[axis] = patch.shape[axis] - 1 - at[axis];
      const std::int64_t from = (at[0] * 4 + at[1]) * 5 + at[2];
      EXPECT_EQ(mirrored.image[i], patch.image[from]);
      EXPECT_EQ(mirrored.image[60 + i], patch.image[60 + from]);
      EXPECT_EQ(mirrored.labels[i], patch.labels[from]);
      EXPECT_EQ(mirrored.soft[i], patch.soft[from]);
    }
  }
}

TEST(Spatial, mirrored_twice_is_the_patch) {
  const Patch patch = noise_patch({6, 7, 33}, 2);
  Patch mirrored = patch;
  mirror(mirrored, {true, true, true});
  EXPECT_NE(mirrored.image, patch.image);
  mirror(mirrored, {true, true, true});
  EXPECT_EQ(mirrored.image, patch.image);
  EXPECT_EQ(mirrored.labels, patch.labels);
  EXPECT_EQ(mirrored.soft, patch.soft);
}

TEST(Spatial, refuses_arrays_that_disagree_with_the_shape) {
  Patch patch = noise_patch({4, 4, 4}, 2);
  patch.channels = 3;
  EXPECT_THAT(
      [&] {
        resample_patch(patch, {2, 2, 2}, {});
      },
      ThrowsMessage<InputError>(HasSubstr("128 values of the image in 3 channels of 64 voxels")));
  patch.channels = 2;
  patch.labels.pop_back();
  EXPECT_THROW(resample_patch(patch, {2, 2, 2}, {}), InputError);
  patch = noise_patch({4, 4, 4});
  patch.soft.pop_back();
  EXPECT_THROW(resample_patch(patch, {2, 2, 2}, {}), InputError);
  EXPECT_THROW(resample_patch(noise_patch({4, 4, 4}), {2, 0, 2}, {}), InputError);
}

}  // namespace
}  // namespace twintrack
