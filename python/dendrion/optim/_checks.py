"""Checks of the settings of optimizers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._numbers import is_whole, numbers, real
from .._quoted import quoted, told
from .._suggest import hint
from ..errors import DendrionError, ParameterError, ParameterTypeError, UnknownNameError
from ..simulation.network import Network
from ..training.selection import GROUPS, is_pattern, matching

__all__ = [
    "Bounds",
    "Rate",
    "checked_bounds",
    "checked_decay",
    "checked_rates",
    "count",
    "fraction",
    "gradient_of",
    "limit",
    "non_negative",
    "pair",
    "positive",
    "rate_at",
    "selected",
]

Bounds = Mapping[str, tuple[float | None, float | None]]
#: A learning rate: a number, or a function of the number of completed steps.
Rate = float | Callable[[int], float]


def positive(name: str, value: object) -> float:
    """Return a finite number > 0."""
    number = real(f"optim: {name}", value, "a number > 0")
    if not (np.isfinite(number) and number > 0):
        raise ParameterError(f"optim: {name} = {told(value)}: expected a finite number > 0")
    return number


def limit(name: str, value: object) -> float | None:
    """Return a finite number > 0, or ``None``."""
    return None if value is None else positive(name, value)


def fraction(name: str, value: object) -> float:
    """Return a number in [0, 1)."""
    number = real(f"optim: {name}", value, "a number in [0, 1)")
    if not 0 <= number < 1:
        raise ParameterError(f"optim: {name} = {told(value)}: expected a number in [0, 1)")
    return number


def pair(value: Any) -> tuple[float, float]:
    """Return the two decay rates of Adam."""
    is_pair = isinstance(value, (tuple, list)) or (isinstance(value, np.ndarray) and value.ndim == 1)
    if not is_pair or len(value) != 2:
        raise ParameterTypeError(f"optim: betas = {quoted(value)}: expected two numbers in [0, 1)")
    return fraction("betas[0]", value[0]), fraction("betas[1]", value[1])


def count(name: str, value: object, least: int = 0) -> int:
    """Return an integer that is at least ``least``."""
    if not is_whole(value) or not least <= value < 2**62:  # type: ignore[operator]
        raise ParameterTypeError(f"optim: {name} = {quoted(value)}: expected an integer >= {least}")
    return int(value)  # type: ignore[call-overload,no-any-return]


def gradient_of(key: str, value: ArrayLike, shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a finite gradient that has the shape of its parameter."""
    gradient = numbers(f"{key}: gradient", value, "numbers")
    if gradient.shape != shape:
        raise ParameterError(f"{key}: gradient of shape {gradient.shape}: expected shape {shape}")
    if not np.isfinite(gradient).all():
        raise ParameterError(f"{key}: the gradient has infinite or NaN values; expected finite values")
    return gradient


def selected(what: str, net: Network, text: object, keys: Iterable[str]) -> list[str]:
    """Return the trained parameters that a key, a pattern or a group selects, or raise an error if there are none."""
    keys = list(keys)
    if isinstance(text, str):
        # Of tied parameters, only the first key is trained, but each key refers to it.
        known = [other for key in keys for other in net._together(key)]
        found = GROUPS[text](net, known) if text in GROUPS else matching(text, known) if is_pattern(text) else []
        found = [text] if text in known else found
        if found:
            return list(dict.fromkeys(net._together(key)[0] for key in found))
        if text in GROUPS or is_pattern(text):
            raise UnknownNameError(
                f"{what}: {quoted(text)} matches none of the trained parameters{hint('', keys)}", name=text, known=keys
            )
    name = text if isinstance(text, str) else quoted(text)
    raise UnknownNameError(
        f"{what}: {quoted(text)} is not among the trained parameters{hint(text, keys)}", name=name, known=keys
    )


