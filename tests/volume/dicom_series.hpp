// Small DICOM series of numbered pixels.
#pragma once

#include <fmt/format.h>

#include <functional>

#include "volume/dicom_files.hpp"
#include "volume/support.hpp"

namespace twintrack::test {

inline std::string at(double x, double y, double z) { return fmt::format("{}\\{}\\{}", x, y, z); }

// Pixels that tell slice and place: 100 k + i.
inline DicomImage numbered_slice(int k, double z) {
  DicomImage image;
  image.position = at(-100.5, 20.25, z);
  for (std::size_t i = 0; i < image.pixels.size(); ++i)
    image.pixels[i] = static_cast<std::int16_t>(100 * k + static_cast<int>(i));
  return image;
}

// Slices at z = -300 + 2.5 k; names run against their order.
inline void write_series(const std::filesystem::path& folder, int count,
                         const std::function<void(int, DicomImage&)>& change = {},
                         const std::string& prefix = "image") {
  for (int k = 0; k < count; ++k) {
    DicomImage image = numbered_slice(k, -300 + 2.5 * k);
    if (change) change(k, image);
    write_dicom(folder / fmt::format("{}{:03d}", prefix, count - k), image);
  }
}

// Three slices of 32 x 32 pixels, uncompressed.
inline void write_larger_series(const std::filesystem::path& folder) {
  write_series(folder, 3, [](int k, DicomImage& image) {
    image.slope = "2";
    image.rows = image.columns = 32;
    image.pixels.resize(1024);
    for (std::size_t i = 0; i < 1024; ++i)
      image.pixels[i] = static_cast<std::int16_t>((static_cast<int>(i * i) + 31 * k) % 3000 - 1000);
  });
}

}  // namespace twintrack::test
