// One name for each parameter of an nnU-Net, whatever wrappers and duplicates the checkpoint has.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

namespace twintrack {

// Canonical name -> position in `names`. Leading `module.` and `_orig_mod.` (DistributedDataParallel, torch.compile)
// are removed. `decoder.encoder.X` is the encoder's X; `P.all_modules.0.*` is `P.conv.*` and the next member of
// P.all_modules that has parameters is `P.norm.*`: such duplicates are dropped where the parameter stands under its own
// name, and take its place where it does not. Throws InputError naming `file` when two entries claim the same parameter
// equally.
std::map<std::string, std::size_t> canonical_parameters(std::span<const std::string> names, const std::string& file);

// A key of the network's state_dict() and the parameter whose storage it shares.
struct StateDictKey {
  std::string key;
  std::string parameter;
};

// The other way: the keys of state_dict() of nnU-Net's U-Nets, in its order, from their parameters' canonical names as
// network.parameters() yields them. The encoder stands there twice, alone and inside the decoder, and so does every
// convolution and norm, under its own name and in all_modules. Throws InputError naming `file` for an order that no
// such network has. Source: dynamic_network_architectures, PlainConvUNet and ResidualEncoderUNet without dropout.
std::vector<StateDictKey> state_dict_keys(std::span<const std::string> order, const std::string& file);

}  // namespace twintrack
