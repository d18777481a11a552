"""Unit conversion that keeps short decimals short despite rounding errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["scaled"]

#: Powers of ten that are exactly representable.
_TENS = np.array([float(f"1e{i}") for i in range(23)])
#: Relative rounding error that a conversion may accumulate.
_ROUNDING = 8 * np.finfo(np.float64).eps


def scaled(numbers: Any, factor: float, power: float) -> Any:
    """Return ``numbers * factor`` in units of ``10**power``: a float for a single number, otherwise an array.

    Values that are not real numbers or need no conversion are returned unchanged.
    """
    if isinstance(numbers, np.ndarray) and numbers.ndim == 0:
        numbers = numbers.item()
    ratio = _decimal(factor / _power_of_ten(power))
    array = np.asarray(numbers)
    if ratio == 1.0 or array.dtype.kind not in "biuf":
        return numbers
    array = array.astype(np.float64)
    with np.errstate(all="ignore"):
        # For decimal units, either the ratio or its inverse, whichever is greater than 1, is an exact power of ten.
        # Later checks reject results that overflow.
        out = _tidied(array * ratio if ratio > 1 else array / _decimal(1 / ratio))
    return out if out.ndim else float(out)


def _power_of_ten(exponent: float) -> float:
    """Return a power of ten, correctly rounded if the exponent is an integer."""
    return float(f"1e{exponent:.0f}") if exponent.is_integer() else 10.0**exponent


def _decimal(factor: float) -> float:
    """Return the short decimal number that a factor equals up to rounding, if there is one."""
    near = float(f"{factor:.12g}")
    return near if abs(near - factor) <= 1e-13 * abs(factor) else factor


def _tidied(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """Remove rounding errors from numbers that have at most 12 digits: return 0.3 for 0.30000000000000004."""
    with np.errstate(all="ignore"):
        digits = 11 - np.floor(np.log10(np.abs(array)))
        tens = _TENS[np.clip(np.nan_to_num(digits), 0, len(_TENS) - 1).astype(np.int64)]
        near = np.rint(array * tens) / tens
        return np.where(np.abs(near - array) <= _ROUNDING * np.abs(array), near, array)
