"""Initializers: distributions from which weights and delays are drawn."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from .. import _core
from .._numbers import real, refuse_masks
from .._quoted import quoted
from .._suggest import SuggestingKeywords
from ..errors import ParameterTypeError
from ..modules._fixed import Abstract, FixedOnceMade
from ..units import fitting

__all__ = ["Constant", "Initializer", "LogNormal", "Normal", "Truncated", "Uniform"]


class Initializer(Abstract, FixedOnceMade, SuggestingKeywords):
    """Base class of the distributions.

    Each number depends only on the seed, the path of the module, and the connection or neuron, so it is the same for
    any number of threads. Quantities are converted to ms for delays and must be dimensionless for weights, or
    currents for the weights of a [CurrentReceptor][dendrion.CurrentReceptor].
    """

    _examples: ClassVar[str] = "Normal(1.0, 0.2)"
    _kind: ClassVar[str]
    #: Units in which quantities are accepted.
    _units: ClassVar[str] = "ms, or pA, or 1"
    #: Unit of the numbers, if one of them was a quantity.
    _unit: str | None = None
    _numbers: tuple[Any, ...]

    def _set(self, **given: Any) -> None:
        """Check the parameters of the distribution and store them as attributes."""
        kind = type(self).__name__
        for name, value in given.items():
            refuse_masks(f"{kind}: {name}", value, "a number")
            value, unit = fitting(f"{kind}: {name}", value, self._unit or self._units)
            self._unit = unit or self._unit
            given[name] = real(f"{kind}: {name}", value, "a number")
            setattr(self, name, given[name])
        self._numbers = tuple(given.values())
        self._names = tuple(given)
        _core.check_initializer(self._spec())

    def _spec(self) -> tuple[Any, ...]:
        """Return the specification in the engine's format."""
        return (self._kind, *self._numbers)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}={getattr(self, n):g}' for n in self._names)})"


class Constant(Initializer):
    """The constant ``value``."""

    _kind: ClassVar[str] = "constant"
    value: float

    def __init__(self, value: float) -> None:
        self._set(value=value)


class Uniform(Initializer):
    """Uniform distribution between ``low`` and ``high``."""

    _kind: ClassVar[str] = "uniform"
    low: float
    high: float

    def __init__(self, low: float, high: float) -> None:
        self._set(low=low, high=high)


class Normal(Initializer):
    """Normal distribution with mean ``mean`` and standard deviation ``std`` >= 0."""

    _kind: ClassVar[str] = "normal"
    mean: float
    std: float

    def __init__(self, mean: float, std: float) -> None:
        self._set(mean=mean, std=std)


class LogNormal(Initializer):
    """Log-normal distribution; the logarithm has mean ``mean`` and standard deviation ``sigma`` >= 0, as in NumPy."""

    _kind: ClassVar[str] = "log_normal"
    # Logarithms are dimensionless, so they do not reveal the unit of the values.
    _units: ClassVar[str] = ""
    mean: float
    sigma: float

    def __init__(self, mean: float, sigma: float) -> None:
        self._set(mean=mean, sigma=sigma)


class Truncated(Initializer):
    """A truncated distribution: values are drawn again until they are between ``low`` and ``high``.

    Parameters
    ----------
    of : Initializer
        The distribution to truncate.
    low, high : float
        Smallest and largest value. By default values are >= 0, as delays and the weights of conductances must be.
    """

    _kind: ClassVar[str] = "truncated"
    of: Initializer
    low: float
    high: float

    def __init__(self, of: Initializer, low: float = 0.0, high: float = math.inf) -> None:
        if not isinstance(of, Initializer):
            raise ParameterTypeError(f"Truncated: of = {quoted(of)}: expected an Initializer such as Normal(1.0, 0.2)")
        self.of, self._unit = of, of._unit
        self._set(low=low, high=high)

    def _spec(self) -> tuple[Any, ...]:
        return (self._kind, self.of._spec(), *self._numbers)

    def __repr__(self) -> str:
        return f"Truncated({self.of!r}, low={self.low:g}, high={self.high:g})"
