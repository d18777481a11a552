"""Time constants of gates and other states that are parameters of the model."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

import numpy as np

from ..modules.module import Module
from ..neurons.equations import Written
from ..neurons.receptors import Receptor

__all__ = ["shortest", "time_constants"]

#: The right-hand side of ``dx/dt =`` in equations.
_DERIVATIVE = re.compile(r"^\s*d\w+/dt\s*=(.*)$", re.M)
#: A name in a denominator.
_DIVISOR = re.compile(r"/\s*([A-Za-z_]\w*)")


def shortest(parts: Iterable[Module]) -> tuple[float, Module, str] | None:
    """Return the shortest time constant (ms) among the parameters, with its module and name."""
    found = [
        (float(np.min(value)), part, name)
        for part in parts
        for name in time_constants(part)
        if (value := part._values.get(name)) is not None
    ]
    # Equations need not limit their parameters. A time constant of 0 is detected when a step divides by it.
    return min((f for f in found if f[0] > 0.0), key=lambda f: f[0], default=None)


def time_constants(part: Module) -> list[str]:
    """Return the names of a module's parameters that are time constants of its states.

    In custom equations, these are the parameters in ms that occur as divisors in derivatives.
    """
    if isinstance(part, Receptor) and part._receptor is not None:
        return ["t_rise", "t_decay"]
    if not isinstance(part, Written) or part._definition is None:
        return []
    times = {name for name, unit, *_ in part._definition.parameters() if unit == "ms"}
    return [name for name in _divisors(part.equations) if name in times]


@functools.lru_cache(maxsize=256)
def _divisors(equations: str) -> tuple[str, ...]:
    """Return all names that occur as divisors in derivatives."""
    found = (name for line in _DERIVATIVE.findall(equations) for name in _DIVISOR.findall(line))
    return tuple(dict.fromkeys(found))
