"""Surrogate derivatives of the spike."""

from __future__ import annotations

import math

import numpy as np

from .errors import ParameterError, ParameterTypeError

__all__ = ["Sigmoid"]


class Sigmoid:
    """The derivative of a logistic function in place of the threshold's.

    Parameters
    ----------
    alpha : float
        Steepness in 1/mV, > 0: the derivative at a distance ``v`` of V from the threshold is
        ``alpha s (1 - s)`` with ``s = 1 / (1 + exp(-alpha v))``.
    """

    def __init__(self, alpha: float = 4.0) -> None:
        if not isinstance(alpha, (int, float, np.integer, np.floating)) or isinstance(alpha, bool):
            raise ParameterTypeError(f"Sigmoid: alpha = {alpha!r}: expected a number > 0 (1/mV)")
        if not (math.isfinite(alpha) and alpha > 0):
            raise ParameterError(f"Sigmoid: alpha = {alpha}: expected a finite number > 0 (1/mV)")
        self.alpha = float(alpha)

    def __repr__(self) -> str:
        return "Sigmoid()" if self.alpha == 4.0 else f"Sigmoid(alpha={self.alpha})"
