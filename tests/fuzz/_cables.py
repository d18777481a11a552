"""Operations of a session on detailed cells: make, place, clamp, probe and simulate them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dendrion as dn
import numpy as np

from ._arguments import call, is_hashable, name, numbers
from ._morphologies import made, where
from ._session import Session

__all__ = ["cables"]


class Spread(dn.Channel):
    """A user's channel with a current per area and a gate."""

    equations = """
    I = g * m * (E - V) : pA/um2
    dm/dt = (1/(1 + exp(-(V + 40 mV)/5 mV)) - m) / tau : 1
    g = 1 mS/cm2 (>= 0); E = -70 mV; tau = 5 ms (> 0)
    """


class At(dn.Channel):
    """A user's channel at points."""

    equations = "I = g*(E - V) : pA; g = 1 nS (>= 0); E = -70 mV"


class Kick(dn.Receptor):
    """A user's receptor."""

    equations = """
    I = g * s * (E - V) : pA
    ds/dt = -s / tau : 1
    on event: s += weight
    g = 1 nS; E = 0 mV; tau = 3 ms (> 0)
    """


#: Mechanisms on regions, without those that import concentrations.
ON = (*(dn.channels.HHNa, dn.channels.HHK, dn.channels.Ih, dn.channels.KM, dn.channels.CaL), Spread)
#: Mechanisms at points.
AT = (dn.AMPA, dn.NMDA, dn.GABA, Kick, At, dn.channels.HHK.absolute)
#: Parameters that receptors on detailed cells do not have.
MEMBRANE = ("C", "gL", "V_rest", "length", "diameter", "r_axial", "area_factor")


def cables(s: Session) -> None:
    """Make detailed cells, or use some from the pool."""
    cells = s.of(dn.CableNeuron)
    if cells is None or s.chance(0.25):
        s.keep(_cells(s))
    else:
        s.random.choice(USES)(s, cells)


# Arguments


def _tree(s: Session) -> Any:
    tree = s.of(dn.Morphology) if s.chance(0.5) else made(s)
    if tree is None:
        tree = dn.Morphology.ball_and_stick(100.0, 2.0) if s.chance(0.5) else dn.Morphology.cable(50.0, 1.0)
    return s.keep(tree)


def _rule(s: Session, tree: dn.Morphology) -> Any:
    sections = len(tree.sections)
    rules: tuple[Callable[[], Any], ...] = (
        *(lambda: dn.PerSection(1), lambda: dn.PerSection(3), lambda: dn.PerSection([2] * sections)),
        *(lambda: dn.MaxLength(30.0), lambda: dn.DLambda(0.2), lambda: tree.cvs(dn.PerSection(2))),
    )
    return s.random.choice(rules)()


def _density(s: Session, tree: dn.Morphology, about: float, sites: int, size: int) -> Any:
    """Return values of a parameter in one of the forms that depend on the place."""
    draw = s.random.random()
    if draw < 0.2:
        found = {"all": about, s.random.choice(tree.kinds): 1.1 * about}
        if s.chance(0.3):
            region = s.hostile() if s.chance(0.3) else where(s, tree)
            if is_hashable(region):
                found[region] = s.hostile() if s.chance(0.3) else _function(s)
        return found
    if draw < 0.4:
        return _function(s)
    if draw < 0.6:
        shape = s.random.choice(((sites,), (size, sites), (size, 1), (1, sites), (sites, size), (2, 0)))
        return np.full(shape, about)
    return s.hostile() if s.chance(0.3) else numbers(s, about)


def _function(s: Session) -> Any:
    functions: tuple[Any, ...] = (
        *(lambda d: 1.0 + 0.01 * d, lambda d: 2.0, lambda d: d.fill(-1.0) or d, lambda d: d[:1], lambda d: 1.0 / 0.0),
        *(lambda d: np.full_like(d, np.inf), lambda d: [None] * len(d), lambda: 1.0, np.exp, float),
        lambda d: s.hostile(),
    )
    return s.random.choice(functions[:2] if s.chance(0.6) else functions)


