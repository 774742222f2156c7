#!/usr/bin/env python3
"""Writes small valid files as seeds for the fuzzers of manifests and calibration statistics (Python's own packages only).

usage: make_cohort_corpus.py FOLDER
Makes FOLDER/cohort_manifest and FOLDER/calibration_statistics. Statistics lack their SHA-256, which the fuzzer appends.
"""

import json
import pathlib
import struct
import sys

MANIFESTS = [
    "case,probability,raters\na,a.nii.gz,r1.nii.gz;r2.nii.gz\nb,b.nii.gz,b_*.nii.gz\n",
    '\ufeffraters,case,roi,"probability"\r\n"r,1.nii",a,,p.nii\r\n\r\n"r ""2"".nii;",b,roi.nii,p.nii\r\n',
    "case,image,probability,segmentation,raters,vessels,roi\na,i,p;q;o,s,r,v,roi\n",
]


def statistics(target, case_weight, on_grid, levels, cases):
    header = json.dumps({"target": target, "case_weight": case_weight, "networks_sha256": None, "on_grid": on_grid,
                         "levels": len(levels), "cases": [
                             {"name": f"case_{i}", "identity": "", "raters": raters, "voxel_weight": 1.0,
                              "levels": len(rows)} for i, (raters, rows, _) in enumerate(cases)]}).encode()
    parts = [b"twintrack-statistics/1\n", struct.pack("<Q", len(header)), header]
    for column, kind in enumerate("fdd"):
        parts.append(struct.pack(f"<{len(levels)}{kind}", *(level[column] for level in levels)))
    for _, rows, outside in cases:
        parts.append(struct.pack(f"<{len(rows)}I", *(row[0] for row in rows)))
        for row in rows:
            parts.append(struct.pack(f"<{len(row[1])}Q", *row[1]))
        parts.append(struct.pack(f"<{len(outside)}Q", *outside))
    return b"".join(parts)


def all_statistics():
    two_raters = (2, [(0, [5, 1, 0]), (2000, [0, 1, 3]), (2561, [0, 0, 2])], [100, 0, 1])
    one_rater = (1, [(17, [4, 4])], [0, 0])
    yield statistics("mhr", "voxel", False, [(0.0, 6, 0.5), (0.25, 12, 6.5), (1.0, 2, 2)], [two_raters, one_rater])
    yield statistics("mhr", "equal", True, [(0.5, 1, 1)], [one_rater])
    binary = (2, [(5, [1, 2, 0, 0, 0, 3])], [7, 0, 0])
    for target in ("rater:2", "majority", "staple"):
        yield statistics(target, "voxel", False, [(0.125, 6, 3)], [binary])


def main():
    root = pathlib.Path(sys.argv[1])
    seeds = {"cohort_manifest": [text.encode() for text in MANIFESTS], "calibration_statistics": all_statistics()}
    for name, documents in seeds.items():
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, document in enumerate(documents):
            (folder / str(number)).write_bytes(document)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
