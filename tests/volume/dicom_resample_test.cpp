// Stacks that are no upright grid of equal distances: tilted gantry, mixed distances, slices that are there twice.
#include "twintrack/core/parallel.hpp"
#include "twintrack/volume/dicom_source.hpp"
#include "volume/dicom_bytes.hpp"
#include "volume/dicom_series.hpp"

namespace twintrack {
namespace {

using namespace test;
namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Vector = std::array<double, 3>;

Vector operator+(const Vector& a, const Vector& b) { return {a[0] + b[0], a[1] + b[1], a[2] + b[2]}; }
Vector operator*(double s, const Vector& a) { return {s * a[0], s * a[1], s * a[2]}; }
double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

// Slices of a function of space: `rows` and `columns` are the axes of each, `positions` where they begin.
struct SlicedFunction {
  Vector along_row{1, 0, 0};
  Vector along_column{0, 1, 0};
  std::vector<Vector> positions;
  int columns = 12;
  int rows = 10;
  std::function<double(const Vector&)> hu;
  static constexpr double spacing_x = 0.5;
  static constexpr double spacing_y = 0.75;

  DicomImage slice(std::size_t k) const {
    DicomImage image;
    image.rows = static_cast<std::uint16_t>(rows);
    image.columns = static_cast<std::uint16_t>(columns);
    image.slope = "0.0625";
    const auto text = [](const Vector& v) { return fmt::format("{:.9f}\\{:.9f}\\{:.9f}", v[0], v[1], v[2]); };
    image.orientation = text(along_row) + "\\" + text(along_column);
    image.position = text(positions[k]);
    image.pixels.clear();
    for (int y = 0; y < rows; ++y) {
      for (int x = 0; x < columns; ++x) {
        const Vector place = positions[k] + spacing_x * x * along_row + spacing_y * y * along_column;
        image.pixels.push_back(static_cast<std::int16_t>(std::lround((hu(place) + 1024) / 0.0625)));
      }
    }
    return image;
  }

  void write(const fs::path& folder) const {
    for (std::size_t k = 0; k < positions.size(); ++k)
      write_dicom(folder / fmt::format("slice{:03}", positions.size() - k), slice(k));
  }
};

Vector position_of(const Geometry& g, std::int64_t x, std::int64_t y, std::int64_t z) {
  Vector place = g.origin_mm;
  const std::array<std::int64_t, 3> index = {x, y, z};
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t axis = 0; axis < 3; ++axis)
      place[row] += g.direction[row * 3 + axis] * g.spacing_mm[axis] * static_cast<double>(index[axis]);
  }
  return place;
}

// By the definition, voxel by voxel and in patient space: the two slices next to the voxel along the normal, bilinear
// in each, air beyond half a pixel around it.
double interpolated(const SlicedFunction& f, const std::vector<DicomImage>& slices, const Vector& place) {
  const Vector normal = {f.along_row[1] * f.along_column[2] - f.along_row[2] * f.along_column[1],
                         f.along_row[2] * f.along_column[0] - f.along_row[0] * f.along_column[2],
                         f.along_row[0] * f.along_column[1] - f.along_row[1] * f.along_column[0]};
  const auto in_slice = [&](std::size_t k) {
    const Vector step = place + -1.0 * f.positions[k];
    const double x = dot(step, f.along_row) / SlicedFunction::spacing_x;
    const double y = dot(step, f.along_column) / SlicedFunction::spacing_y;
    if (x < -0.5 || y < -0.5 || x > f.columns - 0.5 || y > f.rows - 0.5) return -1024.0;
    const double cx = std::clamp(x, 0.0, f.columns - 1.0);
    const double cy = std::clamp(y, 0.0, f.rows - 1.0);
    double sum = 0;
    for (int j = 0; j < f.rows; ++j) {
      for (int i = 0; i < f.columns; ++i) {
        const double weight = std::max(0.0, 1 - std::abs(cx - i)) * std::max(0.0, 1 - std::abs(cy - j));
        sum += weight * (slices[k].pixels[static_cast<std::size_t>(j * f.columns + i)] * 0.0625 - 1024);
      }
    }
    return sum;
  };
  const double height = dot(place, normal);
  std::size_t upper = 1;
  while (upper + 1 < f.positions.size() && dot(f.positions[upper], normal) < height - 1e-9) ++upper;
  const double low = dot(f.positions[upper - 1], normal);
  const double part = std::clamp((height - low) / (dot(f.positions[upper], normal) - low), 0.0, 1.0);
  return (1 - part) * in_slice(upper - 1) + part * in_slice(upper);
}

