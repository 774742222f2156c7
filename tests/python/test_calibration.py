"""Calibrators, against scikit-learn where it is installed and a fit of a few lines everywhere."""
import json
import tempfile
import unittest
from pathlib import Path

import numpy as np

import twintrack
from support import rated

try:
    from sklearn.isotonic import IsotonicRegression
except ImportError:
    IsotonicRegression = None


def pooled(p, y, weight):
    """The weighted isotonic fit at each distinct p, by pooling adjacent violators."""
    levels, place = np.unique(p, return_inverse=True)
    weights = np.bincount(place, weight)
    means = np.bincount(place, weight * y) / weights
    pools = []
    for mean, size in zip(means, weights):
        pools.append([mean, size, 1])
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            mean, size, count = pools.pop()
            pools[-1][0] = (pools[-1][0] * pools[-1][1] + mean * size) / (pools[-1][1] + size)
            pools[-1][1] += size
            pools[-1][2] += count
    return levels, np.repeat([mean for mean, _, _ in pools], [count for _, _, count in pools])


def observations(seed, count=2000):
    random = np.random.default_rng(seed)
    p = (random.integers(0, 3000, count) / 3000).astype(np.float32)
    y = random.binomial(5, p**2) / 5
    return p, y, random.integers(1, 5, count).astype(float)


