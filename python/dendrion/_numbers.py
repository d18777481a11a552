"""Conversion of lists and of NumPy, JAX and Torch arrays to NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._quoted import quoted
from .errors import ParameterError, ParameterTypeError
from .units import in_unit

__all__ = ["array_of", "is_whole", "numbers", "plain_numbers", "real", "refuse_masks"]

#: Maximum nesting depth of lists that are searched for masks, equal to NumPy's maximum number of array dimensions.
_DEEPEST = 64


def numbers(what: str, value: Any, expected: str, unit: str = "") -> NDArray[np.float64]:
    """Return a new float64 array of real numbers, converted from quantities to ``unit``."""
    refuse_masks(what, value, expected)
    return plain_numbers(what, in_unit(what, value, unit), expected)


def plain_numbers(what: str, value: Any, expected: str) -> NDArray[np.float64]:
    """Return a new float64 array of real numbers; text, complex numbers and objects raise an error."""
    array = array_of(what, value, expected)
    if array.dtype.kind == "O" and all(type(item) is int for item in array.flat):
        # Python integers beyond the range of NumPy's integer types.
        try:
            return array.astype(np.float64, order="C")
        except OverflowError:
            raise ParameterError(
                f"{what} = {quoted(value)}: expected {expected}, at most about 1.8e308 in magnitude"
            ) from None
    if array.dtype.kind not in "biuf":
        raise ParameterTypeError(f"{what} = {quoted(value)}: expected {expected}")
    with np.errstate(all="ignore"):
        # Numbers beyond the range of float64 become infinite, and the caller rejects them.
        return array.astype(np.float64, order="C")


def array_of(what: str, value: Any, expected: str) -> NDArray[Any]:
    """Return a value as an array of any type. Masked elements, and values that NumPy cannot convert, raise an error."""
    refuse_masks(what, value, expected)
    try:
        return np.asarray(value)
    except MemoryError:
        raise
    except Exception as error:
        # Ragged and deeply nested lists; the __array__ of a user's class may raise any exception.
        raise ParameterTypeError(f"{what} = {quoted(value)}: expected {expected}") from error


def refuse_masks(what: str, value: Any, expected: str) -> None:
    """Raise an error for masked elements, including those in lists, because NumPy drops masks silently."""
    if _has_mask(value, _DEEPEST):
        shape = np.shape(value) if isinstance(value, np.ndarray) else (len(value),)
        raise ParameterTypeError(
            f"{what} = array of shape {shape} with masked elements: expected {expected}, without a mask; fill it "
            "first, for example with array.filled(0.0), or pass array.compressed()"
        )


def _has_mask(value: Any, depth: int) -> bool:
    if isinstance(value, np.ma.MaskedArray):
        return bool(np.ma.is_masked(value))
    kind = type(value)
    if (kind is not list and kind is not tuple) or depth == 0:
        return False
    kinds = set(map(type, value))
    may_have = bool(kinds & {list, tuple}) or any(issubclass(k, np.ma.MaskedArray) for k in kinds)
    return may_have and any(_has_mask(item, depth - 1) for item in value)


def is_whole(value: object) -> bool:
    """Return whether a value is a Python or NumPy integer. Bools and NumPy timedeltas do not count as integers."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.timedelta64))


def real(what: str, value: Any, expected: str, unit: str = "") -> float:
    """Return one real number, converted from a quantity to ``unit``; bools and other types raise an error."""
    refuse_masks(what, value, expected)
    value = in_unit(what, value, unit)
    if not is_whole(value) and not isinstance(value, (float, np.floating)):
        raise ParameterTypeError(f"{what} = {quoted(value)}: expected {expected}")
    try:
        with np.errstate(all="ignore"):
            return float(value)
    except OverflowError:
        raise ParameterError(f"{what} = {quoted(value)}: expected {expected}") from None