void expect_interpolated(const Volume<float>& volume, const SlicedFunction& f) {
  std::vector<DicomImage> slices;
  for (std::size_t k = 0; k < f.positions.size(); ++k) slices.push_back(f.slice(k));
  const auto& size = volume.geometry.size;
  std::size_t i = 0;
  for (std::int64_t z = 0; z < size[2]; ++z) {
    for (std::int64_t y = 0; y < size[1]; ++y) {
      for (std::int64_t x = 0; x < size[0]; ++x, ++i) {
        ASSERT_NEAR(volume.voxels[i], interpolated(f, slices, position_of(volume.geometry, x, y, z)), 0.02)
            << x << " " << y << " " << z;
      }
    }
  }
}

double linear_hu(const Vector& p) { return 40 + 3 * p[0] - 2 * p[1] + 1.5 * p[2]; }
double wavy_hu(const Vector& p) { return 100 * std::sin(p[0]) * std::cos(0.7 * p[1]) + 80 * std::sin(0.4 * p[2]); }

// A gantry that leans by `degrees` about x: slices are not perpendicular to the table's way along z.
SlicedFunction tilted(double degrees, int count, double step_mm) {
  const double angle = degrees * 3.14159265358979323846 / 180;
  SlicedFunction f;
  f.along_column = {0, std::cos(angle), std::sin(angle)};
  for (int k = 0; k < count; ++k) f.positions.push_back({-3, 4, -20 + step_mm * k});
  f.hu = wavy_hu;
  return f;
}

class GantryTilt : public testing::TestWithParam<double> {};

TEST_P(GantryTilt, becomes_an_upright_stack) {
  const TemporaryFolder folder;
  const SlicedFunction f = tilted(GetParam(), 8, 2.5);
  f.write(folder.path());
  std::vector<std::string> warnings;
  const Volume<float> volume = read_volume(folder.path(), {}, warnings);
  EXPECT_THAT(warnings, ElementsAre(AllOf(HasSubstr(fmt::format("gantry tilt of {:.1f} degrees", std::abs(GetParam()))),
                                          HasSubstr("-1024 HU outside"))));
  const double angle = GetParam() * 3.14159265358979323846 / 180;
  const Geometry& g = volume.geometry;
  const double rise = 7 * 2.5 * std::abs(std::sin(angle));
  EXPECT_EQ(g.size, (std::array<std::int64_t, 3>{12, 10 + static_cast<std::int64_t>(std::ceil(rise / 0.75)), 8}));
  EXPECT_NEAR(g.spacing_mm[2], 2.5 * std::cos(angle), 1e-6);
  for (std::size_t row = 0; row < 3; ++row) EXPECT_NEAR(g.direction[row * 3 + 1], f.along_column[row], 1e-8);
  expect_interpolated(volume, f);
  const auto source = dicom_source(folder.path());
  ASSERT_TRUE(source);
  EXPECT_EQ(source->files.size(), 8u);
  EXPECT_EQ(source->files.front().filename(), "slice008");
  EXPECT_FALSE(source->slices_are_source_slices);
}

INSTANTIATE_TEST_SUITE_P(degrees, GantryTilt, testing::Values(12.5, -12.5, 30.0, -1.5));

// What is linear in space is what linear interpolation gives back, wherever there are slices.
TEST(GantryTilt, a_linear_function_is_kept) {
  const TemporaryFolder folder;
  SlicedFunction f = tilted(20, 9, 3);
  f.hu = linear_hu;
  f.write(folder.path());
  std::vector<std::string> warnings;
  const Volume<float> volume = read_volume(folder.path(), {}, warnings);
  const auto& size = volume.geometry.size;
  int inside = 0;
  for (std::int64_t z = 0; z < size[2]; ++z) {
    for (std::int64_t y = 0; y < size[1]; ++y) {
      for (std::int64_t x = 0; x < size[0]; ++x) {
        const Vector place = position_of(volume.geometry, x, y, z);
        const double row = dot(place + -1.0 * f.positions[static_cast<std::size_t>(z)], f.along_column) / 0.75;
        const float found = volume.voxels[static_cast<std::size_t>((z * size[1] + y) * size[0] + x)];
        if (row < -0.5 || row > f.rows - 0.5) {
          ASSERT_EQ(found, -1024) << x << " " << y << " " << z;
        } else if (row >= 0 && row <= f.rows - 1) {
          ASSERT_NEAR(found, linear_hu(place), 0.05) << x << " " << y << " " << z;
          ++inside;
        }
      }
    }
  }
  EXPECT_GT(inside, 8 * 12 * 9);
}

