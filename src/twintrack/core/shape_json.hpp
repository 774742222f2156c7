// Boxes as people read them in JSON files.
#pragma once

#include "twintrack/core/json.hpp"
#include "twintrack/core/shape.hpp"

namespace twintrack {

// {"begin": [x, y, z], "end": [x, y, z]}, as files count; `end` exclusive.
inline Json to_json(const Box3& box) {
  return {{"begin", {box.begin[2], box.begin[1], box.begin[0]}}, {"end", {box.end[2], box.end[1], box.end[0]}}};
}

}  // namespace twintrack
