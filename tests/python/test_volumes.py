"""Files and phantoms."""
import tempfile
import unittest
import warnings
from pathlib import Path

import numpy as np

import twintrack
from support import case


class Files(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.folder = Path(self._folder.name)

    def test_round_trip(self):
        geometry = ((2.5, 0.75, 0.5), (-10.0, 20.0, 30.5), (0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
        values = np.arange(24).reshape(2, 3, 4)
        for ending in ("nii.gz", "nii", "mha", "nrrd"):
            for dtype in (np.float32, np.int16, np.uint8, np.uint16, ">i2", float, int):
                with self.subTest(ending=ending, dtype=dtype):
                    file = self.folder / f"volume.{ending}"
                    twintrack.write_volume(file, values.astype(dtype), *geometry)
                    found = twintrack.read_volume(file)
                    np.testing.assert_array_equal(found.array, values)
                    self.assertEqual(found.array.dtype, np.float32)
                    for read, written in zip(found[1:], geometry):
                        np.testing.assert_allclose(read, written, atol=1e-6)
        twintrack.write_volume(self.folder / "again.mha", *found)
        np.testing.assert_array_equal(twintrack.read_volume(str(self.folder / "again.mha")).array, values)

    def test_bool_and_views(self):
        mask = np.zeros((4, 5, 6), bool)
        mask[::2] = True
        twintrack.write_volume(self.folder / "mask.nrrd", mask[::-1, :, ::2], (1, 1, 1))
        np.testing.assert_array_equal(twintrack.read_volume(self.folder / "mask.nrrd").array, mask[::-1, :, ::2])

    def test_refused(self):
        good = np.zeros((2, 3, 4), np.float32)
        file = self.folder / "volume.mha"
        for call, error, message in [
            (lambda: twintrack.read_volume(self.folder / "missing.mha"), twintrack.InputError, "missing.mha"),
            (lambda: twintrack.read_volume(5), TypeError, ""),
            (lambda: twintrack.write_volume(self.folder / "volume.png", good, (1, 1, 1)), twintrack.UsageError, "png"),
            (lambda: twintrack.write_volume(self.folder / "no" / "v.mha", good, (1, 1, 1)), twintrack.ResourceError, "no"),
            (lambda: twintrack.write_volume(file, good[0], (1, 1, 1)), ValueError, "array: shape"),
            (lambda: twintrack.write_volume(file, good[:0], (1, 1, 1)), ValueError, "empty"),
            (lambda: twintrack.write_volume(file, good.astype(np.uint8)[0], (1, 1, 1)), ValueError, "array: shape"),
            (lambda: twintrack.write_volume(file, good.astype(complex), (1, 1, 1)), TypeError, "complex"),
            (lambda: twintrack.write_volume(file, good, (1, 1, 0)), twintrack.InputError, "spacing of 0 mm along x"),
            (lambda: twintrack.write_volume(file, good, (1, 1, 1), (0, 0, 0), [1] * 9), ValueError, "orthonormal"),
        ]:
            with self.subTest(message), self.assertRaisesRegex(error, message):
                call()
        self.assertEqual(list(self.folder.iterdir()), [])


class Phantoms(unittest.TestCase):
    def test_same_arguments_same_case(self):
        options = {"shape": (24, 40, 40), "spacing_mm": (6, 4.5, 4.5)}
        again = twintrack.phantom(7, seed=400, **options)
        np.testing.assert_array_equal(again.image.array, case().image.array)
        for found, expected in zip(again[1:], case()[1:]):
            np.testing.assert_array_equal(found, expected)
        self.assertEqual(again.image.spacing_mm, (6, 4.5, 4.5))
        self.assertEqual(again.image.array.dtype, np.int16)
        self.assertFalse(np.array_equal(twintrack.phantom(8, seed=400, **options).image.array, again.image.array))

    def test_raters_mark_where_the_truth_is(self):
        phantom = case()
        self.assertEqual(phantom.raters.shape, (5, *phantom.image.array.shape))
        self.assertEqual(set(np.unique(phantom.vessels)), {0, 1, 2, 3, 4, 5})
        self.assertTrue((phantom.mean_human_response[phantom.raters.any(axis=0)] > 0).all())
        self.assertGreater(twintrack.tdsc(phantom.mean_human_response, phantom.raters), 0.5)

    def test_shape(self):
        found = twintrack.phantom(1, raters=2, shape=(16, 20, 24))
        self.assertEqual(found.image.array.shape, (16, 20, 24))
        self.assertEqual(found.raters.shape, (2, 16, 20, 24))

    def test_refused(self):
        for options in ({"raters": 0}, {"raters": 65}, {"shape": (16, 16)}, {"shape": (4, 16, 16)}, {"seed": -1},
                        {"spacing_mm": (0, 1, 1)}, {"spacing_mm": (np.nan, 1, 1)}, {"seed": 2**64}):
            with self.subTest(options), self.assertRaises(ValueError):
                twintrack.phantom(1, **options)
        with self.assertRaises(ValueError):
            twintrack.phantom(-1)


if __name__ == "__main__":
    warnings.simplefilter("error")
    unittest.main()
