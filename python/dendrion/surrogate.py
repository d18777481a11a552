"""Surrogate derivatives of the spike, which is a step and has none of its own."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import ParameterError, ParameterTypeError

__all__ = ["Sigmoid"]


class Sigmoid:
    """The derivative of a logistic function: ``alpha s (1 - s)`` with ``s = 1 / (1 + exp(-alpha (V - V_th)))``.

    Called with ``V - V_th`` (mV) it returns that derivative (1/mV).

    Parameters
    ----------
    alpha : float
        Steepness (1/mV), > 0.
    """

    def __init__(self, alpha: float = 4.0) -> None:
        if not isinstance(alpha, (int, float, np.integer, np.floating)) or isinstance(alpha, bool):
            raise ParameterTypeError(f"Sigmoid: alpha = {alpha!r}: expected a number > 0 (1/mV)")
        if not (math.isfinite(alpha) and alpha > 0):
            raise ParameterError(f"Sigmoid: alpha = {alpha}: expected a finite number > 0 (1/mV)")
        self.alpha = float(alpha)

    def __call__(self, above: ArrayLike) -> NDArray[np.float64]:
        """Return the derivative at ``above``, V - V_th (mV)."""
        # Symmetric, and of small numbers only, so that nothing overflows.
        tail = np.exp(-self.alpha * np.abs(np.asarray(above, dtype=np.float64)))
        return np.asarray(self.alpha * tail / (1 + tail) ** 2)

    def __repr__(self) -> str:
        return "Sigmoid()" if self.alpha == 4.0 else f"Sigmoid({self.alpha:g})"
