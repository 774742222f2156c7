#include "twintrack/evaluation/curvas2024.hpp"

#include "support/error_message.hpp"
#include "support/temporary_folder.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/evaluation/crps.hpp"
#include "twintrack/volume/io.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace twintrack {
namespace {

using ::testing::HasSubstr;

// A case with all its voxels: labels of the raters and of the prediction, probabilities of the three organs.
struct PlainCase {
  Shape3 shape{};  // z, y, x
  std::vector<std::vector<int>> raters;
  std::vector<int> prediction;
  std::array<std::vector<float>, kCurvasOrgans> probabilities;
};

OrganLabels packed(const std::vector<int>& labels, const Shape3& shape) {
  OrganLabels result(shape);
  for (std::size_t i = 0; i < labels.size(); ++i) result.set(static_cast<std::int64_t>(i), labels[i]);
  return result;
}

Curvas2024Scores scores_of(const PlainCase& plain, double voxel_volume_mm3, std::int64_t block = 1 << 20) {
  std::vector<OrganLabels> raters;
  for (const auto& labels : plain.raters) raters.push_back(packed(labels, plain.shape));
  const OrganLabels prediction = packed(plain.prediction, plain.shape);
  Curvas2024Sums sums(raters, prediction);
  const std::int64_t voxels = voxel_count(plain.shape);
  for (std::int64_t begin = 0; begin < voxels; begin += block) {
    std::array<std::span<const float>, kCurvasOrgans> parts;
    for (int o = 0; o < kCurvasOrgans; ++o)
      parts[o] = std::span(plain.probabilities[o]).subspan(begin, std::min(block, voxels - begin));
    sums.add(begin, parts);
  }
  return sums.scores(voxel_volume_mm3);
}

// Boxes as organs of 5 x 9 x 11 voxels and three raters; probabilities that sum to less than 1.
PlainCase formula_case() {
  PlainCase plain;
  plain.shape = {5, 9, 11};
  const auto label = [](int z, int y, int x, int shift) {
    if (x >= 9 && y + shift >= 4) return 3;
    if (std::abs(x - 6) <= 1 && std::abs(y - 5 - shift) <= 1 && z >= 1) return 2;
    return std::abs(x - 2 - shift) <= 1 && std::abs(y - 3) <= 2 ? 1 : 0;
  };
  plain.raters.resize(3);
  for (int z = 0; z < 5; ++z) {
    for (int y = 0; y < 9; ++y) {
      for (int x = 0; x < 11; ++x) {
        plain.raters[0].push_back(label(z, y, x, 0));
        plain.raters[1].push_back(label(z, y, x, 1));
        plain.raters[2].push_back(z == 4 && y < 2 ? 1 : z == 0 ? 0 : label(z, y, x, 0));
        plain.prediction.push_back(y == 8 ? 0 : z == 2 && y == 3 && x == 3 ? 3 : label(z, y, x, 0));
      }
    }
  }
  for (int o = 0; o < kCurvasOrgans; ++o) {
    for (std::size_t i = 0; i < plain.prediction.size(); ++i) {
      const double low = (static_cast<double>(i * 7919 % 1000) + 0.5) / 4000.0 / 2;
      plain.probabilities[o].push_back(static_cast<float>(low + (plain.prediction[i] == o + 1 ? 0.55 : 0)));
    }
  }
  return plain;
}

PlainCase random_case(std::mt19937_64& generator) {
  const auto below = [&](int count) { return static_cast<int>(generator() % count); };
  PlainCase plain;
  plain.shape = {1 + below(4), 1 + below(9), 1 + below(40)};
  const std::int64_t voxels = voxel_count(plain.shape);
  const int scale = 1 + below(100);  // coarse probabilities: ties, bounds of bins, sums above 1
  plain.raters.resize(1 + below(4));
  for (std::int64_t i = 0; i < voxels; ++i) {
    const int truth = below(4);
    for (auto& rater : plain.raters) rater.push_back(below(5) == 0 ? below(4) : truth);
    plain.prediction.push_back(below(3) == 0 ? below(4) : truth);
    for (auto& map : plain.probabilities)
      map.push_back(static_cast<float>(below(scale + 1)) / static_cast<float>(scale) / (below(3) == 0 ? 1 : 3));
  }
  return plain;
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());  // NaN of none
}

