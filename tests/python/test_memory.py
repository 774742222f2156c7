"""Memory: no leak, no copy where none is needed; and the time of an import."""
import gc
import subprocess
import sys
import unittest

import numpy as np

import twintrack
from support import model, rated
from twintrack import _arrays

MiB = 2**20


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def growth(repeated, times):
    """Bytes that the process grows by when `repeated` is called `times` more, after it has been warmed up."""
    for _ in range(3):
        repeated()
    gc.collect()
    before = resident_bytes()
    for _ in range(times):
        repeated()
    gc.collect()
    return resident_bytes() - before


class Leaks(unittest.TestCase):
    def test_evaluation_and_calibration(self):
        probability, raters = rated(0, shape=(64, 128, 128))  # 1 Mi voxels: a leaked map would be 4 MiB
        calibrator = twintrack.IsotonicCalibrator().fit(probability, raters.mean(axis=0))

        def work():
            calibrator.predict(probability)
            twintrack.tdsc(probability, raters)
            twintrack.mean_human_response(raters)

        self.assertLess(growth(work, 20), 20 * MiB)

    def test_prediction(self):
        image = twintrack.phantom(7, shape=(64, 128, 128), spacing_mm=(1, 0.5, 0.5)).image
        voxels = image.array.size
        self.assertLess(growth(lambda: model().predict(*image), 8), 8 * 4 * voxels / 2)

    def test_errors(self):
        bad = np.full((64, 128, 128), 2, np.float32)
        raters = np.zeros((1, 64, 128, 128), np.uint8)

        def work():
            with self.assertRaises(ValueError):
                twintrack.tdsc(bad, raters)

        self.assertLess(growth(work, 20), 20 * MiB)

    def test_results_live_as_long_as_they_are_used(self):
        part = twintrack.mean_human_response(np.ones((3, 64, 64, 64), np.uint8))[10:12]
        gc.collect()
        self.assertTrue((part == 1).all())


class Copies(unittest.TestCase):
    def test_fitting_arrays_are_used_where_they_lie(self):
        for convert, array in [
            (_arrays.as_map, np.zeros((3, 4, 5), np.float32)), (_arrays.as_image, np.zeros((3, 4, 5), np.float32)),
            (_arrays.as_image, np.zeros((3, 4, 5), np.int16)), (_arrays.as_mask, np.zeros((3, 4, 5), np.uint8)),
            (_arrays.as_mask, np.zeros((3, 4, 5), bool)), (_arrays.as_labels, np.zeros((3, 4, 5), np.uint8)),
        ]:
            self.assertEqual(convert("array", array).ctypes.data, array.ctypes.data)
        raters = np.zeros((2, 3, 4, 5), bool)
        self.assertEqual(_arrays.as_masks("raters", raters)[1].ctypes.data, raters[1].ctypes.data)

    def test_evaluation_needs_bits(self):
        # A map of 256 MiB, in a process of its own: what is measured is a few bits a voxel.
        program = (
            "import re, numpy as np, twintrack\n"
            "peak = lambda: 1024 * int(re.search('VmHWM: *([0-9]+)', open('/proc/self/status').read().expandtabs(1))[1])\n"
            "p = np.full((64, 1024, 1024), 0.5, np.float32)\n"
            "r = np.zeros((3, *p.shape), np.uint8)\n"
            "r[:, 20:40, 500:540, 500:540] = 1\n"
            "twintrack.evaluate(p[:1].copy(), r[:, 20:21].copy(), (1, 1, 1))\n"
            "before = peak()\n"
            "twintrack.tdsc(p, r)\n"
            "twintrack.ece(p, r)\n"
            "print(peak() - before)\n")
        grown = int(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)
        print(f"grown by {grown / MiB:.0f} MiB", file=sys.stderr)
        self.assertLess(grown, 128 * MiB)


class Import(unittest.TestCase):
    def test_is_fast(self):
        program = "import time, numpy; t = time.perf_counter(); import twintrack; print(time.perf_counter() - t)"
        seconds = min(float(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
                            .stdout) for _ in range(5))
        print(f"import: {seconds:.3f} s besides numpy", file=sys.stderr)
        self.assertLess(seconds, 0.2)


if __name__ == "__main__":
    unittest.main()
