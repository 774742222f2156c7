#!/usr/bin/env python3
"""What PyTorch finds in a training checkpoint.

usage: check_training_checkpoint.py CHECKPOINT
Loads it, gives the optimizer's state to torch.optim.SGD for parameters of the same shapes and makes a step. Prints, for
each of network_weights: key, shape, CRC-32 of the values, position of the first key that shares its storage; then for
each momentum: number, shape, CRC-32; then the rest as JSON. Exits with 77 where PyTorch is missing.
"""

import io
import json
import pickle
import pickletools
import sys
import types
import zipfile
import zlib

try:
    import torch
except ImportError:
    sys.exit(77)

ALLOWED = {("collections", "OrderedDict"), ("torch._utils", "_rebuild_tensor_v2"), ("torch", "FloatStorage")}
# All that the unpickler behind weights_only=True of PyTorch 2 knows, of what protocol 2 has.
OPCODES = set("""
PROTO STOP GLOBAL REDUCE BUILD NEWOBJ APPEND APPENDS SETITEM SETITEMS MARK TUPLE TUPLE1 TUPLE2 TUPLE3
NONE NEWFALSE NEWTRUE EMPTY_TUPLE EMPTY_LIST EMPTY_DICT EMPTY_SET BINPERSID BININT BININT1 BININT2 BINFLOAT
BINGET LONG_BINGET BINPUT LONG_BINPUT BINUNICODE SHORT_BINSTRING LONG1
""".split())


class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        assert (module, name) in ALLOWED, f"{module}.{name} is no plain type"
        return super().find_class(module, name)


def load(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        used = {op.name for op, _, _ in pickletools.genops(archive.read("archive/data.pkl"))}
        assert used <= OPCODES, used - OPCODES
    plain_types = types.SimpleNamespace(Unpickler=Unpickler, load=pickle.load, __name__="plain_types")
    loaded = torch.load(path, map_location="cpu", pickle_module=plain_types)
    if hasattr(torch, "_weights_only_unpickler") and hasattr(torch._weights_only_unpickler, "BINFLOAT"):
        torch.load(path, map_location="cpu", weights_only=True)  # before 2.1 it does not know floats
    return loaded


def line(name, tensor):
    assert tensor.dtype == torch.float32 and tensor.is_contiguous() and not tensor.requires_grad, name
    shape = ",".join(str(extent) for extent in tensor.shape)
    return f"{name} {shape} {zlib.crc32(tensor.numpy().tobytes())}"


def main(path):
    checkpoint = load(path)
    first, parameters = {}, []
    for position, (key, tensor) in enumerate(checkpoint["network_weights"].items()):
        place = tensor.storage().data_ptr()
        if place not in first:
            parameters.append(torch.nn.Parameter(tensor.clone()))
        print(line(key, tensor), first.setdefault(place, position))

    optimizer = torch.optim.SGD(parameters, lr=1, momentum=0.5, nesterov=True, weight_decay=1)
    optimizer.load_state_dict(checkpoint["optimizer_state"])
    for number, state in checkpoint["optimizer_state"]["state"].items():
        print(line(number, state["momentum_buffer"]))
        assert torch.equal(optimizer.state[parameters[number]]["momentum_buffer"], state["momentum_buffer"])
    group = optimizer.param_groups[0]
    assert set(torch.optim.SGD(parameters, lr=1).param_groups[0]) <= set(group), set(group)
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    torch.save(optimizer.state_dict(), io.BytesIO())

    rest = {key: value for key, value in checkpoint.items() if key not in ("network_weights", "optimizer_state")}
    rest["group"] = {key: value for key, value in group.items() if key != "params"}
    print(json.dumps(rest))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
