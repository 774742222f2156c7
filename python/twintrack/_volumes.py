"""Volumes in files, and synthetic ones."""
from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import _core
from ._arrays import as_image, as_numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


class Volume(NamedTuple):
    """An image and where it lies in the patient. ``model.predict(*volume)`` takes it as it is."""

    array: NDArray[Any]
    """Voxels, shape (z, y, x); what ``SimpleITK.GetArrayFromImage`` returns."""
    spacing_mm: tuple[float, float, float]
    """Of the array's axes: (z, y, x). SimpleITK's ``GetSpacing()`` reversed."""
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Centre of the first voxel in the patient, LPS (x, y, z). SimpleITK's ``GetOrigin()``."""
    direction: tuple[float, ...] = IDENTITY
    """Nine numbers, row-major. SimpleITK's ``GetDirection()``."""


class Phantom(NamedTuple):
    """A synthetic CT with a tumour, raters who disagree about it, and the truth they were drawn from."""

    image: Volume
    """int16, Hounsfield units."""
    raters: NDArray[np.uint8]
    """(raters, z, y, x), 1 where the rater marked tumour."""
    mean_human_response: NDArray[np.float32]
    """(z, y, x): the true share of raters who mark a voxel, in [0, 1]."""
    labels: NDArray[np.uint8]
    """(z, y, x), PANORAMA's numbering: 1 is tumour."""
    vessels: NDArray[np.uint8]
    """(z, y, x): 1 portal vein, 2 SMV, 3 aorta, 4 celiac trunk, 5 SMA."""


def read_volume(path: str | os.PathLike[str], series_uid: str | None = None) -> Volume:
    """Read a NIfTI, MetaImage or NRRD file, or a folder with a DICOM series.

    The array is float32 with rescale slope and intercept applied, so a CT is in Hounsfield units. ``series_uid``
    chooses among several series of a folder; by default the largest axial CT is taken. What a person should know of a
    volume that is read all the same (a resampled series, a slice left out) is given as a warning.

    Raises InputError for everything that is not one finite scalar 3-D image.
    """
    array, (spacing_mm, origin_mm, direction), messages = _core.read_volume(path, series_uid)
    for message in messages:
        warnings.warn(f"{os.fspath(path)}: {message}", stacklevel=2)
    return Volume(array, spacing_mm, origin_mm, direction)


def write_volume(
    path: str | os.PathLike[str],
    array: ArrayLike,
    spacing_mm: Sequence[float],
    origin_mm: Sequence[float] = (0.0, 0.0, 0.0),
    direction: Sequence[float] = IDENTITY,
) -> None:
    """Write a (z, y, x) array; the ending (.nii, .nii.gz, .mha, .mhd, .nrrd) chooses the format.

    uint8, int16 and uint16 are written as they are, bool as uint8, other numbers as float32. The file is complete or
    absent, and replaces one that is there. ``write_volume(path, *volume)`` writes a Volume.

    Raises UsageError for another ending, ResourceError when the file cannot be written.
    """
    voxels = np.asarray(array)
    if voxels.dtype.kind == "b":
        voxels = voxels.view(np.uint8)
    if voxels.dtype.type in (np.uint8, np.uint16):
        if voxels.ndim != 3 or voxels.size == 0:
            raise ValueError(f"array: shape {voxels.shape}, three dimensions that are not empty are needed")
        voxels = np.require(voxels, voxels.dtype.newbyteorder("="), ["C", "A"])
    else:
        voxels = as_image("array", voxels)
    _core.write_volume(
        path,
        voxels,
        as_numbers("spacing_mm", spacing_mm, 3),
        as_numbers("origin_mm", origin_mm, 3),
        as_numbers("direction", direction, 9),
    )


def phantom(
    number: int,
    seed: int = 0,
    raters: int = 5,
    shape: Sequence[int] | None = None,
    spacing_mm: Sequence[float] | None = None,
) -> Phantom:
    """Make a synthetic case: the same for the same arguments on every machine.

    ``shape`` and ``spacing_mm`` (z, y, x) are by default drawn as real CT has them (512 x 512 and more voxels); one
    without the other covers the usual field of view.
    """
    if not 1 <= raters <= 64:
        raise ValueError(f"raters: {raters}, 1 to 64 is right")
    if not 0 <= number <= 100_000_000:
        raise ValueError(f"number: {number}, 0 to 100000000 is right")
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed: {seed}, 0 to 2**63 - 1 is right")
    if shape is not None and (len(shape) != 3 or not all(16 <= extent <= 2048 for extent in shape)):
        raise ValueError(f"shape: {tuple(shape)}, three numbers from 16 to 2048 are right")
    spacing = None if spacing_mm is None else as_numbers("spacing_mm", spacing_mm, 3)
    if spacing is not None and not all(0.2 <= value <= 20 for value in spacing):
        raise ValueError(f"spacing_mm: {spacing}, 0.2 to 20 mm is right")
    made = _core.make_phantom(number, seed, raters, None if shape is None else list(shape), spacing)
    return Phantom(
        Volume(made["image"], *made["grid"]),
        made["raters"],
        made["mean_human_response"],
        made["labels"],
        made["vessels"],
    )
