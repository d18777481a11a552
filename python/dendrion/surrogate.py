"""Surrogate derivatives of spikes. A spike is a step function of V, whose own derivative is useless for training.

Simulations use the hard threshold. Gradients replace the derivative of the spike S with respect to V by a surrogate σ
(Neftci, Mostafa & Zenke 2019). Its argument is ``x = V - V_th`` (mV), and ``dS/dV = σ(x)``. With ``relative=True`` the
argument is relative to the reset, ``x = (V - V_th) / (V_th - V_reset)``, which is dimensionless, and

    dS/dV       =  σ(x) / (V_th - V_reset)
    dS/dV_th    = -σ(x) (1 + x) / (V_th - V_reset)
    dS/dV_reset =  σ(x) x / (V_th - V_reset)

``MCNeuron(surrogate_grad_fn=...)`` accepts any of these classes, or your own function.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._numbers import numbers, real
from ._quoted import quoted, told
from ._suggest import SuggestingKeywords
from .errors import ParameterError, ParameterTypeError
from .modules._fixed import Abstract, FixedOnceMade
from .training._tracing import Token, checked, evaluated, written

__all__ = ["ATan", "Expression", "FastSigmoid", "Gaussian", "MultiGaussian", "Sigmoid", "Surrogate", "Triangle"]


class Surrogate(Abstract, FixedOnceMade, SuggestingKeywords):
    """Base of the surrogate derivatives.

    Calling a surrogate with x returns σ(x). x is ``V - V_th`` (mV) and σ is in 1/mV. With ``relative=True``, x is
    ``(V - V_th) / (V_th - V_reset)``, and both are dimensionless.
    """

    _examples: ClassVar[str] = "Sigmoid()"
    _kind: ClassVar[str]
    _defaults: ClassVar[dict[str, float]]
    #: Whether the argument is ``(V - V_th) / (V_th - V_reset)`` instead of ``V - V_th``.
    relative: bool = False

    def _take(self, relative: bool, **numbers: float) -> None:
        self.relative = _flag(self, relative)
        for name, value in numbers.items():
            label, unit = type(self).__name__, {"alpha": "1/mV", "sigma": "mV"}.get(name, "")
            unit = "" if self.relative else unit
            expected = f"a finite number > 0{f' ({unit})' if unit else ''}"
            number = real(f"{label}: {name}", value, expected.replace("finite ", ""), unit)
            if not (math.isfinite(number) and number > 0):
                raise ParameterError(f"{label}: {name} = {told(value)}: expected {expected}")
            setattr(self, name, number)

    def __call__(self, above: ArrayLike) -> NDArray[np.float64]:
        """Return the surrogate at ``above``: V - V_th (mV), or (V - V_th) / (V_th - V_reset) with ``relative=True``."""
        what, unit = ("(V - V_th) / (V_th - V_reset)", "") if self.relative else ("V - V_th", "mV")
        x = numbers(f"{type(self).__name__}: {what}", above, "numbers", unit)
        with np.errstate(all="ignore"):
            return np.asarray(self._at(x))

    def _at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        raise NotImplementedError

    def _spec(self) -> tuple[str, list[Token]]:
        return self._kind, [getattr(self, name) for name in self._defaults]

    def __eq__(self, other: object) -> bool:
        same = type(self) is type(other) and self._spec() == other._spec()
        return same and self.relative == other.relative  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((self._kind, self.relative, *self._spec()[1]))

    def __repr__(self) -> str:
        given = {name: getattr(self, name) for name in self._defaults}
        shown = [] if given == self._defaults else [f"{v:g}" for v in given.values()]
        return f"{type(self).__name__}({', '.join(shown + ['relative=True'] * self.relative)})"


def _flag(surrogate: Surrogate, relative: object) -> bool:
    if not isinstance(relative, (bool, np.bool_)):
        raise ParameterTypeError(f"{type(surrogate).__name__}: relative = {quoted(relative)}: expected True or False")
    return bool(relative)


class Sigmoid(Surrogate):
    """Derivative of the logistic function: ``alpha s (1 - s)`` with ``s = 1 / (1 + exp(-alpha x))``.

    Parameters
    ----------
    alpha : float
        Steepness (1/mV; no unit with ``relative=True``), > 0.
    relative : bool
        Whether x is ``(V - V_th) / (V_th - V_reset)`` instead of ``V - V_th`` (mV).
    """

    _kind = "sigmoid"
    _defaults: ClassVar = {"alpha": 4.0}
    alpha: float

    def __init__(self, alpha: float = 4.0, *, relative: bool = False) -> None:
        self._take(relative, alpha=alpha)

    def _at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        # The derivative is symmetric; exp of a negative argument cannot overflow.
        tail = np.exp(-self.alpha * np.abs(x))
        return np.asarray(self.alpha * tail / (1 + tail) ** 2)


class FastSigmoid(Surrogate):
    """``1 / (1 + alpha |x|)**2``, which has heavy tails and a peak of 1 (Zenke & Ganguli 2018).

    Parameters
    ----------
    alpha : float
        Steepness (1/mV; no unit with ``relative=True``), > 0.
    relative : bool
        Whether x is ``(V - V_th) / (V_th - V_reset)`` instead of ``V - V_th`` (mV).
    """

    _kind = "fast_sigmoid"
    _defaults: ClassVar = {"alpha": 1.0}
    alpha: float

    def __init__(self, alpha: float = 1.0, *, relative: bool = False) -> None:
        self._take(relative, alpha=alpha)

    def _at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1 / (1 + self.alpha * np.abs(x)) ** 2


class ATan(Surrogate):
    """Derivative of the arc tangent: ``alpha / 2 / (1 + (pi alpha x / 2)**2)`` (Fang et al. 2021).

    Parameters
    ----------
    alpha : float
        Steepness (1/mV; no unit with ``relative=True``), > 0.
    relative : bool
        Whether x is ``(V - V_th) / (V_th - V_reset)`` instead of ``V - V_th`` (mV).
    """

    _kind = "atan"
    _defaults: ClassVar = {"alpha": 2.0}
    alpha: float

    def __init__(self, alpha: float = 2.0, *, relative: bool = False) -> None:
        self._take(relative, alpha=alpha)

    def _at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.alpha / 2 / (1 + (np.pi * self.alpha * x / 2) ** 2)


class Triangle(Surrogate):
    """``alpha max(0, 1 - alpha |x|)``, zero beyond ``1 / alpha`` from the threshold (Esser et al. 2016).

    Parameters
    ----------
    alpha : float
        Steepness (1/mV; no unit with ``relative=True``), > 0.
    relative : bool
        Whether x is ``(V - V_th) / (V_th - V_reset)`` instead of ``V - V_th`` (mV).
    """

    _kind = "triangle"
    _defaults: ClassVar = {"alpha": 1.0}
    alpha: float

    def __init__(self, alpha: float = 1.0, *, relative: bool = False) -> None:
        self._take(relative, alpha=alpha)

    def _at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.alpha * np.maximum(0.0, 1 - self.alpha * np.abs(x))


class Gaussian(Surrogate):
    """Normal density with standard deviation ``sigma``.

    Parameters
    ----------
    sigma : float
        Standard deviation (mV; no unit with ``relative=True``), > 0.
    relative : bool
        Whether x is ``(V - V_th) / (V_th - V_reset)`` instead of ``V - V_th`` (mV).
    """

    _kind = "gaussian"
    _defaults: ClassVar = {"sigma": 0.5}
    sigma: float

    def __init__(self, sigma: float = 0.5, *, relative: bool = False) -> None:
        self._take(relative, sigma=sigma)

    def _at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return _normal(x, 0.0, self.sigma)


class MultiGaussian(Surrogate):
    """Normal density with negative side lobes (Yin, Corradi & Bohté 2021).

    ``(1 + h) N(x | 0, sigma²) - h N(x | sigma, (s sigma)²) - h N(x | -sigma, (s sigma)²)``

    Parameters
    ----------
    sigma : float
        Standard deviation (mV; no unit with ``relative=True``), > 0.
    h : float
        Height of the side lobes, > 0.
    s : float
        Width of the side lobes relative to ``sigma``, > 0.
    relative : bool
        Whether x is ``(V - V_th) / (V_th - V_reset)`` instead of ``V - V_th`` (mV).
    """

    _kind = "multi_gaussian"
    _defaults: ClassVar = {"sigma": 0.5, "h": 0.15, "s": 6.0}
    sigma: float
    h: float
    s: float

    def __init__(self, sigma: float = 0.5, h: float = 0.15, s: float = 6.0, *, relative: bool = False) -> None:
        self._take(relative, sigma=sigma, h=h, s=s)

    def _at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        wide = self.s * self.sigma
        sides = _normal(x, self.sigma, wide) + _normal(x, -self.sigma, wide)
        return (1 + self.h) * _normal(x, 0.0, self.sigma) - self.h * sides


def _normal(x: NDArray[np.float64], mean: float, sigma: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-0.5 * ((x - mean) / sigma) ** 2) / (math.sqrt(2 * math.pi) * sigma))


class Expression(Surrogate):
    """A user-defined surrogate.

    Parameters
    ----------
    function : callable or list
        A function of x that uses NumPy functions, such as ``lambda x: 1 / (1 + abs(x)) ** 2``, or the same expression
        in postfix notation, as in model files: ``["x", "abs", 1.0, "add"]``.
    relative : bool
        Whether x is ``(V - V_th) / (V_th - V_reset)`` instead of ``V - V_th`` (mV).
    """

    _kind: ClassVar[str] = "own"
    _defaults: ClassVar[dict[str, float]] = {}

    def __init__(self, function: Callable[..., Any] | Sequence[Token], *, relative: bool = False) -> None:
        self.relative = _flag(self, relative)
        if callable(function):
            try:
                self.tokens = tuple(written(function))
            except Exception as error:
                raise ParameterError(
                    f"Expression: function = {quoted(function)}: expected an expression of NumPy functions; tracing "
                    f"it failed: {error}"
                ) from error
        else:
            self.tokens = checked("Expression: function", function)

    def _spec(self) -> tuple[str, list[Token]]:
        return self._kind, list(self.tokens)

    def _at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(evaluated(list(self.tokens), x), dtype=np.float64)

    def __repr__(self) -> str:
        return f"Expression({list(self.tokens)}{', relative=True' if self.relative else ''})"
