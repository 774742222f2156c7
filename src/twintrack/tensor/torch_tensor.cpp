#include "twintrack/tensor/torch_tensor.hpp"

#include <algorithm>
#include <array>

#include "twintrack/core/error.hpp"
#include "twintrack/tensor/elements.hpp"

namespace twintrack {
namespace {

using pickle::Document;
using pickle::Id;
using pickle::Kind;

constexpr std::size_t most_dimensions = 16;
constexpr int deepest_wrapping = 8;

struct StorageType {
  std::string_view name;
  std::optional<DType> type;
};

constexpr std::array storage_types = {
    StorageType{"DoubleStorage", DType::float64}, StorageType{"FloatStorage", DType::float32},
    StorageType{"HalfStorage", DType::float16},   StorageType{"BFloat16Storage", DType::bfloat16},
    StorageType{"LongStorage", std::nullopt},     StorageType{"IntStorage", std::nullopt},
    StorageType{"ShortStorage", std::nullopt},    StorageType{"CharStorage", std::nullopt},
    StorageType{"ByteStorage", std::nullopt},     StorageType{"BoolStorage", std::nullopt},
    StorageType{"UntypedStorage", std::nullopt},
};

// Where a message is about.
struct Context {
  const Document& document;
  const std::string& file;
  const std::string& place;

  [[noreturn]] void fail(const std::string& what) const { throw InputError("{}: {}: {}", file, place, what); }

  std::span<const Id> arguments_of(Id call, std::size_t least) const {
    const std::span<const Id> arguments = document.children(document.arguments(call));
    if (arguments.size() < least) {
      fail(fmt::format("{} with {} arguments instead of {}", document.describe(call), arguments.size(), least));
    }
    return arguments;
  }

  std::int64_t integer(Id id, const char* what) const {
    if (document.kind(id) != Kind::integer) {
      fail(fmt::format("its {} should be an integer, it is {}", what, document.describe(id)));
    }
    return document.integer(id);
  }

  bool is_call_of(Id id, std::string_view name) const {
    return document.kind(id) == Kind::call && document.kind(document.callable(id)) == Kind::global &&
           document.global_name(document.callable(id)) == name;
  }

  // A tuple, a list or a torch.Size of integers.
  std::vector<std::int64_t> integers(Id id, const char* what) const {
    if (is_call_of(id, "torch.Size")) id = arguments_of(id, 1)[0];
    const Kind kind = document.kind(id);
    if (kind != Kind::tuple && kind != Kind::list) {
      fail(fmt::format("its {} should be a tuple, it is {}", what, document.describe(id)));
    }
    if (document.children(id).size() > most_dimensions) {
      fail(fmt::format("its {} has {} dimensions", what, document.children(id).size()));
    }
    std::vector<std::int64_t> numbers;
    for (const Id element : document.children(id)) numbers.push_back(integer(element, what));
    return numbers;
  }

  // ("storage", class, key, location, number of elements)
  void read_storage(Id id, TorchTensor& tensor) const {
    if (document.kind(id) != Kind::persistent) {
      fail(fmt::format("its storage should be a reference, it is {}", document.describe(id)));
    }
    const Id reference = document.persistent_id(id);
    if (document.kind(reference) != Kind::tuple || document.children(reference).size() < 5) {
      fail("its storage reference is malformed");
    }
    const std::span<const Id> fields = document.children(reference);
    if (document.kind(fields[0]) != Kind::text || document.text(fields[0]) != "storage" ||
        document.kind(fields[1]) != Kind::global || document.kind(fields[2]) != Kind::text) {
      fail("its storage reference is malformed");
    }
    tensor.storage_type = document.global_name(fields[1]);
    tensor.type = element_type(tensor.storage_type);
    tensor.storage_key = document.text(fields[2]);
    tensor.storage_elements = integer(fields[4], "storage size");
    if (tensor.storage_elements < 0) fail("its storage has a negative size");
  }

