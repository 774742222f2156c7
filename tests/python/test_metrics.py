"""Metrics, against their definitions in numpy and the program's metrics.json."""
import json
import math
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np

import twintrack
from support import BINARY, rated


class Metrics(unittest.TestCase):
    def setUp(self):
        self.probability, self.raters = rated(1)
        self.response = self.raters.mean(axis=0)

    def test_mean_human_response(self):
        found = twintrack.mean_human_response(self.raters)
        self.assertEqual(found.dtype, np.float32)
        np.testing.assert_allclose(found, self.response, atol=1e-7)
        np.testing.assert_array_equal(twintrack.mean_human_response(list(self.raters.astype(bool))), found)
        np.testing.assert_array_equal(twintrack.mean_human_response(self.raters[:, 0, 0]), found[0, 0])

    def test_tdsc(self):
        scores = []
        for threshold in np.linspace(0.1, 0.8, 6):
            a, b = self.probability > threshold, self.response > threshold
            scores.append(2 * (a & b).sum() / (a.sum() + b.sum() + 1e-6))
        self.assertAlmostEqual(twintrack.tdsc(self.probability, self.raters), np.mean(scores), 12)

    def test_dice(self):
        a, b = self.raters[0], self.raters[1]
        self.assertAlmostEqual(twintrack.dice(a, b), 2 * (a & b).sum() / (a.sum() + b.sum()), 12)
        self.assertEqual(twintrack.dice(a, a), 1)
        self.assertEqual(twintrack.dice(np.zeros_like(a), np.zeros_like(a)), 1)

    def test_brier(self):
        found = twintrack.brier(self.probability, self.raters)  # the box around the marks is the whole small grid
        self.assertAlmostEqual(found["score"], np.mean((self.probability.astype(float) - self.response) ** 2), 7)
        parts = found["reliability"] - found["resolution"] + found["uncertainty"] + found["within_bins"]
        self.assertAlmostEqual(parts, found["score"], 12)

    def test_ece(self):
        found = twintrack.ece(self.probability, self.raters)
        p = np.maximum(np.stack([1 - self.probability, self.probability]), np.float32(1e-8))
        p = (p / p.sum(axis=0)).reshape(2, -1)
        confidence, named = p.max(axis=0), p.argmax(axis=0)
        places = np.minimum((confidence * 50).astype(int), 50)
        for rater, value in zip(self.raters, found):
            right = named == rater.ravel()
            error = sum(abs(right[places == b].mean() - confidence[places == b].mean()) * (places == b).mean()
                        for b in np.unique(places))
            self.assertAlmostEqual(value, error, 5)

    def test_crps(self):
        volumes = [100.0, 120.0, 140.0]
        m, s = np.mean(volumes), np.std(volumes)
        z = (150 - m) / s
        normal = s * (z * math.erf(z / math.sqrt(2)) + 2 * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
                      - 1 / math.sqrt(math.pi))
        self.assertAlmostEqual(twintrack.crps(150, volumes, "exact"), normal, 9)
        self.assertAlmostEqual(twintrack.crps(150, volumes) / twintrack.crps(150, volumes, "tabulated"), 1, 2)
        self.assertEqual(twintrack.crps(7, [10, 10]), 3)

    def test_surface_distance(self):
        a = np.zeros((10, 10, 10), bool)
        b = a.copy()
        a[2, 5, 5] = b[8, 5, 5] = True
        found = twintrack.surface_distance(a, b, (2.5, 1, 1))
        self.assertEqual((found.hd95_mm, found.average_mm), (15, 15))
        self.assertTrue(math.isnan(twintrack.surface_distance(a, a & False, (1, 1, 1)).hd95_mm))

    def test_evaluate_is_the_programs(self):
        spacing_mm = (3.0, 1.0, 1.5)
        vessels = np.zeros(self.probability.shape, np.int32)
        vessels[:, 8:12, 9:12], vessels[0, 0, 0] = 5, 400
        segmentation = self.probability > 0.4
        found = twintrack.evaluate(self.probability, self.raters, spacing_mm, segmentation, vessels=vessels)
        with tempfile.TemporaryDirectory() as folder:
            twintrack.write_volume(f"{folder}/p.mha", self.probability, spacing_mm)
            twintrack.write_volume(f"{folder}/s.mha", segmentation, spacing_mm)
            twintrack.write_volume(f"{folder}/v.mha", vessels.astype(np.uint16), spacing_mm)
            for k, rater in enumerate(self.raters):
                twintrack.write_volume(f"{folder}/rater_{k}.mha", rater, spacing_mm)
            Path(folder, "cases.csv").write_text(
                "case,probability,segmentation,raters,vessels\na,p.mha,s.mha,rater_*.mha,v.mha\n")
            subprocess.run([BINARY, "evaluate", "--manifest", f"{folder}/cases.csv", "-o", f"{folder}/metrics.json",
                            "--vessels", "--quiet"], check=True, stdout=subprocess.DEVNULL)
            document = json.loads(Path(folder, "metrics.json").read_text())
        self.assertEqual(found, document["cases"]["a"])
        self.assertEqual(twintrack.summarise({"a": found}), document["summary"])
        self.assertEqual(found["ece"], twintrack.ece(self.probability, self.raters).tolist())
        self.assertEqual(found["tdsc"], twintrack.tdsc(self.probability, self.raters))
        self.assertEqual(found["brier"], twintrack.brier(self.probability, self.raters))
        contact = twintrack.vascular_contact(self.probability, vessels, spacing_mm)
        self.assertEqual(contact["sma"], found["vi"]["sma"]["geometric"]["prediction"])
        self.assertIsNone(contact["aorta"])
        self.assertGreater(contact["sma"]["expected"], 0)

    def test_threshold_stands_in_for_a_segmentation(self):
        given = twintrack.evaluate(self.probability, self.raters, (1, 1, 1), self.probability >= np.float32(0.3))
        self.assertEqual(twintrack.evaluate(self.probability, self.raters, (1, 1, 1), threshold=0.3), given)
        self.assertNotEqual(twintrack.evaluate(self.probability, self.raters, (1, 1, 1)), given)

    def test_layouts_and_types_give_the_same(self):
        expected = twintrack.evaluate(self.probability, self.raters, (1, 1, 1))
        read_only = self.probability.copy()
        read_only.setflags(write=False)
        for name, probability, raters in [
            ("list and float64", self.probability.astype(float), list(self.raters)),
            ("Fortran and bool", np.asfortranarray(self.probability), self.raters.astype(bool)),
            ("big-endian and int64", self.probability.astype(">f4"), self.raters.astype(np.int64)),
            ("strides", self.probability[:, ::-1].copy()[:, ::-1], np.repeat(self.raters, 2, axis=3)[..., ::2]),
            ("read-only and float", read_only, self.raters.astype(float)),
        ]:
            with self.subTest(name):
                self.assertEqual(twintrack.evaluate(probability, raters, (1, 1, 1)), expected)

    def test_rounding_is_forgiven(self):
        rounded = self.probability.copy()
        rounded[self.probability == 1] = np.float32(1.0000002)
        self.assertGreater(rounded.max(), 1)
        self.assertEqual(twintrack.tdsc(rounded, self.raters), twintrack.tdsc(self.probability, self.raters))

    def test_refused(self):
        p, r = self.probability, self.raters
        nan = p.copy()
        nan[0, 0, 1] = np.nan
        for call, error, message in [
            (lambda: twintrack.tdsc(p[0], r), ValueError, "probability: shape"),
            (lambda: twintrack.tdsc(nan, r), twintrack.InputError, "probability: nan at x=1, y=0, z=0"),
            (lambda: twintrack.tdsc(p, r[:, :, :, 1:]), ValueError, "another shape"),
            (lambda: twintrack.tdsc(p, np.zeros((65, *p.shape), bool)), twintrack.InputError, "65 raters"),
            (lambda: twintrack.tdsc(p.astype(object), r), TypeError, "probability: dtype object"),
            (lambda: twintrack.tdsc(p, 5), TypeError, "raters"),
            (lambda: twintrack.tdsc(p, r.astype(str)), TypeError, r"raters\[0\]: dtype <U3"),
            (lambda: twintrack.dice(r[0], r[0][1:]), ValueError, "b: has another shape"),
            (lambda: twintrack.dice(r[0] + 1, r[0]), twintrack.InputError, "a: "),
            (lambda: twintrack.mean_human_response([]), ValueError, "raters: none"),
            (lambda: twintrack.mean_human_response(r + 1), twintrack.InputError, "binary"),
            (lambda: twintrack.mean_human_response([r[0], r[1][1:]]), ValueError, "map 2"),
            (lambda: twintrack.crps(1, []), ValueError, "empty"),
            (lambda: twintrack.crps(np.nan, [1]), ValueError, "finite"),
            (lambda: twintrack.crps(1, [1], "other"), twintrack.UsageError, "other"),
            (lambda: twintrack.surface_distance(r[0], r[1], (1, 0, 1)), twintrack.InputError, "spacing of 0"),
            (lambda: twintrack.evaluate(p, r, (1, 1, 1), r[0][1:]), ValueError, "segmentation"),
            (lambda: twintrack.evaluate(p, r, (1, 1, 1), threshold=2), twintrack.UsageError, "threshold 2"),
            (lambda: twintrack.evaluate(p, r, (1, 1, 1), vessels=p), TypeError, "vessels: dtype float32"),
            (lambda: twintrack.evaluate(p, r, (1, 1, 1), vessels=r[0] * 0), twintrack.InputError, "labels 1 to 5"),
            (lambda: twintrack.summarise({"a": {"x": 1}}, replicates=0), twintrack.UsageError, "replicate"),
            (lambda: twintrack.summarise({"a": object()}), TypeError, "JSON"),
        ]:
            with self.subTest(message), self.assertRaisesRegex(error, message):
                call()


if __name__ == "__main__":
    unittest.main()
