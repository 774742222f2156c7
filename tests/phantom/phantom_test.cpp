// Whole phantoms: the same bits again, plausible anatomy over many seeds, raters that belong to the tumour.
#include "twintrack/phantom/phantom.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "phantom/small_phantom.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/phantom/anatomy.hpp"

namespace twintrack::phantom {
namespace {

using test::component_sizes;
using test::count_of;
using test::small_options;

template <typename T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string identity_of(const Phantom& phantom) {
  std::string list = sha256_of(bytes_of(phantom.image.voxels)) + sha256_of(bytes_of(phantom.labels.voxels)) +
                     sha256_of(bytes_of(phantom.vessels.voxels)) + sha256_of(bytes_of(phantom.mean_human_response));
  for (const auto& rater : phantom.raters) list += sha256_of(bytes_of(rater));
  return sha256_of(list);
}

// Phantoms that several tests look at.
const std::vector<Phantom>& many() {
  static const std::vector<Phantom> phantoms = [] {
    std::vector<Phantom> made;
    for (int number = 0; number < 24; ++number) made.push_back(make_phantom(number, small_options(11)));
    return made;
  }();
  return phantoms;
}

TEST(Phantom, IsTheSameOnAnyNumberOfThreadsAndAgain) {
  const int usual = thread_count();
  std::vector<std::string> identities;
  for (const int threads : {1, 2, 5, 2}) {
    set_thread_count(threads);
    identities.push_back(identity_of(make_phantom(3, small_options(1, 3))));
  }
  set_thread_count(usual);
  EXPECT_THAT(identities, testing::Each(identities[0]));
  EXPECT_NE(identity_of(make_phantom(4, small_options(1, 3))), identities[0]);
  EXPECT_NE(identity_of(make_phantom(3, small_options(2, 3))), identities[0]);
}

// What GCC -O3, GCC -march=native and clang with AVX2 all made. A change of the model changes it, and with it every
// cohort that was made from a seed.
TEST(Phantom, IsTheSameOnEveryMachine) {
  EXPECT_EQ(identity_of(make_phantom(0, small_options(1))),
            "6c0e001854d2d5efd075d2c7a46784a6380f01e9280fe3e27391d98fa134b41e");
}

TEST(Phantom, RatersDoNotDependOnHowManyThereAre) {
  PhantomOptions options = small_options(1, 3);
  options.raters = 2;
  const Phantom two = make_phantom(3, options);
  options.raters = 6;
  const Phantom six = make_phantom(3, options);
  EXPECT_EQ(two.image.voxels, six.image.voxels);
  EXPECT_EQ(two.raters[0], six.raters[0]);
  EXPECT_EQ(two.raters[1], six.raters[1]);
  EXPECT_NE(two.mean_human_response, six.mean_human_response);
}

struct Sum {
  double hu = 0;
  std::int64_t voxels = 0;
  double mean() const { return hu / static_cast<double>(voxels); }
};

// Voxels all of whose neighbours in the slice carry the same label.
std::map<int, Sum> inner_hu(const Phantom& p) {
  std::map<int, Sum> sums;
  const auto& size = p.image.geometry.size;
  for (std::int64_t z = 0; z < size[2]; ++z) {
    for (std::int64_t y = 1; y + 1 < size[1]; ++y) {
      for (std::int64_t x = 1; x + 1 < size[0]; ++x) {
        const std::int64_t i = (z * size[1] + y) * size[0] + x;
        const std::uint8_t label = p.labels.voxels[i];
        if (label == 0 || p.labels.voxels[i - 1] != label || p.labels.voxels[i + 1] != label ||
            p.labels.voxels[i - size[0]] != label || p.labels.voxels[i + size[0]] != label)
          continue;
        sums[label].hu += p.image.voxels[i];
        ++sums[label].voxels;
      }
    }
  }
  return sums;
}

TEST(Phantom, LabelsHaveTheirAttenuation) {
  for (const Phantom& p : many()) {
    auto sums = inner_hu(p);
    const bool arterial = p.facts.phase == "pancreatic";
    EXPECT_GT(sums[3].mean(), arterial ? 220 : 130) << p.name;
    EXPECT_LT(sums[3].mean(), arterial ? 330 : 195) << p.name;
    EXPECT_GT(sums[2].mean(), arterial ? 105 : 130) << p.name;
    EXPECT_LT(sums[2].mean(), 200) << p.name;
    EXPECT_NEAR(sums[4].mean(), p.facts.pancreas_hu, 18) << p.name;
    EXPECT_NEAR(sums[1].mean(), p.facts.tumor_hu, 12) << p.name;
    EXPECT_LT(sums[1].mean(), p.facts.pancreas_hu - 8) << p.name;
    EXPECT_GE(p.facts.tumor_hu, 48) << p.name;
    EXPECT_LE(p.facts.tumor_hu, 84) << p.name;
  }
}

TEST(Phantom, HistogramIsThatOfAnAbdomen) {
  for (const Phantom& p : many()) {
    double air = 0, fat = 0, soft = 0, bone = 0;
    for (const std::int16_t hu : p.image.voxels) {
      air += hu < -700 ? 1 : 0;
      fat += hu > -150 && hu < -60 ? 1 : 0;
      soft += hu > 20 && hu < 200 ? 1 : 0;
      bone += hu > 350 ? 1 : 0;
    }
    const double all = static_cast<double>(p.image.voxels.size());
    EXPECT_GT(air / all, 0.15) << p.name;
    EXPECT_LT(air / all, 0.62) << p.name;
    EXPECT_GT(fat / all, 0.10) << p.name;
    EXPECT_GT(soft / all, 0.15) << p.name;
    EXPECT_GT(bone / all, 0.002) << p.name;
    EXPECT_LT(bone / all, 0.03) << p.name;
  }
}

TEST(Phantom, LabelsHaveAnatomicalVolumes) {
  for (const Phantom& p : many()) {
    const double ml = p.labels.geometry.voxel_volume_mm3() / 1000;
    const auto volume = [&](Label label) {
      return static_cast<double>(count_of(p.labels, static_cast<int>(label))) * ml;
    };
    EXPECT_GT(volume(Label::pancreas), 18) << p.name;
    EXPECT_LT(volume(Label::pancreas), 130) << p.name;
    EXPECT_GT(volume(Label::tumor), 1) << p.name;
    EXPECT_LT(volume(Label::tumor), 45) << p.name;
    EXPECT_GT(volume(Label::veins), 8) << p.name;
    EXPECT_LT(volume(Label::veins), 60) << p.name;
    EXPECT_GT(volume(Label::arteries), 50) << p.name;
    EXPECT_LT(volume(Label::arteries), 160) << p.name;
    EXPECT_GT(volume(Label::pancreatic_duct), 0.5) << p.name;
    EXPECT_LT(volume(Label::pancreatic_duct), 9) << p.name;
    EXPECT_GT(volume(Label::bile_duct), 0.5) << p.name;
    EXPECT_LT(volume(Label::bile_duct), 22) << p.name;
  }
}

TEST(Phantom, TumorLiesInOrAtThePancreas) {
  for (const Phantom& p : many()) {
    const auto& size = p.labels.geometry.size;
    std::int64_t touching = 0;
    for (std::int64_t i = size[0] + 1; i + size[0] + 1 < p.labels.geometry.voxel_count(); ++i) {
      if (p.labels.voxels[i] != 1) continue;
      for (const std::int64_t step : {std::int64_t{1}, size[0]})
        touching += p.labels.voxels[i - step] == 4 || p.labels.voxels[i + step] == 4 ? 1 : 0;
    }
    EXPECT_GT(touching, 5) << p.name;
    const auto parts = component_sizes(p.labels, 1);
    ASSERT_FALSE(parts.empty()) << p.name;
    EXPECT_GT(static_cast<double>(parts[0]), 0.9 * static_cast<double>(count_of(p.labels, 1))) << p.name;
  }
}

TEST(Phantom, EveryVesselIsOnePiece) {
  for (const double step : {0.9, 2.0, 3.0}) {
    for (int number = 0; number < (step < 1 ? 2 : 8); ++number) {
      const Phantom p = make_phantom(number, small_options(11, step));
      for (int vessel = 1; vessel <= 5; ++vessel) {
        const auto parts = component_sizes(p.vessels, vessel);
        EXPECT_EQ(parts.size(), 1u) << p.name << " vessel " << vessel << " at " << step << " mm";
      }
      for (std::size_t i = 0; i < p.vessels.voxels.size(); ++i) {
        const int vessel = p.vessels.voxels[i];
        const int label = vessel == 0 ? p.labels.voxels[i] : vessel <= 2 ? 2 : 3;
        ASSERT_EQ(p.labels.voxels[i], label);
      }
    }
  }
}

TEST(Anatomy, DuctsAreWideUpstreamOfAnObstructionAndTheGlandIsThin) {
  int obstructed = 0, bile = 0;
  for (std::uint64_t key = 0; key < 60; ++key) {
    const Anatomy anatomy = draw_anatomy(key);
    const auto widest = [&](Label label) {
      float radius = 0;
      for (const Organ& organ : anatomy.organs) {
        if (organ.label != label) continue;
        for (const Primitive& p : organ.solid.parts[0].primitives)
          radius = std::max(radius, std::get<Segment>(p).from_radius_mm);
      }
      return radius;
    };
    if (anatomy.tumor.dilates_pancreatic_duct) {
      ++obstructed;
      EXPECT_GT(widest(Label::pancreatic_duct), 1.8F) << key;
      EXPECT_LT(widest(Label::pancreatic_duct), 4.5F) << key;
    } else {
      EXPECT_LT(widest(Label::pancreatic_duct), 1.5F) << key;
    }
    if (anatomy.tumor.dilates_bile_duct) {
      ++bile;
      EXPECT_EQ(anatomy.tumor.site, Site::head) << key;
      EXPECT_GT(widest(Label::bile_duct), 4.4F) << key;
    } else {
      EXPECT_LT(widest(Label::bile_duct), 3.2F) << key;
    }
  }
  EXPECT_GT(obstructed, 40);
  EXPECT_GT(bile, 8);
}

TEST(Phantom, RatersMarkTheTumorAndDisagreeAboutIt) {
  double shared = 0, marked = 0;
  for (const Phantom& p : many()) {
    ASSERT_FALSE(p.box.empty());
    const auto size = static_cast<std::size_t>(voxel_count(p.box.shape()));
    ASSERT_EQ(p.mean_human_response.size(), size);
    double expected = 0;
    for (const float m : p.mean_human_response) expected += static_cast<double>(m);
    double volume = 0;
    for (const auto& rater : p.raters) volume += static_cast<double>(std::ranges::count(rater, 1));
    volume /= static_cast<double>(p.raters.size());
    EXPECT_GT(volume / expected, 0.4) << p.name;
    EXPECT_LT(volume / expected, 2.2) << p.name;
    EXPECT_GT(*std::ranges::max_element(p.mean_human_response), 0.8F) << p.name;
    EXPECT_NE(p.raters[0], p.raters[1]) << p.name;
    for (std::size_t i = 0; i < size; ++i) {
      shared += 2 * (p.raters[1][i] & p.raters[2][i]);
      marked += p.raters[1][i] + p.raters[2][i];
    }
  }
  EXPECT_GT(shared / marked, 0.45);  // Dice of a strict and a generous rater
  EXPECT_LT(shared / marked, 0.85);
}

TEST(Phantom, GridIsAsAskedOrAsRealCtHasIt) {
  PhantomOptions options;
  options.size = {64, 48, 32};
  const Phantom whole = make_phantom(0, options);
  EXPECT_EQ(whole.image.geometry.size, *options.size);
  EXPECT_GT(whole.image.geometry.spacing_mm[2] * 32, 230);  // all of the abdomen
  options.spacing_mm = {2, 2, 3};
  const Phantom part = make_phantom(0, options);
  EXPECT_EQ(part.image.geometry.spacing_mm, *options.spacing_mm);
  EXPECT_GT(count_of(part.labels, 1), 0);  // the window lies around the tumour
  for (const Phantom* p : {&whole, &part}) {
    EXPECT_EQ(p->labels.geometry, p->image.geometry);
    EXPECT_EQ(p->vessels.geometry, p->image.geometry);
  }
}

}  // namespace
}  // namespace twintrack::phantom
