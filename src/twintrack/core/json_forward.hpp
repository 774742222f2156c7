// Json by name, for headers that only declare functions with it: core/json.hpp takes a second to compile.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace twintrack {

using Json = nlohmann::ordered_json;
class JsonView;

}  // namespace twintrack
