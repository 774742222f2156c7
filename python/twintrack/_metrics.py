"""Metrics of tumour maps against raters; definitions in docs/metrics.md. Arrays are (z, y, x)."""
from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import _core
from ._arrays import as_doubles, as_labels, as_map, as_mask, as_masks, as_numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class SurfaceDistance(NamedTuple):
    """Pooled distances between two surfaces, in mm; both masks empty: 0, one of them: NaN."""

    hd95_mm: float
    """95th percentile."""
    average_mm: float
    """Mean: average symmetric surface distance."""


def mean_human_response(raters: ArrayLike | Iterable[ArrayLike]) -> NDArray[np.float32]:
    """The share of raters who marked each voxel: float32 in [0, 1].

    ``raters``: binary maps of one shape, a sequence of them or an array with raters first.
    """
    return _core.mean_human_response(as_masks("raters", raters, None))


def tdsc(probability: ArrayLike, raters: ArrayLike | Iterable[ArrayLike]) -> float:
    """Thresholded Dice: the mean over the challenge's six thresholds of Dice between map and mean human response.

    ``probability``: (z, y, x) in [0, 1]. ``raters``: binary maps (raters, z, y, x), 1 to 64.
    """
    return _core.tdsc(as_map("probability", probability), as_masks("raters", raters))


def ece(probability: ArrayLike, raters: ArrayLike | Iterable[ArrayLike]) -> NDArray[np.float64]:
    """The challenge's expected calibration error against each rater, in the box around the raters' marks: (raters,)."""
    return np.array(_core.ece(as_map("probability", probability), as_masks("raters", raters)))


def brier(probability: ArrayLike, raters: ArrayLike | Iterable[ArrayLike]) -> dict[str, float]:
    """Brier score against the mean human response, in the box around the raters' marks, and its decomposition.

    Keys: score, reliability, resolution, uncertainty, within_bins.
    """
    return _core.brier(as_map("probability", probability), as_masks("raters", raters))


def crps(volume_mm3: float, rater_volumes_mm3: ArrayLike, kind: str = "challenge") -> float:
    """Continuous ranked probability score of a volume against the raters' volumes, in mm3.

    ``kind``: "challenge" as the official code computes it, "tabulated" as it is defined, "exact" for the normal
    distribution over the whole line.
    """
    volumes = as_doubles("rater_volumes_mm3", rater_volumes_mm3).ravel()
    if not np.isfinite(volumes).all() or not np.isfinite(volume_mm3):
        raise ValueError("volume_mm3 and rater_volumes_mm3: finite numbers are needed")
    return _core.crps(volume_mm3, volumes.tolist(), kind)


def dice(a: ArrayLike, b: ArrayLike) -> float:
    """Dice similarity of two binary maps (z, y, x); 1 where both are empty."""
    return _core.dice(as_mask("a", a), as_mask("b", b))


def surface_distance(a: ArrayLike, b: ArrayLike, spacing_mm: Sequence[float]) -> SurfaceDistance:
    """Distances between the surfaces of two binary maps (z, y, x); spacing (z, y, x)."""
    return SurfaceDistance(
        *_core.surface_distance(as_mask("a", a), as_mask("b", b), as_numbers("spacing_mm", spacing_mm, 3))
    )


def evaluate(
    probability: ArrayLike,
    raters: ArrayLike | Iterable[ArrayLike],
    spacing_mm: Sequence[float],
    segmentation: ArrayLike | None = None,
    threshold: float = 0.5,
    vessels: ArrayLike | None = None,
) -> dict[str, Any]:
    """All metrics of a case, as a case of metrics.json has them; None for what has no value.

    ``probability``: (z, y, x) in [0, 1]. ``raters``: binary maps (raters, z, y, x), 1 to 64. ``spacing_mm``: (z, y, x).
    ``segmentation``: a binary map; by default the voxels whose probability reaches ``threshold``. ``vessels``: label map
    (1 portal vein, 2 SMV, 3 aorta, 4 celiac trunk, 5 SMA); when given, "vi" has the vascular involvement.

    Arrays are used where they lie when they are float32 or bool/uint8 and C-contiguous; do not change them meanwhile.
    """
    return _core.evaluate(
        as_map("probability", probability),
        as_masks("raters", raters),
        as_numbers("spacing_mm", spacing_mm, 3),
        None if segmentation is None else as_mask("segmentation", segmentation),
        threshold,
        None if vessels is None else as_labels("vessels", vessels),
    )


def summarise(
    cases: Mapping[str, Mapping[str, Any]], replicates: int = 1000, seed: int = 0
) -> dict[str, dict[str, float | None]]:
    """Bootstrap over cases: {metric: {"mean", "ci_low", "ci_high", "n"}} from {case: what ``evaluate`` returned}.

    Inner dictionaries are joined by dots ("brier.score"); 95 % intervals.
    """
    return _core.summarise(json.dumps(cases), replicates, seed)


def vascular_contact(probability: ArrayLike, vessels: ArrayLike, spacing_mm: Sequence[float]) -> dict[str, Any]:
    """How far a tumour map surrounds vessels: per vessel, contact angles in degrees where at least k of 5 experts are
    expected to agree, their mean ("expected"), spread and extremes; None for a vessel that is not there.

    ``vessels``: label map (1 portal vein, 2 SMV, 3 aorta, 4 celiac trunk, 5 SMA). Angles describe geometry and are no
    verdict on resectability.
    """
    return _core.vascular_contact(
        as_map("probability", probability), as_labels("vessels", vessels), as_numbers("spacing_mm", spacing_mm, 3)
    )
