#!/usr/bin/env python3
"""Sets twintrack's isotonic fit beside scikit-learn's: largest difference of the curves, time and memory.

Both fit the same arrays on the same processors, each in a process of its own. Times are of counting and fitting alone,
without reading the files; memory is the peak of the process with the arrays in it. Curves are compared at 1001 points:
to scikit-learn's fit of the float32 probabilities, and of the same as float64. As float32 it takes probabilities
within 1e-6 as one and sums in float32; as float64 neither.
Needs numpy and scikit-learn (Debian: python3-sklearn).
Exit status: 0 when the curves agree, 1 otherwise, 77 when a package is missing. Up to 262 144 different probabilities
they agree when they differ from the float32 fit by no more than 1e-4; beyond, from the float64 fit by no more than
1e-5 in the mean (at its jumps a step of 2^-22 along x is seen).
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

try:
    import numpy as np
    from sklearn.isotonic import IsotonicRegression
except ImportError as error:
    print(f"skipped: {error}; Debian: apt-get install python3-sklearn", file=sys.stderr)
    sys.exit(77)

EXACT_LEVELS = 1 << 18
TOLERANCE = 1e-4
MEAN_TOLERANCE = 1e-5
RATERS = 5
POINTS = np.linspace(0, 1, 1001)
# name, power of a uniform number that makes the probability, share of the array that raters mark anything in
KINDS = [
    ("uniform, marks everywhere", 1, 1.0),
    ("skewed to 0, marks everywhere", 6, 1.0),
    ("skewed to 0, marks in 2 %", 6, 0.02),
]
SMALL = [100_000]
FULL = [100_000, 5_000_000, 50_000_000]


def arrays(size, power, marked_share):
    generator = np.random.default_rng(11)
    p = (1 - generator.random(size, dtype=np.float32)) ** power
    truth = p * p * (3 - 2 * p)
    truth[round(size * marked_share):] = 0
    responses = generator.binomial(RATERS, truth).astype(np.float32) / RATERS
    return p.astype(np.float32), responses


def peak_mib():
    status = open("/proc/self/status").read()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def fit_reference(folder, kind):
    """What the child process does: fit, print the seconds and the peak memory, write the curve."""
    p = np.fromfile(os.path.join(folder, "p.raw"), dtype=np.float32).astype(kind, copy=False)
    responses = np.fromfile(os.path.join(folder, "r.raw"), dtype=np.float32)
    start = time.perf_counter()
    fit = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(p, responses)
    print(time.perf_counter() - start)
    print(peak_mib())
    fit.predict(POINTS).astype(np.float64).tofile(os.path.join(folder, "curve.raw"))


def run(*command):
    """Seconds of each repeat and the peak memory in MiB: the lines of standard output."""
    words = [str(word) for word in command]
    *seconds, memory = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
    return statistics.median(map(float, seconds)), float(memory)


def fit_ours(tool, folder, repeats):
    curve = os.path.join(folder, "curve.raw")
    figures = run(tool, os.path.join(folder, "p.raw"), os.path.join(folder, "r.raw"), RATERS, curve, repeats)
    return np.fromfile(curve), *figures


def fit_theirs(folder, kind):
    figures = run(sys.executable, __file__, "--reference", folder, kind)
    return np.fromfile(os.path.join(folder, "curve.raw")), *figures


def main():
    if sys.argv[1:2] == ["--reference"]:
        return fit_reference(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", help="the program isotonic_raw of the build folder")
    parser.add_argument("--full", action="store_true", help="up to 50 million voxels (minutes, 8 GB) instead of 100 000")
    parser.add_argument("--repeats", type=int, default=5, help="runs of ours; the median counts (default 5)")
    options = parser.parse_args()
    print(f"{len(os.sched_getaffinity(0))} processors")
    print(f"{'':30} {'':>10} {'difference to float32':>24} {'to float64':>20}")
    print(f"{'':30} {'voxels':>10} {'largest':>14} {'mean':>9} {'largest':>10} {'mean':>9} {'scikit-learn':>22} "
          f"{'twintrack':>32} {'ratio':>6}")
    failed = False
    for size in FULL if options.full else SMALL:
        for name, power, marked_share in KINDS:
            with tempfile.TemporaryDirectory() as folder:
                p, responses = arrays(size, power, marked_share)
                p.tofile(os.path.join(folder, "p.raw"))
                responses.tofile(os.path.join(folder, "r.raw"))
                exact = len(np.unique(p)) <= EXACT_LEVELS
                del p, responses
                curve, ours, memory = fit_ours(options.tool, folder, options.repeats)
                single_curve, theirs, their_memory = fit_theirs(folder, "float32")
                double_curve, _, _ = fit_theirs(folder, "float64")
            single, double = np.abs(curve - single_curve), np.abs(curve - double_curve)
            failed |= not (single.max() <= TOLERANCE if exact else double.mean() <= MEAN_TOLERANCE)
            print(f"{name:30} {size:10} {single.max():14.1e} {single.mean():9.1e} {double.max():10.1e} "
                  f"{double.mean():9.1e} {theirs:10.3f} s {their_memory:5.0f} MiB {ours * 1e3:8.1f} ms "
                  f"{size / ours / 1e6:5.0f} M/s {memory:5.0f} MiB {theirs / ours:5.1f}x", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
