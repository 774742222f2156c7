"""What several tests use: bundles, and a synthetic case that is computed in a moment."""
import atexit
import functools
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import twintrack

SOURCE = Path(os.environ["TWINTRACK_SOURCE"])
BINARY = os.environ["TWINTRACK_BINARY"]
BUNDLE = SOURCE / "models" / "phantom"


@functools.lru_cache
def tiny_bundle() -> Path:
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    subprocess.run([os.environ["TWINTRACK_MAKE_TINY_BUNDLE"], folder.name], check=True)
    return Path(folder.name) / "bundle"


@functools.lru_cache
def case() -> twintrack.Phantom:
    return twintrack.phantom(7, seed=400, shape=(24, 40, 40), spacing_mm=(6, 4.5, 4.5))


@functools.lru_cache
def model() -> twintrack.Model:
    return twintrack.Model(tiny_bundle(), precision="fp32", mirroring=False, step_size=1)


@functools.lru_cache
def prediction() -> twintrack.Prediction:
    return model().predict(*case().image, keep_uncalibrated=True)


def rated(seed: int, raters: int = 5, shape: tuple[int, int, int] = (12, 20, 22)) -> tuple[np.ndarray, np.ndarray]:
    """A map and raters who roughly agree with it: float32 (z, y, x), uint8 (raters, z, y, x)."""
    random = np.random.default_rng(seed)
    z, y, x = np.ogrid[tuple(slice(-1, 1, n * 1j) for n in shape)]
    probability = np.clip(1.4 - 2 * (z * z + y * y + x * x) + 0.2 * random.standard_normal(shape), 0, 1)
    marks = random.random((raters, *shape)) < probability
    return probability.astype(np.float32), marks.astype(np.uint8)
