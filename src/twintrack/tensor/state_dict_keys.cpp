#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "twintrack/core/error.hpp"
#include "twintrack/tensor/byte_source.hpp"
#include "twintrack/tensor/parameter_names.hpp"

namespace twintrack {
namespace {

constexpr std::string_view encoder = "encoder.";
constexpr std::array decoder_parts = {std::string_view("decoder.stages."), std::string_view("decoder.transpconvs."),
                                      std::string_view("decoder.seg_layers.")};

// BLOCK.conv.weight or BLOCK.norm.weight
struct BlockMember {
  std::string_view block;  // empty: a parameter of no block
  std::string_view module;
  std::string_view rest;
};

BlockMember block_member(std::string_view name) {
  const std::size_t last = name.rfind('.');
  const std::size_t before = last == std::string_view::npos || last == 0 ? last : name.rfind('.', last - 1);
  if (before == std::string_view::npos) return {};
  const std::string_view module = name.substr(before + 1, last - before - 1);
  if (module != "conv" && module != "norm") return {};
  return {name.substr(0, before), module, name.substr(last + 1)};
}

// 0: encoder; 1, 2, 3: the decoder's parts; beyond: none of them.
std::size_t part_of(std::string_view name) {
  if (name.starts_with(encoder)) return 0;
  const auto found = std::ranges::find_if(decoder_parts, [&](std::string_view part) { return name.starts_with(part); });
  return 1 + static_cast<std::size_t>(found - decoder_parts.begin());
}

void check_order(std::span<const std::string> order, const std::string& file) {
  std::set<std::string_view> names;
  std::set<std::string_view> blocks;
  std::size_t part = 0;
  std::string_view block;
  for (const std::string& name : order) {
    const bool known = part_of(name) <= decoder_parts.size() && name.find(".all_modules.") == std::string::npos;
    if (!known) throw InputError("{}: network_weights: nnU-Net's U-Nets have no {}", file, in_quotes(name));
    const BlockMember member = block_member(name);
    const bool returns = member.block != block && !member.block.empty() && !blocks.insert(member.block).second;
    if (part_of(name) < part || returns || !names.insert(name).second) {
      throw InputError("{}: network_weights: {} should stand earlier or once in the order of parameters", file,
                       in_quotes(name));
    }
    part = part_of(name);
    block = member.block;
  }
}

// A block's parameters under their own names, then as members of its nn.Sequential.
void append_block(std::span<const std::string> parameters, std::vector<StateDictKey>& keys) {
  for (const std::string& name : parameters) keys.push_back({name, name});
  for (const std::string& name : parameters) {
    const BlockMember member = block_member(name);
    if (member.block.empty()) continue;
    const int index = member.module == "conv" ? 0 : 1;
    keys.push_back({fmt::format("{}.all_modules.{}.{}", member.block, index, member.rest), name});
  }
}

}  // namespace

std::vector<StateDictKey> state_dict_keys(std::span<const std::string> order, const std::string& file) {
  check_order(order, file);
  std::vector<StateDictKey> keys;
  bool in_encoder = true;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    if (in_encoder && part_of(order[begin]) > 0) {
      in_encoder = false;
      const std::size_t encoder_keys = keys.size();
      for (std::size_t i = 0; i < encoder_keys; ++i) keys.push_back({"decoder." + keys[i].key, keys[i].parameter});
    }
    const std::string_view block = block_member(order[begin]).block;
    do ++end;
    while (end < order.size() && !block.empty() && block_member(order[end]).block == block);
    append_block(order.subspan(begin, end - begin), keys);
  }
  return keys;
}

}  // namespace twintrack