def checked_bounds(label: str, bounds: Bounds | None) -> Bounds:
    """Return bounds, after checking that they are a dict from keys or patterns to pairs."""
    if bounds is None:
        return {}
    if not isinstance(bounds, Mapping):
        raise ParameterTypeError(
            f"{label}: bounds = {quoted(bounds)}: expected a dict from keys to pairs, such as (0.0, None)"
        )
    for key, bound in bounds.items():
        if not isinstance(bound, (tuple, list)) or len(bound) != 2:
            raise ParameterTypeError(
                f"{label}: bounds: {quoted(key)}: {quoted(bound)}: expected the smallest and the largest value, "
                "such as (0.0, None)"
            )
    return bounds


def checked_rates(net: Network, lr: object, keys: list[str]) -> dict[str, Rate]:
    """Return the learning rate of each parameter."""
    if not isinstance(lr, Mapping):
        return dict.fromkeys(keys, checked_rate("lr", lr))
    rates: dict[str, Rate] = {}
    for text, value in lr.items():
        new = [key for key in selected("optim: lr", net, text, keys) if key not in rates]
        if not new:
            raise ParameterError(
                f"optim: lr: {quoted(text)} has no effect, because earlier entries match all of its parameters; move "
                "it before these entries"
            )
        rates |= dict.fromkeys(new, checked_rate(f"lr[{quoted(text)}]", value))
    missing = [key for key in keys if key not in rates]
    if missing:
        raise ParameterError(
            f"optim: lr: no entry matches {missing[0]}; expected an entry for each trained parameter, such as '*' for "
            "all others as the last entry"
        )
    return rates


def checked_rate(name: str, value: object) -> Rate:
    """Return a learning rate (a number or a function of the step) after checking it."""
    if callable(value) and not isinstance(value, type):
        return value
    if isinstance(value, type):
        expected = "a number > 0, a function of the step, or a schedule such as ExponentialDecay(0.1, 0.99)"
        raise ParameterTypeError(f"optim: {name} = {value.__name__}: expected {expected}, not a class")
    if not isinstance(value, (float, np.floating)) and not is_whole(value):
        real(f"optim: {name}", value, "a number > 0, a function of the step, or a dict of them")
    return positive(name, value)


def rate_at(rate: Rate, step: int) -> float:
    """Return the value of a learning rate after ``step`` completed steps."""
    if not callable(rate):
        return rate
    try:
        value = rate(step)
    except DendrionError:
        raise
    except Exception as error:
        raise ParameterError(f"optim: lr({step}) raised {quoted(error)}") from error
    number = real(f"optim: lr({step})", value, "a number >= 0")
    if not (np.isfinite(number) and number >= 0):
        raise ParameterError(f"optim: lr({step}) = {told(value)}: expected a finite number >= 0")
    return number


def checked_decay(net: Network, decay: object, keys: list[str]) -> dict[str, float]:
    """Return the weight decay of each parameter that has one."""
    if isinstance(decay, Mapping):
        found: dict[str, float] = {}
        for text, value in decay.items():
            number = non_negative(f"weight_decay[{quoted(text)}]", value)
            found = dict.fromkeys(selected("optim: weight_decay", net, text, keys), number) | found
        return found
    number = non_negative("weight_decay", decay, "a number >= 0, or a dict from patterns to numbers")
    weights = GROUPS["weights"](net, keys)
    if number and not weights:
        raise ParameterError(
            f"optim: weight_decay = {told(decay)}: a number applies to weights of connections, and none are trained; "
            f"use Adam, or a dict such as {{{keys[0]!r}: {number:g}}}"
        )
    return dict.fromkeys(weights, number)


def non_negative(name: str, value: object, expected: str = "a number >= 0") -> float:
    """Return a finite number >= 0."""
    number = real(f"optim: {name}", value, expected)
    if not (np.isfinite(number) and number >= 0):
        raise ParameterError(f"optim: {name} = {told(value)}: expected a finite number >= 0")
    return number
