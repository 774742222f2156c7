#include "twintrack/tensor/pickle_json.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <span>

#include "twintrack/core/error.hpp"
#include "twintrack/tensor/tensor.hpp"

namespace twintrack::pickle {
namespace {

// Decodes bytes that protocol 2 keeps as text, one character a byte. Nothing when a character is beyond Latin-1.
std::optional<std::string> latin1_of(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      bytes += text[i];
    } else if ((lead == 0xc2 || lead == 0xc3) && i + 1 < text.size() &&
               (static_cast<unsigned char>(text[i + 1]) & 0xc0u) == 0x80u) {
      bytes += static_cast<char>((lead & 3u) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3fu));
    } else {
      return std::nullopt;
    }
  }
  return bytes;
}

template <typename T>
Json number_in(std::string_view bytes) {
  T value;
  if (bytes.size() != sizeof value) return nullptr;
  std::memcpy(&value, bytes.data(), sizeof value);
  if constexpr (std::is_floating_point_v<T>) return number_or_null(value);
  return value;
}

Json half_in(std::string_view bytes) {
  const Json bits = number_in<std::uint16_t>(bytes);
  return bits.is_null() ? bits : number_or_null(half_to_float(bits.get<std::uint16_t>()));
}

struct ScalarType {
  std::string_view name;
  Json (*read)(std::string_view bytes);
};

constexpr std::array scalar_types = {
    ScalarType{"f8", number_in<double>},
    ScalarType{"f4", number_in<float>},
    ScalarType{"f2", half_in},
    ScalarType{"i8", number_in<std::int64_t>},
    ScalarType{"i4", number_in<std::int32_t>},
    ScalarType{"i2", number_in<std::int16_t>},
    ScalarType{"i1", number_in<std::int8_t>},
    ScalarType{"u8", number_in<std::uint64_t>},
    ScalarType{"u4", number_in<std::uint32_t>},
    ScalarType{"u2", number_in<std::uint16_t>},
    ScalarType{"u1", number_in<std::uint8_t>},
};

class Converter {
 public:
  Converter(const Document& document, JsonLimits& limits, const std::string& file, const std::string& field)
      : document_(document), limits_(limits), file_(file), field_(field) {}

  Json convert(Id id, int depth) {
    if (limits_.values == 0) fail("holds more values than a file of this size can justify");
    --limits_.values;
    switch (document_.kind(id)) {
      case Kind::boolean:
        return document_.integer(id) != 0;
      case Kind::integer:
        return document_.integer(id);
      case Kind::long_integer:
        return long_integer(document_.text(id));
      case Kind::real:
        return number_or_null(document_.real(id));
      case Kind::text:
        return text(id);
      case Kind::tuple:
      case Kind::list:
      case Kind::set:
        return list(id, depth);
      case Kind::dictionary:
        return dictionary(id, depth);
      case Kind::call:
        return called(id);
      default:
        return nullptr;
    }
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw InputError("{}: {}: {}", file_, field_, what); }

  void check_depth(int depth) const {
    if (depth >= deepest_json) fail(fmt::format("is nested more than {} deep", deepest_json));
  }

  Json text(Id id) {
    const std::string_view characters = document_.text(id);
    if (characters.size() > limits_.text_bytes) fail("holds more text than a file of this size can justify");
    limits_.text_bytes -= characters.size();
    Json json = characters;
    try {
      json.dump();
    } catch (const Json::type_error&) {  // not UTF-8
      return nullptr;
    }
    return json;
  }

  static Json long_integer(std::string_view bytes) {
    std::uint64_t low = 0;
    std::memcpy(&low, bytes.data(), sizeof low);
    const bool fits = std::ranges::all_of(bytes.substr(sizeof low), [](char byte) { return byte == 0; });
    return fits ? Json(low) : Json(nullptr);
  }

  Json list(Id id, int depth) {
    check_depth(depth);
    Json elements = Json::array();
    for (const Id element : document_.children(id)) elements.push_back(convert(element, depth + 1));
    return elements;
  }