def _formula(s: Session) -> dict[str, Any]:
    """Return keyword arguments for a parameter g that is a formula."""
    texts = (
        *("g0 * exp(-distance/lam)", "g0 + distance/lam", "g0/(1 + distance/lam) + lam/diameter", "g0*lam", "2.5"),
        *("g0 if distance > lam else 2*g0", "exp(distance * lam)*g0", "1/(distance - lam) * g0"),
        *("log(-distance)", "", "g0 *", "distance + V", "exp(" * 300, "g0 mV", "x**y**z", "g0; E = 3", "g0\n# a"),
    )
    text = s.random.choice(texts[:5] if s.chance(0.6) else texts)
    found: dict[str, Any] = {"g": text}
    for parameter in ("g0", "lam"):
        if parameter in text or s.chance(0.05):
            found[parameter] = s.hostile() if s.chance(0.15) else s.random.choice((1.5, 100.0))
    return found


def _membrane(s: Session, tree: dn.Morphology, cvs: int) -> dict[str, Any]:
    given = {}
    for parameter, about in (("C", 1.0), ("gL", 40.0), ("V_rest", -65.0), ("V_init", -60.0)):
        if s.chance(0.25):
            given[parameter] = _density(s, tree, about, cvs, s.size)
    return given


def _place(s: Session, cells: dn.CableNeuron) -> Any:
    """Return a place for points: a location, several of them, a region or a site. Some belong to other cells."""
    tree = cells.tree
    places: tuple[Callable[[], Any], ...] = (
        *(lambda: s.of(dn.Location), lambda: s.of(dn.Site), lambda: s.of(dn.Region), lambda: "soma", lambda: "axon"),
        *(lambda: "all", lambda: s.random.choice(tree.kinds), lambda: tree.at(0, s.random.random())),
        *(lambda: tree.random(n=s.random.choice((1, 3)), seed=1), lambda: [tree.at(len(tree.sections) - 1, 1.0)]),
    )
    return s.random.choice(places[5:] if s.chance(0.7) else places)() or "all"


# Cells and what is on them


def _cells(s: Session, hostility: float = 0.4) -> Any:
    tree = _tree(s)
    given = {"size": s.size, "tree": tree, "cv": _rule(s, tree), "name": name(s)}
    given |= _membrane(s, tree, 1) if s.chance(hostility) else {}
    if s.chance(0.3):
        given["odemethod"] = s.random.choice(("crank_nicolson", "IMPLICIT_EULER", dn.SolverMethodODE.CRANK_NICOLSON))
    if s.chance(0.3):
        given["gates"] = s.random.choice(("rational", "cnexp", "coupled"))
    if s.chance(0.2):
        given["staggered"] = s.random.choice((None, True, False))
    if s.chance(0.2):
        given["spike_at"] = s.of(dn.Location) or "soma"
    if s.chance(0.2):
        given |= {"reset": True, "V_th": -64.0, "V_reset": -66.0}
    # Without these, a random parent or an array of another size would make most calls fail.
    given = {"parent": None, **{k: v for k, v in given.items() if v is not None}}
    return call(s, dn.CableNeuron, hostility, **given)


def _channel(s: Session, cells: dn.CableNeuron, hostility: float = 0.3) -> Any:
    kind = s.random.choice(ON)
    region = s.random.choice(("all", *cells.tree.kinds))
    if s.chance(0.3):
        region = s.hostile() if s.chance(hostility) else (s.of(dn.Region, dn.Site) or region)
    given: dict[str, Any] = {"size": cells, "on": region, "name": name(s), "at": None}
    draw = s.random.random()
    if draw < 0.35:
        given |= _formula(s)
    elif draw < 0.6:
        given["g"] = _density(s, cells.tree, 1.0, len(cells.cvs), cells.size)
    return _placed(s, kind, hostility, given)


def _at_points(s: Session, cells: dn.CableNeuron, hostility: float = 0.3) -> Any:
    place = s.hostile() if s.chance(0.5 * hostility) else _place(s, cells)
    given: dict[str, Any] = {"size": cells, "at": place, "name": name(s)}
    kind = s.random.choice(AT)
    if issubclass(kind, dn.Channel):
        given["on"] = None
    if s.chance(0.2) and not kind.__module__.endswith("receptors"):
        given |= _formula(s)
    return _placed(s, kind, hostility, given)


