#include "twintrack/volume/dicom_series.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "twintrack/core/error.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/volume/dicom_input.hpp"
#include "twintrack/volume/dicom_slice.hpp"

namespace twintrack::volume_io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_series_listed = 5;

// CT, enhanced CT, legacy converted enhanced CT; the same of MR and PET, which --series can name.
constexpr std::string_view image_classes[] = {
    "1.2.840.10008.5.1.4.1.1.2",   "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2",
    "1.2.840.10008.5.1.4.1.1.4",   "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.4",
    "1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.130", "1.2.840.10008.5.1.4.1.1.128.1"};

struct Candidate {
  Series series;
  std::size_t localizers = 0;
  std::size_t others = 0;
};

bool is_image(const DicomInstance& instance) {
  const std::string sop_class = instance.text(attribute::sop_class);
  if (sop_class.empty()) return instance.has(attribute::rows) && instance.has(attribute::columns);
  return std::ranges::find(image_classes, sop_class) != std::end(image_classes);
}

bool is_localizer(const DicomInstance& instance) {
  return instance.text(attribute::image_type).find("LOCALIZER") != std::string::npos;
}

std::vector<Candidate> scan(const std::vector<fs::path>& files) {
  std::map<std::string, Candidate> by_uid;
  for (const fs::path& file : files) {
    throw_if_interrupted();
    DicomInstance instance(read_dicom_header(file));
    const std::string uid = instance.text(attribute::series_instance);
    if (uid.empty()) continue;
    Candidate& candidate = by_uid.try_emplace(uid, Candidate{{uid, {}}, 0, 0}).first->second;
    if (is_image(instance)) {
      candidate.series.images.push_back(std::move(instance));
    } else {
      ++candidate.others;
    }
  }
  std::vector<Candidate> all;
  for (auto& [uid, candidate] : by_uid) {
    std::vector<DicomInstance>& images = candidate.series.images;
    if (images.empty()) continue;
    if (!std::ranges::all_of(images, is_localizer)) candidate.localizers = std::erase_if(images, is_localizer);
    all.push_back(std::move(candidate));
  }
  return all;
}

bool is_axial_ct(const Candidate& candidate) {
  const DicomInstance& image = candidate.series.images.front();
  if (image.text(attribute::modality) != "CT" || is_localizer(image)) return false;
  const DicomInstance first = image.is_enhanced() ? image.frame(0) : image;
  if (first.text(attribute::orientation).empty()) return false;
  std::array<double, 6> directions{};
  std::ranges::copy(first.numbers(attribute::orientation, 6), directions.begin());
  const auto normal = normal_of(directions);
  return std::abs(normal[2]) > std::max(std::abs(normal[0]), std::abs(normal[1]));
}

double pixel_count(const Candidate& candidate) {
  double total = 0;
  for (const DicomInstance& image : candidate.series.images)
    total += static_cast<double>(image.unsigned_short_or(attribute::rows, 0)) *
             static_cast<double>(image.unsigned_short_or(attribute::columns, 0)) *
             static_cast<double>(image.frame_count());
  return total;
}

std::string listed(const std::vector<Candidate>& all) {
  std::vector<std::string> names;
  for (const Candidate& candidate : all) {
    if (names.size() == most_series_listed) {
      names.push_back(fmt::format("{} more", all.size() - most_series_listed));
      break;
    }
    names.push_back(fmt::format("{} ({}, {} images)", candidate.series.uid,
                                candidate.series.images.front().text(attribute::modality),
                                candidate.series.images.size()));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

Candidate named(std::vector<Candidate>& all, const std::string& uid, const fs::path& path) {
  const auto found = std::ranges::find(
      all, uid, [](const Candidate& candidate) -> const std::string& { return candidate.series.uid; });
  if (found == all.end()) throw InputError("{}: no series {}; there are {}", path.string(), uid, listed(all));
  return std::move(*found);
}

Candidate largest(std::vector<Candidate>& all, const fs::path& path, std::vector<std::string>& warnings) {
  std::vector<Candidate> axial;
  for (Candidate& candidate : all) {
    if (is_axial_ct(candidate)) axial.push_back(std::move(candidate));
  }
  if (axial.empty()) throw InputError("{}: no axial CT series; there are {}", path.string(), listed(all));
  const auto found = std::ranges::max_element(axial, {}, pixel_count);
  Candidate chosen = std::move(*found);
  axial.erase(found);
  if (!axial.empty())
    warnings.push_back(fmt::format("several axial CT series: {} is taken, the largest; there are also {} (--series)",
                                   chosen.series.uid, listed(axial)));
  return chosen;
}

void check_list(const std::vector<fs::path>& files, const fs::path& list) {
  std::string series;
  for (const fs::path& file : files) {
    const DicomInstance instance(read_dicom_header(file));
    if (!is_image(instance))
      throw InputError("{}: {} is no CT image, its SOP Class UID is '{}'", list.string(), file.string(),
                       instance.text(attribute::sop_class).substr(0, 64));
    const std::string uid = instance.text(attribute::series_instance);
    if (!series.empty() && uid != series)
      throw InputError("{}: files of several series: {} in {}, {} in {}", list.string(), series, files.front().string(),
                       uid, file.string());
    series = uid;
  }
}

// The file is a volume itself, or a slice of one.
Candidate series_of_file(const fs::path& file, const std::vector<fs::path>& beside,
                         const std::optional<std::string>& series_uid) {
  DicomInstance image(read_dicom_header(file));
  const std::string uid = image.text(attribute::series_instance);
  if (!is_image(image))
    throw InputError("{}: no CT image, its SOP Class UID is '{}'", file.string(),
                     image.text(attribute::sop_class).substr(0, 64));
  if (uid.empty()) throw InputError("{}: the DICOM file has no {}", file.string(), attribute::series_instance.name);
  if (series_uid && *series_uid != uid)
    throw InputError("{}: no series {}; the file is of series {}", file.string(), *series_uid, uid);
  if (image.is_enhanced()) return {{uid, {std::move(image)}}, 0, 0};
  std::vector<Candidate> all = scan(beside);
  return named(all, uid, file);
}

void warn_of_left_out(const Candidate& chosen, std::vector<std::string>& warnings) {
  const auto images = [](std::size_t count) { return fmt::format("{} image{}", count, count == 1 ? "" : "s"); };
  if (chosen.localizers > 0)
    warnings.push_back(fmt::format("{} of the series left out: localizers", images(chosen.localizers)));
  if (chosen.others > 0)
    warnings.push_back(
        fmt::format("{} of the series left out: no slices of a volume (secondary captures, reports or "
                    "the like)",
                    images(chosen.others)));
}

}  // namespace

Series choose_series(const fs::path& path, const std::optional<std::string>& series_uid,
                     std::vector<std::string>& warnings) {
  const DicomInput input = dicom_input(path);
  if (input.listed) check_list(input.files, path);
  Candidate chosen;
  if (input.of_series_of) {
    chosen = series_of_file(*input.of_series_of, input.files, series_uid);
  } else {
    std::vector<Candidate> all = scan(input.files);
    if (all.empty()) throw InputError("{}: its DICOM files hold no images", path.string());
    if (series_uid) {
      chosen = named(all, *series_uid, path);
    } else {
      chosen = input.listed ? std::move(all.front()) : largest(all, path, warnings);
    }
  }
  warn_of_left_out(chosen, warnings);
  return std::move(chosen.series);
}

}  // namespace twintrack::volume_io
