#!/usr/bin/env python3
"""Sets `twintrack evaluate --vessels` beside the official CURVAS-PDACVI evaluation code: values and time.

  compare_metrics.py --make-cases FOLDER 3
  compare_metrics.py --official EVALUATION_METRICS --twintrack build/release/apps/twintrack/twintrack \\
                     --manifest FOLDER/cases.csv

The official code is imported from the folder given (the one that holds metrics_evaluation.py and vi_metrics.py; get it
from the challenge, its licence is its own). Both run on the same cases and processors, one after the other, from files
to numbers: reading, STAPLE and all metrics; officially with SimpleITK and its STAPLE. The official code needs five
raters with labels 0 and 1, and a manifest with the columns case, probability, segmentation, raters and vessels.

Where the official code fails or yields NaN (box of the calibration error across the border, nobody marked anything)
its value is missing and docs/metrics.md says what TwinTrack defines. Its CRPS is an integral that its integrator gives
up on before it has converged (up to 1 % off): `crps` is compared with it as it is, `crps_tabulated` with what it gives
when more subdivisions are allowed. Its ECE adds up in float32, which loses digits where a bin holds millions of voxels:
`ece` is compared with it, and `ece_float64` with the same definition, written here, adding up in float64.

--make-cases writes N seeded synthetic cases of 512 x 512 x 200 voxels of 0.8 x 0.8 x 1.5 mm (--size, --spacing), with
cases.csv: a perturbed ellipsoid as tumour, as five raters outline it, a float32 probability map and its segmentation,
and five tubes as vessels near it. It needs 2 GB of memory.

Needs numpy and SimpleITK, and what the official code imports: scipy, torch, torchmetrics.
Exit status: 0 when all values agree to the tolerances, 1 otherwise, 77 when a package is missing.
"""
import argparse
import contextlib
import csv
import functools
import glob
import importlib
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings

try:
    import numpy as np
    import SimpleITK as sitk
except ImportError as error:
    print(f"skipped: {error}; pip install numpy SimpleITK", file=sys.stderr)
    sys.exit(77)

RATERS = 5
VESSELS = {"PORTA": "portal_vein", "SMV": "smv", "AORTA": "aorta", "CELIAC TRUNK": "celiac_trunk", "SMA": "sma"}
# absolute, relative: a difference within either is accepted
TOLERANCES = {"tdsc": (1e-6, 0), "dsc": (1e-6, 0), "ece": (5e-4, 0), "ece_float64": (1e-9, 0),
              "crps": (0, 1e-4), "crps_tabulated": (0, 5e-4),
              "vi": (1e-6, 1e-4)}
SUBDIVISIONS = 5000


# The official code

def import_official(folder):
    """The module metrics_evaluation, whose own imports are relative to its folder."""
    folder = os.path.abspath(folder)
    sys.path.insert(0, os.path.dirname(folder))
    return importlib.import_module(os.path.basename(folder) + ".metrics_evaluation")


def official_metrics(official, row, seconds):
    """Values by name, None where the code fails; adds to `seconds` by stage."""
    def timed(stage, call):
        start = time.perf_counter()
        with contextlib.redirect_stdout(None), np.errstate(all="ignore"):
            result = call()
        seconds[stage] = seconds.get(stage, 0) + time.perf_counter() - start
        return result

    def attempt(stage, call):
        try:
            return timed(stage, call)
        except Exception as failure:  # whatever it is, it is the finding
            print(f"  {row['case']}: the official code fails at {stage}: {failure!r}")
            return None

    def read():
        images = [sitk.ReadImage(path) for path in row["raters"]]
        others = [sitk.GetArrayFromImage(sitk.ReadImage(row[c])) for c in ("probability", "segmentation", "vessels")]
        return images, others
    images, (probability, segmentation, vessels) = timed("reading", read)
    annotations = [sitk.GetArrayFromImage(image) for image in images]
    voxel_mm3 = float(np.prod(images[0].GetSpacing()))
    staple = timed("STAPLE", lambda: sitk.GetArrayFromImage(sitk.STAPLE(images, 1.0)) > 0.5)
    dice = attempt("Dice", lambda: official.merged_dice_score(probability, segmentation, annotations, staple))
    ece = attempt("ECE", lambda: official.multirater_expected_calibration_error(annotations, probability))
    crps = attempt("CRPS", lambda: official.volume_metric(annotations, probability, voxel_mm3))
    vi = attempt("vessels", lambda: official.aggregated_vascular_involvement(
        *official.vascular_involvement(annotations, vessels, probability)))
    values = {"tdsc": dice and dice[0], "dsc": dice and dice[1], "crps": crps,
              "crps_tabulated": converged_crps(official, annotations, probability, voxel_mm3)}
    values |= {f"ece {k + 1}": ece and float(ece[k]) for k in range(RATERS)}
    values |= {f"ece_float64 {k + 1}": value for k, value in enumerate(ece_in_float64(annotations, probability))}
    values |= {f"vi {ours}": vi and vi[theirs] for theirs, ours in VESSELS.items()}
    return values


