"""Derivatives of spikes. A spike is a step function of V, whose derivative is 0 almost everywhere.

Simulations use the hard threshold. In gradients, the derivative of the spike S with respect to V is replaced with a
surrogate σ (Neftci, Mostafa & Zenke 2019). The argument of σ is ``x = V - V_th`` (mV), and ``dS/dV = σ(x)``. With
``relative=True``, the argument is ``x = (V - V_th) / (V_th - V_reset)``, which is dimensionless, and

    dS/dV       =  σ(x) / (V_th - V_reset)
    dS/dV_th    = -σ(x) (1 + x) / (V_th - V_reset)
    dS/dV_reset =  σ(x) x / (V_th - V_reset)

``MCNeuron(surrogate_grad_fn=...)`` accepts any of these classes, or your own function. ``EventProp`` differentiates the
spike times instead of using a surrogate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._numbers import numbers, real
from ._paths import is_encodable
from ._quoted import quoted, told
from ._suggest import SuggestingKeywords
from .errors import EquationError, ParameterError, ParameterTypeError
from .modules._fixed import Abstract, FixedOnceMade
from .training._tracing import traced

__all__ = [
    "ATan",
    "EventProp",
    "Expression",
    "FastSigmoid",
    "Gaussian",
    "MultiGaussian",
    "Sigmoid",
    "Surrogate",
    "Triangle",
]


class Surrogate(Abstract, FixedOnceMade, SuggestingKeywords):
    """Base class of the surrogate derivatives.

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
        """Return σ at ``above``, which is V - V_th (mV), or (V - V_th) / (V_th - V_reset) with ``relative=True``."""
        what, unit = ("(V - V_th) / (V_th - V_reset)", "") if self.relative else ("V - V_th", "mV")
        x = numbers(f"{type(self).__name__}: {what}", above, "numbers", unit)
        return self._made().values(x.ravel()).reshape(x.shape)

    def _made(self) -> _core.Surrogate:
        """Return the surrogate as the engine uses it."""
        return _core.Surrogate(self._kind, [getattr(self, name) for name in self._defaults], self.relative)

    def _spec(self) -> tuple[float | str, ...]:
        """Return everything that distinguishes this surrogate from others of its class, except ``relative``."""
        return tuple(getattr(self, name) for name in self._defaults)

    def __eq__(self, other: object) -> bool:
        same = type(self) is type(other) and self._spec() == other._spec()
        return same and self.relative == other.relative  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), self.relative, *self._spec()))

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
        Steepness (1/mV; dimensionless with ``relative=True``), > 0.
    relative : bool
        Whether x is ``(V - V_th) / (V_th - V_reset)`` instead of ``V - V_th`` (mV).
    """

    _kind = "Sigmoid"
    _defaults: ClassVar = {"alpha": 4.0}
    alpha: float

    def __init__(self, alpha: float = 4.0, *, relative: bool = False) -> None:
        self._take(relative, alpha=alpha)


class FastSigmoid(Surrogate):
    """``1 / (1 + alpha |x|)**2``, which has heavy tails and a peak of 1 (Zenke & Ganguli 2018).

    Parameters
    ----------
    alpha : float
        Steepness (1/mV; dimensionless with ``relative=True``), > 0.
    relative : bool
        Whether x is ``(V - V_th) / (V_th - V_reset)`` instead of ``V - V_th`` (mV).
    """

    _kind = "FastSigmoid"
    _defaults: ClassVar = {"alpha": 1.0}
    alpha: float

    def __init__(self, alpha: float = 1.0, *, relative: bool = False) -> None:
        self._take(relative, alpha=alpha)


class ATan(Surrogate):
    """Derivative of the arc tangent: ``alpha / 2 / (1 + (pi alpha x / 2)**2)`` (Fang et al. 2021).

    Parameters
    ----------
    alpha : float
        Steepness (1/mV; dimensionless with ``relative=True``), > 0.
    relative : bool
        Whether x is ``(V - V_th) / (V_th - V_reset)`` instead of ``V - V_th`` (mV).
    """

    _kind = "ATan"
    _defaults: ClassVar = {"alpha": 2.0}
    alpha: float

    def __init__(self, alpha: float = 2.0, *, relative: bool = False) -> None:
        self._take(relative, alpha=alpha)


class Triangle(Surrogate):
    """``alpha max(0, 1 - alpha |x|)``, which is zero beyond a distance of ``1 / alpha`` (Esser et al. 2016).

    Parameters
    ----------
    alpha : float
        Steepness (1/mV; dimensionless with ``relative=True``), > 0.
    relative : bool
        Whether x is ``(V - V_th) / (V_th - V_reset)`` instead of ``V - V_th`` (mV).
    """

    _kind = "Triangle"
    _defaults: ClassVar = {"alpha": 1.0}
    alpha: float

    def __init__(self, alpha: float = 1.0, *, relative: bool = False) -> None:
        self._take(relative, alpha=alpha)


class Gaussian(Surrogate):
    """Normal density with standard deviation ``sigma``.

    Parameters
    ----------
    sigma : float
        Standard deviation (mV; dimensionless with ``relative=True``), > 0.
    relative : bool
        Whether x is ``(V - V_th) / (V_th - V_reset)`` instead of ``V - V_th`` (mV).
    """

    _kind = "Gaussian"
    _defaults: ClassVar = {"sigma": 0.5}
    sigma: float

    def __init__(self, sigma: float = 0.5, *, relative: bool = False) -> None:
        self._take(relative, sigma=sigma)


class MultiGaussian(Surrogate):
    """Normal density with negative side lobes (Yin, Corradi & Bohté 2021).

    ``(1 + h) N(x | 0, sigma²) - h N(x | sigma, (s sigma)²) - h N(x | -sigma, (s sigma)²)``

    Parameters
    ----------
    sigma : float
        Standard deviation (mV; dimensionless with ``relative=True``), > 0.
    h : float
        Height of the side lobes, > 0.
    s : float
        Width of the side lobes relative to ``sigma``, > 0.
    relative : bool
        Whether x is ``(V - V_th) / (V_th - V_reset)`` instead of ``V - V_th`` (mV).
    """

    _kind = "MultiGaussian"
    _defaults: ClassVar = {"sigma": 0.5, "h": 0.15, "s": 6.0}
    sigma: float
    h: float
    s: float

    def __init__(self, sigma: float = 0.5, h: float = 0.15, s: float = 6.0, *, relative: bool = False) -> None:
        self._take(relative, sigma=sigma, h=h, s=s)


class EventProp(Surrogate):
    """Gradients with respect to spike times instead of surrogate gradients (Wunderlich & Pehle 2021).

    V crosses V_th at the fraction θ of a time step, by linear interpolation between V at the beginning of the step and
    V at its end (before the reset). The gradient treats θ as a function of both: a later spike arrives at its targets
    later and resets V later. Spikes that do not occur contribute nothing. The simulation itself is unchanged; its
    spikes occur at time steps. The error of the gradient is proportional to dt.

    The gradient does not exist where a spike appears or disappears, grows without bound where V barely reaches V_th,
    and is 0 for neurons that do not spike. See [Times of spikes](../gradients.md#times-of-spikes) for remedies.

    The cotangents of recorded spikes have one value per step, as for surrogates. The derivative with respect to the
    time of a spike is the difference between the cotangents of the next step and of the step of the spike, divided by
    dt. The gradient of a loss that depends only on the number of spikes is therefore 0.

    EventProp is not a function of V: calling it, ``spike_derivative`` and ``plot.surrogate`` raise errors. Detailed
    cells (``CableNeuron``) support it with ``reset=False``.
    """

    _kind = "EventProp"
    _defaults: ClassVar[dict[str, float]] = {}

    def __init__(self) -> None:
        self.relative = False

    def __call__(self, above: ArrayLike) -> NDArray[np.float64]:
        """Raise an error: EventProp has no surrogate derivative."""
        raise ParameterTypeError(
            "EventProp: differentiates spike times, so it has no surrogate derivative; expected a surrogate such "
            "as FastSigmoid()"
        )

    def _made(self) -> _core.Surrogate:
        return _core.Surrogate.event_prop()


class Expression(Surrogate):
    """A user-defined surrogate.

    Parameters
    ----------
    function : callable or str
        A function of x, composed of NumPy functions, such as ``lambda x: 1 / (1 + abs(x)) ** 2``, or the same function
        as text in the [equation language](../equations.md#functions-of-x), such as ``"1 / (1 + abs(x))^2"``.
    relative : bool
        Whether x is ``(V - V_th) / (V_th - V_reset)`` instead of ``V - V_th`` (mV).

    Attributes
    ----------
    text : str
        The function as text in the equation language.
    """

    _defaults: ClassVar[dict[str, float]] = {}

    def __init__(self, function: Callable[..., Any] | str, *, relative: bool = False) -> None:
        self.relative = _flag(self, relative)
        if isinstance(function, str):
            if not is_encodable(function):
                raise EquationError(
                    f"Expression: function = {quoted(function)}: expected text that can be encoded in UTF-8"
                )
            _core.Surrogate.own("Expression: function", function, False)
            self.text = function
        elif callable(function):
            try:
                self.text = traced(function)
            except Exception as error:
                raise ParameterError(
                    f"Expression: function = {quoted(function)}: expected an expression made of NumPy functions; "
                    f"tracing it failed: {error}"
                ) from error
        else:
            raise ParameterTypeError(
                f"Expression: function = {quoted(function)}: expected a function of x, or a string such as "
                "'1 / (1 + abs(x))^2'"
            )

    def _made(self) -> _core.Surrogate:
        return _core.Surrogate.own("Expression", self.text, self.relative)

    def _spec(self) -> tuple[float | str, ...]:
        return (self.text,)

    def __repr__(self) -> str:
        return f"Expression({self.text!r}{', relative=True' if self.relative else ''})"
