// A synthetic cohort on disk, in the layouts of CURVAS-PDACVI and of nnU-Net's raw datasets.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "twintrack/phantom/phantom.hpp"

namespace twintrack::phantom {

enum class Layout { curvas, nnunet };
enum class TrainingLabels { panorama, pancreas };  // all labels, or pancreas (with tumour and duct) alone

struct CohortSettings {
  Layout layout = Layout::curvas;
  TrainingLabels labels = TrainingLabels::panorama;  // nnunet only
  PhantomOptions phantom;
};

// Begins the cohort in `folder`, or continues one: its settings stand in phantom.json. Throws UsageError when that
// names other settings and `overwrite` is not given; with it, cases of other settings are removed.
void open_cohort(const std::filesystem::path& folder, const CohortSettings& settings, bool overwrite);

// The case's last file is there.
bool is_complete(const std::filesystem::path& folder, Layout layout, const std::string& name);

// curvas: FOLDER/CASE/{image,annotation_1 ... annotation_K,mhr,labels,vessels}.nii.gz and case.json, all or nothing.
// nnunet: imagesTr/CASE_0000.nii.gz, then labelsTr/CASE.nii.gz. Needs 4 bytes a voxel besides the phantom (curvas).
void write_case(const std::filesystem::path& folder, const CohortSettings& settings, const Phantom& phantom);

// manifest.csv (curvas) or dataset.json (nnunet) for all complete cases of the folder; returns their number.
std::int64_t write_index(const std::filesystem::path& folder, const CohortSettings& settings);

}  // namespace twintrack::phantom
