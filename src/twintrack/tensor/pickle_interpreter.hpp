// The stack machine behind pickle::interpret.
#pragma once

#include <string>
#include <vector>

#include "twintrack/core/error.hpp"
#include "twintrack/tensor/pickle.hpp"
#include "twintrack/tensor/pickle_opcodes.hpp"

namespace twintrack::pickle {

inline constexpr std::size_t deepest_stack = std::size_t{1} << 22;

class Interpreter {
 public:
  Interpreter(std::string bytes, std::string file);
  Document run() &&;

 private:
  // Each executes the opcodes of one group and says whether `op` was one of them.
  bool execute_scalar(Op op);
  bool execute_text(Op op);
  bool execute_container(Op op);
  bool execute_memo(Op op);
  bool execute_object(Op op);

  // Input.
  template <typename T>
  T take();
  std::size_t take_bytes(std::uint64_t count);  // position of the first of them
  Id take_line();
  void push_text(Kind kind, std::uint64_t length);
  void push_long(std::uint64_t length);

  // Values.
  Id add(Kind kind, Id first, std::int64_t payload);
  Id add_container(Kind kind, std::vector<Id> children);
  std::vector<Id>& children_of(Id id);

  // Stack.
  void push(Id id);
  Id pop();
  std::vector<Id> pop_to_mark();
  Id pop_of(Kind kind, const char* what);
  void push_tuple(std::size_t length);

  // Objects.
  void push_global(Id module, Id name);
  void extend(Id target, std::vector<Id> items, Kind expected);
  Id construct(Id callable, Id arguments);
  std::optional<Id> construct_container(Id callable, Id arguments);
  std::vector<Id> copy_items(Id source, bool pairs);

  void remember(std::uint64_t index, Id id);

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw InputError("{}: its pickle is malformed at byte {}: {}", file_, op_position_,
                     fmt::format(format, std::forward<Args>(args)...));
  }

  std::string file_;
  Document document_;
  std::size_t position_ = 0;
  std::size_t op_position_ = 0;
  std::vector<Id> stack_;
  std::vector<std::uint32_t> marks_;  // heights of the stack
  std::vector<Id> memo_;
  std::size_t memo_count_ = 0;
  std::size_t copies_left_ = 0;  // of children of shared containers, so that copying stays linear
};

}  // namespace twintrack::pickle
