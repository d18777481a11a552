"""Weights and delays: a single value, one per connection, drawn from a distribution, or computed by a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._numbers import numbers
from .._quoted import quoted
from ..errors import ConnectivityError, ParameterError, ParameterTypeError
from ..units import check_unit
from ._targets import class_hint
from .initializers import Constant, Initializer

#: Suffix of messages about negative weights.
INHIBITION = (
    "; for inhibition, connect positive weights to a GABA receptor, or use a CurrentReceptor, whose weights may be "
    "negative"
)


class Kind(NamedTuple):
    """The unit of weights or delays, and whether they may be negative."""

    unit: str = ""
    signed: bool = False

    @property
    def accepted(self) -> str:
        """The accepted values, for error messages."""
        return f"a finite number{'' if self.signed else ' >= 0'}{f' ({self.unit})' if self.unit else ''}"

    def holds(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return whether values are finite and, if they must be, at least 0."""
        return np.isfinite(values) if self.signed else np.isfinite(values) & (values >= 0)

    def hint(self, value: float) -> str:
        """Return the end of a message about an invalid value."""
        return INHIBITION if value < 0 and not self.signed and self.unit != "ms" else ""


#: Delays.
DELAYS = Kind("ms")
#: Weights of receptors that accept no negative weights.
WEIGHTS = Kind()

Spread = float | NDArray[np.float64] | Initializer | Callable[..., Any]


def spread(
    label: str, name: str, value: Any, shape: tuple[int, int], count: int | None, kind: Kind = WEIGHTS
) -> Spread:
    """Return weights or delays in one of these forms. Arrays are flattened; their size must be ``count``, if known."""
    if isinstance(value, type):
        raise ParameterTypeError(
            f"{label}: {name} = {value.__name__}: expected a number, an array, an Initializer or a function of pre and "
            f"post{class_hint(value, Initializer)}"
        )
    if isinstance(value, Initializer):
        check_unit(f"{label}: {name}", value, value._unit, kind.unit)
    if isinstance(value, Constant):
        value = value.value
    if isinstance(value, Initializer) or callable(value):
        return value  # type: ignore[no-any-return]
    unit = f" ({kind.unit})" if kind.unit else ""
    forms = f"a number, an array, an Initializer or a function of pre and post{unit}"
    array = numbers(f"{label}: {name}", value, forms, kind.unit)
    flat = array.reshape(-1)
    _check(label, lambda k: f"{name}[{k}]" if array.ndim else name, flat, kind)
    if array.ndim == 0:
        return float(array)
    if (array.ndim > 1 and array.shape != shape) or (count is not None and flat.size != count):
        expected = "one per connection" if count is None else f"one per connection ({count} in total)"
        raise ConnectivityError(f"{label}: {name} of shape {array.shape}: expected a single number, or {expected}")
    return flat


def computed(
    label: str,
    name: str,
    function: Callable[..., Any],
    pairs: tuple[NDArray[np.uint32], NDArray[np.uint32]],
    kind: Kind = WEIGHTS,
) -> NDArray[np.float64]:
    """Return the values that a user's function computes from the sources and targets of all connections."""
    pre, post = pairs
    called = f"{label}: {name}: {getattr(function, '__name__', repr(function))}(pre, post)"
    try:
        value = function(pre.astype(np.int64), post.astype(np.int64))
    except Exception as error:
        raise ConnectivityError(f"{called} raised {quoted(error)}") from error
    array = numbers(called, value, f"one number per connection ({pre.size} in total)", kind.unit)
    if array.ndim == 0:
        array = np.full(pre.size, array)
    if array.shape != pre.shape:
        raise ConnectivityError(
            f"{called} of shape {array.shape}: expected shape {pre.shape}, with one number per connection"
        )
    _check(called, lambda k: f"at ({pre[k]}, {post[k]})", array, kind)
    return array


def check_weights(label: str, array: NDArray[np.float64], kind: Kind) -> None:
    """Raise an error for a negative weight, with a hint about inhibition, unless weights may be negative."""
    flat = array.reshape(-1)
    for bad in np.flatnonzero((flat < 0) & (not kind.signed))[:1]:
        at = f"[{bad}]" if array.ndim else ""
        raise ParameterError(f"{label}{at} = {flat[bad]:g}: expected {kind.accepted}{kind.hint(flat[bad])}")


def _check(label: str, name: Callable[[int], str], flat: NDArray[np.float64], kind: Kind) -> None:
    for bad in np.flatnonzero(~kind.holds(flat))[:1]:
        value = flat[bad]
        raise ConnectivityError(f"{label}: {name(int(bad))} = {value}: expected {kind.accepted}{kind.hint(value)}")
