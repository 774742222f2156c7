"""Calibrators: from tumour probability to the share of experts who would mark the voxel."""
from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import _core
from ._arrays import as_doubles, as_map, as_mask, as_masks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class IsotonicCalibrator:
    """A monotone curve, fitted by isotonic regression; scikit-learn's names, and its result.

    Equal to ``sklearn.isotonic.IsotonicRegression(out_of_bounds="clip")`` on float32 probabilities; beyond 262144
    different ones, they count in steps of 2**-22. What it keeps of the observations are sufficient statistics (at most
    70 MB), so ``partial_fit`` and ``merge`` give what fitting on everything at once gives, in any order.

    One object may be used by several threads.
    """

    def __init__(self, target: str = "mhr") -> None:
        """``target`` says what ``y`` is: "mhr" (share of raters), "rater:K", "majority" or "staple"."""
        self.target = target
        self._statistics: _core.IsotonicStatistics | None = _core.IsotonicStatistics()
        self._curve: _core.Calibrator | None = None

    def fit(self, p: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> IsotonicCalibrator:
        """Forget what was fitted before and fit ``y`` to ``p``.

        ``p``: probabilities in [0, 1], any shape; used as float32, without a copy where they are. ``y``: targets in
        [0, 1], as many. ``sample_weight``: 0 or more, as many; by default 1 each.
        """
        statistics = _core.IsotonicStatistics()
        _add(statistics, p, y, sample_weight)
        self._statistics, self._curve = statistics, None
        return self

    def partial_fit(self, p: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> IsotonicCalibrator:
        """The same, in addition to what was fitted before."""
        _add(self._kept_statistics("partial_fit"), p, y, sample_weight)
        self._curve = None
        return self

    def merge(self, other: IsotonicCalibrator) -> IsotonicCalibrator:
        """Add everything that ``other`` was fitted to, which must have the same target."""
        if other.target != self.target:
            raise _core.UsageError(f"merge: targets differ, {self.target} and {other.target}")
        self._kept_statistics("merge").merge(other._kept_statistics("merge"))
        self._curve = None
        return self

    def predict(self, p: ArrayLike) -> NDArray[np.float32]:
        """The curve at ``p``: linear between knots, constant outside; a new float32 array of the same shape."""
        values = as_map("p", p, None)
        if np.isnan(values).any():
            raise _core.InputError("p: NaN is no probability")
        return self._calibrator().apply(values)

    transform = predict

    @property
    def x_thresholds_(self) -> NDArray[np.float32]:
        """Knots of the curve: probabilities, strictly ascending."""
        return self._calibrator().x

    @property
    def y_thresholds_(self) -> NDArray[np.float32]:
        """Knots of the curve: their values, ascending."""
        return self._calibrator().y

    X_thresholds_ = x_thresholds_

    @property
    def support(self) -> tuple[float, float] | None:
        """Smallest and largest probability it was fitted to, where known."""
        return self._calibrator().support

    @property
    def networks_sha256(self) -> str | None:
        """Identity of the networks whose probabilities it was fitted to, where known."""
        return self._calibrator().networks_sha256

    def save(self, file: str | os.PathLike[str]) -> None:
        """Write calibrator.json, for ``twintrack bundle create --calibrator`` and ``load``."""
        _core.write_calibrator(file, self._calibrator())

    @classmethod
    def load(cls, file: str | os.PathLike[str]) -> IsotonicCalibrator:
        """Read a calibrator.json. It predicts, but cannot be fitted further or merged."""
        return cls._from_curve(_core.read_calibrator(file))

    @classmethod
    def _from_curve(cls, curve: _core.Calibrator) -> IsotonicCalibrator:
        calibrator = cls(curve.target)
        calibrator._statistics, calibrator._curve = None, curve
        return calibrator

    def _kept_statistics(self, purpose: str) -> _core.IsotonicStatistics:
        if self._statistics is None:
            raise _core.UsageError(f"{purpose}: a calibrator that was loaded has a curve only, no observations")
        return self._statistics

    def _calibrator(self) -> _core.Calibrator:
        curve = self._curve
        if curve is None:
            curve = self._kept_statistics("predict").fit(self.target)
            self._curve = curve
        return curve


def _add(
    statistics: _core.IsotonicStatistics, p: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
) -> None:
    weight = None if sample_weight is None else as_doubles("sample_weight", sample_weight)
    statistics.add(as_map("p", p, None), as_doubles("y", y), weight)


class CohortFit(NamedTuple):
    """A calibrator with what is known of its fit."""

    calibrator: IsotonicCalibrator
    """Ready to predict."""
    warnings: list[str]
    """For a person: what the curve cannot be relied on for."""
    document: dict[str, Any]
    """calibrator.json with diagnostics and bootstrap band, see docs/formats.md."""

    def save(self, file: str | os.PathLike[str]) -> None:
        """Write calibrator.json with everything that ``document`` holds."""
        _core.write_fit(file, json.dumps(self.document, indent=1))


class CalibrationCohort:
    """The cases a calibrator is fitted to, as sufficient statistics: cases are added one by one, nothing of the arrays
    is kept, and cohorts that cannot meet can be merged."""

    def __init__(self, target: str = "mhr", equal_case_weight: bool = False) -> None:
        """``target``: "mhr" (share of raters), "rater:K" (from 1), "majority" or "staple". ``equal_case_weight``: every
        case counts the same; else every voxel does."""
        self._cohort = _core.Cohort(target, equal_case_weight)

    def add(
        self,
        name: str,
        probability: ArrayLike,
        raters: ArrayLike | Iterable[ArrayLike],
        region: ArrayLike | None = None,
    ) -> None:
        """Add a case: uncalibrated probabilities (z, y, x) in [0, 1], binary maps (raters, z, y, x).

        ``region`` (z, y, x): voxels that the fit is over; by default the box of probabilities above 0 and raters'
        marks, grown by 20 voxels. Raises InputError naming the case.
        """
        inside = None if region is None else as_mask("region", region)
        self._cohort.add(name, as_map("probability", probability), as_masks("raters", raters), inside)

    def merge(self, other: CalibrationCohort) -> None:
        """Add all cases of another cohort of the same target and weighting; a case in both is an InputError."""
        self._cohort.merge(other._cohort)

    def fit(self, replicates: int = 1000, seed: int = 0) -> CohortFit:
        """Fit the curve; ``replicates`` and ``seed`` are of the bootstrap that its 95 % band comes from."""
        curve, warnings, document = self._cohort.fit(replicates, seed)
        return CohortFit(IsotonicCalibrator._from_curve(curve), warnings, json.loads(document))

    def write(self, file: str | os.PathLike[str]) -> None:
        """Write the statistics, as ``twintrack calibrate --statistics-out`` does; no voxel is in them."""
        self._cohort.write(file)

    @classmethod
    def read(cls, file: str | os.PathLike[str]) -> CalibrationCohort:
        """Read what ``write`` or ``twintrack calibrate --statistics-out`` wrote."""
        cohort = cls.__new__(cls)
        cohort._cohort = _core.Cohort.read(file)
        return cohort

    def __len__(self) -> int:
        """Number of cases."""
        return len(self._cohort)