def _placed(s: Session, kind: type, hostility: float, given: dict[str, Any]) -> Any:
    """Place a mechanism. Its owner is mostly the neuron itself."""
    if not s.chance(0.1):
        given["parent"] = given["size"]
    without = MEMBRANE if issubclass(kind, dn.Receptor) and not s.chance(0.1) else ()
    if s.chance(0.1 * hostility):
        given["size"] = s.hostile()
    return s.keep(call(s, kind, hostility, f"{kind.__name__} on cells", without, **given))


def _clamp(s: Session, cells: dn.CableNeuron, hostility: float = 0.3) -> Any:
    site = s.of(dn.Site) if s.chance(0.3) else cells.at(cv=0)
    given = {"site": site, "V_clamp": numbers(s, -40.0), "r_series": numbers(s, 5.0), "parent": cells, "name": name(s)}
    if s.chance(0.2):
        given["V_clamp"] = _density(s, cells.tree, -40.0, 1, cells.size)
    elif s.chance(0.4):
        given |= _time_course(s)
    return s.keep(call(s, dn.VoltageClamp, hostility, without=("interval",), **given))


def _time_course(s: Session) -> dict[str, Any]:
    """Return the arguments of a clamp whose potential is a function of time."""
    levels = [s.random.uniform(-80.0, 20.0) for _ in range(s.random.randrange(1, 6))]
    if s.chance(0.5):
        times = [0.0, 0.1, 0.35, 1.0, 7.0][: len(levels)]
        table = [[level] * s.random.choice((1, 2, s.size)) for level in levels]
        made = s.call("Piecewise", dn.Piecewise, times, s.random.choice((levels, levels, np.array(levels), table)))
        return {"V_clamp": made}
    return {"V_clamp": s.random.choice((levels, np.array(levels))), "interval": s.random.choice((0.1, 1.0, 0.3))}


def _site(s: Session, cells: dn.CableNeuron) -> None:
    draw = s.random.random()
    if draw < 0.5:
        made = call(s, cells.at, 0.3, "CableNeuron.at", where=_place(s, cells), cv=None)
    elif draw < 0.9:
        cv = s.random.choice((0, [0], np.arange(len(cells.cvs)), [len(cells.cvs) - 1, 0, 0]))
        made = call(s, cells.at, 0.3, "CableNeuron.at", where=None, cv=cv)
    else:
        made = call(s, dn.Site, 0.5, neuron=cells, cv=np.array([0, 1]), where="here", exact=None)
    if s.keep(made) is not None:
        for part in ("distance", "locations", "path", "size"):
            s.call(f"Site.{part}", getattr, made, part)
        s.call("Site()", lambda: bool([*made]) and repr(made) and len(made) > 0)


# Parameters


