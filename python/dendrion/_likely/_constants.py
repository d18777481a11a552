"""Time constants of gates and other states, where they are numbers in the model."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

import numpy as np

from ..equations import Written
from ..module import Module
from ..receptors import Receptor

__all__ = ["shortest", "time_constants"]

#: What follows ``dx/dt =`` in equations.
_DERIVATIVE = re.compile(r"^\s*d\w+/dt\s*=(.*)$", re.M)
#: A name that something is divided by.
_DIVISOR = re.compile(r"/\s*([A-Za-z_]\w*)")


def shortest(parts: Iterable[Module]) -> tuple[float, Module, str] | None:
    """Return the shortest time constant (ms) that is a parameter, of which module and its name."""
    found = [
        (float(np.min(value)), part, name)
        for part in parts
        for name in time_constants(part)
        if (value := part._values.get(name)) is not None
    ]
    return min(found, key=lambda f: f[0], default=None)


def time_constants(part: Module) -> tuple[str, ...]:
    """Return the names of a module's parameters that are time constants of its states."""
    if isinstance(part, Receptor) and part._receptor is not None:
        return "t_rise", "t_decay"
    return _named(type(part)) if isinstance(part, Written) else ()


@functools.lru_cache(maxsize=256)
def _named(cls: type[Written]) -> tuple[str, ...]:
    """Return the parameters in ms by which derivatives are divided in a class's equations."""
    if cls._definition is None:
        return ()
    times = {name for name, unit, *_ in cls._definition.parameters() if unit == "ms"}
    divisors = (name for line in _DERIVATIVE.findall(cls.equations) for name in _DIVISOR.findall(line))
    return tuple(dict.fromkeys(name for name in divisors if name in times))
