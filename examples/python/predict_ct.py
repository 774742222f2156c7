#!/usr/bin/env python3
"""predict_ct.py BUNDLE CT MAP: finds the tumour on a CT, prints volumes and writes the calibrated map.

Where TwinTrack's Python module was not installed for this Python, PYTHONPATH says where it is, for example
PYTHONPATH=build/release/python.
"""
import sys

import twintrack


def print_progress(stage: str, done: int, total: int) -> None:
    print(f"\r{stage}: {done} of {total} tiles ", end="\n" if done == total else "", file=sys.stderr)


def main(bundle: str, ct: str, output: str) -> None:
    model = twintrack.Model(bundle)
    volume = twintrack.read_volume(ct)
    print(f"bundle {model.bundle.name}, engine {model.engine}")
    found = model.predict(*volume, progress=print_progress)
    twintrack.write_volume(output, found.probability, volume.spacing_mm, volume.origin_mm, volume.direction)
    for warning in found.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(f"tumour {found.tumor_volume_mm3 / 1000:.2f} ml, expected volume {found.expected_volume_mm3 / 1000:.2f} ml")
    for k, volume_mm3 in enumerate(found.agreement_volume_mm3, 1):
        print(f"  at least {k} of 5 experts: {volume_mm3 / 1000:.2f} ml")
    print(twintrack.RESEARCH_USE)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: predict_ct.py BUNDLE CT MAP")
    try:
        main(*sys.argv[1:])
    except twintrack.Error as error:
        sys.exit(f"predict_ct.py: {error}")
