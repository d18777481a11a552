"""Surrogate derivatives of the spike, which is a step and has none of its own.

Simulations have a hard threshold; gradients take one of these, a function of ``x = V - V_th`` (mV), for the derivative
of the spike (Neftci, Mostafa & Zenke 2019). ``MCNeuron(surrogate_grad_fn=...)`` takes any of them, or a function of
one's own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._fixed import FixedOnceMade
from ._suggest import SuggestingKeywords
from ._tracing import Token, evaluated
from .errors import ParameterError, ParameterTypeError
from .units import in_unit

__all__ = ["ATan", "Expression", "FastSigmoid", "Gaussian", "MultiGaussian", "Sigmoid", "Surrogate", "Triangle"]


class Surrogate(FixedOnceMade, SuggestingKeywords):
    """Base of the surrogate derivatives. Called with ``V - V_th`` (mV) each returns its value (1/mV)."""

    _kind: ClassVar[str]
    _defaults: ClassVar[dict[str, float]]

    def _take(self, **numbers: float) -> None:
        for name, value in numbers.items():
            label, unit = type(self).__name__, {"alpha": "1/mV", "sigma": "mV"}.get(name, "")
            value = in_unit(f"{label}: {name}", value, unit)
            unit = f" ({unit})" if unit else ""
            if not isinstance(value, (int, float, np.integer, np.floating)) or isinstance(value, bool):
                raise ParameterTypeError(f"{label}: {name} = {value!r}: expected a number > 0{unit}")
            if not (math.isfinite(value) and value > 0):
                raise ParameterError(f"{label}: {name} = {value}: expected a finite number > 0{unit}")
            setattr(self, name, float(value))

    def __call__(self, above: ArrayLike) -> NDArray[np.float64]:
        """Return the derivative at ``above``, V - V_th (mV)."""
        above = in_unit(f"{type(self).__name__}: V - V_th", above, "mV")
        return np.asarray(self._at(np.asarray(above, dtype=np.float64)))

    def _at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        raise NotImplementedError

    def _spec(self) -> tuple[str, list[Token]]:
        return self._kind, [getattr(self, name) for name in self._defaults]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._spec() == other._spec()

    def __hash__(self) -> int:
        return hash((self._kind, *self._spec()[1]))

    def __repr__(self) -> str:
        given = {name: getattr(self, name) for name in self._defaults}
        if given == self._defaults:
            return f"{type(self).__name__}()"
        return f"{type(self).__name__}({', '.join(f'{v:g}' for v in given.values())})"


class Sigmoid(Surrogate):
    """The derivative of a logistic function: ``alpha s (1 - s)`` with ``s = 1 / (1 + exp(-alpha x))``.

    Parameters
    ----------
    alpha : float
        Steepness (1/mV), > 0.
    """

    _kind = "sigmoid"
    _defaults: ClassVar = {"alpha": 4.0}
    alpha: float

    def __init__(self, alpha: float = 4.0) -> None:
        self._take(alpha=alpha)

    def _at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        # Symmetric, and of small numbers only, so that nothing overflows.
        tail = np.exp(-self.alpha * np.abs(x))
        return np.asarray(self.alpha * tail / (1 + tail) ** 2)


class FastSigmoid(Surrogate):
    """``1 / (1 + alpha |x|)**2``, which falls slowly and reaches 1 (Zenke & Ganguli 2018).

    Parameters
    ----------
    alpha : float
        Steepness (1/mV), > 0.
    """

    _kind = "fast_sigmoid"
    _defaults: ClassVar = {"alpha": 1.0}
    alpha: float

    def __init__(self, alpha: float = 1.0) -> None:
        self._take(alpha=alpha)

    def _at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1 / (1 + self.alpha * np.abs(x)) ** 2


class ATan(Surrogate):
    """The derivative of an arc tangent: ``alpha / 2 / (1 + (pi alpha x / 2)**2)`` (Fang et al. 2021).

    Parameters
    ----------
    alpha : float
        Steepness (1/mV), > 0.
    """

    _kind = "atan"
    _defaults: ClassVar = {"alpha": 2.0}
    alpha: float

    def __init__(self, alpha: float = 2.0) -> None:
        self._take(alpha=alpha)

    def _at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.alpha / 2 / (1 + (np.pi * self.alpha * x / 2) ** 2)


class Triangle(Surrogate):
    """``alpha max(0, 1 - alpha |x|)``: 0 farther than ``1 / alpha`` from the threshold (Esser et al. 2016).

    Parameters
    ----------
    alpha : float
        Steepness (1/mV), > 0.
    """

    _kind = "triangle"
    _defaults: ClassVar = {"alpha": 1.0}
    alpha: float

    def __init__(self, alpha: float = 1.0) -> None:
        self._take(alpha=alpha)

    def _at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.alpha * np.maximum(0.0, 1 - self.alpha * np.abs(x))


class Gaussian(Surrogate):
    """The normal density of width ``sigma``.

    Parameters
    ----------
    sigma : float
        Width (mV), > 0.
    """

    _kind = "gaussian"
    _defaults: ClassVar = {"sigma": 0.5}
    sigma: float

    def __init__(self, sigma: float = 0.5) -> None:
        self._take(sigma=sigma)

    def _at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return _normal(x, 0.0, self.sigma)


class MultiGaussian(Surrogate):
    """A normal density with negative sides (Yin, Corradi & Bohté 2021).

    ``(1 + h) N(x | 0, sigma²) - h N(x | sigma, (s sigma)²) - h N(x | -sigma, (s sigma)²)``

    Parameters
    ----------
    sigma : float
        Width (mV), > 0.
    h : float
        Height of the sides, > 0.
    s : float
        Width of the sides, in ``sigma``, > 0.
    """

    _kind = "multi_gaussian"
    _defaults: ClassVar = {"sigma": 0.5, "h": 0.15, "s": 6.0}
    sigma: float
    h: float
    s: float

    def __init__(self, sigma: float = 0.5, h: float = 0.15, s: float = 6.0) -> None:
        self._take(sigma=sigma, h=h, s=s)

    def _at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        wide = self.s * self.sigma
        sides = _normal(x, self.sigma, wide) + _normal(x, -self.sigma, wide)
        return (1 + self.h) * _normal(x, 0.0, self.sigma) - self.h * sides


def _normal(x: NDArray[np.float64], mean: float, sigma: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-0.5 * ((x - mean) / sigma) ** 2) / (math.sqrt(2 * math.pi) * sigma))


class Expression(Surrogate):
    """An expression of ``x = V - V_th`` in postfix order, as a model file has it: ``["x", "abs", 1.0, "add"]``."""

    _kind: ClassVar[str] = "own"
    _defaults: ClassVar[dict[str, float]] = {}

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tuple(tokens)

    def _spec(self) -> tuple[str, list[Token]]:
        return self._kind, list(self.tokens)

    def _at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(evaluated(list(self.tokens), x), dtype=np.float64)

    def __repr__(self) -> str:
        return f"Expression({list(self.tokens)})"
