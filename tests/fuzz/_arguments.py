"""Keyword arguments: valid ones, some of which are then replaced with hostile ones."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import dendrion as dn
import numpy as np

from ._session import Session

_signatures: dict[Any, list[inspect.Parameter]] = {}


def parameters(function: Any) -> list[inspect.Parameter]:
    """Return the parameters of a class or function that can be passed as keywords."""
    if function not in _signatures:
        found = inspect.signature(function).parameters.values()
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        _signatures[function] = [p for p in found if p.kind in kinds]
    return _signatures[function]


def call(
    s: Session,
    function: Any,
    hostility: float = 0.4,
    label: str = "",
    without: Collection[str] = (),
    **fixed: Any,
) -> Any:
    """Call a function with keyword arguments: fixed, required and a few optional ones, some of them hostile.

    Optional parameters whose names are in ``without`` are left out, unless they are hostile.
    """
    given, label = dict(fixed), label or getattr(function, "__qualname__", repr(function))
    known = parameters(function)
    for parameter in known:
        is_given = parameter.name in given or parameter.name in without
        if not is_given and (parameter.default is parameter.empty or s.chance(0.2)):
            given[parameter.name] = argument(s, parameter)
    if known and s.chance(hostility):
        for _ in range(1 if s.chance(0.8) else 2):
            given[s.random.choice(known).name] = s.hostile()
    if s.chance(0.03 * hostility):
        given[s.random.choice(("sise", "self", "V_rset", "x"))] = s.hostile()
    if s.chance(0.03 * hostility):
        return s.call(label, function, *(s.hostile() for _ in range(s.random.randrange(12))))
    return s.call(label, function, **given)


def argument(s: Session, parameter: inspect.Parameter) -> Any:
    """Return a value for a parameter, which is valid if the pool contains suitable objects."""
    maker = MAKERS.get(parameter.name)
    if maker is not None:
        return maker(s)
    default = parameter.default
    if isinstance(default, bool):
        return s.chance(0.5)
    if isinstance(default, int) and default is not parameter.empty:
        return s.random.randrange(5)
    return numbers(s, default if isinstance(default, float) and math.isfinite(default) else 1.0)


def numbers(s: Session, about: float) -> Any:
    """Return a random number near ``about``, or one such number for each member."""
    if s.chance(0.7):
        return about * s.random.uniform(0.5, 1.5)
    values = [about * s.random.uniform(0.5, 1.5) for _ in range(s.size)]
    return values if s.chance(0.3) else np.array(values, dtype=s.random.choice((np.float64, np.float32)))


def is_hashable(value: Any) -> bool:
    """Return whether a value can be a key of a dict."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def per_connection(s: Session) -> Any:
    """Return weights or delays."""
    draw = s.random.random()
    if draw < 0.4:
        return s.random.uniform(0.1, 3.0)
    if draw < 0.6:
        return s.of(dn.Initializer) or dn.Uniform(0.5, 1.0)
    if draw < 0.8:
        return lambda pre, post: 1.0 + 0.1 * pre
    return np.full(s.size * s.size, 0.5)


def rule(s: Session) -> Any:
    """Return a connection rule, or explicit connections."""
    n = s.size
    makers: list[Callable[[], Any]] = [
        *(dn.All2All, dn.One2One, lambda: dn.FixedProb(0.5), lambda: dn.FixedIndegree(1), lambda: dn.FixedTotal(1)),
        *(lambda: np.ones((n, n)), lambda: dn.CustomConn([0], [n - 1]), lambda: dn.FixedOutdegree(1)),
        *(lambda: s.of(dn.Connector) or dn.All2All(), lambda: s.of(dn.CustomConn) or dn.All2All()),
    ]
    return s.random.choice(makers)()


def name(s: Session) -> str | None:
    """Return a name that is probably not taken."""
    return None if s.chance(0.5) else f"n{s.random.randrange(10**6)}"


def frozen(s: Session) -> Mapping[str, Any]:
    """Return parameters to freeze."""
    return {s.random.choice(("gL", "C", "V_th", "rate", "w", "g")): numbers(s, 5.0)}


