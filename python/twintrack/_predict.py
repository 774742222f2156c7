"""Bundles and predictions."""
from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import _core
from ._arrays import as_image, as_numbers
from ._calibration import IsotonicCalibrator
from ._volumes import IDENTITY

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class Bundle(NamedTuple):
    """What a bundle says of itself: a folder with everything a prediction needs, see docs/formats.md."""

    path: Path
    """The folder."""
    name: str
    """As its author gave it."""
    trained_on: str
    """The networks' training data, in the author's words."""
    intended_use: str
    """In the author's words."""
    sha256: str
    """Identity of the bundle: SHA-256 of its bundle.json."""
    networks_sha256: str
    """Identity of what makes the uncalibrated probabilities."""
    members: int
    """Networks whose probabilities are averaged."""
    has_localizer: bool
    """A network finds the pancreas first; else the members see the whole body."""
    tumor_labels: tuple[str, ...]
    """Labels of the members' that are tumour."""
    roi_margin_mm: tuple[float, float, float]
    """How far around the pancreas the members look: (z, y, x)."""
    threshold: float
    """Probability from which a voxel is segmented as tumour."""
    calibrator: IsotonicCalibrator | None
    """None when its probabilities are the networks' own."""

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Bundle:
        """Read a bundle and check every file of it against its SHA-256. Raises InputError naming file and field."""
        return _bundle(_core.read_bundle(path))


def _bundle(fields: dict[str, Any]) -> Bundle:
    curve = fields.pop("calibrator")
    return Bundle(
        path=Path(fields.pop("folder")),
        calibrator=None if curve is None else IsotonicCalibrator._from_curve(curve),
        **fields,
    )


class Prediction(NamedTuple):
    """What a prediction is; arrays (z, y, x) on the CT's grid."""

    probability: NDArray[np.float32]
    """Probability of tumour in [0, 1]; when ``calibrated``, the share of experts who are expected to mark the voxel. 0
    outside the region of interest."""
    uncalibrated: NDArray[np.float32] | None
    """The networks' mean before calibration, when it was asked for and there is a calibrator."""
    segmentation: NDArray[np.uint8]
    """1 where the probability reaches the bundle's threshold."""
    region_of_interest: NDArray[np.uint8]
    """1 where the networks looked."""
    calibrated: bool
    """A calibrator was applied."""
    tumor_volume_mm3: float
    """Of the segmentation."""
    expected_volume_mm3: float
    """Sum of probability times the voxel's volume."""
    agreement_volume_mm3: tuple[float, ...]
    """Where at least 1, 2 ... 5 of 5 experts are expected to agree."""
    maximum_probability: float
    """Largest value of ``probability``."""
    warnings: list[str]
    """For a person: what the maps cannot be relied on for. Show them."""
    seconds: dict[str, float]
    """Time by stage, in order."""
    summary: dict[str, Any]
    """As the program's CASE.json but for paths, see docs/formats.md."""


class Model:
    """A bundle, loaded: its networks stay in memory between predictions.

    Several threads may share one; their predictions run one after the other. Processes that were forked after computing
    must not compute in the child: use multiprocessing's "spawn".
    """

    def __init__(
        self,
        bundle: Bundle | str | os.PathLike[str],
        precision: str = "auto",
        threads: int | None = None,
        mirroring: bool = True,
        step_size: float = 0.5,
        device: str = "cpu",
        calibrator: IsotonicCalibrator | None = None,
    ) -> None:
        """Read and check the bundle and pack its networks for this processor (seconds).

        ``precision``: "fp32", "bf16", or "auto" for bf16 where the processor has it natively. ``threads``: None for all
        processors. ``mirroring``: average over mirrored inputs where the networks were trained so. ``step_size``: of the
        sliding window, as a part of the patch. ``device``: "cpu", or "cuda:N" and "torch" where TwinTrack was built with
        libtorch. ``calibrator``: used in place of the bundle's.
        """
        if threads is not None and threads < 1:
            raise ValueError(f"threads: {threads}, None or at least 1 is right")
        folder = bundle.path if isinstance(bundle, Bundle) else bundle
        curve = None if calibrator is None else calibrator._calibrator()
        self._predictor = _core.Predictor(folder, precision, device, mirroring, step_size, threads or 0, curve)

    @property
    def bundle(self) -> Bundle:
        """The bundle, with the calibrator that is used."""
        return _bundle(self._predictor.bundle)

    @property
    def engine(self) -> str:
        """What computes: "AMX bf16", "oneDNN fp32", ..."""
        return self._predictor.engine

    def predict(
        self,
        ct: ArrayLike,
        spacing_mm: Sequence[float],
        origin_mm: Sequence[float] = (0.0, 0.0, 0.0),
        direction: Sequence[float] = IDENTITY,
        *,
        progress: Callable[[str, int, int], object] | None = None,
        keep_uncalibrated: bool = False,
    ) -> Prediction:
        """Find the tumour on a CT; other Python threads run meanwhile.

        ``ct``: (z, y, x), Hounsfield units, finite. float32 and int16 are copied once, into the network's input; others
        are converted first. ``spacing_mm``: (z, y, x). ``origin_mm`` and ``direction`` as SimpleITK has them.
        ``predict(*read_volume(path))`` takes a volume as it was read. ``progress(stage, done, total)`` is called before
        the first tile and after every one; what it raises ends the prediction and is raised here. Ctrl-C ends it at the
        next tile.

        Raises InputError for a volume that cannot be a CT.
        """
        result = self._predictor.predict(
            as_image("ct", ct),
            as_numbers("spacing_mm", spacing_mm, 3),
            as_numbers("origin_mm", origin_mm, 3),
            as_numbers("direction", direction, 9),
            progress,
            keep_uncalibrated,
        )
        return Prediction(**result)
