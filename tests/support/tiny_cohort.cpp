#include "support/tiny_cohort.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "twintrack/core/files.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::test {
namespace {

namespace fs = std::filesystem;

// Not a standard distribution: those differ between libraries.
double uniform(std::mt19937& generator) { return static_cast<double>(generator()) / 4294967296.0; }

std::string field_of(int number, const std::string& column) {
  if (column == "case") return case_name(number);
  return case_name(number) + "/" + (column == "raters" ? "rater_*" : column) + ".nii.gz";
}

}  // namespace

TinyCase tiny_case(const TinyCohort& cohort, int number) {
  std::mt19937 generator(cohort.seed * 1000 + static_cast<unsigned>(number));
  Geometry geometry;
  geometry.size = cohort.size;
  geometry.spacing_mm = {0.75, 0.75, 1.5};
  geometry.origin_mm = {-12.5, 30.25, -100};
  const auto voxels = static_cast<std::size_t>(geometry.voxel_count());
  TinyCase made;
  made.agreement = made.probability = {geometry, std::vector<float>(voxels, 0)};
  made.segmentation = made.roi = made.vessels = {geometry, std::vector<std::uint8_t>(voxels, 0)};
  made.raters.assign(cohort.raters, made.roi);
  const double edge = 0.35 + 0.2 * uniform(generator);
  for (std::int64_t i = 0; i < geometry.voxel_count(); ++i) {
    const std::array<std::int64_t, 3> at{i % cohort.size[0], i / cohort.size[0] % cohort.size[1],
                                         i / (cohort.size[0] * cohort.size[1])};
    std::array<double, 3> place{};  // -1 to 1 along each axis
    for (int a = 0; a < 3; ++a) place[a] = static_cast<double>(2 * at[a] + 1) / static_cast<double>(cohort.size[a]) - 1;
    const double radius = std::hypot(place[0], place[1], place[2]);
    if (radius < 0.95) made.roi.voxels[i] = 1;
    if (std::hypot(place[0] - edge, place[1]) < 0.2) made.vessels.voxels[i] = 1;
    if (std::hypot(place[0] + 0.75, place[1] + 0.75) < 0.2) made.vessels.voxels[i] = 5;
    const double agreement =
        std::clamp(0.5 + (edge - radius) / 0.6 + 0.1 * (uniform(generator) - 0.5), radius < 0.95 ? 0.005 : 0.0, 0.95);
    made.agreement.voxels[i] = static_cast<float>(agreement);
    made.probability.voxels[i] = static_cast<float>(agreement * agreement);
    made.segmentation.voxels[i] = made.probability.voxels[i] > 0.5F ? 1 : 0;
    for (Volume<std::uint8_t>& rater : made.raters) rater.voxels[i] = uniform(generator) < agreement ? 1 : 0;
  }
  return made;
}

std::string case_name(int number) { return "case_" + std::to_string(number + 1); }

void write_case(const fs::path& case_folder, const TinyCase& made) {
  fs::create_directories(case_folder);
  write_volume(case_folder / "probability.nii.gz", made.probability);
  write_volume(case_folder / "segmentation.nii.gz", made.segmentation);
  write_volume(case_folder / "roi.nii.gz", made.roi);
  write_volume(case_folder / "vessels.nii.gz", made.vessels);
  for (std::size_t k = 0; k < made.raters.size(); ++k)
    write_volume(case_folder / fmt::format("rater_{:02}.nii.gz", k + 1), made.raters[k]);
}

fs::path write_cohort(const fs::path& folder, const TinyCohort& cohort) {
  std::vector<int> numbers;
  for (int i = 0; i < cohort.cases; ++i) {
    write_case(folder / case_name(i), tiny_case(cohort, i));
    numbers.push_back(i);
  }
  return write_manifest(folder / "cases.csv", numbers, {"probability", "raters", "roi", "segmentation", "vessels"});
}

fs::path write_manifest(const fs::path& file, const std::vector<int>& numbers,
                        const std::vector<std::string>& columns) {
  std::vector<std::string> all{"case"};
  all.insert(all.end(), columns.begin(), columns.end());
  std::string text = fmt::format("{}\n", fmt::join(all, ","));
  for (const int number : numbers) {
    std::vector<std::string> fields;
    for (const std::string& column : all) fields.push_back(field_of(number, column));
    text += fmt::format("{}\n", fmt::join(fields, ","));
  }
  write_file(file, text);
  return file;
}

}  // namespace twintrack::test
