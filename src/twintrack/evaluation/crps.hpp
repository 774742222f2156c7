// Continuous ranked probability score of a predicted volume against the raters' volumes.
#pragma once

#include <span>

namespace twintrack {

// Mean and population standard deviation of at least one volume.
struct VolumeDistribution {
  double mean_mm3 = 0;
  double deviation_mm3 = 0;
};
VolumeDistribution volume_distribution(std::span<const double> volumes_mm3);

// The challenges' score, in mm3: integral over [m - 3 s, m + 3 s] of (F(y) - H(y - volume))^2, where F is the normal
// distribution function of mean m and deviation s, tabulated at 100 points evenly spread between its 1 % and 99 %
// quantiles, linear between them, 0 below and 1 above. It saturates: no volume beyond 3 s scores more than one at 3 s.
// s = 0: the limit |volume - m|.
//
// As the official code computes it: scipy's quad gives up on the jumps of this function at its limit of 50 intervals,
// with a result that is off by up to some thousandths. Those who compare with published scores want this one.
double challenge_crps_mm3(const VolumeDistribution& raters, double volume_mm3);

// The same integral exactly, piece by piece.
double tabulated_crps_mm3(const VolumeDistribution& raters, double volume_mm3);

// The score of the normal distribution itself over the whole line, in mm3 (Gneiting and Raftery, JASA 2007, equation
// 21, sign reversed). s = 0: |volume - m|.
double normal_crps_mm3(const VolumeDistribution& raters, double volume_mm3);

}  // namespace twintrack
