// Counts and fits raw float32 files, so that scripts/compare_isotonic.py can set the curve, the time and the memory
// beside scikit-learn's.
// Usage: isotonic_raw PROBABILITIES RESPONSES RATERS OUT REPEATS
// RESPONSES are shares of RATERS. Writes the curve at 0, 0.001 ... 1 to OUT (float64) and prints the seconds of each
// repeat, one a line, then the peak resident memory in MiB.
#include "twintrack/calibration/statistics.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/system.hpp"

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

using namespace twintrack;

std::vector<float> read_floats(const std::string& path) {
  std::vector<float> values(std::filesystem::file_size(path) / sizeof(float));
  std::ifstream in(path, std::ios::binary);
  if (!in.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)))) {
    throw InputError("{}: cannot read {} float32 values", path, values.size());
  }
  return values;
}

// Raters whose share at each voxel is its response.
RaterSet raters_of(const std::vector<float>& responses, int count) {
  RaterSet raters;
  raters.geometry.size = {static_cast<std::int64_t>(responses.size()), 1, 1};
  raters.masks.assign(count, BitMask(raters.geometry.shape()));
  for (std::size_t i = 0; i < responses.size(); ++i) {
    const long marks = std::lround(responses[i] * static_cast<float>(count));
    for (long k = 0; k < marks; ++k) raters.masks[k].set(static_cast<std::int64_t>(i));
  }
  return raters;
}

int run(char** argv) {
  const std::vector<float> probabilities = read_floats(argv[1]);
  const RaterSet raters = raters_of(read_floats(argv[2]), std::stoi(argv[3]));
  if (raters.geometry.voxel_count() != static_cast<std::int64_t>(probabilities.size())) {
    throw InputError("{}: as many responses as probabilities are needed", argv[2]);
  }
  BitMask region(raters.geometry.shape());
  for (std::int64_t i = 0; i < region.size(); ++i) region.set(i);
  Knots knots;
  for (int repeat = 0; repeat < std::stoi(argv[5]); ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    CalibrationStatistics statistics;
    add_case(statistics, {"case", "", probabilities, raters, region});
    knots = statistics.levels.fit();
    std::cout << std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() << '\n';
  }
  std::cout << static_cast<double>(peak_resident_bytes()) / (1024 * 1024) << '\n';
  std::ofstream out(argv[4], std::ios::binary);
  for (int i = 0; i <= 1000; ++i) {
    const double value = curve_at(knots, i / 1000.0);
    out.write(reinterpret_cast<const char*>(&value), sizeof value);
  }
  if (!out.flush()) throw ResourceError("{}: cannot write", argv[4]);
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: isotonic_raw PROBABILITIES RESPONSES RATERS OUT REPEATS\n";
    return 2;
  }
  try {
    return run(argv);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 3;
  }
}
