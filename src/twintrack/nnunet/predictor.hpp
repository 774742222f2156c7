// Runs a model over an image: tiles, mirroring, folds, export.
#pragma once

#include "twintrack/network/engine.hpp"
#include "twintrack/nnunet/export.hpp"
#include "twintrack/nnunet/model.hpp"
#include "twintrack/nnunet/preprocessing.hpp"

#include <functional>
#include <memory>
#include <string>

namespace twintrack {

struct InferenceOptions {
  double step_size = 0.5;
  bool mirroring = true;
  Precision precision = Precision::fp32;
  // "cpu": engines of our own and oneDNN's; "cuda:N": libtorch's on that GPU; "torch": libtorch's on the CPU.
  std::string device = "cpu";
};

// Called before the first tile and after each with the number of tiles done and of all tiles; may throw to stop.
using TileProgress = std::function<void(std::int64_t done, std::int64_t total)>;

// A model packed for an engine. The model may be dropped after construction.
class Predictor {
 public:
  // `like`, when its network and patch are the same, shares its engine, and so its activations' memory; the two are
  // then not to be used at the same time.
  Predictor(const Model& model, const InferenceOptions& options, const Predictor* like = nullptr);

  const Plans& plans() const { return plans_; }
  const LabelScheme& labels() const { return labels_; }
  std::string engine_name() const { return engine_->name(); }
  int folds() const { return static_cast<int>(folds_.size()); }

  // Tiles that predict() would compute.
  std::int64_t tile_count(const Preprocessed& image, std::span<const std::uint8_t> needed) const;

  // Mean logits of the folds (or of one, when `fold` >= 0) over `image`, exported row by row to `sink`. Only tiles that
  // contain a voxel of `needed` (of the preprocessed image; all when empty) are computed; elsewhere the logits are 0.
  void predict(const Preprocessed& image, std::span<const std::uint8_t> needed, const RowFunction& sink,
               const TileProgress& progress, int fold = -1);

  // Logits (tile, class, z, y, x) of one or several patches (tile, z, y, x), at most the engine's batch, mirrored as
  // the options say: what the sliding window averages.
  void predict_tile(std::span<const float> tiles, std::span<float> logits, int fold = -1);

  // Logits on the preprocessed grid, slice by slice.
  void predict_logits(const Preprocessed& image, std::span<const std::uint8_t> needed,
                      const std::function<void(std::int64_t z, std::span<const float> logits)>& finish,
                      const TileProgress& progress, int fold = -1);

 private:
  Plans plans_;
  LabelScheme labels_;
  InferenceOptions options_;
  Architecture architecture_;
  std::shared_ptr<Engine> engine_;
  std::vector<int> folds_;       // the engine's number of each fold's weights
  std::vector<unsigned> flips_;  // axes to mirror, as bits, for each of the combinations; 0 first
  std::vector<float> flipped_;
  std::vector<float> flipped_logits_;
};

}  // namespace twintrack