def converged_crps(official, annotations, probability, voxel_mm3):
    original = official.quad
    official.quad = functools.partial(original, limit=SUBDIVISIONS)
    try:
        with contextlib.redirect_stdout(None), np.errstate(all="ignore"):
            return official.volume_metric(annotations, probability, voxel_mm3)
    finally:
        official.quad = original


def ece_in_float64(annotations, probability):
    """The definition (docs/metrics.md): classes and confidences in float32, sums in float64."""
    marked = [np.flatnonzero(sum(a.any(axis=other) for a in annotations))
              for other in ((1, 2), (0, 2), (0, 1))]
    box = tuple(slice(max(int(m[0]) - 20, 0), int(m[-1]) + 20) if m.size else slice(None) for m in marked)
    foreground = probability[box].astype(np.float32).ravel()
    classes = np.maximum(np.stack([1 - foreground, foreground]), np.float32(1e-8))
    classes /= classes.sum(axis=0)
    confidence, named = classes.max(axis=0), classes.argmax(axis=0)
    bins = np.searchsorted((np.arange(51) / 50).astype(np.float32), confidence, side="right")
    total = np.bincount(bins, confidence.astype(np.float64), 52)
    return [float(np.abs(np.bincount(bins, named == a[box].ravel(), 52) - total).sum() / confidence.size)
            for a in annotations]


# TwinTrack

