#include "twintrack/nnunet/segmenter.hpp"

#include "twintrack/core/parallel.hpp"
#include "twintrack/nnunet/probabilities.hpp"

namespace twintrack {
namespace {

constexpr std::int64_t kBlock = 1 << 14;

// Background everywhere: what lies outside the crop to the non-zero part stays so.
std::vector<float> background_probabilities(const LabelScheme& scheme, std::int64_t voxels) {
  std::vector<float> probabilities(scheme.channels() * voxels, 0.0F);
  if (!scheme.regions) std::fill_n(probabilities.begin(), voxels, 1.0F);
  return probabilities;
}

// Mean of the folds' probabilities, and the labels they choose.
void segment_by_probabilities(Predictor& predictor, const Preprocessed& image, Segmentation& result,
                              const TileProgress& progress) {
  const LabelScheme& scheme = predictor.labels();
  const std::int64_t voxels = result.labels.geometry.voxel_count();
  std::vector<float>& probabilities = result.probabilities;
  const int folds = predictor.folds();
  const std::int64_t tiles = predictor.tile_count(image, {});
  const float share = 1.0F / static_cast<float>(folds);
  for (int fold = 0; fold < folds; ++fold) {
    const RowFunction add = [&](const ProbabilityRow& row) {
      for (std::int64_t c = 0; c < scheme.channels(); ++c) {
        for (std::int64_t i = 0; i < row.voxels; ++i) {
          float& sum = probabilities[c * voxels + row.offset + i * row.step];
          sum = (fold == 0 ? 0.0F : sum) + share * row.probabilities[c * row.voxels + i];
        }
      }
    };
    const TileProgress of_fold = [&](std::int64_t done, std::int64_t) {
      if (fold == 0 || done > 0) progress(fold * tiles + done, folds * tiles);
    };
    predictor.predict(image, {}, add, of_fold, fold);
  }
  parallel_for_blocks(voxels, kBlock, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> block(scheme.channels() * (end - begin));
    for (std::int64_t c = 0; c < scheme.channels(); ++c) {
      std::copy(probabilities.begin() + c * voxels + begin, probabilities.begin() + c * voxels + end,
                block.begin() + c * (end - begin));
    }
    choose_labels(block, end - begin, scheme,
                  {result.labels.voxels.data() + begin, static_cast<std::size_t>(end - begin)});
  });
}

}  // namespace

Segmentation segment(Predictor& predictor, const Volume<float>& volume, const Preprocessed& preprocessed,
                     Averaging averaging, bool keep_probabilities, const TileProgress& progress) {
  const LabelScheme& scheme = predictor.labels();
  const std::int64_t voxels = volume.geometry.voxel_count();
  const bool by_probabilities = averaging == Averaging::probabilities && predictor.folds() > 1;
  Segmentation result{{volume.geometry, std::vector<std::uint16_t>(voxels, 0)}, {}};
  if (keep_probabilities || by_probabilities) result.probabilities = background_probabilities(scheme, voxels);
  if (by_probabilities) {
    segment_by_probabilities(predictor, preprocessed, result, progress);
    if (!keep_probabilities) result.probabilities = {};
    return result;
  }
  predictor.predict(
      preprocessed, {},
      [&](const ProbabilityRow& row) {
        for (std::int64_t i = 0; i < row.voxels; ++i) result.labels.voxels[row.offset + i * row.step] = row.labels[i];
        if (!keep_probabilities) return;
        for (std::int64_t c = 0; c < scheme.channels(); ++c) {
          float* const to = result.probabilities.data() + c * voxels + row.offset;
          for (std::int64_t i = 0; i < row.voxels; ++i) to[i * row.step] = row.probabilities[c * row.voxels + i];
        }
      },
      progress);
  return result;
}

}  // namespace twintrack
