#include "twintrack/core/random.hpp"

#include "twintrack/core/portable_math.hpp"
#include "twintrack/core/resampling.hpp"

namespace twintrack {

double Random::uniform(double low, double high) { return low + (high - low) * to_unit(generator_()); }

double Random::normal() { return normal_quantile(to_unit(generator_())); }

std::int64_t Random::below(std::int64_t count) { return draw_below(count, generator_); }

}  // namespace twintrack
