"""Learning rates that depend on the number of completed steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from .._suggest import SuggestingKeywords
from ..errors import ParameterError
from ..modules._fixed import Abstract, FixedOnceMade
from ._checks import checked_rate, count, fraction, non_negative, positive, rate_at

__all__ = ["CosineDecay", "ExponentialDecay", "Schedule", "StepDecay", "Warmup"]


class Schedule(Abstract, FixedOnceMade, SuggestingKeywords):
    """Base class of the schedules: functions from the number of completed steps to the learning rate.

    Pass one as ``lr`` to an optimizer. Any other function of one integer is accepted too, such as
    ``lambda step: 0.1 / (1 + step)``.
    """

    _examples: ClassVar[str] = "ExponentialDecay(0.1, 0.99)"

    def __call__(self, step: int) -> float:
        """Return the learning rate after ``step`` completed steps."""
        raise NotImplementedError

    def __repr__(self) -> str:
        given = (f"{name}={value!r}" for name, value in vars(self).items() if not name.startswith("_"))
        return f"{type(self).__name__}({', '.join(given)})"


class StepDecay(Schedule):
    """Multiplies the learning rate by ``factor`` after every ``every`` steps.

    Parameters
    ----------
    lr : float
        Initial learning rate, > 0.
    every : int
        Number of steps between changes, >= 1.
    factor : float
        Factor, > 0.
    """

    def __init__(self, lr: float, every: int, factor: float = 0.1) -> None:
        self.lr = positive("lr", lr)
        self.every = count("every", every, 1)
        self.factor = positive("factor", factor)

    def __call__(self, step: int) -> float:
        """Return the learning rate after ``step`` completed steps."""
        return _power(self.lr, self.factor, step // self.every)


class ExponentialDecay(Schedule):
    """Multiplies the learning rate by ``factor`` in each step.

    Parameters
    ----------
    lr : float
        Initial learning rate, > 0.
    factor : float
        Factor, > 0.
    """

    def __init__(self, lr: float, factor: float) -> None:
        self.lr = positive("lr", lr)
        self.factor = positive("factor", factor)

    def __call__(self, step: int) -> float:
        """Return the learning rate after ``step`` completed steps."""
        return _power(self.lr, self.factor, step)


class CosineDecay(Schedule):
    """Decreases the learning rate along half a period of a cosine (Loshchilov & Hutter 2017).

    Parameters
    ----------
    lr : float
        Initial learning rate, > 0.
    steps : int
        Number of steps until the learning rate reaches ``least``, >= 1. Afterwards it stays there.
    least : float
        Final learning rate, >= 0 and at most ``lr``.
    """

    def __init__(self, lr: float, steps: int, least: float = 0.0) -> None:
        self.lr = positive("lr", lr)
        self.steps = count("steps", steps, 1)
        self.least = non_negative("least", least)
        if self.least > self.lr:
            raise ParameterError(f"optim: least = {self.least:g}: expected a number between 0 and lr = {self.lr:g}")

    def __call__(self, step: int) -> float:
        """Return the learning rate after ``step`` completed steps."""
        phase = math.pi * min(step, self.steps) / self.steps
        return self.least + (self.lr - self.least) * (1 + math.cos(phase)) / 2


class Warmup(Schedule):
    """Increases the learning rate linearly, then continues with another schedule.

    Parameters
    ----------
    then : float, schedule or function
        The learning rate after the warm-up, > 0, or a schedule, which starts at its step 0 after the warm-up.
    steps : int
        Number of steps of the warm-up, >= 1.
    start : float
        Initial learning rate as a fraction of the first value of ``then``, in [0, 1).
    """

    def __init__(self, then: float | Callable[[int], float], steps: int, start: float = 0.1) -> None:
        self.then = checked_rate("then", then) if callable(then) else positive("then", then)
        self.steps = count("steps", steps, 1)
        self.start = fraction("start", start)

    def __call__(self, step: int) -> float:
        """Return the learning rate after ``step`` completed steps."""
        if step >= self.steps:
            return rate_at(self.then, step - self.steps)
        return rate_at(self.then, 0) * (self.start + (1 - self.start) * step / self.steps)


def _power(lr: float, factor: float, exponent: int) -> float:
    with np.errstate(all="ignore"):
        # Infinite values are rejected by the optimizer; Python's ``**`` would raise OverflowError.
        return float(lr * np.float64(factor) ** exponent)
