"""Conversion of lists and of NumPy, JAX and Torch arrays to NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ParameterTypeError
from .units import in_unit


def numbers(what: str, value: Any, expected: str, unit: str = "") -> NDArray[np.float64]:
    """Return a new float64 array of real numbers, converted from quantities to ``unit``."""
    return plain_numbers(what, in_unit(what, value, unit), expected)


def plain_numbers(what: str, value: Any, expected: str) -> NDArray[np.float64]:
    """Return a new float64 array of real numbers; text, complex numbers and objects raise an error."""
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise TypeError
        return array.astype(np.float64, order="C")
    except (TypeError, ValueError):
        raise ParameterTypeError(f"{what} = {value!r}: expected {expected}") from None
