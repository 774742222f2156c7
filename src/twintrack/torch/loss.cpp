#include "loss.hpp"

#include <ATen/ATen.h>

namespace twintrack::libtorch {
namespace {

constexpr double kSmooth = 1e-5;
constexpr std::int64_t kIgnoreIndex = -100;

// 1 where the label is one of `members`.
at::Tensor membership(const at::Tensor& labels, const std::vector<std::int16_t>& members) {
  at::Tensor inside = labels == static_cast<std::int64_t>(members.front());
  for (std::size_t i = 1; i < members.size(); ++i) inside = inside | (labels == static_cast<std::int64_t>(members[i]));
  return inside;
}

// Undefined when nothing is ignored.
at::Tensor counted_voxels(const Target& target, const TrainingTargets& scheme) {
  if (!scheme.ignore) return {};
  return (target.labels != static_cast<std::int64_t>(*scheme.ignore)).unsqueeze(1).to(at::kFloat);
}

// (N, channels, z, y, x) float32: what the networks' probabilities should be.
at::Tensor wanted_probabilities(const at::Tensor& logits, const Target& target, const TrainingTargets& scheme) {
  std::vector<at::Tensor> channels;
  for (const auto& members : scheme.members) {
    channels.push_back(membership(target.labels, members).to(logits.scalar_type()));
  }
  if (target.soft.defined()) {
    // The raters' share goes to its channel; what is left goes to the label's, or to background where that is the same.
    const std::int64_t own = *scheme.soft_channel;
    const at::Tensor rest = 1 - target.soft;
    channels[0] = channels[0] + channels[own];
    for (at::Tensor& channel : channels) channel = channel * rest;
    channels[own] = target.soft;
  }
  return at::stack(channels, 1);
}

at::Tensor cross_entropy(const at::Tensor& logits, const Target& target, const at::Tensor& wanted,
                         const TrainingTargets& scheme, const at::Tensor& counted) {
  if (scheme.regions) {
    const at::Tensor each = at::binary_cross_entropy_with_logits(logits, wanted, {}, {}, at::Reduction::None);
    if (!counted.defined()) return each.mean();
    return (each * counted).sum() / counted.sum().clamp_min(1e-8);  // nnU-Net's: over voxels, not channels
  }
  if (target.soft.defined()) {
    const at::Tensor each = -(wanted * at::log_softmax(logits, 1)).sum(1, true);
    if (!counted.defined()) return each.mean();
    return (each * counted).sum() / counted.sum().clamp_min(1);
  }
  if (!scheme.ignore) return at::cross_entropy_loss(logits, target.labels);
  const at::Tensor indices =
      target.labels.masked_fill(target.labels == static_cast<std::int64_t>(*scheme.ignore), kIgnoreIndex);
  const at::Tensor sum = at::cross_entropy_loss(logits, indices, {}, at::Reduction::Sum, kIgnoreIndex);
  return sum / counted.sum().clamp_min(1);
}

at::Tensor negative_dice(const at::Tensor& logits, const at::Tensor& wanted, const TrainingTargets& scheme,
                         const at::Tensor& counted, bool batch_dice) {
  const std::int64_t first = scheme.regions ? 0 : 1;  // background does not count
  const at::Tensor all = scheme.regions ? at::sigmoid(logits) : at::softmax(logits, 1);
  at::Tensor p = all.narrow(1, first, all.size(1) - first);
  at::Tensor t = wanted.narrow(1, first, wanted.size(1) - first);
  if (counted.defined()) {
    p = p * counted;
    t = t * counted;
  }
  const std::vector<std::int64_t> axes =
      batch_dice ? std::vector<std::int64_t>{0, 2, 3, 4} : std::vector<std::int64_t>{2, 3, 4};
  const at::Tensor both = (p * t).sum(axes);
  const at::Tensor total = p.sum(axes) + t.sum(axes);
  return -((2 * both + kSmooth) / (total + kSmooth).clamp_min(1e-8)).mean();
}

}  // namespace

at::Tensor loss_of(const at::Tensor& logits, const Target& target, const TrainingTargets& scheme,
                   const TrainingOptions& options) {
  const at::Tensor counted = counted_voxels(target, scheme);
  const at::Tensor wanted = wanted_probabilities(logits, target, scheme);
  const at::Tensor entropy = cross_entropy(logits, target, wanted, scheme, counted);
  if (options.loss == TrainingLoss::cross_entropy) return entropy;
  return entropy + negative_dice(logits, wanted, scheme, counted, options.batch_dice);
}

std::vector<double> supervision_weights(std::size_t heads) {
  std::vector<double> weights;
  double total = 0;
  for (std::size_t i = 0; i < heads; ++i) {
    weights.push_back(i + 1 == heads && heads > 1 ? 0.0 : 1.0 / static_cast<double>(1ULL << i));
    total += weights.back();
  }
  for (double& weight : weights) weight /= total;
  return weights;
}

at::Tensor confusion_counts(const at::Tensor& logits, const Target& target, const TrainingTargets& scheme) {
  const at::Tensor counted = scheme.ignore ? target.labels != static_cast<std::int64_t>(*scheme.ignore) : at::Tensor();
  const at::Tensor winner = scheme.regions ? at::Tensor() : logits.argmax(1);
  std::vector<at::Tensor> counts;
  for (std::size_t c = scheme.regions ? 0 : 1; c < scheme.members.size(); ++c) {
    at::Tensor predicted =
        scheme.regions ? logits.select(1, static_cast<std::int64_t>(c)) > 0 : winner == static_cast<std::int64_t>(c);
    at::Tensor wanted = membership(target.labels, scheme.members[c]);
    if (counted.defined()) {
      predicted = predicted & counted;
      wanted = wanted & counted;
    }
    counts.push_back(at::stack({(predicted & wanted).sum(), (predicted & ~wanted).sum(), (~predicted & wanted).sum()}));
  }
  return at::stack(counts, 1).to(at::kDouble).cpu();
}

}  // namespace twintrack::libtorch
