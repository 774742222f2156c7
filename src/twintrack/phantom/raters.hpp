// The model of how experts disagree about one tumour, and what follows from it exactly.
//
// Rater k marks a voxel when  s / w + B_k + sigma_c C_k + sigma_b G_k > 0,  where
//   s    depth in millimetres inside the outline that this rater has in mind (LatentField): with or without the
//        tumour's extension (left out with probability m_k), and with or without the stranding beside it (included with
//        probability t_k);
//   w    ambiguity of the border in millimetres, larger where tumour and background differ less;
//   B_k  bias of this rater in every case (generous above 0);
//   C_k  N(0, 1), one number for rater and case;
//   G_k  a smooth field of exactly N(0, 1) at every voxel, one for rater and case.
// So the probability that rater k marks a voxel is a mixture of four normal distribution functions, and the mean human
// response is its mean over the panel: no sampling, no quadrature.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "twintrack/phantom/render.hpp"

namespace twintrack::phantom {

struct RaterModel {
  double bias_sd = 0.8;
  double case_sd = 0.5;
  double boundary_sd = 0.8;
  double boundary_scale_mm = 9;   // lattice step of G
  double sharp_border_mm = 1.2;   // w at full contrast
  double vague_border_mm = 4.5;   // what is added to it at none
  double full_contrast_hu = 100;  // difference from which on a border is sharp
  double miss_probability = 0.3;
  double stranding_probability = 0.25;
};

// B_k for k = 0, 1, ...: the normal quantile of the van der Corput sequence 1/2, 1/4, 3/4, 1/8, 5/8 ..., so that rater
// k is the same person in every cohort, however many there are.
double rater_bias(const RaterModel& model, int rater);
// A generous rater misses less and includes more.
double miss_probability(const RaterModel& model, int rater);
double stranding_probability(const RaterModel& model, int rater);

// w over the latent field's box, from the contrast |background - tumor_hu| averaged over 7 mm cubes.
std::vector<float> ambiguity_mm(const RaterModel& model, const LatentField& latent, float tumor_hu,
                                const Spacing3& spacing_zyx_mm);

// Probability that a rater of the panel 0 ... raters - 1, picked at random, marks each voxel of the box. Absolute error
// below 1e-6.
std::vector<float> mean_human_response(const RaterModel& model, const LatentField& latent,
                                       std::span<const float> ambiguity, int raters);

// One drawing of rater k: 0 or 1 for each voxel of the box.
std::vector<std::uint8_t> draw_rater(const RaterModel& model, const LatentField& latent,
                                     std::span<const float> ambiguity, const Spacing3& spacing_zyx_mm, int rater,
                                     std::uint64_t key);

}  // namespace twintrack::phantom
