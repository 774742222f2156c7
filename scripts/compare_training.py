#!/usr/bin/env python3
"""Times training steps of a small U-Net in PyTorch as nnU-Net takes them on a CPU: network, loss with deep supervision, clipping, SGD.

For setting beside `build/release/benchmarks/bench_network_training`, which has the same network, patch and batch. Needs the packages
nnunetv2 and torch.
"""
import argparse
import os
import sys
import time

try:
    import numpy as np
    import torch
    from dynamic_network_architectures.architectures.unet import PlainConvUNet
    from nnunetv2.training.loss.compound_losses import DC_and_CE_loss
    from nnunetv2.training.loss.deep_supervision import DeepSupervisionWrapper
    from nnunetv2.training.loss.dice import MemoryEfficientSoftDiceLoss
    from torch import nn
except ImportError as missing:
    print(f"{missing}; needed: nnunetv2, torch")
    sys.exit(77)

PATCH, SAMPLES, CLASSES = (48, 64, 64), 2, 7


def network(base):
    return PlainConvUNet(
        input_channels=1, n_stages=4, features_per_stage=[base, 2 * base, 4 * base, 8 * base], conv_op=nn.Conv3d,
        kernel_sizes=[[3, 3, 3]] * 4, strides=[[1, 1, 1]] + [[2, 2, 2]] * 3, n_conv_per_stage=[2] * 4, num_classes=CLASSES,
        n_conv_per_stage_decoder=[2] * 3, conv_bias=True, norm_op=nn.InstanceNorm3d,
        norm_op_kwargs={"eps": 1e-5, "affine": True}, nonlin=nn.LeakyReLU, nonlin_kwargs={"inplace": True},
        deep_supervision=True)


def loss_function():
    loss = DC_and_CE_loss({"batch_dice": False, "smooth": 1e-5, "do_bg": False, "ddp": False}, {}, weight_ce=1, weight_dice=1,
                          dice_class=MemoryEfficientSoftDiceLoss)
    weights = np.array([1, 0.5, 0])
    return DeepSupervisionWrapper(loss, weights / weights.sum())


def step(model, loss, optimizer, images, targets, bfloat16):
    start = time.perf_counter()
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
        value = loss(model(images), targets)
    value.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 12)
    optimizer.step()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    for base in (8, 16):
        for name, bfloat16 in (("float32", False), ("bfloat16 autocast", True)):
            model, loss = network(base), loss_function()
            optimizer = torch.optim.SGD(model.parameters(), 1e-3, momentum=0.99, weight_decay=3e-5, nesterov=True)
            images = torch.rand(SAMPLES, 1, *PATCH) * 2 - 1
            targets = [torch.randint(0, CLASSES, (SAMPLES, 1, *(extent >> i for extent in PATCH))) for i in range(3)]
            step(model, loss, optimizer, images, targets, bfloat16)
            times = sorted(step(model, loss, optimizer, images, targets, bfloat16) for _ in range(repeats))
            print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, {base} base features, {name}: "
                  f"{1e3 * times[len(times) // 2]:.0f} ms a step (median of {repeats})", flush=True)


if __name__ == "__main__":
    main()
