#include "twintrack/tensor/pickle_interpreter.hpp"

#include <cstring>
#include <limits>

#include "twintrack/tensor/byte_source.hpp"

namespace twintrack::pickle {
namespace {

constexpr Id not_remembered = std::numeric_limits<Id>::max();

}  // namespace

Interpreter::Interpreter(std::string bytes, std::string file) : file_(std::move(file)) {
  if (bytes.size() > largest_pickle_bytes) {
    fail("it holds {} bytes; at most {} are read", bytes.size(), largest_pickle_bytes);
  }
  copies_left_ = bytes.size();
  document_.bytes_ = std::move(bytes);
}

Document Interpreter::run() && {
  for (;;) {
    op_position_ = position_;
    const Op op{take<std::uint8_t>()};
    if (op == Op::stop) break;
    if (!execute_scalar(op) && !execute_text(op) && !execute_container(op) && !execute_memo(op) &&
        !execute_object(op)) {
      fail("opcode 0x{:02x} is none of protocols 2 to 5", static_cast<unsigned>(op));
    }
  }
  document_.root_ = pop();
  return std::move(document_);
}

template <typename T>
T Interpreter::take() {
  T value;
  std::memcpy(&value, document_.bytes_.data() + take_bytes(sizeof value), sizeof value);
  return value;
}

std::size_t Interpreter::take_bytes(std::uint64_t count) {
  if (count > document_.bytes_.size() - position_) {
    fail("{} bytes are expected, {} are left", count, document_.bytes_.size() - position_);
  }
  const std::size_t begin = position_;
  position_ += static_cast<std::size_t>(count);
  return begin;
}

Id Interpreter::take_line() {
  const std::size_t end = document_.bytes_.find('\n', position_);
  if (end == std::string::npos) fail("a line does not end");
  const std::size_t begin = take_bytes(end + 1 - position_);
  return add(Kind::text, static_cast<Id>(end - begin), static_cast<std::int64_t>(begin));
}

void Interpreter::push_text(Kind kind, std::uint64_t length) {
  const std::size_t begin = take_bytes(length);
  push(add(kind, static_cast<Id>(length), static_cast<std::int64_t>(begin)));
}

// Little-endian two's complement of any length.
void Interpreter::push_long(std::uint64_t length) {
  const std::size_t begin = take_bytes(length);
  if (length > sizeof(std::int64_t)) {
    return push(add(Kind::long_integer, static_cast<Id>(length), static_cast<std::int64_t>(begin)));
  }
  std::uint64_t bits = 0;
  std::memcpy(&bits, document_.bytes_.data() + begin, static_cast<std::size_t>(length));
  const auto unused = static_cast<unsigned>(64 - 8 * length);
  const std::int64_t value = length == 0 ? 0 : static_cast<std::int64_t>(bits << unused) >> unused;
  push(add(Kind::integer, 0, value));
}

Id Interpreter::add(Kind kind, Id first, std::int64_t payload) {
  if (document_.values_.size() >= most_values) fail("it builds more than {} values", most_values);
  document_.values_.push_back({kind, first, payload});
  return static_cast<Id>(document_.values_.size() - 1);
}

Id Interpreter::add_container(Kind kind, std::vector<Id> children) {
  const Id id = add(kind, 0, static_cast<std::int64_t>(document_.containers_.size()));
  document_.containers_.push_back(std::move(children));
  return id;
}

std::vector<Id>& Interpreter::children_of(Id id) {
  return document_.containers_[static_cast<std::size_t>(document_.values_[id].payload)];
}

void Interpreter::push(Id id) {
  if (stack_.size() >= deepest_stack) fail("its stack grows beyond {} values", deepest_stack);
  stack_.push_back(id);
}

Id Interpreter::pop() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("it takes a value from an empty stack");
  const Id id = stack_.back();
  stack_.pop_back();
  return id;
}