  // Appends to the ordered members directly: looking each key up would take quadratic time.
  Json dictionary(Id id, int depth) {
    check_depth(depth);
    Json object = Json::object();
    Json::object_t::Container& members = object.get_ref<Json::object_t&>();
    std::map<std::string, std::size_t, std::less<>> positions;
    const std::span<const Id> items = document_.children(id);
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      const std::optional<std::string> name = key(items[i]);
      if (!name) continue;
      Json value = convert(items[i + 1], depth + 1);
      const auto [entry, is_new] = positions.emplace(*name, members.size());
      if (is_new) {
        members.emplace_back(*name, std::move(value));
      } else {
        members[entry->second].second = std::move(value);
      }
    }
    return object;
  }

  std::optional<std::string> key(Id id) {
    if (document_.kind(id) == Kind::integer) return std::to_string(document_.integer(id));
    if (document_.kind(id) != Kind::text) return std::nullopt;
    const Json name = text(id);
    if (name.is_null()) return std::nullopt;
    return name.get<std::string>();
  }

  Json called(Id id) {
    if (document_.kind(document_.callable(id)) != Kind::global) return nullptr;
    const std::string name = document_.global_name(document_.callable(id));
    const std::span<const Id> arguments = document_.children(document_.arguments(id));
    if (name == "numpy.core.multiarray.scalar" || name == "numpy._core.multiarray.scalar") {
      return arguments.size() == 2 ? numpy_scalar(arguments[0], arguments[1]) : Json(nullptr);
    }
    return name == "torch.device" ? device(arguments) : Json(nullptr);
  }

  // Of little-endian numbers, which are the only ones that numpy writes on the machines of today.
  Json numpy_scalar(Id type, Id value) const {
    const std::optional<std::string> name = first_text_of_call(type, "numpy.dtype");
    const auto found = std::ranges::find(scalar_types, name.value_or(""), &ScalarType::name);
    if (found == scalar_types.end()) return nullptr;
    if (document_.kind(value) == Kind::bytes) return found->read(document_.text(value));
    const std::optional<std::string> encoded = first_text_of_call(value, "_codecs.encode");
    const std::optional<std::string> bytes = encoded ? latin1_of(*encoded) : std::nullopt;
    return bytes ? found->read(*bytes) : Json(nullptr);
  }

  // The first argument, a short text, of a call of `function`.
  std::optional<std::string> first_text_of_call(Id id, std::string_view function) const {
    constexpr std::size_t longest = 64;
    if (document_.kind(id) != Kind::call || document_.kind(document_.callable(id)) != Kind::global ||
        document_.global_name(document_.callable(id)) != function) {
      return std::nullopt;
    }
    const std::span<const Id> arguments = document_.children(document_.arguments(id));
    if (arguments.empty() || document_.kind(arguments[0]) != Kind::text) return std::nullopt;
    const std::string_view text = document_.text(arguments[0]);
    if (text.size() > longest) return std::nullopt;
    return std::string(text);
  }

  Json device(std::span<const Id> arguments) {
    if (arguments.empty() || document_.kind(arguments[0]) != Kind::text) return nullptr;
    Json type = text(arguments[0]);
    if (type.is_null() || arguments.size() < 2 || document_.kind(arguments[1]) != Kind::integer) return type;
    return fmt::format("{}:{}", type.get<std::string>(), document_.integer(arguments[1]));
  }

  const Document& document_;
  JsonLimits& limits_;
  const std::string& file_;
  const std::string& field_;
};

}  // namespace

JsonLimits json_limits_for(std::uint64_t file_bytes) {
  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(file_bytes, largest_pickle_bytes));
  return {std::min(bytes, most_values), bytes};
}

Json to_json(const Document& document, Id value, JsonLimits& limits, const std::string& file,
             const std::string& field) {
  return Converter(document, limits, file, field).convert(value, 0);
}

}  // namespace twintrack::pickle
