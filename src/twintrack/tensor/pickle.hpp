// Python pickles as data. A pickle is a program for a stack machine that builds values and calls functions; here
// nothing is imported or called: containers become containers, every other call becomes a value that records what would
// have been called with what. Values are numbers into one table, so that shared, cyclic and deeply nested structures
// cost nothing. Source: CPython Lib/pickletools.py, protocols 2 to 5.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace twintrack::pickle {

enum class Kind : std::uint8_t {
  none,
  boolean,
  integer,
  long_integer,  // of more than 8 bytes
  real,
  text,
  bytes,
  tuple,
  list,
  dictionary,  // dict and OrderedDict
  set,
  global,      // a name of something importable
  call,        // a function or class with its arguments, not called
  persistent,  // a reference to something outside the pickle
  opaque,      // extension codes, out-of-band buffers
};

using Id = std::uint32_t;

class Document {
 public:
  Id root() const noexcept { return root_; }
  Kind kind(Id id) const { return values_[id].kind; }

  std::int64_t integer(Id id) const { return values_[id].payload; }                // integer, boolean
  double real(Id id) const { return std::bit_cast<double>(values_[id].payload); }  // real
  std::string_view text(Id id) const;         // text, bytes; long_integer: two's complement, the lowest byte first
  std::span<const Id> children(Id id) const;  // tuple, list, set; dictionary: key, value, key, value, ...
  std::string global_name(Id id) const;       // "torch.FloatStorage"
  Id callable(Id id) const { return values_[id].first; }                      // call
  Id arguments(Id id) const { return static_cast<Id>(values_[id].payload); }  // call: a tuple
  Id persistent_id(Id id) const { return values_[id].first; }                 // persistent

  // The value of a text key in a dictionary; the last one when there are several, as in Python.
  std::optional<Id> find(Id dictionary, std::string_view key) const;

  // For messages: "an integer", "a call of torch.device".
  std::string describe(Id id) const;

 private:
  friend class Interpreter;

  struct Value {
    Kind kind = Kind::none;
    Id first = 0;              // text: length; global: module; call: callable; persistent: its id
    std::int64_t payload = 0;  // number, text: position; containers: index; global: name; call: arguments
  };

  std::string bytes_;
  std::vector<Value> values_;
  std::vector<std::vector<Id>> containers_;
  Id root_ = 0;
};

inline constexpr std::size_t largest_pickle_bytes = std::size_t{64} << 20;
inline constexpr std::size_t most_values = std::size_t{1} << 22;  // of one pickle

// Interprets a pickle; memory and time are proportional to its size. Throws InputError, naming `file` and the position,
// for a malformed one and for one that names a function that runs commands or code (os.system, builtins.eval, ...).
Document interpret(std::string bytes, const std::string& file);

}  // namespace twintrack::pickle
