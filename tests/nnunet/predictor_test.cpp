// Folds, mirroring and averaging, against the same calls made one by one.
#include "twintrack/nnunet/predictor.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "support/tiny_models.hpp"
#include "twintrack/network/torch_plugin.hpp"
#include "twintrack/nnunet/segmenter.hpp"

namespace twintrack {
namespace {

constexpr std::int64_t kClasses = 3;
const Shape3 kPatch{8, 16, 16};
constexpr std::int64_t kVoxels = 8 * 16 * 16;

Model tiny_model(const std::vector<unsigned>& seeds, std::vector<int> mirroring_axes = {}) {
  const Json plans = test::tiny_plans();
  const Json dataset = test::tiny_dataset({"tumor", "veins"});
  Model model;
  model.source = "tiny";
  model.plans = parse_plans(JsonView(plans, "plans.json"), test::configuration_name);
  model.labels = parse_dataset(JsonView(dataset, "dataset.json")).labels;
  model.plans.architecture.classes = kClasses;
  model.network = build_network(model.plans.architecture, "plans.json");
  model.mirroring_axes = std::move(mirroring_axes);
  for (const unsigned seed : seeds) model.folds.push_back(test::tiny_weights(plans, dataset, seed));
  return model;
}

std::vector<float> some_tile() {
  std::vector<float> tile(kVoxels);
  for (std::int64_t i = 0; i < kVoxels; ++i) tile[i] = static_cast<float>((i * 7919) % 2001) / 500 - 2;
  return tile;
}

std::vector<float> logits_of(Predictor& predictor, const std::vector<float>& tile, int fold = -1) {
  std::vector<float> logits(kClasses * kVoxels);
  predictor.predict_tile(tile, logits, fold);
  return logits;
}

// (channels, patch) mirrored along the axes in `bits`.
std::vector<float> mirrored(const std::vector<float>& values, unsigned bits) {
  std::vector<float> result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t c = i / kVoxels;
    std::size_t at[3] = {i / 256 % 8, i / 16 % 16, i % 16};
    for (int axis = 0; axis < 3; ++axis) {
      if ((bits >> axis & 1U) != 0) at[axis] = kPatch[axis] - 1 - at[axis];
    }
    result[i] = values[c * kVoxels + (at[0] * 16 + at[1]) * 16 + at[2]];
  }
  return result;
}

TEST(Predictor, MirroringIsTheMeanOverAllCombinationsOfTheAxes) {
  const auto tile = some_tile();
  Predictor plain(tiny_model({1}), {0.5, false, Precision::fp32});
  std::vector<double> sum(kClasses * kVoxels, 0.0);
  for (const unsigned bits : {0U, 1U, 4U, 5U}) {
    const auto logits = mirrored(logits_of(plain, mirrored(tile, bits)), bits);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += logits[i] / 4.0;
  }
  Predictor predictor(tiny_model({1}, {0, 2}), {0.5, true, Precision::fp32});
  const auto found = logits_of(predictor, tile);
  for (std::size_t i = 0; i < sum.size(); ++i) ASSERT_NEAR(found[i], sum[i], 1e-4) << i;
  Predictor switched_off(tiny_model({1}, {0, 2}), {0.5, false, Precision::fp32});
  EXPECT_EQ(logits_of(switched_off, tile), logits_of(plain, tile));
}

TEST(Predictor, FoldsAreAveragedAsLogits) {
  const auto tile = some_tile();
  Predictor predictor(tiny_model({1, 2}), {0.5, false, Precision::fp32});
  const auto first = logits_of(predictor, tile, 0);
  const auto second = logits_of(predictor, tile, 1);
  EXPECT_NE(first, second);
  const auto mean = logits_of(predictor, tile);
  for (std::size_t i = 0; i < mean.size(); ++i) ASSERT_NEAR(mean[i], (first[i] + second[i]) / 2, 1e-5) << i;
  Predictor alone(tiny_model({2}), {0.5, false, Precision::fp32});
  EXPECT_EQ(logits_of(alone, tile), second) << "a fold is the same whatever stands beside it";
}

// A CT of the patch's size and the plans' spacing: preprocessing only normalises, and one tile covers it.
Volume<float> one_tile_ct() {
  Geometry geometry;
  geometry.size = {16, 16, 8};
  geometry.spacing_mm = {2, 2, 2};
  return test::tiny_ct(geometry);
}

std::vector<double> softmax(const std::vector<float>& logits) {
  std::vector<double> result(logits.size());
  for (std::int64_t v = 0; v < kVoxels; ++v) {
    double sum = 0;
    for (std::int64_t c = 0; c < kClasses; ++c) sum += std::exp(static_cast<double>(logits[c * kVoxels + v]));
    for (std::int64_t c = 0; c < kClasses; ++c) {
      result[c * kVoxels + v] = std::exp(static_cast<double>(logits[c * kVoxels + v])) / sum;
    }
  }
  return result;
}

TEST(Segmenter, AveragesLogitsOrProbabilities) {
  const Model model = tiny_model({1, 2});
  Predictor predictor(model, {0.5, false, Precision::fp32});
  const Volume<float> ct = one_tile_ct();
  const Preprocessed image = preprocess(ct, {{0, 0, 0}, kPatch}, model.plans);
  ASSERT_EQ(image.shape, kPatch);
  const auto first = softmax(logits_of(predictor, image.values, 0));
  const auto second = softmax(logits_of(predictor, image.values, 1));
  const auto by_logits = softmax(logits_of(predictor, image.values));
  double disagreement = 0;
  for (const Averaging averaging : {Averaging::logits, Averaging::probabilities}) {
    std::int64_t tiles = -1;  // nothing is done at first
    const Segmentation found =
        segment(predictor, ct, image, averaging, true, [&](std::int64_t done, std::int64_t total) {
          EXPECT_EQ(done, ++tiles);
          EXPECT_EQ(total, averaging == Averaging::logits ? 1 : 2);
        });
    EXPECT_EQ(tiles, averaging == Averaging::logits ? 1 : 2);
    ASSERT_EQ(found.probabilities.size(), by_logits.size());
    for (std::size_t i = 0; i < by_logits.size(); ++i) {
      const double mean = (first[i] + second[i]) / 2;
      disagreement = std::max(disagreement, std::abs(mean - by_logits[i]));
      ASSERT_NEAR(found.probabilities[i], averaging == Averaging::logits ? by_logits[i] : mean, 1e-5) << i;
    }
    for (std::int64_t v = 0; v < kVoxels; ++v) {
      for (std::int64_t c = 0; c < kClasses; ++c) {
        ASSERT_LE(found.probabilities[c * kVoxels + v],
                  found.probabilities[found.labels.voxels[v] * kVoxels + v] + 1e-6F);
      }
    }
    EXPECT_TRUE(segment(predictor, ct, image, averaging, false, [](auto, auto) {}).probabilities.empty());
  }
  EXPECT_GT(disagreement, 1e-3) << "the two averages must differ for this test to tell them apart";
}

TEST(Segmenter, OutsideTheCropIsBackground) {
  const Model model = tiny_model({1});
  Predictor predictor(model, {0.5, false, Precision::fp32});
  Volume<float> ct = one_tile_ct();
  for (std::int64_t i = 0; i < kVoxels; ++i) {
    if (i % 16 < 5) ct.voxels[i] = 0;
  }
  const Preprocessed image = preprocess(ct, {{0, 0, 0}, kPatch}, model.plans);
  ASSERT_EQ(image.shape, (Shape3{8, 16, 11}));
  const Segmentation found = segment(predictor, ct, image, Averaging::logits, true, [](auto, auto) {});
  EXPECT_EQ(found.labels.geometry, ct.geometry);
  for (std::int64_t v = 0; v < kVoxels; ++v) {
    if (v % 16 >= 5) {
      EXPECT_LT(found.probabilities[v], 1.0F);
    } else {
      EXPECT_EQ(found.labels.voxels[v], 0);
      EXPECT_EQ(found.probabilities[v], 1.0F);
      EXPECT_EQ(found.probabilities[kVoxels + v], 0.0F);
    }
  }
}

// Mirroring, folds and tiles in batches: libtorch's engine says what ours says.
TEST(Predictor, LibtorchAgreesWithTheEnginesOfOurOwn) {
  if (!has_torch_plugin()) GTEST_SKIP() << "built without libtorch";
  const Model model = tiny_model({1, 2}, {0, 2});
  Preprocessed image;
  image.shape = {19, 40, 33};
  image.values.resize(voxel_count(image.shape));
  for (std::size_t i = 0; i < image.values.size(); ++i)
    image.values[i] = static_cast<float>((i * 7919) % 2001) / 500 - 2;
  const auto logits_by = [&](const char* device, Precision precision) {
    Predictor predictor(model, {0.5, true, precision, device});
    std::vector<float> logits;
    std::int64_t tiles = -1;  // nothing is done at first
    predictor.predict_logits(
        image, {},
        [&](std::int64_t, std::span<const float> slice) { logits.insert(logits.end(), slice.begin(), slice.end()); },
        [&](std::int64_t done, std::int64_t total) {
          EXPECT_EQ(done, ++tiles);
          EXPECT_EQ(total, predictor.tile_count(image, {}));
        });
    return logits;
  };
  const auto difference = [](const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    double norm = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      sum += std::pow(a[i] - b[i], 2);
      norm += std::pow(b[i], 2);
    }
    return std::sqrt(sum / norm);
  };
  const auto expected = logits_by("cpu", Precision::fp32);
  EXPECT_LT(difference(logits_by("torch", Precision::fp32), expected), 1e-5);
  EXPECT_LT(difference(logits_by("torch", Precision::bf16), expected), 3e-2);
}

TEST(Predictor, ReportsEveryTile) {
  const Model model = tiny_model({1});
  Predictor predictor(model, {0.5, false, Precision::fp32});
  const Volume<float> ct = test::tiny_ct(test::tiny_geometry());
  const Preprocessed image = preprocess(ct, {{0, 0, 0}, ct.geometry.shape()}, model.plans);
  std::vector<std::int64_t> done;
  predictor.predict(
      image, {}, [](const ProbabilityRow&) {},
      [&](std::int64_t count, std::int64_t total) {
        done.push_back(count);
        EXPECT_EQ(total, predictor.tile_count(image, {}));
      });
  EXPECT_EQ(static_cast<std::int64_t>(done.size()), predictor.tile_count(image, {}) + 1);
  EXPECT_EQ(done.front(), 0) << "before the first tile";
  EXPECT_EQ(done.back(), predictor.tile_count(image, {}));
  EXPECT_GT(done.size(), 8u);
}

}  // namespace
}  // namespace twintrack