class Isotonic(unittest.TestCase):
    def test_equals_pooling_adjacent_violators(self):
        for seed in range(20):
            p, y, weight = observations(seed, 1 + 97 * seed)
            levels, expected = pooled(p, y, weight)
            found = twintrack.IsotonicCalibrator().fit(p, y, weight).predict(levels)
            np.testing.assert_allclose(found, expected, atol=2e-6)

    @unittest.skipIf(IsotonicRegression is None, "scikit-learn is not installed")
    def test_equals_scikit_learn(self):
        grid = np.linspace(-0.5, 1.5, 1001).astype(np.float32)
        for seed in range(20):
            p, y, weight = observations(seed, 5 + 97 * seed)
            theirs = IsotonicRegression(out_of_bounds="clip").fit(p, y, weight)
            ours = twintrack.IsotonicCalibrator().fit(p, y, weight)
            np.testing.assert_allclose(ours.predict(grid), theirs.predict(grid), atol=2e-6)
            np.testing.assert_allclose(ours.predict(theirs.X_thresholds_), theirs.y_thresholds_, atol=2e-6)

    def test_parts_and_merged_parts_equal_the_whole(self):
        p, y, weight = observations(3, 5000)
        y = np.round(y * 4) / 4  # sums without rounding: equal to the bit
        whole = twintrack.IsotonicCalibrator().fit(p, y, weight)
        parts = twintrack.IsotonicCalibrator().fit(p[4000:], y[4000:], weight[4000:])
        for begin in (2000, 0):
            parts.partial_fit(p[begin : begin + 2000], y[begin : begin + 2000], weight[begin : begin + 2000])
        left = twintrack.IsotonicCalibrator().fit(p[::2], y[::2], weight[::2])
        right = twintrack.IsotonicCalibrator().fit(p[1::2], y[1::2], weight[1::2])
        for calibrator in (parts, left.merge(right)):
            np.testing.assert_array_equal(calibrator.x_thresholds_, whole.x_thresholds_)
            np.testing.assert_array_equal(calibrator.y_thresholds_, whole.y_thresholds_)
        self.assertEqual(whole.support, (p.min(), p.max()))

    def test_more_levels_than_are_kept_exactly(self):
        random = np.random.default_rng(5)
        p = random.random(600_000, np.float32)
        y = (random.random(600_000) < p).astype(float)
        levels, expected = pooled(p, y, np.ones_like(y))
        whole = twintrack.IsotonicCalibrator().fit(p, y)
        # A step of 2^-22 moves a pool's end where the curve is steep.
        self.assertLess(np.abs(whole.predict(levels) - expected).mean(), 1e-5)
        merged = twintrack.IsotonicCalibrator().fit(p[:100_000], y[:100_000])
        merged.merge(twintrack.IsotonicCalibrator().fit(p[100_000:], y[100_000:]))
        np.testing.assert_array_equal(merged.y_thresholds_, whole.y_thresholds_)

    def test_fit_forgets_and_partial_fit_does_not(self):
        calibrator = twintrack.IsotonicCalibrator().fit([0.5], [1.0])
        self.assertEqual(calibrator.predict([0.1])[0], 1)
        self.assertEqual(calibrator.partial_fit([0.5], [0.0]).predict([0.1])[0], 0.5)
        self.assertEqual(calibrator.fit([0.5], [0.25]).predict([0.1])[0], 0.25)

    def test_shapes(self):
        calibrator = twintrack.IsotonicCalibrator().fit(np.zeros((2, 3)), np.zeros((2, 3)))
        self.assertEqual(calibrator.predict(np.zeros((4, 5, 6))).shape, (4, 5, 6))
        self.assertEqual(calibrator.predict(0.5).shape, ())
        self.assertEqual(calibrator.transform([0.5]).dtype, np.float32)

    def test_weight_zero_does_not_count(self):
        calibrator = twintrack.IsotonicCalibrator().fit([0.1, 0.5, 0.9], [1, 0, 1], [0, 1, 1])
        np.testing.assert_array_equal(calibrator.x_thresholds_, np.float32([0.5, 0.9]))

    def test_refused(self):
        fit = twintrack.IsotonicCalibrator().fit
        for call, error, message in [
            (lambda: fit([0.5], [0.5, 0.6]), ValueError, "y: 2 values for 1 of p"),
            (lambda: fit([0.5, 0.6], [0.5, 0.6], [1]), ValueError, "sample_weight: 1 values for 2"),
            (lambda: fit([0.5, 1.5], [0, 1]), twintrack.InputError, "p: 1.5 at 1"),
            (lambda: fit([np.nan], [0]), ValueError, "p: nan at 0"),
            (lambda: fit([0.5], [-1]), ValueError, "y: -1 at 0"),
            (lambda: fit([0.5], [1], [-1]), ValueError, "sample_weight: -1 at 0"),
            (lambda: fit([0.5], [1], [np.inf]), ValueError, "sample_weight: inf"),
            (lambda: fit([], []), ValueError, "p: shape"),
            (lambda: fit([0.5], [1], [0]).predict([0.5]), twintrack.UsageError, "no observation"),
            (lambda: fit([None], [1]), TypeError, "p: dtype object"),
            (lambda: fit([0.5], [1]).predict([np.nan]), twintrack.InputError, "NaN"),
            (lambda: twintrack.IsotonicCalibrator().predict([0.5]), twintrack.UsageError, "no observation"),
            (lambda: fit([0.5], [1]).merge(twintrack.IsotonicCalibrator("staple")), twintrack.UsageError, "targets"),
        ]:
            with self.subTest(message), self.assertRaisesRegex(error, message):
                call()

    def test_refused_part_leaves_the_rest(self):
        calibrator = twintrack.IsotonicCalibrator().fit([0.5], [1])
        with self.assertRaises(ValueError):
            calibrator.partial_fit([0.1, 7], [0, 0])
        np.testing.assert_array_equal(calibrator.x_thresholds_, [0.5])

    def test_saved_and_loaded(self):
        p, y, _ = observations(1)
        fitted = twintrack.IsotonicCalibrator("rater:2").fit(p, y)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "calibrator.json"
            fitted.save(file)
            document = json.loads(file.read_text())
            loaded = twintrack.IsotonicCalibrator.load(file)
            with self.assertRaises(twintrack.ResourceError):
                fitted.save(Path(folder) / "no" / "such" / "folder.json")
            file.write_text("{")
            with self.assertRaisesRegex(twintrack.InputError, "calibrator.json"):
                twintrack.IsotonicCalibrator.load(file)
        self.assertEqual(document["format"], "twintrack-calibrator/1")
        self.assertEqual(document["research_use"], twintrack.RESEARCH_USE)
        self.assertEqual(loaded.target, "rater:2")
        self.assertEqual(loaded.support, fitted.support)
        np.testing.assert_array_equal(loaded.predict(p), fitted.predict(p))
        with self.assertRaisesRegex(twintrack.UsageError, "loaded"):
            loaded.partial_fit(p, y)


