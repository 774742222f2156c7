#include "twintrack/evaluation/curvas2024.hpp"

#include "twintrack/evaluation/crps.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

namespace twintrack {
namespace {

constexpr std::int64_t kWordBits = BitMask::kWordBits;

// Voxels of the word that have this label.
std::uint64_t labelled(const OrganLabels& labels, int label, std::int64_t word) {
  const std::uint64_t low = labels.low.words()[word];
  const std::uint64_t high = labels.high.words()[word];
  return ((label & 1) != 0 ? low : ~low) & ((label & 2) != 0 ? high : ~high);
}

// Bits of the word's first `count` voxels.
std::uint64_t first_bits(std::int64_t count) {
  return count >= kWordBits ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

// Sum of the values whose bit is set.
double sum_where(std::uint64_t bits, std::span<const float> values) {
  double sum = 0;
  if (bits == first_bits(std::ssize(values))) {
    for (const float value : values) sum += static_cast<double>(value);
  } else {
    for (; bits != 0; bits &= bits - 1) sum += static_cast<double>(values[std::countr_zero(bits)]);
  }
  return sum;
}

struct NamedLabel {
  int label;
  float confidence;
};

NamedLabel named_label(const std::array<float, kCurvasOrgans>& probability) {
  NamedLabel named{0, std::max(1.0F - (probability[0] + probability[1] + probability[2]), 0.0F)};
  for (int organ = 0; organ < kCurvasOrgans; ++organ) {
    if (probability[organ] > named.confidence) named = {organ + 1, probability[organ]};
  }
  return named;
}

double quotient(double sum, std::int64_t count) {
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(count);
}

}  // namespace

void OrganLabels::set(std::int64_t voxel, int label) {
  if ((label & 1) != 0) low.set(voxel);
  if ((label & 2) != 0) high.set(voxel);
}

Curvas2024Sums::Curvas2024Sums(const std::vector<OrganLabels>& raters, const OrganLabels& prediction)
    : raters_(raters), prediction_(prediction), right_(raters.size()) {
  for (Organ& organ : organs_) organ.rater_voxels.resize(raters.size());
}

void Curvas2024Sums::add(std::int64_t begin, const std::array<std::span<const float>, kCurvasOrgans>& probabilities) {
  const auto count = std::ssize(probabilities.front());
  for (std::int64_t at = 0; at < count; at += kWordBits) {
    const std::int64_t in_word = std::min(kWordBits, count - at);
    std::array<std::span<const float>, kCurvasOrgans> p;
    for (int o = 0; o < kCurvasOrgans; ++o) p[o] = probabilities[o].subspan(at, in_word);
    for (int o = 0; o < kCurvasOrgans; ++o) add_organ(o, (begin + at) / kWordBits, p[o]);
    add_confidence((begin + at) / kWordBits, p);
  }
  voxels_ += count;
}

void Curvas2024Sums::add_organ(int number, std::int64_t word, std::span<const float> probability) {
  Organ& organ = organs_[number];
  const std::uint64_t valid = first_bits(std::ssize(probability));
  std::uint64_t all = valid;
  std::uint64_t none = valid;
  for (std::size_t k = 0; k < raters_.size(); ++k) {
    const std::uint64_t marked = labelled(raters_[k], number + 1, word);
    organ.rater_voxels[k] += std::popcount(marked);
    all &= marked;
    none &= ~marked;
  }
  const std::uint64_t predicted = labelled(prediction_, number + 1, word);
  organ.all += std::popcount(all);
  organ.none += std::popcount(none);
  organ.predicted += std::popcount(predicted & (all | none));
  organ.predicted_all += std::popcount(predicted & all);
  organ.probability += sum_where(valid, probability);
  organ.probability_in_all += sum_where(all, probability);
  organ.probability_in_none += sum_where(none, probability);
}

void Curvas2024Sums::add_confidence(std::int64_t word,
                                    const std::array<std::span<const float>, kCurvasOrgans>& probabilities) {
  std::array<NamedLabel, kWordBits> named;
  std::array<int, kWordBits> bins;
  const auto count = std::ssize(probabilities[0]);
  bool uniform = true;
  for (std::int64_t i = 0; i < count; ++i) {
    named[i] = named_label({probabilities[0][i], probabilities[1][i], probabilities[2][i]});
    bins[i] = confidence_bin(named[i].confidence);
    uniform &= named[i].label == named[0].label && bins[i] == bins[0];
  }
  if (uniform) {  // most words lie inside an organ or outside all of them
    for (std::int64_t i = 0; i < count; ++i) confidence_[bins[0]] += static_cast<double>(named[i].confidence);
    for (std::size_t k = 0; k < raters_.size(); ++k)
      right_[k][bins[0]] += std::popcount(labelled(raters_[k], named[0].label, word) & first_bits(count));
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    confidence_[bins[i]] += static_cast<double>(named[i].confidence);
    for (std::size_t k = 0; k < raters_.size(); ++k)
      right_[k][bins[i]] += static_cast<std::int64_t>(labelled(raters_[k], named[i].label, word) >> i & 1);
  }
}

Curvas2024Scores Curvas2024Sums::scores(double voxel_volume_mm3) const {
  Curvas2024Scores scores;
  for (int o = 0; o < kCurvasOrgans; ++o) {
    const Organ& organ = organs_[o];
    OrganScores& score = scores.organs[o];
    for (const std::int64_t voxels : organ.rater_voxels)
      score.rater_volumes_mm3.push_back(static_cast<double>(voxels) * voxel_volume_mm3);
    score.volume_mm3 = organ.probability * voxel_volume_mm3;
    const VolumeDistribution raters = volume_distribution(score.rater_volumes_mm3);
    score.crps_mm3 = challenge_crps_mm3(raters, score.volume_mm3);
    score.crps_tabulated_mm3 = tabulated_crps_mm3(raters, score.volume_mm3);
    score.crps_exact_mm3 = normal_crps_mm3(raters, score.volume_mm3);
    score.confidence =
        (quotient(organ.probability_in_all, organ.all) + 1 - quotient(organ.probability_in_none, organ.none)) / 2;
    score.consensus_dsc = organ.all == 0
                              ? std::numeric_limits<double>::quiet_NaN()
                              : quotient(2.0 * static_cast<double>(organ.predicted_all), organ.predicted + organ.all);
  }
  for (const auto& right : right_) {
    double error = 0;
    for (int b = 0; b < kConfidenceBins; ++b) error += std::abs(static_cast<double>(right[b]) - confidence_[b]);
    scores.ece.push_back(quotient(error, voxels_));
  }
  scores.ece_mean = std::accumulate(scores.ece.begin(), scores.ece.end(), 0.0) / static_cast<double>(raters_.size());
  return scores;
}

Json to_json(const Curvas2024Scores& scores) {
  Json json = Json::object();
  for (int o = 0; o < kCurvasOrgans; ++o) {
    const OrganScores& organ = scores.organs[o];
    json[kCurvasOrganNames[o]] = {
        {"dsc", organ.consensus_dsc},
        {"confidence", organ.confidence},
        {"crps", organ.crps_mm3},
        {"crps_tabulated", organ.crps_tabulated_mm3},
        {"crps_exact", organ.crps_exact_mm3},
        {"volume_mm3", {{"prediction", organ.volume_mm3}, {"raters", organ.rater_volumes_mm3}}}};
  }
  json["ece"] = scores.ece;
  json["ece_mean"] = scores.ece_mean;
  return json;
}

}  // namespace twintrack