// One organ's Dice and confidence from the definition, voxel by voxel.
struct Agreement {
  double dsc;
  double confidence;
};
Agreement brute_force_agreement(const PlainCase& plain, int organ) {
  int both = 0;
  int predicted = 0;
  std::vector<double> inside;
  std::vector<double> outside;
  for (std::size_t i = 0; i < plain.prediction.size(); ++i) {
    const auto marks = [&](const std::vector<int>& rater) { return rater[i] == organ + 1; };
    const bool all = std::ranges::all_of(plain.raters, marks);
    if (!all && !std::ranges::none_of(plain.raters, marks)) continue;
    (all ? inside : outside).push_back(static_cast<double>(plain.probabilities[organ][i]));
    predicted += plain.prediction[i] == organ + 1 ? 1 : 0;
    both += all && plain.prediction[i] == organ + 1 ? 1 : 0;
  }
  const double sizes = predicted + static_cast<double>(inside.size());
  return {inside.empty() ? std::nan("") : 2 * both / sizes, (mean_of(inside) + 1 - mean_of(outside)) / 2};
}

double brute_force_ece(const PlainCase& plain, const std::vector<int>& rater) {
  struct Bin {
    std::vector<double> confidences, right;
  };
  std::map<int, Bin> bins;
  for (std::size_t i = 0; i < rater.size(); ++i) {
    std::array<float, 4> p{0, plain.probabilities[0][i], plain.probabilities[1][i], plain.probabilities[2][i]};
    p[0] = std::max(0.0F, 1 - (p[1] + p[2] + p[3]));
    const auto largest = std::max_element(p.begin(), p.end());
    int bin = 0;
    while (bin < 50 && *largest >= static_cast<float>((bin + 1) / 50.0)) ++bin;
    bins[bin].confidences.push_back(static_cast<double>(*largest));
    bins[bin].right.push_back(largest - p.begin() == rater[i] ? 1 : 0);
  }
  double ece = 0;
  for (const auto& [number, bin] : bins) {
    const double share = static_cast<double>(bin.right.size()) / static_cast<double>(rater.size());
    ece += share * std::abs(mean_of(bin.right) - mean_of(bin.confidences));
  }
  return ece;
}

void expect_same(double value, double expected, const std::string& what) {
  EXPECT_EQ(std::isnan(value), std::isnan(expected)) << what;
  if (std::isnan(expected)) return;
  EXPECT_NEAR(value, expected, 1e-9 * std::max(1.0, std::abs(expected))) << what;
}

// What the challenge's code prints for this case. Its Dice is not among them: it is one of image rows
// (docs/metrics.md).
TEST(Curvas2024, meets_the_official_code) {
  const Curvas2024Scores scores = scores_of(formula_case(), 1.5);
  const std::array<double, kCurvasOrgans> confidence{0.7623871022270686, 0.7603551444203192, 0.7290057478270955};
  for (int o = 0; o < kCurvasOrgans; ++o) EXPECT_NEAR(scores.organs[o].confidence, confidence[o], 1e-9);
  EXPECT_NEAR(scores.organs[0].crps_mm3, 5.600248476091628, 1e-4 * 5.6);
  EXPECT_NEAR(scores.organs[2].crps_mm3, 3.6941483150634324, 1e-4 * 3.7);
  // The same integral by Gauss-Legendre quadrature between all its kinks.
  EXPECT_NEAR(scores.organs[0].crps_tabulated_mm3, 5.601314692519198, 1e-8);
  EXPECT_NEAR(scores.organs[2].crps_tabulated_mm3, 3.696255447942202, 1e-8);
  ASSERT_EQ(scores.ece.size(), 3);
  EXPECT_NEAR(scores.ece[0], 0.2568114995956421, 1e-6);
  EXPECT_NEAR(scores.ece[1], 0.16150948405265808, 1e-6);
  EXPECT_NEAR(scores.ece[2], 0.17600341141223907, 1e-6);
}

TEST(Curvas2024, counts_dice_where_the_raters_agree) {
  const Curvas2024Scores scores = scores_of(formula_case(), 1);
  // Pancreas: 40 voxels by all three, 39 of them predicted; 79 in both. Kidneys: all 24. Liver: 40, 32 of them.
  EXPECT_DOUBLE_EQ(scores.organs[0].consensus_dsc, 2 * 39 / 79.0);
  EXPECT_DOUBLE_EQ(scores.organs[1].consensus_dsc, 1);
  EXPECT_DOUBLE_EQ(scores.organs[2].consensus_dsc, 2 * 32 / 73.0);
}

TEST(Curvas2024, measures_volumes_in_mm3) {
  const Curvas2024Scores scores = scores_of(formula_case(), 1.5);
  const OrganScores& liver = scores.organs[2];
  EXPECT_THAT(liver.rater_volumes_mm3, ::testing::ElementsAre(75, 90, 60));
  EXPECT_NEAR(liver.volume_mm3, 1.5 * 53.39781258778385, 1e-9);
  EXPECT_DOUBLE_EQ(liver.crps_exact_mm3,
                   normal_crps_mm3(volume_distribution(liver.rater_volumes_mm3), liver.volume_mm3));
  // All raters give the kidneys 54 mm3: the limit (the official code integrates over nothing and prints 0).
  EXPECT_NEAR(scores.organs[1].crps_mm3, std::abs(1.5 * 50.64781248202053 - 54), 1e-9);
}

