// A synthetic case: an abdominal CT with a pancreatic tumour, its labels, and raters who disagree about it. Bit by bit
// the same for the same seed, number and options, on any machine and any number of threads.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "twintrack/core/json.hpp"
#include "twintrack/volume/volume.hpp"

namespace twintrack::phantom {

struct PhantomOptions {
  std::uint64_t seed = 0;
  int raters = 5;
  // Absent: drawn as real CT has them. One without the other covers the usual field of view; both may cut out less.
  std::optional<std::array<std::int64_t, 3>> size;  // x, y, z
  std::optional<std::array<double, 3>> spacing_mm;  // x, y, z
};

// What was drawn.
struct PhantomFacts {
  std::string phase;
  std::string site;
  std::string nearest_vessel;
  double tumor_diameter_mm = 0;
  double tumor_hu = 0;
  double pancreas_hu = 0;
  bool has_extension = false;
  bool dilates_pancreatic_duct = false;
  bool dilates_bile_duct = false;
  double noise_hu = 0;
};
Json to_json(const PhantomFacts& facts);

struct Phantom {
  std::string name;  // phantom_0007
  PhantomFacts facts;
  Volume<std::int16_t> image;                     // HU
  Volume<std::uint8_t> labels;                    // PANORAMA's numbering
  Volume<std::uint8_t> vessels;                   // CURVAS-PDACVI's numbering
  Box3 box;                                       // z, y, x: outside it nobody marks anything
  std::vector<float> mean_human_response;         // true one, in the box, x fastest
  std::vector<std::vector<std::uint8_t>> raters;  // marks, in the box
};

std::string case_name(std::int64_t number);

// Needs 6 bytes a voxel while it computes, 4 for the result, and a few tens of MB for the box around the tumour.
Phantom make_phantom(std::int64_t number, const PhantomOptions& options);

}  // namespace twintrack::phantom