MAKERS: dict[str, Callable[[Session], Any]] = {
    "size": lambda s: s.size,
    "parent": lambda s: s.of(dn.Module, dn.VarManager) if s.chance(0.4) else None,
    "name": name,
    "frozen_params": frozen,
    "V_rest": lambda s: numbers(s, -65.0),
    "V_th": lambda s: numbers(s, 10.0),
    "V_reset": lambda s: s.random.choice((None, -60.0, numbers(s, -65.0))),
    "length": lambda s: numbers(s, 100.0),
    "diameter": lambda s: numbers(s, 2.0),
    "t_decay": lambda s: numbers(s, 5.0),
    "pre": lambda s: s.of(dn.Generator, dn.MCNeuron, dn.Receptor, dn.Compartment),
    "post": lambda s: s.of(dn.Receptor if s.chance(0.5) else dn.Compartment),
    "mc": lambda s: s.of(dn.Compartment, dn.Site),
    "on": lambda s: s.of(dn.Compartment, dn.Site, dn.Region),
    "at": lambda s: s.of(dn.Location, dn.Site),
    "site": lambda s: s.of(dn.Site),
    "neuron": lambda s: s.of(dn.CableNeuron),
    "tree": lambda s: s.of(dn.Morphology),
    "cv": lambda s: s.of(dn.DLambda, dn.MaxLength, dn.PerSection) or dn.PerSection(2),
    "spike_at": lambda s: s.of(dn.Location),
    "gates": lambda s: s.random.choice(("rational", "cnexp", "coupled")),
    "staggered": lambda s: s.random.choice((None, True, False)),
    "conn": rule,
    "weight": per_connection,
    "delay": per_connection,
    "plasticity": lambda s: s.of(dn.Plasticity),
    "dendritic_delay": lambda s: s.random.choice((1, 2, dn.Constant(2.0), lambda n: np.ones(n, dtype=int))),
    "surrogate_grad_fn": lambda s: s.of(dn.Surrogate) or dn.Sigmoid(),
    "odemethod": lambda s: s.random.choice([*dn.SolverMethodODE, "rk4", "exp_euler"]),
    "sdemethod": lambda s: s.random.choice([*dn.SolverMethodSDE, "milstein"]),
    "value": lambda s: 1.0,
    "of": lambda s: s.of(dn.Initializer) or dn.Normal(1.0, 0.1),
    "area_name": lambda s: "CA1",
    "rng_col": lambda s: "stream",
    "fn": lambda s: s.random.choice((lambda t: np.zeros((len(t), s.size), dtype=int), np.eye(s.size, dtype=int))),
    "waveform": lambda s: np.ones((5, s.size)),
    "interval": lambda s: 0.5,
    "indices": lambda s: [0],
    "times": lambda s: [0.5],
    "values": lambda s: [3.0],
    "rate": lambda s: s.of(dn.Piecewise) or numbers(s, 100.0),
    "amplitude": lambda s: s.of(dn.Piecewise) or numbers(s, 20.0),
    "function": lambda s: s.random.choice((lambda x: 1 / (1 + abs(x)), ["x", "abs"])),
    "net": lambda s: s.nets[-1] if s.nets else None,
    "dt": lambda s: s.random.choice((0.1, 0.5, 1.0)),
    "dtype": lambda s: s.random.choice(("float64", "float32", np.float32)),
    "seed": lambda s: s.random.randrange(9),
    "threads": lambda s: s.random.choice((1, 1, 1, 2)),
    "start": lambda s: s.random.choice((0.0, 1.0)),
    "stop": lambda s: s.random.choice((math.inf, 5.0)),
    "progress": lambda s: False,
    "train": lambda s: None,
    "bounds": lambda s: None,
    "prob": lambda s: s.of(dn.Piecewise) if s.chance(0.2) else 0.5,
    "momentum": lambda s: 0.5,
    "betas": lambda s: (0.9, 0.99),
    "low": lambda s: 0.5,
    "high": lambda s: 1.5,
    "matrix": lambda s: np.eye(s.size),
    "indptr": lambda s: [0, 1],
    "data": lambda s: None,
    "w": lambda s: None,
    "U": lambda s: 0.5,
}