TEST(Curvas2024, agrees_with_brute_force_on_random_cases) {
  std::mt19937_64 generator(2024);
  for (int trial = 0; trial < 200; ++trial) {
    const PlainCase plain = random_case(generator);
    const Curvas2024Scores scores = scores_of(plain, 1);
    const std::string name = "trial " + std::to_string(trial);
    for (int o = 0; o < kCurvasOrgans; ++o) {
      const Agreement expected = brute_force_agreement(plain, o);
      expect_same(scores.organs[o].consensus_dsc, expected.dsc, name);
      expect_same(scores.organs[o].confidence, expected.confidence, name);
    }
    ASSERT_EQ(scores.ece.size(), plain.raters.size());
    for (std::size_t k = 0; k < scores.ece.size(); ++k)
      expect_same(scores.ece[k], brute_force_ece(plain, plain.raters[k]), name);
    expect_same(scores.ece_mean, mean_of(scores.ece), name);
  }
}

TEST(Curvas2024, does_not_depend_on_the_blocks) {
  std::mt19937_64 generator(1);
  PlainCase plain = random_case(generator);
  while (voxel_count(plain.shape) < 300) plain = random_case(generator);
  EXPECT_EQ(to_json(scores_of(plain, 2, 64)).dump(), to_json(scores_of(plain, 2, 128)).dump());
  EXPECT_EQ(to_json(scores_of(plain, 2, 64)).dump(), to_json(scores_of(plain, 2)).dump());
}

TEST(Curvas2024, of_a_certain_and_right_prediction_is_perfect) {
  PlainCase plain = formula_case();
  plain.raters.assign(3, plain.prediction);
  for (int o = 0; o < kCurvasOrgans; ++o) {
    for (std::size_t i = 0; i < plain.prediction.size(); ++i)
      plain.probabilities[o][i] = plain.prediction[i] == o + 1 ? 1.0F : 0.0F;
  }
  const Curvas2024Scores scores = scores_of(plain, 1);
  for (const OrganScores& organ : scores.organs) {
    EXPECT_EQ(organ.consensus_dsc, 1);
    EXPECT_EQ(organ.confidence, 1);
    EXPECT_EQ(organ.crps_mm3, 0);
  }
  EXPECT_EQ(scores.ece_mean, 0);
}

// One voxel, one rater who says pancreas.
Curvas2024Scores scores_of_one_voxel(float pancreas, float kidneys, float liver) {
  return scores_of({{1, 1, 1}, {{1}}, {1}, {{{pancreas}, {kidneys}, {liver}}}}, 1);
}

TEST(Curvas2024, background_has_what_the_organs_leave_and_never_less_than_nothing) {
  const auto ece = [](float pancreas, float kidneys, float liver) {
    return scores_of_one_voxel(pancreas, kidneys, liver).ece[0];
  };
  EXPECT_NEAR(ece(0.1F, 0.1F, 0.1F), 0.7, 1e-6);      // background named, wrong
  EXPECT_NEAR(ece(0.4F, 0.3F, 0.2F), 1 - 0.4, 1e-6);  // pancreas named, right
  EXPECT_NEAR(ece(0.9F, 0.8F, 0.7F), 1 - 0.9, 1e-6);  // sum above 1: no softmax, no scaling
  EXPECT_NEAR(ece(0.25F, 0.25F, 0.25F), 0.25, 1e-6);  // all equal: background named
  EXPECT_NEAR(ece(0.0F, 0.5F, 0.5F), 0.5, 1e-6);      // kidneys named, wrong
  EXPECT_EQ(ece(1, 0, 0), 0);
}

TEST(Curvas2024, organs_that_nobody_marked_have_no_dice_and_no_confidence) {
  const Curvas2024Scores scores = scores_of_one_voxel(0.5F, 0.25F, 0);
  EXPECT_EQ(scores.organs[0].consensus_dsc, 1);
  EXPECT_TRUE(std::isnan(scores.organs[0].confidence));  // no voxel outside
  EXPECT_TRUE(std::isnan(scores.organs[1].consensus_dsc));
  EXPECT_TRUE(std::isnan(scores.organs[1].confidence));  // no voxel inside
  EXPECT_EQ(scores.organs[1].crps_mm3, 0.25);            // raters' volume 0 and no spread
  const Json json = Json::parse(to_json(scores).dump());
  EXPECT_TRUE(json.at("kidneys").at("dsc").is_null());
  EXPECT_TRUE(json.at("kidneys").at("confidence").is_null());
  EXPECT_EQ(json.at("kidneys").at("volume_mm3").at("prediction"), 0.25);
}

