// What TwinTrack is for.
#pragma once

namespace twintrack {

// Stands wherever a person reads a result.
inline constexpr const char* kResearchUse =
    "Research use only. Not a medical device and not for diagnosis. A probability is the expected share of experts who "
    "would "
    "mark the voxel as tumour, not a probability of malignancy; it cannot make up for a wrong localisation and is "
    "unknown "
    "under dataset shift and outside PDAC on contrast-enhanced CT.";

}  // namespace twintrack
