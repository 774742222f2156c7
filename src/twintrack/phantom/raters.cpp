#include "twintrack/phantom/raters.hpp"

#include <algorithm>
#include <cmath>

#include "twintrack/core/parallel.hpp"
#include "twintrack/core/portable_math.hpp"

namespace twintrack::phantom {
namespace {

constexpr double kContrastCube_mm = 7;

// Mean over 2 * radius + 1 neighbours along one axis of the box, fewer at its borders.
void average_along(const Shape3& shape, int axis, std::int64_t radius, std::vector<float>& values) {
  const std::int64_t length = shape[axis];
  const std::int64_t stride = axis == 2 ? 1 : axis == 1 ? shape[2] : shape[1] * shape[2];
  const std::int64_t lines = voxel_count(shape) / length;
  parallel_for_blocks(lines, 256, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> sums(static_cast<std::size_t>(length) + 1);
    for (std::int64_t line = begin; line < end; ++line) {
      float* const first = values.data() + line / stride * stride * length + line % stride;
      for (std::int64_t i = 0; i < length; ++i) sums[i + 1] = sums[i] + static_cast<double>(first[i * stride]);
      for (std::int64_t i = 0; i < length; ++i) {
        const std::int64_t low = std::max<std::int64_t>(0, i - radius), high = std::min(length, i + radius + 1);
        first[i * stride] = static_cast<float>((sums[high] - sums[low]) / static_cast<double>(high - low));
      }
    }
  });
}

double share_by_bias(double probability, const RaterModel& model, int rater, double direction) {
  const double bias = model.bias_sd > 0 ? rater_bias(model, rater) / model.bias_sd : 0;
  return std::clamp(probability * (1 + 0.5 * direction * bias), 0.0, 1.0);
}

}  // namespace

double rater_bias(const RaterModel& model, int rater) {
  double place = 0;
  double digit = 0.5;
  for (int n = rater + 1; n > 0; n /= 2, digit /= 2) place += n % 2 * digit;
  return model.bias_sd * normal_quantile(place);
}

double miss_probability(const RaterModel& model, int rater) {
  return share_by_bias(model.miss_probability, model, rater, -1);
}

double stranding_probability(const RaterModel& model, int rater) {
  return share_by_bias(model.stranding_probability, model, rater, 1);
}

std::vector<float> ambiguity_mm(const RaterModel& model, const LatentField& latent, float tumor_hu,
                                const Spacing3& spacing_zyx_mm) {
  std::vector<float> values(latent.background_hu.size());
  const auto full = static_cast<float>(model.full_contrast_hu);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = std::min(1.0F, std::abs(latent.background_hu[i] - tumor_hu) / full);
  }
  const Shape3 shape = latent.box.shape();
  for (int axis = 0; axis < 3; ++axis) {
    average_along(shape, axis, static_cast<std::int64_t>(kContrastCube_mm / 2 / spacing_zyx_mm[axis]), values);
  }
  for (float& value : values) {
    const double lack = 1 - static_cast<double>(value);
    value = static_cast<float>(model.sharp_border_mm + model.vague_border_mm * lack * lack);
  }
  return values;
}

std::vector<float> mean_human_response(const RaterModel& model, const LatentField& latent,
                                       std::span<const float> ambiguity, int raters) {
  std::vector<float> response(ambiguity.size());
  const double spread = std::sqrt(model.case_sd * model.case_sd + model.boundary_sd * model.boundary_sd);
  parallel_for_blocks(std::ssize(response), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const double w = ambiguity[i];
      const double core = latent.core_mm[i] / w, full = latent.full_mm[i] / w, stranding = latent.stranding_mm[i] / w;
      double sum = 0;
      for (int k = 0; k < raters; ++k) {
        const double miss = miss_probability(model, k), include = stranding_probability(model, k);
        const auto marks = [&](double depth) { return normal_cdf((depth + rater_bias(model, k)) / spread); };
        sum += (1 - include) * (miss * marks(core) + (1 - miss) * marks(full)) +
               include * (miss * marks(std::max(core, stranding)) + (1 - miss) * marks(std::max(full, stranding)));
      }
      response[i] = static_cast<float>(sum / raters);
    }
  });
  return response;
}

std::vector<std::uint8_t> draw_rater(const RaterModel& model, const LatentField& latent,
                                     std::span<const float> ambiguity, const Spacing3& spacing_zyx_mm, int rater,
                                     std::uint64_t key) {
  const std::uint64_t own_key = combine_bits(key, 100 + static_cast<std::uint64_t>(rater));
  Random random(own_key, 1);
  const double bias = rater_bias(model, rater) + model.case_sd * random.normal();
  const bool misses = random.happens(miss_probability(model, rater));
  const bool includes = random.happens(stranding_probability(model, rater));
  const Shape3 shape = latent.box.shape();
  Spacing3 step{};
  for (int axis = 0; axis < 3; ++axis) step[axis] = model.boundary_scale_mm / spacing_zyx_mm[axis];
  const GaussianField field(combine_bits(own_key, 2), shape, step);
  const std::vector<float>& outline = misses ? latent.core_mm : latent.full_mm;
  std::vector<std::uint8_t> marks(ambiguity.size());
  parallel_for(shape[0], [&](std::int64_t z) {
    std::vector<float> boundary(static_cast<std::size_t>(shape[2]));
    for (std::int64_t y = 0; y < shape[1]; ++y) {
      field.row(z, y, boundary.data());
      for (std::int64_t x = 0; x < shape[2]; ++x) {
        const std::int64_t i = (z * shape[1] + y) * shape[2] + x;
        const float depth = includes ? std::max(outline[i], latent.stranding_mm[i]) : outline[i];
        marks[i] = static_cast<double>(depth / ambiguity[i]) + bias + model.boundary_sd * boundary[x] > 0 ? 1 : 0;
      }
    }
  });
  return marks;
}

}  // namespace twintrack::phantom
