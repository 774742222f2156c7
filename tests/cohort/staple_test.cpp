// ITK's STAPLE filter is the reference.
#include "twintrack/cohort/rater_set.hpp"

#include <gtest/gtest.h>

#include <itkImage.h>
#include <itkImageRegionConstIterator.h>
#include <itkImageRegionIterator.h>
#include <itkSTAPLEImageFilter.h>

#include <random>

namespace twintrack {
namespace {

Geometry grid(const Shape3& shape) {
  Geometry geometry;
  geometry.size = {shape[2], shape[1], shape[0]};
  return geometry;
}

// Raters who find each voxel of a random truth with their own sensitivity and add others.
RaterSet random_raters(const Shape3& shape, int count, double share, unsigned seed) {
  std::mt19937 generator(seed);
  const auto uniform = [&] { return static_cast<double>(generator()) / 4294967296.0; };
  RaterSet raters{grid(shape), std::vector<BitMask>(count, BitMask(shape))};
  std::vector<double> sensitivity(count);
  std::vector<double> added(count);
  for (int k = 0; k < count; ++k) {
    sensitivity[k] = 0.5 + 0.49 * uniform();
    added[k] = 0.1 * uniform();
  }
  for (std::int64_t voxel = 0; voxel < voxel_count(shape); ++voxel) {
    const bool truth = uniform() < share;
    for (int k = 0; k < count; ++k) {
      if (uniform() < (truth ? sensitivity[k] : added[k])) raters.masks[k].set(voxel);
    }
  }
  return raters;
}

struct Reference {
  std::vector<double> truth;
  std::vector<double> sensitivity;
  std::vector<double> specificity;
  int last_iteration = 0;
};

Reference itk_staple(const RaterSet& raters) {
  using Labels = itk::Image<unsigned char, 3>;
  using Truth = itk::Image<double, 3>;
  const auto filter = itk::STAPLEImageFilter<Labels, Truth>::New();
  filter->SetForegroundValue(1);
  for (int k = 0; k < raters.size(); ++k) {
    const auto image = Labels::New();
    image->SetRegions(Labels::SizeType{static_cast<itk::SizeValueType>(raters.geometry.size[0]),
                                       static_cast<itk::SizeValueType>(raters.geometry.size[1]),
                                       static_cast<itk::SizeValueType>(raters.geometry.size[2])});
    image->Allocate();
    itk::ImageRegionIterator<Labels> at(image, image->GetLargestPossibleRegion());
    for (std::int64_t voxel = 0; !at.IsAtEnd(); ++at, ++voxel) at.Set(raters.masks[k][voxel] ? 1 : 0);
    filter->SetInput(k, image);
  }
  filter->Update();
  Reference reference;
  itk::ImageRegionConstIterator<Truth> at(filter->GetOutput(), filter->GetOutput()->GetLargestPossibleRegion());
  for (; !at.IsAtEnd(); ++at) reference.truth.push_back(at.Get());
  reference.sensitivity = filter->GetSensitivity();
  reference.specificity = filter->GetSpecificity();
  reference.last_iteration = static_cast<int>(filter->GetElapsedIterations());
  return reference;
}

void expect_itk(const RaterSet& raters) {
  const Reference reference = itk_staple(raters);
  const Staple result = staple(raters);
  ASSERT_EQ(std::ssize(result.sensitivity), raters.size());
  ASSERT_EQ(std::ssize(result.specificity), raters.size());
  for (int k = 0; k < raters.size(); ++k) {
    EXPECT_NEAR(result.sensitivity[k], reference.sensitivity[k], 1e-9);
    EXPECT_NEAR(result.specificity[k], reference.specificity[k], 1e-9);
  }
  EXPECT_EQ(result.iterations, reference.last_iteration + 1);
  std::int64_t different = 0;
  for (std::int64_t voxel = 0; voxel < result.consensus.size(); ++voxel)
    different += result.consensus[voxel] != (reference.truth[voxel] > 0.5);
  EXPECT_EQ(different, 0);
}

TEST(Staple, equals_itk) {
  unsigned seed = 0;
  for (const Shape3& shape : std::vector<Shape3>{{10, 12, 13}, {1, 16, 8}, {20, 20, 32}}) {
    for (const int raters : {1, 2, 3, 5, 9}) {
      for (const double share : {0.02, 0.3, 0.8}) {
        SCOPED_TRACE(testing::Message() << testing::PrintToString(shape) << " " << raters << " raters, " << share);
        expect_itk(random_raters(shape, raters, share, ++seed));
      }
    }
  }
}

TEST(Staple, equals_itk_for_one_rater_who_marked_nothing) {
  RaterSet raters = random_raters({10, 12, 13}, 4, 0.1, 5);
  raters.masks.emplace_back(raters.geometry.shape());
  expect_itk(raters);
}

TEST(Staple, equals_itk_for_raters_who_agree) {
  RaterSet raters = random_raters({10, 12, 13}, 1, 0.1, 6);
  raters.masks.assign(5, raters.masks[0]);
  expect_itk(raters);
  EXPECT_EQ(count_of_both(staple(raters).consensus, raters.masks[0]), count(raters.masks[0]));
  EXPECT_EQ(count(staple(raters).consensus), count(raters.masks[0]));
}

TEST(Staple, equals_itk_for_raters_who_marked_different_voxels) {
  RaterSet raters{grid({4, 5, 6}), std::vector<BitMask>(3, BitMask({4, 5, 6}))};
  for (int k = 0; k < 3; ++k) raters.masks[k].set(10 * k + 7);
  expect_itk(raters);
}

TEST(Staple, of_nothing_is_nothing) {
  const RaterSet raters{grid({4, 5, 6}), std::vector<BitMask>(3, BitMask({4, 5, 6}))};
  const Staple result = staple(raters);
  EXPECT_EQ(count(result.consensus), 0);
  EXPECT_EQ(result.iterations, 0);
  EXPECT_EQ(result.sensitivity, (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(result.specificity, (std::vector<double>{1, 1, 1}));
}

// No background is left to judge specificity by: ITK divides 0 by 0 here.
TEST(Staple, of_everything_is_everything) {
  RaterSet raters{grid({4, 5, 6}), std::vector<BitMask>(3, BitMask({4, 5, 6}))};
  for (BitMask& mask : raters.masks) {
    for (std::int64_t voxel = 0; voxel < mask.size(); ++voxel) mask.set(voxel);
  }
  const Staple result = staple(raters);
  EXPECT_EQ(count(result.consensus), 120);
  EXPECT_EQ(result.sensitivity, (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(result.specificity, (std::vector<double>{1, 1, 1}));
}

TEST(Staple, takes_64_raters) {
  const RaterSet raters = random_raters({6, 7, 8}, 64, 0.3, 7);
  expect_itk(raters);
  EXPECT_GT(count(staple(raters).consensus), 0);
}

}  // namespace
}  // namespace twintrack