class Cohort(unittest.TestCase):
    def test_is_the_fit_to_all_voxels(self):
        cohort = twintrack.CalibrationCohort()
        voxels, responses = [], []
        for seed in range(3):
            probability, raters = rated(seed)
            everywhere = np.ones(probability.shape, bool)
            cohort.add(f"case {seed}", probability, raters, everywhere)
            voxels.append(probability.ravel())
            responses.append(raters.mean(axis=0).ravel())
        fit = cohort.fit(replicates=50, seed=1)
        plain = twintrack.IsotonicCalibrator().fit(np.concatenate(voxels), np.concatenate(responses))
        np.testing.assert_allclose(fit.calibrator.x_thresholds_, plain.x_thresholds_, atol=1e-7)
        np.testing.assert_allclose(fit.calibrator.y_thresholds_, plain.y_thresholds_, atol=1e-6)
        self.assertEqual(len(cohort), 3)
        self.assertEqual(fit.document["cases"], 3)
        self.assertLess(fit.document["diagnostics"]["after"]["brier"], fit.document["diagnostics"]["before"]["brier"])
        with tempfile.TemporaryDirectory() as folder:
            fit.save(f"{folder}/calibrator.json")
            loaded = twintrack.IsotonicCalibrator.load(f"{folder}/calibrator.json")
        np.testing.assert_array_equal(loaded.y_thresholds_, fit.calibrator.y_thresholds_)

    def test_merged_after_a_file(self):
        cohorts = [twintrack.CalibrationCohort("majority") for _ in range(3)]
        for seed, name in enumerate("ab"):
            cohorts[seed].add(name, *rated(seed))
            cohorts[2].add(name, *rated(seed))
        with tempfile.TemporaryDirectory() as folder:
            cohorts[1].write(f"{folder}/b.stats")
            cohorts[0].merge(twintrack.CalibrationCohort.read(f"{folder}/b.stats"))
        self.assertEqual(cohorts[0].fit(20).document, cohorts[2].fit(20).document)

    def test_refused(self):
        cohort = twintrack.CalibrationCohort()
        probability, raters = rated(0)
        cohort.add("a", probability, raters)
        for call, error, message in [
            (lambda: cohort.add("a", probability, raters), twintrack.InputError, "case a"),
            (lambda: cohort.add("b", probability, raters[:, 1:]), ValueError, "another shape"),
            (lambda: cohort.add("b", probability, raters[0]), ValueError, r"\(raters, z, y, x\)"),
            (lambda: cohort.add("b", probability, []), twintrack.InputError, "0 raters"),
            (lambda: cohort.add("b", probability + 1, raters), twintrack.InputError, "no probability"),
            (lambda: cohort.add("b", probability, 2 * raters), twintrack.InputError, "rater 1: 2 at"),
            (lambda: cohort.add("b", probability, raters * 2.0), ValueError, r"raters\[0\]: a binary map"),
            (lambda: cohort.add("b", probability, raters, np.zeros_like(raters[0])), twintrack.InputError, "empty"),
            (lambda: cohort.merge(cohort), twintrack.UsageError, "itself"),
            (lambda: cohort.fit(replicates=0), twintrack.UsageError, "replicates"),
            (lambda: twintrack.CalibrationCohort().fit(), twintrack.UsageError, "no case"),
            (lambda: twintrack.CalibrationCohort("mean"), twintrack.UsageError, "mean"),
            (lambda: cohort.add(5, probability, raters), TypeError, ""),
        ]:
            with self.subTest(message), self.assertRaisesRegex(error, message):
                call()
        self.assertEqual(len(cohort), 1)


if __name__ == "__main__":
    unittest.main()
