#!/usr/bin/env python3
"""Writes small valid files as seeds for the fuzzers of the tensor module (no package but Python's own is needed).

usage: make_tensor_corpus.py FOLDER
Makes FOLDER/tensor_checkpoint, FOLDER/tensor_training_checkpoint, FOLDER/tensor_pickle and FOLDER/tensor_safetensors.
"""

import collections
import io
import json
import pathlib
import pickle
import struct
import sys
import zipfile


def importable(module, name):
    """A stand-in that pickles as MODULE.NAME."""
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        parent = sys.modules.setdefault(".".join(parts[:end]), type(sys)(module))
    stand_in = type(name, (), {"__module__": module, "__qualname__": name})
    setattr(parent, name, stand_in)
    return stand_in


REBUILD = importable("torch._utils", "_rebuild_tensor_v2")
PARAMETER = importable("torch._utils", "_rebuild_parameter")
SIZE = importable("torch", "Size")
DEVICE = importable("torch", "device")
SCALAR = importable("numpy.core.multiarray", "scalar")
DTYPE = importable("numpy", "dtype")
STORAGES = {name: importable("torch", name) for name in
            ("FloatStorage", "DoubleStorage", "HalfStorage", "BFloat16Storage", "LongStorage")}


class Storage:
    def __init__(self, kind, key, count):
        self.reference = ("storage", STORAGES[kind], key, "cpu", count)


class Call:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.reference if isinstance(value, Storage) else None


def pickled(value, protocol):
    stream = io.BytesIO()
    Pickler(stream, protocol).dump(value)
    return stream.getvalue()


def tensor(storage, offset, shape, strides):
    return Call(REBUILD, storage, offset, shape, strides, False, collections.OrderedDict())


def checkpoint(name):
    shared = Storage("FloatStorage", "0", 6)
    weights = collections.OrderedDict({
        name: tensor(shared, 0, (2, 3), (3, 1)),
        "encoder.s.all_modules.1.weight": tensor(shared, 0, (3, 2), (1, 3)),
        "h": tensor(Storage("HalfStorage", "1", 2), 0, (2,), (1,)),
        "p": Call(PARAMETER, tensor(Storage("DoubleStorage", "2", 1), 0, (1, 1), (0, 0)), True, None),
        "n": tensor(Storage("LongStorage", "3", 1), 0, (), ()),
    })
    return {"network_weights": weights, "optimizer_state": {"state": {}, "lr": 0.01}, "set": {1, 2},
            "frozen": frozenset([b"x"]), "big": 1 << 80, "ema": Call(SCALAR, "f8", b"12345678"),
            "device": Call(DEVICE, "cpu"), "init_args": {"configuration": "3d_fullres", "fold": 0},
            "trainer_name": "nnUNetTrainer", "inference_allowed_mirroring_axes": (0, 1, 2)}


def scalar(kind, data):
    return Call(SCALAR, Call(DTYPE, kind, False, True), data)


def training_checkpoint():
    """With momenta, numpy scalars in the logging, and everything that a run needs to go on."""
    parameter = tensor(Storage("FloatStorage", "0", 6), 0, (2, 3), (3, 1))
    weights = collections.OrderedDict({"encoder.s.conv.weight": parameter, "encoder.s.all_modules.0.weight": parameter,
                                       "h": tensor(Storage("HalfStorage", "1", 2), 0, (2,), (1,))})
    group = {"lr": 0.01, "momentum": 0.99, "weight_decay": 3e-5, "nesterov": True, "foreach": None, "params": [0, 1]}
    state = {0: {"momentum_buffer": parameter},
             1: {"momentum_buffer": tensor(Storage("DoubleStorage", "2", 1), 0, (2,), (0,))}}
    return {"network_weights": weights, "optimizer_state": {"state": state, "param_groups": [group]},
            "grad_scaler_state": None, "_best_ema": scalar("f8", struct.pack("<d", 0.7)), "current_epoch": 3,
            "logging": {"lrs": [0.01, float("nan")], "train_losses": [scalar("f4", struct.pack("<f", 0.5)),
                                                                      scalar("u8", b"\xff" * 8)]},
            "init_args": {"plans": {"spacing": (1.0, 2)}, "fold": 0, "device": Call(DEVICE, "cuda", 0), 1: {2, 3}},
            "trainer_name": "nnUNetTrainer", "inference_allowed_mirroring_axes": None,
            "twintrack": {"seed": (1 << 64) - 1, "name": "\u00fc"}}


def archive(pickle_bytes, compression):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("m/data.pkl", pickle_bytes, compress_type=compression)
        file.writestr("m/data/0", struct.pack("<6f", *range(6)))
        file.writestr("m/data/1", b"\0\x3c\0\x40")
        file.writestr("m/data/2", struct.pack("<d", 0.5))
        file.writestr("m/byteorder", "little")
    return without_checksums(stream.getvalue())


def without_checksums(data):
    """0 stands for a checksum that was not computed, so that mutated files get past it."""
    data = bytearray(data)
    for signature, offset in ((b"PK\3\4", 14), (b"PK\1\2", 16)):
        position = data.find(signature)
        while position >= 0:
            data[position + offset:position + offset + 4] = bytes(4)
            position = data.find(signature, position + 4)
    return bytes(data)


def safetensors(header, data):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def main(folder):
    def write(target, name, data):
        path = pathlib.Path(folder) / target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    for protocol in range(2, 6):
        data = pickled(checkpoint("module.encoder.s.conv.weight"), protocol)
        write("tensor_pickle", f"protocol_{protocol}", data)
        tensors = {name: call for name, call in checkpoint("a")["network_weights"].items()}
        write("tensor_pickle", f"tensors_{protocol}", pickled(tensors, protocol))
        write("tensor_checkpoint", f"stored_{protocol}", archive(data, zipfile.ZIP_STORED))
        write("tensor_checkpoint", f"deflated_{protocol}", archive(data, zipfile.ZIP_DEFLATED))
        training = pickled(training_checkpoint(), protocol)
        write("tensor_training_checkpoint", f"stored_{protocol}", archive(training, zipfile.ZIP_STORED))
    write("tensor_safetensors", "empty", safetensors({}, b""))
    write("tensor_safetensors", "four_types", safetensors({
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]},
        "b": {"dtype": "F64", "shape": [], "data_offsets": [8, 16]},
        "c": {"dtype": "F16", "shape": [2], "data_offsets": [16, 20]},
        "d": {"dtype": "BF16", "shape": [1, 0], "data_offsets": [20, 20]}}, bytes(20)))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