std::vector<Id> Interpreter::pop_to_mark() {
  if (marks_.empty()) fail("a mark is missing");
  const auto begin = stack_.begin() + marks_.back();
  std::vector<Id> items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

Id Interpreter::pop_of(Kind kind, const char* what) {
  const Id id = pop();
  if (document_.kind(id) != kind) fail("{} is expected, {} is found", what, document_.describe(id));
  return id;
}

void Interpreter::push_tuple(std::size_t length) {
  std::vector<Id> items(length);
  for (std::size_t i = length; i > 0; --i) items[i - 1] = pop();
  push(add_container(Kind::tuple, std::move(items)));
}

bool Interpreter::execute_scalar(Op op) {
  switch (op) {
    case Op::proto:
      if (const auto protocol = take<std::uint8_t>(); protocol > 5) fail("protocol {} is unknown", protocol);
      return true;
    case Op::frame:
      if (const auto length = take<std::uint64_t>(); length > document_.bytes_.size() - position_) {
        fail("a frame of {} bytes reaches beyond the end", length);
      }
      return true;
    case Op::none:
      push(add(Kind::none, 0, 0));
      return true;
    case Op::newtrue:
      push(add(Kind::boolean, 0, 1));
      return true;
    case Op::newfalse:
      push(add(Kind::boolean, 0, 0));
      return true;
    case Op::binint:
      push(add(Kind::integer, 0, take<std::int32_t>()));
      return true;
    case Op::binint1:
      push(add(Kind::integer, 0, take<std::uint8_t>()));
      return true;
    case Op::binint2:
      push(add(Kind::integer, 0, take<std::uint16_t>()));
      return true;
    case Op::long1:
      push_long(take<std::uint8_t>());
      return true;
    case Op::long4:
      push_long(take<std::uint32_t>());
      return true;
    case Op::binfloat:
      push(add(Kind::real, 0, static_cast<std::int64_t>(__builtin_bswap64(take<std::uint64_t>()))));
      return true;
    default:
      return false;
  }
}

bool Interpreter::execute_text(Op op) {
  switch (op) {
    case Op::short_binunicode:
    case Op::short_binstring:
      push_text(Kind::text, take<std::uint8_t>());
      return true;
    case Op::binunicode:
    case Op::binstring:
      push_text(Kind::text, take<std::uint32_t>());
      return true;
    case Op::binunicode8:
      push_text(Kind::text, take<std::uint64_t>());
      return true;
    case Op::short_binbytes:
      push_text(Kind::bytes, take<std::uint8_t>());
      return true;
    case Op::binbytes:
      push_text(Kind::bytes, take<std::uint32_t>());
      return true;
    case Op::binbytes8:
    case Op::bytearray8:
      push_text(Kind::bytes, take<std::uint64_t>());
      return true;
    default:
      return false;
  }
}

bool Interpreter::execute_memo(Op op) {
  switch (op) {
    case Op::binput:
    case Op::long_binput:
    case Op::memoize: {
      const std::uint64_t index = op == Op::binput        ? take<std::uint8_t>()
                                  : op == Op::long_binput ? take<std::uint32_t>()
                                                          : memo_count_;
      const Id top = pop();
      push(top);
      remember(index, top);
      return true;
    }
    case Op::binget:
    case Op::long_binget: {
      const std::size_t index = op == Op::binget ? take<std::uint8_t>() : take<std::uint32_t>();
      if (index >= memo_.size() || memo_[index] == not_remembered) fail("memo entry {} does not exist", index);
      push(memo_[index]);
      return true;
    }
    default:
      return false;
  }
}

void Interpreter::remember(std::uint64_t index, Id id) {
  // Writers number the entries from 0 or 1, at most one for each opcode.
  if (index > document_.bytes_.size()) fail("memo entry {} is absurd", index);
  if (index >= memo_.size()) memo_.resize(static_cast<std::size_t>(index) + 1, not_remembered);
  Id& entry = memo_[static_cast<std::size_t>(index)];
  if (entry == not_remembered) ++memo_count_;
  entry = id;
}

Document interpret(std::string bytes, const std::string& file) { return Interpreter(std::move(bytes), file).run(); }

}  // namespace twintrack::pickle