TEST(GantryTilt, within_a_quarter_pixel_is_none) {
  const TemporaryFolder folder;
  SlicedFunction f = tilted(0, 5, 2.5);
  for (std::size_t k = 0; k < 5; ++k) f.positions[k][1] += 0.03 * static_cast<double>(k);
  f.write(folder.path());
  std::vector<std::string> warnings;
  EXPECT_EQ(read_volume(folder.path(), {}, warnings).geometry.size, (std::array<std::int64_t, 3>{12, 10, 5}));
  EXPECT_THAT(warnings, IsEmpty());
  EXPECT_TRUE(dicom_source(folder.path())->slices_are_source_slices);
}

SlicedFunction at_heights(const std::vector<double>& heights) {
  SlicedFunction f;
  for (const double height : heights) f.positions.push_back({-3, 4, height});
  f.hu = wavy_hu;
  return f;
}

TEST(MixedDistances, become_the_smallest) {
  const TemporaryFolder folder;
  const SlicedFunction f = at_heights({0, 2.5, 5, 7.5, 12.5, 17.5, 22.5});
  f.write(folder.path());
  std::vector<std::string> warnings;
  const Volume<float> volume = read_volume(folder.path(), {}, warnings);
  EXPECT_EQ(volume.geometry.size, (std::array<std::int64_t, 3>{12, 10, 10}));
  EXPECT_EQ(volume.geometry.spacing_mm[2], 2.5);
  EXPECT_THAT(warnings, ElementsAre(AllOf(HasSubstr("mixed slice spacing, 2.500 to 5.000 mm"),
                                          HasSubstr("resampled linearly to 2.500 mm"),
                                          HasSubstr("from 7.500 mm (slice004) to 12.500 mm (slice003)"))));
  expect_interpolated(volume, f);
  const auto source = dicom_source(folder.path());
  ASSERT_TRUE(source);
  EXPECT_FALSE(source->slices_are_source_slices);
}

TEST(MixedDistances, of_any_size_are_interpolated) {
  const TemporaryFolder folder;
  const SlicedFunction f = at_heights({0, 1, 2, 3, 4.4, 5.8, 7.9});
  f.write(folder.path());
  std::vector<std::string> warnings;
  const Volume<float> volume = read_volume(folder.path(), {}, warnings);
  EXPECT_EQ(volume.geometry.size[2], 8);
  EXPECT_EQ(volume.geometry.spacing_mm[2], 1);
  expect_interpolated(volume, f);
}

TEST(MixedDistances, one_missing_slice_is_interpolated_and_named) {
  const TemporaryFolder folder;
  const SlicedFunction f = at_heights({0, 2.5, 5, 10, 12.5, 15});
  f.write(folder.path());
  std::vector<std::string> warnings;
  const Volume<float> volume = read_volume(folder.path(), {}, warnings);
  EXPECT_EQ(volume.geometry.size[2], 7);
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("from 5.000 mm (slice004) to 10.000 mm (slice003)")));
  expect_interpolated(volume, f);
}

// A sliver between two slices does not decide on the size of the volume.
TEST(MixedDistances, the_grid_is_at_least_half_the_median_distance) {
  const TemporaryFolder folder;
  const SlicedFunction f = at_heights({0, 0.01, 2, 4, 6, 8, 10});
  f.write(folder.path());
  std::vector<std::string> warnings;
  const Volume<float> volume = read_volume(folder.path(), {}, warnings);
  EXPECT_EQ(volume.geometry.spacing_mm[2], 1);
  EXPECT_EQ(volume.geometry.size[2], 11);
  expect_interpolated(volume, f);
}

