#!/usr/bin/env python3
"""How much of the tumour the localiser leaves in the region of interest, as Markdown: roi_recall.py COHORT RESULTS [--all]

COHORT: a folder of phantoms (CASE/labels.nii.gz, label 1 is tumour). RESULTS: what `twintrack predict --save-roi` wrote for
them (CASE_roi.nii.gz and CASE.json). Recall is the share of tumour voxels inside the region; "all voxels" adds up the
voxels of all cases. --all lists every case, otherwise those below 1 and those whose whole body was searched because the
localiser was not believed (what it then recalls says nothing about the localiser). Needs Python 3.10 and nothing else.
"""
import argparse
import glob
import gzip
import json
import os
import struct
import sys

UINT8 = 2  # NIfTI-1's code
HEADER_BYTES = 348


def read_uint8(path):
    """Dimensions and voxels of a NIfTI-1 file of 8-bit labels."""
    with gzip.open(path) as file:
        header = file.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES or struct.unpack_from("<i", header, 0)[0] != HEADER_BYTES:
            sys.exit(f"roi_recall: {path}: is no little-endian NIfTI-1 file")
        dimensions = struct.unpack_from("<8h", header, 40)
        (kind,) = struct.unpack_from("<h", header, 70)
        (offset,) = struct.unpack_from("<f", header, 108)
        if kind != UINT8:
            sys.exit(f"roi_recall: {path}: data type {kind}; 8-bit labels (2) are right")
        size = dimensions[1:dimensions[0] + 1]
        file.read(int(offset) - HEADER_BYTES)
        voxels = file.read()
    count = 1
    for extent in size:
        count *= extent
    if len(voxels) != count:
        sys.exit(f"roi_recall: {path}: {len(voxels)} voxels where {'x'.join(map(str, size))} are announced")
    return size, voxels


def ones(voxels):
    """A number with a bit for each voxel that is 1."""
    return int.from_bytes(voxels.translate(bytes(1 if value == 1 else 0 for value in range(256))), "little")


def recall_of(cohort, results, case):
    """Tumour voxels, those of them in the region, and what the region was made from."""
    size, labels = read_uint8(os.path.join(cohort, case, "labels.nii.gz"))
    roi_size, roi = read_uint8(os.path.join(results, case + "_roi.nii.gz"))
    if size != roi_size:
        sys.exit(f"roi_recall: {case}: labels of {size} voxels, region of {roi_size}")
    with open(os.path.join(results, case + ".json"), encoding="utf-8") as file:
        source = json.load(file)["region_of_interest"]["source"]
    tumour = ones(labels)
    return tumour.bit_count(), (tumour & ones(roi)).bit_count(), source


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cohort", metavar="COHORT")
    parser.add_argument("results", metavar="RESULTS")
    parser.add_argument("--all", action="store_true", help="list every case")
    options = parser.parse_args()
    cases = sorted(os.path.basename(os.path.dirname(path))
                   for path in glob.glob(os.path.join(glob.escape(options.cohort), "*", "labels.nii.gz")))
    if not cases:
        sys.exit(f"roi_recall: {options.cohort}: no CASE/labels.nii.gz in it")
    found = {case: recall_of(options.cohort, options.results, case) for case in cases}
    shares = {case: inside / voxels for case, (voxels, inside, _) in found.items() if voxels > 0}
    total = sum(voxels for voxels, _, _ in found.values())
    if total == 0:
        sys.exit(f"roi_recall: {options.cohort}: no voxel has label 1")
    inside = sum(inside for _, inside, _ in found.values())
    body = [case for case, (_, _, source) in found.items() if source != "localizer"]
    worst = min(shares, key=shares.get)
    print("| recall of tumour voxels in the region of interest | |\n|---|---|")
    print(f"| all voxels | {inside / total:.4f} ({inside} of {total}) |")
    print(f"| mean over cases | {sum(shares.values()) / len(shares):.4f} |")
    print(f"| worst case | {shares[worst]:.4f} ({worst}) |")
    print(f"| cases with every voxel inside | {sum(share == 1 for share in shares.values())} of {len(shares)} |")
    print(f"| cases whose whole body was searched | {len(body)} of {len(cases)} |")
    listed = [case for case in cases if options.all or shares.get(case, 1) < 1 or case in body]
    if not listed:
        return
    print("\n| case | tumour voxels | inside | recall | region from |\n|---|---|---|---|---|")
    for case in listed:
        voxels, kept, source = found[case]
        print(f"| {case} | {voxels} | {kept} | {f'{shares[case]:.4f}' if case in shares else '-'} | {source} |")


if __name__ == "__main__":
    main()
