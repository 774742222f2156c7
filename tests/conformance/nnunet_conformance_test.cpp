// The five reference models, against what nnU-Net 2.8.1 computes with them (tolerances: the golden data's README).
#include "support/golden.hpp"
#include "support/npy.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/nnunet/segmenter.hpp"
#include "twintrack/nnunet/sliding_window.hpp"
#include "twintrack/volume/io.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

namespace twintrack {
namespace {

constexpr const char* kModelFolder = "nnUNetTrainer__nnUNetPlans__3d_fullres";

double relative_l2(const std::vector<float>& found, const std::vector<float>& expected) {
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += std::pow(static_cast<double>(found[i]) - expected[i], 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(difference / norm);
}

double largest_difference(const std::vector<float>& found, const std::vector<float>& expected) {
  double largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    largest = std::max<double>(largest, std::abs(found[i] - expected[i]));
  return largest;
}

double percentile_99_difference(const std::vector<float>& found, const std::vector<float>& expected) {
  std::vector<float> differences(expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) differences[i] = std::abs(found[i] - expected[i]);
  const auto place = differences.begin() + static_cast<std::ptrdiff_t>(differences.size() * 99 / 100);
  std::nth_element(differences.begin(), place, differences.end());
  return *place;
}

double label_agreement(const std::vector<std::uint16_t>& found, const std::vector<std::uint16_t>& expected) {
  std::size_t equal = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) equal += found[i] == expected[i] ? 1 : 0;
  return static_cast<double>(equal) / static_cast<double>(expected.size());
}

// The same among voxels whose two most probable classes differ by more than `margin`, so that rounding cannot swap
// them.
double decided_label_agreement(const std::vector<std::uint16_t>& found, const std::vector<std::uint16_t>& expected,
                               const std::vector<float>& probabilities, float margin) {
  const std::size_t voxels = expected.size();
  std::size_t decided = 0;
  std::size_t equal = 0;
  for (std::size_t i = 0; i < voxels; ++i) {
    float first = 0;
    float second = 0;
    for (std::size_t at = i; at < probabilities.size(); at += voxels) {
      second = std::max(second, std::min(first, probabilities[at]));
      first = std::max(first, probabilities[at]);
    }
    if (first - second <= margin) continue;
    ++decided;
    equal += found[i] == expected[i] ? 1 : 0;
  }
  return static_cast<double>(equal) / static_cast<double>(decided);
}

Model golden_model(const std::string& name, const std::string& folds = "") {
  return read_model_folder(test::golden_folder() / "nnunet" / name / kModelFolder, parse_folds(folds),
                           "checkpoint_final.pth");
}

Tensor expected_array(const std::string& model, const std::string& file) {
  return test::read_npy(test::golden_folder() / "nnunet" / model / "expected" / file);
}

Volume<float> golden_ct() { return read_volume(test::golden_folder() / "ct" / "abdomen_slab.nii.gz"); }

Preprocessed preprocess_all(const Volume<float>& ct, const Plans& plans) {
  return preprocess(ct, {{0, 0, 0}, ct.geometry.shape()}, plans);
}

void no_progress(std::int64_t, std::int64_t) {}

struct Case {
  const char* model;
  Precision precision;
};

std::string case_name(const testing::TestParamInfo<Case>& info) {
  return std::string(info.param.model) + (info.param.precision == Precision::fp32 ? "_fp32" : "_bf16");
}

class Conformance : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override { TWINTRACK_REQUIRE_GOLDEN(); }
  bool fp32() const { return GetParam().precision == Precision::fp32; }
};

TEST_P(Conformance, OneNetworkCall) {
  const Model model = golden_model(GetParam().model, "0");
  Predictor predictor(model, {0.5, false, GetParam().precision});
  const Tensor input = expected_array(GetParam().model, "patch_input.npy");
  const Tensor expected = expected_array(GetParam().model, "patch_logits.npy");
  std::vector<float> logits(expected.values.size());
  predictor.predict_tile(input.values, logits);
  const double error = relative_l2(logits, expected.values);
  RecordProperty("relative_l2", std::to_string(error));
  EXPECT_LE(error, fp32() ? 1e-4 : 2.5e-2);
}

TEST_P(Conformance, Preprocessing) {
  const Model model = golden_model(GetParam().model, "0");
  const Preprocessed image = preprocess_all(golden_ct(), model.plans);
  const Tensor expected = expected_array(GetParam().model, "preprocessed.npy");
  ASSERT_THAT(expected.shape, testing::ElementsAre(1, image.shape[0], image.shape[1], image.shape[2]));
  const auto [low, high] = std::minmax_element(expected.values.begin(), expected.values.end());
  EXPECT_LE(largest_difference(image.values, expected.values), 1e-3 * (*high - *low));
}

// nnU-Net adds up logits and weights in float16, whose rounding is coarse where the weights are tiny: at the image's
// edges. The same sums in float16 here; with them the reference is met everywhere, so what float32 sums differ by is
// that rounding.
std::vector<float> logits_summed_in_float16(Predictor& predictor, const Preprocessed& image) {
  const Shape3 patch = predictor.plans().patch_size;
  const SlidingWindow window{image.shape, patch, predictor.labels().channels(), 0.5};
  const Shape3 padded = window.padded_shape();
  const Shape3 before = window.padding_before();
  std::vector<_Float16> weights;
  for (const float weight : tile_weights(patch)) weights.push_back(static_cast<_Float16>(weight));
  _Float16 smallest = 1;
  for (const _Float16 weight : weights) smallest = weight > 0 ? std::min(weight, smallest) : smallest;
  for (_Float16& weight : weights) weight = weight > 0 ? weight : smallest;
  std::vector<_Float16> sums(window.classes * voxel_count(padded), 0);
  std::vector<_Float16> total(voxel_count(padded), 0);

  std::vector<float> logits(window.classes * voxel_count(patch));
  const auto place = [&](const Shape3& tile, std::int64_t v) {
    const std::int64_t z = tile[0] + v / (patch[1] * patch[2]);
    const std::int64_t y = tile[1] + v / patch[2] % patch[1];
    return (z * padded[1] + y) * padded[2] + tile[2] + v % patch[2];
  };
  for (const Shape3& tile : window.tiles({})) {
    std::vector<float> input(voxel_count(patch), 0.0F);
    for (std::int64_t v = 0; v < voxel_count(patch); ++v) {
      const std::int64_t z = tile[0] + v / (patch[1] * patch[2]) - before[0];
      const std::int64_t y = tile[1] + v / patch[2] % patch[1] - before[1];
      const std::int64_t x = tile[2] + v % patch[2] - before[2];
      if (z < 0 || y < 0 || x < 0 || z >= image.shape[0] || y >= image.shape[1] || x >= image.shape[2]) continue;
      input[v] = image.values[(z * image.shape[1] + y) * image.shape[2] + x];
    }
    predictor.predict_tile(input, logits);
    for (std::int64_t v = 0; v < voxel_count(patch); ++v) {
      total[place(tile, v)] += weights[v];
      for (std::int64_t c = 0; c < window.classes; ++c) {
        _Float16& sum = sums[c * voxel_count(padded) + place(tile, v)];
        sum = static_cast<_Float16>(static_cast<float>(sum) +
                                    logits[c * voxel_count(patch) + v] * static_cast<float>(weights[v]));
      }
    }
  }
  std::vector<float> result(window.classes * voxel_count(image.shape));
  for (std::size_t i = 0; i < result.size(); ++i) {
    const auto v = static_cast<std::int64_t>(i) % voxel_count(image.shape);
    const std::int64_t z = v / (image.shape[1] * image.shape[2]) + before[0];
    const std::int64_t y = v / image.shape[2] % image.shape[1] + before[1];
    const std::int64_t at = (z * padded[1] + y) * padded[2] + v % image.shape[2] + before[2];
    const std::int64_t c = static_cast<std::int64_t>(i) / voxel_count(image.shape);
    result[i] = static_cast<float>(
        static_cast<_Float16>(static_cast<float>(sums[c * voxel_count(padded) + at]) / static_cast<float>(total[at])));
  }
  return result;
}

TEST_P(Conformance, SlidingWindowLogits) {
  const std::string name = GetParam().model;
  if (name == "plain_fullres") GTEST_SKIP() << "the golden data have no logits of this model";
  const Model model = golden_model(name);
  Predictor predictor(model, {0.5, false, GetParam().precision});
  const Preprocessed image = preprocess_all(golden_ct(), model.plans);
  const Tensor expected = expected_array(name, "logits_plain.npy");
  std::vector<float> logits(expected.values.size());
  const std::int64_t plane = image.shape[1] * image.shape[2];
  predictor.predict_logits(
      image, {},
      [&](std::int64_t z, std::span<const float> slice) {
        for (std::int64_t c = 0; c < model.labels.channels(); ++c) {
          std::copy_n(slice.begin() + c * plane, plane, logits.begin() + (c * image.shape[0] + z) * plane);
        }
      },
      no_progress);
  EXPECT_LE(relative_l2(logits, expected.values), fp32() ? 6e-3 : 2.5e-2);
  if (!fp32()) return;
  EXPECT_LE(percentile_99_difference(logits, expected.values), 1e-2);
  const std::vector<float> as_reference = logits_summed_in_float16(predictor, image);
  EXPECT_LE(relative_l2(as_reference, expected.values), 2e-4);
  EXPECT_LE(percentile_99_difference(as_reference, expected.values), 1e-2);
}

void expect_segmentation(const std::string& name, Precision precision, bool mirrored, const std::string& suffix) {
  const Model model = golden_model(name);
  Predictor predictor(model, {0.5, mirrored, precision});
  const Volume<float> ct = golden_ct();
  const Segmentation found =
      segment(predictor, ct, preprocess_all(ct, model.plans), Averaging::logits, true, no_progress);
  const Tensor expected = expected_array(name, "probabilities_" + suffix + ".npy");
  const auto labels =
      read_labels(test::golden_folder() / "nnunet" / name / "expected" / ("segmentation_" + suffix + ".nii.gz"));
  ASSERT_EQ(found.probabilities.size(), expected.values.size());
  const bool fp32 = precision == Precision::fp32;
  EXPECT_LE(percentile_99_difference(found.probabilities, expected.values), fp32 ? 2e-3 : 4e-2);
  // About 99.9 % in float32: the reference's float16 sums swap classes that are nearly equal.
  EXPECT_GE(label_agreement(found.labels.voxels, labels.voxels), fp32 ? 0.9988 : 0.98);
  if (fp32) {
    EXPECT_GE(decided_label_agreement(found.labels.voxels, labels.voxels, expected.values, 0.02F), 0.9999);
  }
  EXPECT_EQ(found.labels.geometry, ct.geometry);
}

TEST_P(Conformance, ProbabilitiesAndLabels) {
  expect_segmentation(GetParam().model, GetParam().precision, false, "plain");
}

TEST_P(Conformance, ProbabilitiesAndLabelsMirrored) {
  expect_segmentation(GetParam().model, GetParam().precision, true, "mirrored");
}

INSTANTIATE_TEST_SUITE_P(
    Golden, Conformance,
    testing::Values(Case{"plain_lowres_oldplans", Precision::fp32}, Case{"plain_lowres_oldplans", Precision::bf16},
                    Case{"plain_fullres", Precision::fp32}, Case{"plain_fullres", Precision::bf16},
                    Case{"resenc_iso", Precision::fp32}, Case{"resenc_iso", Precision::bf16},
                    Case{"plain_aniso_sepz", Precision::fp32}, Case{"plain_aniso_sepz", Precision::bf16},
                    Case{"plain_transposed", Precision::fp32}, Case{"plain_transposed", Precision::bf16}),
    case_name);

TEST(Ensemble, MeanOfSoftmaxOfThreeFolds) {
  TWINTRACK_REQUIRE_GOLDEN();
  const Model model = golden_model("plain_fullres", "0,1,2");
  Predictor predictor(model, {0.5, false, Precision::fp32});
  const Volume<float> ct = golden_ct();
  const Segmentation found =
      segment(predictor, ct, preprocess_all(ct, model.plans), Averaging::probabilities, true, no_progress);
  const Tensor expected = expected_array("plain_fullres", "ensemble_mean_probabilities_plain.npy");
  EXPECT_LE(percentile_99_difference(found.probabilities, expected.values), 2e-3);
}

// Bit by bit, except that on some processors oneDNN's convolutions order their sums by the number of threads.
TEST(Threads, SegmentationIsTheSame) {
  TWINTRACK_REQUIRE_GOLDEN();
  const Volume<float> ct = golden_ct();
  for (const auto& [precision, rounding] : {std::pair{Precision::fp32, 1e-5F}, std::pair{Precision::bf16, 2e-2F}}) {
    std::vector<std::vector<float>> found;
    bool ours = false;
    for (const int threads : {1, 2, 3}) {
      set_thread_count(threads);
      const Model model = golden_model("plain_fullres", "0");
      Predictor predictor(model, {0.5, false, precision});
      ours = predictor.engine_name().starts_with("AMX");
      found.push_back(
          segment(predictor, ct, preprocess_all(ct, model.plans), Averaging::logits, true, no_progress).probabilities);
    }
    set_thread_count(available_processors());
    for (const int other : {1, 2}) {
      EXPECT_THAT(found[other], testing::Pointwise(testing::FloatNear(ours ? 0 : rounding), found[0]));
    }
  }
}

}  // namespace
}  // namespace twintrack
