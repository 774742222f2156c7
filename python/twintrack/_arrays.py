"""Arguments as the compiled module wants them: checked, and converted only where they have to be."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_ORDER: list[Literal["C", "A"]] = ["C", "A"]
_NUMBERS = "fiu"


def _array(name: str, values: ArrayLike, kinds: str, what: str, dimensions: int | None) -> NDArray[Any]:
    array = np.asarray(values)
    if array.dtype.kind not in kinds:
        raise TypeError(f"{name}: dtype {array.dtype}, {what} are needed")
    if dimensions is not None and array.ndim != dimensions:
        raise ValueError(f"{name}: shape {array.shape}, {dimensions} dimensions are needed")
    if array.size == 0:
        raise ValueError(f"{name}: shape {array.shape} is empty")
    return array


def as_image(name: str, values: ArrayLike) -> NDArray[Any]:
    """A (z, y, x) array of numbers: int16 stays, everything else becomes float32."""
    array = _array(name, values, _NUMBERS, "numbers", 3)
    if array.dtype.type is np.int16:
        return np.require(array, np.int16, _ORDER)
    with np.errstate(over="ignore"):  # infinite voxels are refused
        return np.require(array, np.float32, _ORDER)


def as_map(name: str, values: ArrayLike, dimensions: int | None = 3) -> NDArray[np.float32]:
    """Probabilities as float32."""
    array = _array(name, values, _NUMBERS, "numbers", dimensions)
    with np.errstate(over="ignore"):
        return np.require(array, np.float32, _ORDER)


def as_doubles(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Numbers (or truth values) as float64."""
    return np.require(_array(name, values, _NUMBERS + "b", "numbers", None), np.float64, _ORDER)


def as_mask(name: str, values: ArrayLike, dimensions: int | None = 3) -> NDArray[np.uint8]:
    """A binary map as bytes; bool and uint8 are not copied."""
    array = _array(name, values, _NUMBERS + "b", "0 and 1, or truth values,", dimensions)
    if array.dtype.type not in (np.bool_, np.uint8):
        if not ((array == 0) | (array == 1)).all():
            raise ValueError(f"{name}: a binary map of 0 and 1 is needed")
        array = array == 1
    return np.require(array, None, _ORDER).view(np.uint8)


def as_masks(name: str, values: ArrayLike | Iterable[ArrayLike], dimensions: int | None = 3) -> list[NDArray[np.uint8]]:
    """One binary map per rater, from a sequence of them or an array with raters first."""
    if isinstance(values, np.ndarray) and dimensions is not None and values.ndim != dimensions + 1:
        raise ValueError(f"{name}: shape {values.shape}, (raters, z, y, x) is needed")
    if not isinstance(values, Iterable):
        raise TypeError(f"{name}: a sequence of binary maps, one per rater, is needed")
    return [as_mask(f"{name}[{k}]", mask, dimensions) for k, mask in enumerate(values)]


def as_labels(name: str, values: ArrayLike) -> NDArray[np.uint8]:
    """A (z, y, x) label map as bytes; labels above 255 are none of those that are looked for."""
    array = _array(name, values, "iu", "whole numbers", 3)
    if array.dtype.type is not np.uint8:
        array = np.where((array >= 0) & (array <= 255), array, 0).astype(np.uint8)
    return np.require(array, np.uint8, _ORDER)


def as_numbers(name: str, values: Sequence[float], count: int) -> tuple[float, ...]:
    """That many finite or infinite numbers; the library says which of them make sense."""
    try:
        numbers = tuple(float(value) for value in np.asarray(values, dtype=np.float64).ravel())
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name}: {count} numbers are needed") from error
    if len(numbers) != count:
        raise ValueError(f"{name}: {len(numbers)} numbers, {count} are needed")
    return numbers
