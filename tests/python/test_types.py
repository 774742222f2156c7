"""Types: a program that uses the whole interface passes mypy --strict, the stubs are what the compiled module has, and
every public name is documented."""
import inspect
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import twintrack
from support import SOURCE

PROGRAM = """
import numpy as np
from numpy.typing import NDArray

import twintrack

model = twintrack.Model(twintrack.Bundle.load("bundle"), precision="fp32", threads=2)
volume = twintrack.read_volume("ct.nii.gz")


def report(stage: str, done: int, total: int) -> None:
    print(stage, done, total)


found = model.predict(volume.array, volume.spacing_mm, progress=report, keep_uncalibrated=True)
probability: NDArray[np.float32] = found.probability
maybe: NDArray[np.float32] | None = found.uncalibrated
raters = np.zeros((5, *probability.shape), np.uint8)
curve = twintrack.IsotonicCalibrator().fit(probability, twintrack.mean_human_response(raters)).partial_fit([0.5], [1.0])
calibrated: NDArray[np.float32] = curve.merge(twintrack.IsotonicCalibrator()).predict(probability)
cohort = twintrack.CalibrationCohort(target="mhr")
cohort.add("case", probability, raters)
fit = cohort.fit(replicates=100)
fit.save("calibrator.json")
metrics = twintrack.evaluate(calibrated, list(raters), volume.spacing_mm)
summary = twintrack.summarise({"case": metrics})
mean: float | None = summary["tdsc"]["mean"]
distance: float = twintrack.surface_distance(found.segmentation, raters[0], volume.spacing_mm).hd95_mm
twintrack.write_volume("map.nii.gz", calibrated, volume.spacing_mm, volume.origin_mm, volume.direction)
try:
    twintrack.phantom(1, shape=(32, 32, 32))
except twintrack.Error as error:
    print(error, twintrack.RESEARCH_USE, twintrack.__version__)
"""

WRONG = """
import twintrack

twintrack.Model(5)
twintrack.dice([[[1]]])
x: int = twintrack.tdsc([0.5], [[1]])
"""


def run(command, folder, **environment):
    return subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True)


@unittest.skipIf(shutil.which("mypy") is None, "mypy is not installed")
class Types(unittest.TestCase):
    def checked(self, program):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "program.py").write_text(program)
            return run(["mypy", "--strict", "--python-version", "3.11", "program.py"], folder,
                       MYPYPATH=str(SOURCE / "python"))

    def test_program(self):
        result = self.checked(PROGRAM)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_wrong_program_is_found(self):
        self.assertEqual(self.checked(WRONG).stdout.count("error:"), 3)

    def test_package(self):
        with tempfile.TemporaryDirectory() as folder:
            result = run(["mypy", "--strict", "--cache-dir", folder, str(SOURCE / "python" / "twintrack")], folder)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_stubs_are_the_module(self):
        with tempfile.TemporaryDirectory() as folder:
            # pybind11 gives its classes a metaclass, and one that only the module makes a catch-all __init__.
            allowed = Path(folder, "allowed")
            allowed.write_text("twintrack\\._core\\.(Calibrator|Cohort|IsotonicStatistics|Predictor)\n"
                               "twintrack\\._core\\.Calibrator\\.__init__\n")
            result = run(["stubtest", "twintrack._core", "--allowlist", str(allowed)], folder,
                         MYPYPATH=str(SOURCE / "python"))
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


class Documentation(unittest.TestCase):
    def test_every_public_name_is_documented(self):
        for name in twintrack.__all__:
            member = getattr(twintrack, name)
            if isinstance(member, str):
                continue
            self.assertTrue(inspect.getdoc(member), name)
            if not inspect.isclass(member) or not member.__module__.startswith("twintrack._"):
                continue
            for inner, value in vars(member).items():
                if not inner.startswith("_") and callable(getattr(member, inner)):
                    self.assertTrue(inspect.getdoc(value), f"{name}.{inner}")

    def test_version_is_the_projects(self):
        self.assertIn(f"VERSION {twintrack.__version__} ", (SOURCE / "CMakeLists.txt").read_text())


if __name__ == "__main__":
    unittest.main()