  std::optional<DType> element_type(std::string_view name) const {
    const std::size_t dot = name.rfind('.');
    const std::string_view module = name.substr(0, dot);
    const auto found = std::ranges::find(storage_types, name.substr(dot + 1), &StorageType::name);
    if (found == storage_types.end() || (module != "torch" && module != "torch.storage" && module != "torch.cuda")) {
      fail(fmt::format("elements of type {} are not supported", in_quotes(name)));
    }
    return found->type;
  }
};

// Constructors that hand on a tensor: parameters and subclasses. Returns the callable and arguments inside.
struct Construction {
  std::string function;
  std::span<const Id> arguments;
};

Construction unwrap(const Context& context, Id value) {
  const Document& document = context.document;
  for (int depth = 0; depth < deepest_wrapping; ++depth) {
    if (document.kind(value) != Kind::call || document.kind(document.callable(value)) != Kind::global) {
      context.fail(fmt::format("should be a tensor, it is {}", document.describe(value)));
    }
    const std::string name = document.global_name(document.callable(value));
    if (name == "torch._utils._rebuild_parameter" || name == "torch._utils._rebuild_parameter_with_state") {
      value = context.arguments_of(value, 1)[0];
    } else if (name == "torch._tensor._rebuild_from_type_v2") {
      const std::span<const Id> arguments = context.arguments_of(value, 4);
      if (document.kind(arguments[0]) != Kind::global || document.kind(arguments[2]) != Kind::tuple) {
        context.fail("its subclass description is malformed");
      }
      const std::string function = document.global_name(arguments[0]);
      const std::span<const Id> inner = document.children(arguments[2]);
      if (function != "torch._utils._rebuild_parameter") return {function, inner};
      if (inner.empty()) context.fail("its subclass description is malformed");
      value = inner[0];
    } else {
      return {name, document.children(document.arguments(value))};
    }
  }
  context.fail("is wrapped too often");
}

std::int64_t multiply_add(std::int64_t extent, std::int64_t stride, std::int64_t sum, bool& overflow) {
  std::int64_t product = 0;
  std::int64_t total = 0;
  overflow |= __builtin_mul_overflow(extent - 1, stride, &product);
  overflow |= __builtin_add_overflow(sum, product, &total);
  return total;
}

}  // namespace

TorchTensor describe_tensor(const Document& document, Id value, const std::string& file, const std::string& place) {
  const Context context{document, file, place};
  const auto [function, arguments] = unwrap(context, value);
  if (function != "torch._utils._rebuild_tensor_v2" && function != "torch._utils._rebuild_tensor") {
    context.fail(fmt::format("is made by {}, which is not supported; save plain dense tensors", in_quotes(function)));
  }
  if (arguments.size() < 4) context.fail("its description is malformed");
  TorchTensor tensor;
  context.read_storage(arguments[0], tensor);
  tensor.offset = context.integer(arguments[1], "offset");
  tensor.shape = context.integers(arguments[2], "shape");
  tensor.strides = context.integers(arguments[3], "strides");
  if (tensor.shape.size() != tensor.strides.size()) {
    context.fail(fmt::format("its shape {} and strides {} differ in length", to_string(tensor.shape),
                             to_string(tensor.strides)));
  }
  return tensor;
}

std::int64_t checked_element_count(const TorchTensor& tensor, const std::string& file, const std::string& place) {
  const auto fail = [&](const std::string& what) { throw InputError("{}: {}: {}", file, place, what); };
  const std::int64_t count = element_count(tensor.shape);
  if (count < 0) fail(fmt::format("its shape {} is absurd", to_string(tensor.shape)));
  if (tensor.offset < 0 || std::ranges::any_of(tensor.strides, [](std::int64_t stride) { return stride < 0; })) {
    fail(fmt::format("its offset {} and strides {} must not be negative", tensor.offset, to_string(tensor.strides)));
  }
  if (count == 0) return 0;
  bool overflow = false;
  std::int64_t last = tensor.offset;
  for (std::size_t axis = 0; axis < tensor.shape.size(); ++axis) {
    last = multiply_add(tensor.shape[axis], tensor.strides[axis], last, overflow);
  }
  if (overflow || last >= tensor.storage_elements) {
    fail(fmt::format("shape {} with strides {} at {} reaches beyond its storage of {} elements",
                     to_string(tensor.shape), to_string(tensor.strides), tensor.offset, tensor.storage_elements));
  }
  return count;
}

}  // namespace twintrack
