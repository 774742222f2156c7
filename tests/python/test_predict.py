"""Prediction: equal to the program's, and a good guest in a Python process."""
import _thread
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

import numpy as np

import twintrack
from support import BINARY, BUNDLE, case, model, prediction, tiny_bundle


class Predict(unittest.TestCase):
    def test_equals_the_program(self):
        with tempfile.TemporaryDirectory() as folder:
            twintrack.write_volume(f"{folder}/ct.mha", *case().image)
            shipped = twintrack.Model(BUNDLE, precision="fp32", mirroring=False, step_size=1)
            found = shipped.predict(*case().image, keep_uncalibrated=True)
            subprocess.run(
                [BINARY, "predict", "-b", BUNDLE, "-i", f"{folder}/ct.mha", "-o", f"{folder}/out", "--precision", "fp32",
                 "--no-mirroring", "--step-size", "1", "--save-uncalibrated", "--save-roi", "--format", "mha", "--quiet"],
                check=True)
            for part, array in [("probability", found.probability), ("uncalibrated", found.uncalibrated),
                                ("segmentation", found.segmentation), ("roi", found.region_of_interest)]:
                written = twintrack.read_volume(f"{folder}/out/ct_{part}.mha")
                np.testing.assert_array_equal(written.array, array, part)
                self.assertEqual(written.spacing_mm, case().image.spacing_mm)
        self.assertGreater(found.probability.max(), 0.2)
        self.assertGreater(found.segmentation.sum(), 0)

    def test_result(self):
        found = prediction()
        self.assertEqual(found.probability.shape, case().image.array.shape)
        self.assertEqual(found.probability.dtype, np.float32)
        self.assertEqual(found.segmentation.dtype, np.uint8)
        self.assertTrue(found.calibrated)
        self.assertEqual(found.maximum_probability, found.probability.max())
        voxel_mm3 = np.prod(case().image.spacing_mm)
        self.assertAlmostEqual(found.tumor_volume_mm3, found.segmentation.sum() * voxel_mm3)
        self.assertAlmostEqual(found.expected_volume_mm3 / (found.probability.sum(dtype=float) * voxel_mm3), 1, 6)
        self.assertEqual(len(found.agreement_volume_mm3), 5)
        self.assertEqual(found.summary["research_use"], twintrack.RESEARCH_USE)
        self.assertIn("member 1", found.seconds)
        np.testing.assert_allclose(model().bundle.calibrator.predict(found.uncalibrated) * found.region_of_interest,
                                   found.probability, atol=1e-7)

    def test_layouts_and_types_give_the_same(self):
        image = case().image
        ct = image.array.astype(np.float32)
        strided = np.zeros((*ct.shape[:2], 2 * ct.shape[2]), np.float32)[:, :, ::2]
        strided[...] = ct
        read_only = ct.copy()
        read_only.setflags(write=False)
        for name, array in {
            "float32": ct, "float64": ct.astype(float), "big-endian": ct.astype(">f4"), "strided": strided,
            "negative strides": ct[::-1].copy()[::-1], "Fortran": np.asfortranarray(ct), "read-only": read_only,
            "int16": ct.astype(np.int16), "big-endian int16": ct.astype(">i2"), "int32": ct.astype(np.int32),
        }.items():
            with self.subTest(name):
                before = array.copy()
                np.testing.assert_array_equal(model().predict(array, image.spacing_mm).probability,
                                              prediction().probability)
                np.testing.assert_array_equal(array, before)

    def test_result_belongs_to_the_caller(self):
        found = model().predict(*case().image)
        self.assertIsNone(found.uncalibrated)
        self.assertTrue(found.probability.flags.writeable)
        self.assertTrue(found.probability.flags.c_contiguous)
        self.assertFalse(found.probability.flags.owndata)  # moved out of the library, not copied
        found.probability[:] = 0
        self.assertGreater(prediction().probability.max(), 0)

    def test_geometry_reaches_the_summary(self):
        image = case().image
        turned = (0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
        found = model().predict(image.array, image.spacing_mm, (1, 2, 3), turned)
        geometry = found.summary["input"]["geometry"]
        self.assertEqual(geometry["origin_mm"], [1, 2, 3])
        self.assertEqual(geometry["direction"], list(turned))
        self.assertEqual(geometry["spacing_mm"], list(reversed(image.spacing_mm)))
        self.assertEqual(geometry["size"], list(reversed(image.array.shape)))

    def test_another_calibrator(self):
        half = twintrack.IsotonicCalibrator().fit([0.0, 1.0], [0.5, 0.5])
        found = twintrack.Model(tiny_bundle(), mirroring=False, step_size=1, calibrator=half).predict(*case().image)
        np.testing.assert_array_equal(found.probability, 0.5 * found.region_of_interest)


class Guest(unittest.TestCase):
    def test_other_threads_run_meanwhile(self):
        ticks = []
        stop = threading.Event()

        def tick():
            while not stop.wait(0.005):
                ticks.append(time.monotonic())

        slow = twintrack.Model(tiny_bundle(), precision="fp32", step_size=0.25)
        thread = threading.Thread(target=tick)
        thread.start()
        begin = time.monotonic()
        slow.predict(*case().image)
        end = time.monotonic()
        stop.set()
        thread.join()
        during = [t for t in ticks if begin < t < end]
        self.assertGreater(len(during), 5)
        gaps = np.diff([begin, *during, end])
        self.assertLess(gaps.max(), 0.5 * (end - begin), "the lock was held for half of the prediction")

    def test_progress(self):
        calls = []
        model().predict(*case().image, progress=lambda *call: calls.append(call))
        stages = list(dict.fromkeys(stage for stage, _, _ in calls))
        self.assertEqual(stages, ["localiser", "member 1 of 2", "member 2 of 2"])
        for stage in stages:
            done, total = zip(*[(d, t) for s, d, t in calls if s == stage])
            self.assertEqual(list(done), list(range(total[0] + 1)))

    def test_exception_of_progress_is_raised_and_the_next_prediction_is_whole(self):
        class Stop(Exception):
            pass

        stop = Stop("enough")

        def progress(stage, done, total):
            if stage.startswith("member"):
                raise stop

        with self.assertRaises(Stop) as raised:
            model().predict(*case().image, progress=progress)
        self.assertIs(raised.exception, stop)
        np.testing.assert_array_equal(model().predict(*case().image).probability, prediction().probability)

    def test_ctrl_c_ends_it_at_the_next_tile(self):
        stages = []

        def progress(stage, done, total):
            stages.append(stage)
            if len(stages) == 1:
                _thread.interrupt_main()

        with self.assertRaises(KeyboardInterrupt):
            model().predict(*case().image, progress=progress)
        self.assertLessEqual(len(stages), 2)

    def test_ctrl_c_without_progress(self):
        tiny = twintrack.Model(tiny_bundle(), precision="fp32", threads=1)
        timer = threading.Timer(0.2, _thread.interrupt_main)
        timer.start()
        with self.assertRaises(KeyboardInterrupt):
            for _ in range(1000):
                tiny.predict(*case().image)
        timer.join()

    def test_shared_by_threads(self):
        found = []
        threads = [threading.Thread(target=lambda: found.append(model().predict(*case().image))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(found), 3)
        for one in found:
            np.testing.assert_array_equal(one.probability, prediction().probability)

    def test_prediction_from_its_own_progress_is_refused(self):
        with self.assertRaisesRegex(twintrack.UsageError, "progress"):
            model().predict(*case().image, progress=lambda *_: model().predict(*case().image))


class Refused(unittest.TestCase):
    def test_arrays(self):
        good = np.zeros((40, 40, 40), np.float32)
        nan = good.copy()
        nan[1, 2, 3] = np.nan
        for array, error, message in [
            (good[0], ValueError, r"ct: shape \(40, 40\), 3 dimensions"),
            (good[None], ValueError, r"ct: shape \(1, 40, 40, 40\)"),
            (good[:0], ValueError, r"ct: shape \(0, 40, 40\) is empty"),
            (nan, twintrack.InputError, "1 NaN or infinite voxel, the first at x=3, y=2, z=1"),
            (np.full((40, 40, 40), 1e300), ValueError, "64000 NaN or infinite"),
            (good.astype(object), TypeError, "ct: dtype object"),
            (good.astype(complex), TypeError, "ct: dtype complex128"),
            (good.astype(str), TypeError, "ct: dtype <U"),
            (good.astype(bool), TypeError, "ct: dtype bool"),
            (None, TypeError, "ct: dtype object"),
            ("ct.nii.gz", TypeError, "ct: dtype <U9"),
        ]:
            with self.subTest(message), self.assertRaisesRegex(error, message):
                model().predict(array, (1, 1, 1))

    def test_geometry(self):
        ct = np.zeros((40, 40, 40), np.float32)
        for arguments, error, message in [
            (((1, 1),), ValueError, "spacing_mm: 2 numbers, 3 are needed"),
            ((1.0,), ValueError, "spacing_mm: 1 numbers"),
            (("a",), TypeError, "spacing_mm: 3 numbers"),
            (((1, 0, 1),), twintrack.InputError, "spacing of 0 mm along y"),
            (((1, 1, -1),), ValueError, "spacing of -1 mm along x"),
            (((np.nan, 1, 1),), ValueError, "spacing of nan mm along z"),
            (((1, 1, 1), (0, 0)), ValueError, "origin_mm: 2 numbers"),
            (((1, 1, 1), (0, 0, 0), np.zeros(9)), ValueError, "orthonormal"),
            (((1, 1, 1), (0, 0, 0), np.eye(2)), ValueError, "direction: 4 numbers, 9 are needed"),
        ]:
            with self.subTest(message), self.assertRaisesRegex(error, message):
                model().predict(ct, *arguments)

    def test_options(self):
        for options, error in [
            ({"precision": "half"}, twintrack.UsageError), ({"step_size": 0}, ValueError), ({"threads": 0}, ValueError),
            ({"threads": 5000}, twintrack.UsageError), ({"device": "tpu"}, twintrack.UsageError),
            ({"precision": 32}, TypeError), ({"unknown": 1}, TypeError),
        ]:
            with self.subTest(options), self.assertRaises(error):
                twintrack.Model(tiny_bundle(), **options)

    def test_calibrator_of_other_networks(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "calibrator.json"
            file.write_text('{"format": "twintrack-calibrator/1", "target": "mhr", "x": [0], "y": [0], '
                            f'"networks_sha256": "{"a" * 64}"}}')
            with self.assertRaisesRegex(twintrack.InputError, "calibrator"):
                twintrack.Model(tiny_bundle(), calibrator=twintrack.IsotonicCalibrator.load(file))


class BundleOfTheProject(unittest.TestCase):
    def test_says_what_it_is(self):
        bundle = twintrack.Bundle.load(BUNDLE)
        self.assertEqual(bundle.name, "phantom")
        self.assertEqual(bundle.members, 3)
        self.assertEqual(bundle.path, BUNDLE)
        self.assertEqual(len(bundle.sha256), 64)
        self.assertEqual(bundle.calibrator.target, "mhr")
        self.assertEqual(bundle.calibrator.networks_sha256, bundle.networks_sha256)
        self.assertEqual(model().bundle[:-1], twintrack.Bundle.load(tiny_bundle())[:-1])

    def test_missing(self):
        for load in (twintrack.Bundle.load, twintrack.Model):
            with self.assertRaisesRegex(twintrack.InputError, "no-such-bundle"):
                load("no-such-bundle")
        with self.assertRaises(TypeError):
            twintrack.Bundle.load(None)

    def test_errors_are_of_one_kind(self):
        for error in (twintrack.UsageError, twintrack.InputError, twintrack.ResourceError):
            self.assertTrue(issubclass(error, twintrack.Error))
        self.assertTrue(issubclass(twintrack.InputError, ValueError))
        self.assertTrue(issubclass(twintrack.ResourceError, RuntimeError))


if __name__ == "__main__":
    unittest.main()
