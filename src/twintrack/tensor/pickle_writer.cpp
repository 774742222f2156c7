#include "twintrack/tensor/pickle_writer.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "twintrack/core/error.hpp"
#include "twintrack/tensor/byte_source.hpp"
#include "twintrack/tensor/pickle_json.hpp"

namespace twintrack::pickle {
namespace {

class JsonWriter {
 public:
  JsonWriter(Writer& writer, JsonNull null, const std::string& file) : writer_(writer), null_(null), file_(file) {}

  void write(const Json& json, const std::string& field, int depth) {
    if (depth > deepest_json) throw InputError("{}: {}: is nested more than {} deep", file_, field, deepest_json);
    switch (json.type()) {
      case Json::value_t::object:
        return writer_.dictionary([&] { write_members(json, field, depth); });
      case Json::value_t::array:
        return writer_.list([&] { write_elements(json, field, depth); });
      case Json::value_t::string:
        return write_text(json, field);
      case Json::value_t::boolean:
        return writer_.boolean(json.get<bool>());
      case Json::value_t::number_integer:
        return writer_.integer(json.get<std::int64_t>());
      case Json::value_t::number_unsigned:
        return writer_.unsigned_integer(json.get<std::uint64_t>());
      case Json::value_t::number_float:
        return write_real(json.get<double>(), field);
      default:
        return writer_.none();
    }
  }

 private:
  void write_members(const Json& object, const std::string& field, int depth) {
    for (const auto& [name, value] : object.items()) {
      write_text(name, field);
      write(value, fmt::format("{}.{}", field, name), depth + 1);
    }
  }

  void write_elements(const Json& array, const std::string& field, int depth) {
    for (const Json& element : array) {
      if (element.is_null() && null_ == JsonNull::nan_in_lists) {
        writer_.real(std::numeric_limits<double>::quiet_NaN());
      } else {
        write(element, field, depth + 1);
      }
    }
  }

  void write_text(const Json& json, const std::string& field) {
    try {
      json.dump();
    } catch (const Json::type_error&) {
      throw InputError("{}: {}: {} is not UTF-8", file_, field, in_quotes(json.get_ref<const std::string&>()));
    }
    writer_.text(json.get_ref<const std::string&>());
  }

  void write_real(double value, const std::string& field) {
    if (!std::isfinite(value)) throw InputError("{}: {}: {} should be a finite number", file_, field, value);
    writer_.real(value);
  }

  Writer& writer_;
  JsonNull null_;
  const std::string& file_;
};

}  // namespace

Writer::Writer() {
  put(Op::proto);
  bytes_ += '\x02';
}

template <typename T>
void Writer::put_raw(T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  bytes_.append(bytes, sizeof value);
}

void Writer::integer(std::int64_t value) {
  if (value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max()) {
    put(Op::binint);
    return put_raw(static_cast<std::int32_t>(value));
  }
  put(Op::long1);
  put_raw(static_cast<std::uint8_t>(sizeof value));
  put_raw(value);
}

void Writer::unsigned_integer(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return integer(static_cast<std::int64_t>(value));
  }
  put(Op::long1);
  put_raw(static_cast<std::uint8_t>(sizeof value + 1));
  put_raw(value);
  put_raw(std::uint8_t{0});  // the sign
}

void Writer::real(double value) {
  put(Op::binfloat);
  put_raw(__builtin_bswap64(std::bit_cast<std::uint64_t>(value)));  // the only big-endian number in a pickle
}

void Writer::text(std::string_view utf8) {
  put(Op::binunicode);
  put_raw(static_cast<std::uint32_t>(utf8.size()));
  bytes_ += utf8;
}

void Writer::global(std::string_view module, std::string_view name) {
  put(Op::global);
  bytes_ += module;
  bytes_ += '\n';
  bytes_ += name;
  bytes_ += '\n';
}

std::string Writer::finish() && {
  put(Op::stop);
  return std::move(bytes_);
}

void write_json(Writer& writer, const Json& json, JsonNull null, const std::string& file, const std::string& field) {
  JsonWriter(writer, null, file).write(json, field, 0);
}

}  // namespace twintrack::pickle