def _set(s: Session, cells: dn.CableNeuron) -> None:
    """Set and read a parameter of the membrane or of a mechanism."""
    parts = [m for m in cells.children() if isinstance(m, (dn.Channel, dn.Receptor))]
    module: Any = s.random.choice(parts) if parts and s.chance(0.5) else cells
    known = [*module._values, "V", "r_axial", "gates", "tree", "g"]
    parameter = s.random.choice(known)
    about = {"C": 1.0, "gL": 40.0, "r_axial": 100.0}.get(parameter, -60.0 if parameter[0] == "V" else 1.0)
    sites = len(cells.cvs) if module is cells else max(1, module.size // max(1, cells.size))
    value = _density(s, cells.tree, about, sites, cells.size)
    s.call(f"{type(module).__name__}.{parameter} =", setattr, module, parameter, value)
    s.call(f"{type(module).__name__}.{parameter}", getattr, module, parameter, is_read=True)


# Networks


def _network(s: Session, _: dn.CableNeuron) -> None:
    """Build a network of detailed cells with inputs, from calls of which some have hostile arguments."""
    cells = _cells(s, 0.1)
    if cells is None or cells.size > 100 or len(cells.cvs) > 300:
        return
    for _ in range(s.random.randrange(5)):
        s.random.choice((_channel, _at_points, _at_points))(s, cells, 0.05)
    if s.chance(0.2):
        _clamp(s, cells, 0.05)
    if s.chance(0.1):
        for kind in (dn.channels.CaL, dn.channels.CaPool, dn.channels.KCa):
            _placed(s, kind, 0.0, {"size": cells, "on": "all"})
    parts = [cells, *_inputs(s, cells)]
    given = {"odemethod": s.random.choice(("crank_nicolson", "implicit_euler"))} if s.chance(0.2) else {}
    net = call(s, dn.Network, 0.1, modules=parts, **given)
    if net is not None:
        s.keep(cells)
        s.nets.append(net)
        for _ in range(2):
            _probe(s, cells)


def _inputs(s: Session, cells: dn.CableNeuron) -> list[Any]:
    """Return generators, and connections from them to the cells and among the cells."""
    free = {"parent": None, "name": None}
    step = call(s, dn.DCGenerator, 0.05, size=1, amplitude=numbers(s, 50.0), **free)
    site = s.call("CableNeuron.at", cells.at, _place(s, cells))
    parts: list[Any] = [step, call(s, dn.ConnGen, 0.1, pre=step, mc=site, **free)] if step else []
    targets = [m for m in cells.children() if isinstance(m, dn.Receptor)]
    noise = call(s, dn.PoissonGenerator, 0.05, size=3, rate=100.0, **free) if targets else None
    if noise is not None:
        rule = s.random.choice((None, None, dn.STDP(), dn.TsodyksMarkram()))
        given = {"plasticity": rule, "delay": 1.0, **free}
        pre = s.random.choice((noise, cells))
        parts += [noise, call(s, dn.MCSynapse, 0.1, pre=pre, post=targets[-1], conn=dn.All2All(), **given)]
    return [part for part in parts if part is not None]


def _probe(s: Session, cells: dn.CableNeuron) -> None:
    """Probe the cells, a site or a mechanism in the newest network."""
    if not s.nets:
        return
    net: dn.Network = s.nets[-1]
    place = s.hostile() if s.chance(0.1) else _place(s, cells)
    site = s.call("CableNeuron.at", cells.at, place) if s.chance(0.6) else cells
    module = site if site is not None else cells
    parts = [m for m in cells.children() if isinstance(m, (dn.Channel, dn.Receptor))]
    given: dict[str, Any] = {"module": module, "variable": s.random.choice(("V", "V", "V", "spikes", "gL"))}
    if parts and s.chance(0.3):
        given = {"module": s.random.choice(parts), "variable": s.random.choice(("I", "I", "g", "m", "s"))}
    if s.chance(0.3):
        given["interpolate"] = s.random.choice((True, True, s.hostile()))
    if s.chance(0.2):
        given["indices"] = s.random.choice(([0], [0, 1], s.hostile()))
    made = s.call("net.probe", net.probe, **given)
    if made is not None:
        s.recordings.append(made)


def _draw(s: Session, cells: dn.CableNeuron) -> None:
    if not s.chance(0.3):
        return
    try:
        import matplotlib
    except ImportError:
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    color = s.random.choice((None, cells.cvs.distance, cells.C, s.hostile()))
    given = {"cvs": cells.cvs, "color": color, "sites": s.of(dn.Site)}
    s.call("plot.morphology", dn.plot.morphology, cells.tree, **{k: v for k, v in given.items() if v is not None})
    s.call("plot.tree", dn.plot.tree, cells)
    if s.recordings:
        recording = s.random.choice(s.recordings)
        given = {"recording": recording, "cells": s.random.choice((cells, cells, cells.cvs)), "ax": None}
        movie = call(s, dn.plot.movie, 0.4, **given)
        if movie is not None:
            # Matplotlib warns if nothing was drawn.
            movie._draw_was_started = True
    pyplot.close("all")


USES: tuple[Callable[[Session, Any], Any], ...] = (
    *(_channel, _channel, _at_points, _at_points, _clamp, _site, _site, _set, _set, _set),
    *(_network, _network, _network, _probe, _probe, _draw),
)
