// How far a tumour surrounds vessels: the challenge's count and the geometric contact angle, from a probability map and
// from raters. These figures describe geometry; nothing here is, or leads to, a verdict on resectability.
#pragma once

#include "twintrack/cohort/rater_set.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/evaluation/vascular_statistics.hpp"
#include "twintrack/evaluation/vascular_vessels.hpp"
#include "twintrack/volume/volume_view.hpp"

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace twintrack {

// Stands beside the figures wherever a person reads them.
inline constexpr const char* kVascularNote =
    "Contact angles describe how the marked tumour lies around the marked vessel. They are no verdict on "
    "resectability.";

inline constexpr int kContactLevels = 5;

// The geometric angle (vascular_angle.hpp) where at least k of 5 experts are expected to agree, k = 1 ... 5: p >= k/5.
struct AgreementContact {
  std::array<double, kContactLevels> degrees{};
  double expected_degrees = 0;  // mean over the levels: the integral of the angle over agreement
  double sd_degrees = 0;        // over the levels (population)
  double share_above_0 = 0;     // of the levels
  double share_above_90 = 0;
  double share_above_180 = 0;
};

struct VesselContact {
  std::string vessel;
  std::optional<AgreementContact> contact;  // none where the vessel has no voxel
};

// What a person reads of a calibrated probability map, without raters.
std::vector<VesselContact> vascular_contact(const VolumeView<float>& probability, std::span<const VesselMask> vessels);

// The challenge's degrees (vascular_challenge.hpp) by plane: cor, sag, ax.
struct ChallengeContact {
  std::array<MeanAndSd, 3> raters;
  std::array<MeanAndSd, 3> prediction;  // over p > t, t: TDSC's six thresholds
  std::array<double, 3> wasserstein_degrees{};
  double wasserstein_mean_degrees = 0;
};

// The geometric angle of each rater's outline.
struct RaterContact {
  std::vector<double> degrees;
  MeanAndSd over_raters;
};

struct VesselInvolvement {
  VesselContact prediction;
  ChallengeContact challenge;          // 0 degrees everywhere where the vessel has no voxel
  std::optional<RaterContact> raters;  // none where the vessel has no voxel
};

// One entry a vessel, in their order. All inputs share one grid; throws InputError when sizes differ or there is no
// rater. Vessels are worked on in parallel; beside the inputs, memory is needed for a few bytes for each voxel of the
// boxes around the vessels.
std::vector<VesselInvolvement> vascular_involvement(const VolumeView<float>& probability, const RaterSet& raters,
                                                    std::span<const VesselMask> vessels);

// Keys and units: docs/metrics.md. Degrees throughout.
Json to_json(const std::vector<VesselContact>& vessels);
Json to_json(const std::vector<VesselInvolvement>& vessels);

}  // namespace twintrack
