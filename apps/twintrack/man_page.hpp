// The manual page, made from the inventory.
#pragma once

#include <string>

#include "inventory.hpp"

namespace twintrack::cli {

// twintrack.1 in roff, with the man macros.
std::string man_page(const JobFacts& program);

}  // namespace twintrack::cli