// The formula case as files.
class Curvas2024Files : public ::testing::Test {
 protected:
  Curvas2024Files() {
    const PlainCase plain = formula_case();
    geometry_.size = {11, 9, 5};
    geometry_.spacing_mm = {1, 1, 1.5};
    const auto labels = [&](const std::string& name, const std::vector<int>& values) {
      write_volume(folder_ / name, Volume<std::uint8_t>{geometry_, {values.begin(), values.end()}});
      return folder_ / name;
    };
    row_.name = "case";
    for (int k = 0; k < 3; ++k)
      row_.raters.push_back(labels("rater_" + std::to_string(k) + ".nii.gz", plain.raters[k]));
    row_.segmentation = labels("prediction.mha", plain.prediction);
    for (int o = 0; o < kCurvasOrgans; ++o) write_probability(o, plain.probabilities[o]);
  }

  void write_probability(int organ, const std::vector<float>& values, const Geometry* geometry = nullptr) {
    const std::filesystem::path file = folder_ / (std::string(kCurvasOrganNames[organ]) + ".nii.gz");
    write_volume(file, Volume<float>{geometry != nullptr ? *geometry : geometry_, values});
    row_.probability.resize(kCurvasOrgans);
    row_.probability[organ] = file;
  }

  std::string message() const {
    return test::error_message([&] { evaluate_curvas2024(row_); });
  }

  test::TemporaryFolder folder_;
  Geometry geometry_;
  CohortCase row_;
};

TEST_F(Curvas2024Files, give_what_the_voxels_give) {
  EXPECT_EQ(to_json(evaluate_curvas2024(row_)).dump(), to_json(scores_of(formula_case(), 1.5)).dump());
}

TEST_F(Curvas2024Files, give_the_same_on_any_number_of_threads) {
  const std::string expected = to_json(evaluate_curvas2024(row_)).dump();
  const int before = thread_count();
  set_thread_count(1);
  EXPECT_EQ(to_json(evaluate_curvas2024(row_)).dump(), expected);
  set_thread_count(before);
}

TEST_F(Curvas2024Files, need_three_maps_a_segmentation_and_a_rater) {
  const CohortCase complete = row_;
  row_.probability.pop_back();
  EXPECT_THAT(message(), HasSubstr("case case: 2 probability maps"));
  row_ = complete;
  row_.segmentation.reset();
  EXPECT_THAT(message(), HasSubstr("no segmentation"));
  row_ = complete;
  row_.raters.clear();
  EXPECT_THAT(message(), HasSubstr("no raters"));
}

TEST_F(Curvas2024Files, refuse_labels_that_are_no_organ) {
  std::vector<std::uint8_t> labels(495, 3);
  labels[13] = 4;
  row_.raters[1] = folder_ / "other.nii.gz";
  write_volume(row_.raters[1], Volume<std::uint8_t>{geometry_, labels});
  EXPECT_THAT(message(), HasSubstr("other.nii.gz: label 4 at x=2, y=1, z=0"));
}

TEST_F(Curvas2024Files, refuse_values_that_are_no_probabilities_in_every_map) {
  for (int o = 0; o < kCurvasOrgans; ++o) {
    for (const float wrong : {1.5F, -0.25F}) {
      std::vector<float> values(495, 0.5F);
      write_probability(o, values);
      values[12] = wrong;
      write_probability(o, values);
      EXPECT_THAT(message(), HasSubstr(std::string(kCurvasOrganNames[o]) + ".nii.gz: "));
      EXPECT_THAT(message(), HasSubstr("at x=1, y=1, z=0 is no probability"));
      values[12] = 0.5F;
      write_probability(o, values);
    }
  }
}

TEST_F(Curvas2024Files, forgive_rounding_beyond_0_and_1) {
  for (int o = 0; o < kCurvasOrgans; ++o) write_probability(o, std::vector<float>(495, o == 2 ? 1.0000005F : -5e-7F));
  const Curvas2024Scores scores = evaluate_curvas2024(row_);
  EXPECT_EQ(scores.organs[0].volume_mm3, 0);
  EXPECT_EQ(scores.organs[2].volume_mm3, 495 * 1.5);
}

TEST_F(Curvas2024Files, refuse_files_on_another_grid) {
  Geometry moved = geometry_;
  moved.origin_mm = {0, 0, 10};
  for (int o = 0; o < kCurvasOrgans; ++o) {
    const std::vector<float> values(495, 0.5F);
    write_probability(o, values, &moved);
    EXPECT_THAT(message(), HasSubstr(std::string(kCurvasOrganNames[o]) + ".nii.gz: lies on another grid"));
    write_probability(o, values);
  }
  row_.raters[2] = folder_ / "moved.nii.gz";
  write_volume(row_.raters[2], Volume<std::uint8_t>{moved, std::vector<std::uint8_t>(495)});
  EXPECT_THAT(message(), HasSubstr("moved.nii.gz: lies on another grid"));
}

}  // namespace
}  // namespace twintrack
