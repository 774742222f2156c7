// Writes pickles of protocol 2, piece by piece: what is written between a container's brackets, which are functions
// that take what is to be written inside, are its items. Source: CPython Lib/pickletools.py.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "twintrack/core/json.hpp"
#include "twintrack/tensor/pickle_opcodes.hpp"

namespace twintrack::pickle {

class Writer {
 public:
  Writer();

  void none() { put(Op::none); }
  void boolean(bool value) { put(value ? Op::newtrue : Op::newfalse); }
  void integer(std::int64_t value);
  void unsigned_integer(std::uint64_t value);
  void real(double value);
  void text(std::string_view utf8);
  void global(std::string_view module, std::string_view name);

  template <typename Items>
  void tuple(Items items) {
    put(Op::mark);
    items();
    put(Op::tuple);
  }
  template <typename Items>
  void list(Items items) {
    put(Op::empty_list);
    put(Op::mark);
    items();
    put(Op::appends);
  }
  // Items are keys and values in turn.
  template <typename Items>
  void dictionary(Items items) {
    put(Op::empty_dict);
    put(Op::mark);
    items();
    put(Op::setitems);
  }
  template <typename Items>
  void ordered_dictionary(Items items) {
    call("collections", "OrderedDict", [] {});
    put(Op::mark);
    items();
    put(Op::setitems);
  }
  template <typename Arguments>
  void call(std::string_view module, std::string_view name, Arguments arguments) {
    global(module, name);
    tuple(arguments);
    put(Op::reduce);
  }
  // A reference to something outside the pickle, whose identity `id` writes.
  template <typename Identity>
  void persistent(Identity id) {
    id();
    put(Op::binpersid);
  }

  std::string finish() &&;

 private:
  void put(Op op) { bytes_ += static_cast<char>(op); }
  template <typename T>
  void put_raw(T value);

  std::string bytes_;
};

enum class JsonNull { none, nan_in_lists };

// Writes `json` as plain Python values; with nan_in_lists, null among the elements of a list becomes float('nan'), as
// Python's lists of numbers have it. Throws InputError naming `file` and `field` for what to_json would not give back:
// text that is not UTF-8, nesting beyond deepest_json, and numbers that are not finite.
void write_json(Writer& writer, const Json& json, JsonNull null, const std::string& file, const std::string& field);

}  // namespace twintrack::pickle