TEST(MixedDistances, with_a_tilted_gantry_are_resampled_once) {
  const TemporaryFolder folder;
  SlicedFunction f = tilted(-15, 7, 2);
  f.positions[5][2] += 2;
  f.positions[6][2] += 2;
  f.write(folder.path());
  std::vector<std::string> warnings;
  const Volume<float> volume = read_volume(folder.path(), {}, warnings);
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("gantry tilt of 15.0"), HasSubstr("mixed slice spacing")));
  EXPECT_EQ(volume.geometry.size[2], 8);
  expect_interpolated(volume, f);
}

TEST(MixedDistances, do_not_depend_on_the_number_of_threads) {
  const TemporaryFolder folder;
  tilted(25, 40, 1.5).write(folder.path());
  std::vector<std::string> warnings;
  const int threads = thread_count();
  set_thread_count(1);
  const Volume<float> one = read_volume(folder.path(), {}, warnings);
  set_thread_count(4);
  const Volume<float> four = read_volume(folder.path(), {}, warnings);
  set_thread_count(threads);
  EXPECT_EQ(one.voxels, four.voxels);
}

TEST(Duplicates, with_the_same_pixels_are_taken_once) {
  const TemporaryFolder folder;
  write_series(folder.path(), 5);
  fs::copy(folder / "image003", folder / "image003 (copy)");
  DicomImage other = numbered_slice(4, -290);  // the same values, stored otherwise
  for (std::int16_t& pixel : other.pixels) pixel = static_cast<std::int16_t>(pixel * 2);
  other.slope = "0.5";
  write_dicom(folder / "other", other);
  std::vector<std::string> warnings;
  const Volume<float> volume = read_volume(folder.path(), {}, warnings);
  EXPECT_EQ(volume.geometry.size[2], 5);
  EXPECT_EQ(volume.geometry.spacing_mm[2], 2.5);
  EXPECT_THAT(warnings, ElementsAre(AllOf(HasSubstr("2 slices left out (image003 (copy), ...)"),
                                          HasSubstr("same pixels at the same position"))));
  EXPECT_EQ(dicom_source(folder.path())->files.size(), 5u);
}

TEST(Padding, becomes_air) {
  const TemporaryFolder folder;
  write_series(folder.path(), 3, [](int, DicomImage& image) {
    image.intercept = "0";
    image.padding = raw<std::int16_t>(-2000);
    image.pixels = {-2000, 0, 5, -1500, -2000, 40, 41, 42, 43, 44, 45, -1999};
  });
  std::vector<std::string> warnings;
  const Volume<float> volume = read_volume(folder.path(), {}, warnings);
  EXPECT_EQ(std::vector<float>(volume.voxels.begin(), volume.voxels.begin() + 12),
            (std::vector<float>{-1024, 0, 5, -1500, -1024, 40, 41, 42, 43, 44, 45, -1999}));
  EXPECT_THAT(warnings, ElementsAre(AllOf(HasSubstr("6 pixels are padding"), HasSubstr("set to -1024 HU"))));
}

TEST(Padding, may_be_a_range) {
  const TemporaryFolder folder;
  write_series(folder.path(), 2, [](int, DicomImage& image) {
    image.intercept = "0";
    image.padding = raw<std::int16_t>(-2000);
    image.padding_limit = raw<std::int16_t>(-3000);
    image.pixels = {-2000, -2500, -3000, -3001, -1999, 40, 41, 42, 43, 44, 45, 46};
  });
  std::vector<std::string> warnings;
  const Volume<float> volume = read_volume(folder.path(), {}, warnings);
  EXPECT_EQ(std::vector<float>(volume.voxels.begin(), volume.voxels.begin() + 5),
            (std::vector<float>{-1024, -1024, -1024, -3001, -1999}));
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("6 pixels are padding")));
}

// Files exist that name 0 as padding, with 0 HU in every organ.
TEST(Padding, that_tissue_has_too_is_left_and_told) {
  const TemporaryFolder folder;
  write_series(folder.path(), 2, [](int, DicomImage& image) {
    image.intercept = "0";
    image.padding = raw<std::int16_t>(0);
    image.pixels[3] = 0;
  });
  std::vector<std::string> warnings;
  EXPECT_EQ(read_volume(folder.path(), {}, warnings).voxels[3], 0);
  EXPECT_THAT(warnings,
              ElementsAre(AllOf(HasSubstr("Pixel Padding Value stands for 0 HU"), HasSubstr("left as they"))));
}

}  // namespace
}  // namespace twintrack
