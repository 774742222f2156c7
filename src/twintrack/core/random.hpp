// Random numbers that are the same on every machine and for every number of threads: a stream of its own for every key.
#pragma once

#include <cstdint>
#include <random>

namespace twintrack {

// Mixes 64 bits so that every output bit depends on every input bit (the finaliser of SplitMix64).
constexpr std::uint64_t mix_bits(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}
constexpr std::uint64_t combine_bits(std::uint64_t a, std::uint64_t b) {
  return mix_bits(a * 0x9e3779b97f4a7c15ULL + mix_bits(b + 0x9e3779b97f4a7c15ULL));
}

// A stream of numbers, its own for every pair of key and purpose.
class Random {
 public:
  Random(std::uint64_t key, std::uint64_t purpose) : generator_(combine_bits(key, purpose)) {}

  double uniform(double low, double high);
  double normal();
  bool happens(double probability) { return uniform(0, 1) < probability; }
  std::int64_t below(std::int64_t count);

 private:
  std::mt19937_64 generator_;
};

// Uniform on (0, 1) from 53 of the bits.
constexpr double to_unit(std::uint64_t bits) { return (static_cast<double>(bits >> 11) + 0.5) * 0x1p-53; }

}  // namespace twintrack