def our_metrics(binary, manifest, threads):
    """Values by case and name, seconds, peak memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "metrics.json")
        command = [binary, "evaluate", "--manifest", manifest, "-o", output, "--vessels", "--quiet"]
        if threads:
            command += ["--threads", str(threads)]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        with open(output) as file:
            cases = json.load(file)["cases"]
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {case: flattened(metrics) for case, metrics in cases.items()}, seconds, peak_mb


def flattened(metrics):
    values = {name: metrics[name] for name in ("tdsc", "dsc", "crps", "crps_tabulated")}
    values |= {f"ece {k + 1}": value for k, value in enumerate(metrics["ece"])}
    values |= {f"ece_float64 {k + 1}": value for k, value in enumerate(metrics["ece"])}
    values |= {f"vi {vessel}": metrics["vi"][vessel]["wasserstein"] for vessel in VESSELS.values()}
    return values


# Comparison

def read_manifest(path):
    folder = os.path.dirname(os.path.abspath(path))
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for column in ("probability", "segmentation", "vessels"):
            row[column] = os.path.join(folder, row[column])
        raters = row["raters"].split(";")
        row["raters"] = [os.path.join(folder, rater) for rater in raters] if len(raters) > 1 else \
            sorted(glob.glob(os.path.join(folder, raters[0])))
        if len(row["raters"]) != RATERS:
            sys.exit(f"{path}: case {row['case']} has {len(row['raters'])} raters; the official code needs {RATERS}")
    return rows


def usable(value):
    return value is not None and math.isfinite(value)


def largest_differences(ours, official):
    """By metric: [absolute, relative, all within the tolerance, compared, missing officially]."""
    table = {metric: [0.0, 0.0, True, 0, 0] for metric in TOLERANCES}
    for case, values in official.items():
        for name, expected in values.items():
            row = table[name if name in table else name.split()[0]]
            if not usable(expected):
                row[4] += 1
                continue
            row[3] += 1
            value = ours[case][name]
            difference = abs(value - expected) if usable(value) else math.inf
            relative = difference / abs(expected) if expected else (0.0 if difference == 0 else math.inf)
            absolute_limit, relative_limit = TOLERANCES[name if name in TOLERANCES else name.split()[0]]
            row[0], row[1] = max(row[0], difference), max(row[1], relative)
            row[2] &= difference <= absolute_limit or relative <= relative_limit
    return table


def compare(options):
    rows = read_manifest(options.manifest)
    print(f"{len(rows)} cases, {len(os.sched_getaffinity(0))} processors")
    # First: a program that is started counts what its parent holds at that moment as memory of its own.
    ours, our_seconds, our_peak_mb = our_metrics(options.twintrack, options.manifest, options.threads)
    warnings.simplefilter("ignore")
    official = import_official(options.official)
    stages, values = {}, {}
    for row in rows:
        values[row["case"]] = official_metrics(official, row, stages)
    official_seconds = sum(stages.values())

    table = largest_differences(ours, values)
    print(f"\n{'metric':18}{'absolute':>11}{'relative':>11}{'values':>8}{'missing officially':>20}")
    for metric, (absolute, relative, agrees, count, missing) in table.items():
        print(f"{metric:18}{absolute:11.1e}{relative:11.1e}{count:8}{missing:20}{'' if agrees else '   too far'}")
    print(f"\n{'stage':18}{'seconds a case':>15}")
    for stage, seconds in stages.items():
        print(f"{stage:18}{seconds / len(rows):15.2f}")
    own_peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{'official':18}{official_seconds / len(rows):15.2f}   peak {own_peak_mb:.0f} MB")
    print(f"{'twintrack':18}{our_seconds / len(rows):15.2f}   peak {our_peak_mb:.0f} MB")
    print(f"{'ratio':18}{official_seconds / our_seconds:15.1f}")
    return 0 if all(row[2] for row in table.values()) else 1


# Synthetic cases

class Waves:
    """A smooth random field of deviation 1: plane waves of random direction and phase, wavelengths in mm."""

    def __init__(self, generator, wavelength_mm, count=12):
        directions = generator.standard_normal((count, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        self.frequencies = directions * 2 * np.pi / (wavelength_mm * generator.uniform(0.7, 1.6, (count, 1)))
        self.phases = generator.uniform(0, 2 * np.pi, count)

    def __call__(self, z, y, x):
        total = np.zeros(np.broadcast_shapes(z.shape, y.shape, x.shape), np.float32)
        for (fz, fy, fx), phase in zip(self.frequencies, self.phases):
            total += np.sin(fz * z + fy * y + fx * x + phase).astype(np.float32)
        return total * np.float32(math.sqrt(2 / len(self.phases)))


def tubes(z, y, x, generator, radius_mm):
    """Labels 1 to 5: two veins, aorta, a short trunk across, an artery; the tumour of this radius lies at 0."""
    labels = np.zeros(np.broadcast_shapes(z.shape, y.shape, x.shape), np.uint8)
    # label, radius in mm, distance of its axis from the tumour's centre in radii, direction of it in the slice
    for label, tube_mm, distance, angle in ((1, 6, 1.0, 0.3), (2, 5, 0.9, 2.0), (3, 10, 1.6, 4.3), (5, 4, 1.0, 5.2)):
        bend_mm, phase = generator.uniform(2, 5), generator.uniform(0, 2 * np.pi)
        axis_y = distance * radius_mm * math.sin(angle) + bend_mm * np.sin(z / 25 + phase)
        axis_x = distance * radius_mm * math.cos(angle) + bend_mm * np.cos(z / 25 + phase)
        labels[np.broadcast_to((y - axis_y) ** 2 + (x - axis_x) ** 2 < tube_mm**2, labels.shape)] = label
    across = ((z - 0.5 * radius_mm) ** 2 + (y + 0.8 * radius_mm) ** 2 < 3.5**2) & (np.abs(x) < 40)
    labels[across & (labels == 0)] = 4
    return labels


def make_case(folder, number, size, spacing_mm):
    generator = np.random.default_rng(number)
    os.makedirs(folder, exist_ok=True)
    shape = size[::-1]
    centre = [n * s * generator.uniform(0.4, 0.6) for n, s in zip(shape, spacing_mm[::-1])]
    z, y, x = (np.arange(n, dtype=np.float32).reshape([-1 if a == b else 1 for b in range(3)]) * np.float32(s) -
               np.float32(c) for a, (n, s, c) in enumerate(zip(shape, spacing_mm[::-1], centre)))
    radii_mm = generator.uniform(12, 20, 3)
    reach_mm = 60  # the region of interest: beyond it all is background

    # Voxels within reach, and their signed distance from the true surface in radii.
    near = tuple(slice(*(np.flatnonzero(np.abs(c.ravel()) < reach_mm)[[0, -1]] + (0, 1))) for c in (z, y, x))
    zn, yn, xn = z[near[0]], y[:, near[1]], x[:, :, near[2]]
    surface = np.sqrt((zn / radii_mm[0])**2 + (yn / radii_mm[1])**2 + (xn / radii_mm[2])**2) - 1
    surface = (surface + 0.12 * Waves(generator, 25)(zn, yn, xn)).astype(np.float32)

    def write(name, values, dtype):
        full = np.zeros(shape, dtype)
        full[near] = values
        image = sitk.GetImageFromArray(full)
        image.SetSpacing([float(s) for s in spacing_mm])
        sitk.WriteImage(image, os.path.join(folder, name), True)

    for rater in range(1, RATERS + 1):
        opinion = generator.normal(0, 0.12) + 0.15 * Waves(generator, 18)(zn, yn, xn)
        write(f"annotation_{rater}.nii.gz", surface < opinion, np.uint8)
    error = 0.2 * Waves(generator, 30)(zn, yn, xn) + generator.normal(0, 0.05, surface.shape).astype(np.float32)
    probability = (1 / (1 + np.exp((surface + error) / 0.12))).astype(np.float32)
    probability[probability < 1e-4] = 0
    write("probability.nii.gz", probability, np.float32)
    write("segmentation.nii.gz", probability >= 0.5, np.uint8)
    write("vessels.nii.gz", tubes(zn, yn, xn, generator, float(radii_mm.mean())), np.uint8)


def make_cases(folder, count, size, spacing_mm):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "cases.csv"), "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "probability", "segmentation", "raters", "vessels"])
        for number in range(count):
            name = f"case_{number:03}"
            make_case(os.path.join(folder, name), number, size, spacing_mm)
            raters = ";".join(f"{name}/annotation_{rater}.nii.gz" for rater in range(1, RATERS + 1))
            writer.writerow([name, f"{name}/probability.nii.gz", f"{name}/segmentation.nii.gz", raters,
                             f"{name}/vessels.nii.gz"])
            print(f"{folder}/{name}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--official", metavar="FOLDER", help="the official code's folder evaluation_metrics")
    parser.add_argument("--twintrack", metavar="BINARY", help="the program twintrack")
    parser.add_argument("--manifest", metavar="CSV", help="the cases, as for twintrack evaluate")
    parser.add_argument("--threads", type=int, help="of ours (default: all processors)")
    parser.add_argument("--make-cases", nargs=2, metavar=("FOLDER", "N"), help="write N synthetic cases and stop")
    parser.add_argument("--size", type=int, nargs=3, default=(512, 512, 200), metavar=("X", "Y", "Z"))
    parser.add_argument("--spacing", type=float, nargs=3, default=(0.8, 0.8, 1.5), metavar=("X", "Y", "Z"), help="mm")
    options = parser.parse_args()
    if options.make_cases:
        make_cases(options.make_cases[0], int(options.make_cases[1]), tuple(options.size), tuple(options.spacing))
        return 0
    if not (options.official and options.twintrack and options.manifest):
        parser.error("--official, --twintrack and --manifest are needed (or --make-cases)")
    try:
        return compare(options)
    except ImportError as error:
        print(f"skipped: {error}; the official code needs scipy, torch and torchmetrics", file=sys.stderr)
        return 77


if __name__ == "__main__":
    sys.exit(main())
