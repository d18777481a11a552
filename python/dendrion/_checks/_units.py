"""Checks for values that are probably not in the unit that Dendrion expects.

The limits are far from the values of published models. A value is reported only if it is implausible in Dendrion's unit
and plausible in another unit. Quantities from the packages pint, quantities and Brian2 are converted and never
reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..connections.initializers import Initializer, Truncated
from ..connections.synapse import MCSynapse
from ..inputs.currents import CurrentGenerator
from ..modules.module import Module
from ..neurons.coupling import MCConn
from ..neurons.equations import Written
from ..neurons.receptors import GABA, NMDA
from ..units import unit_in_table

__all__ = ["odd_state", "odd_step", "odd_value", "odd_values"]

Numbers = NDArray[np.float64]


class Rule(NamedTuple):
    """A rule that recognizes values in another unit."""

    #: Returns whether values, none of which is 0, are implausible.
    is_odd: Callable[[Numbers], bool]
    #: The unit that such values seem to have, and the factor to Dendrion's unit; ``None`` if the two are not
    #: proportional.
    seems_in: str
    factor: float | None


def _below(limit: float, least: float = 0.0) -> Callable[[Numbers], bool]:
    """Return a test for magnitudes below ``limit`` and above ``least``; smaller values are often used instead of 0."""
    return lambda v: bool(np.abs(v).max() < limit and np.abs(v).min() > least)


def _above(limit: float) -> Callable[[Numbers], bool]:
    return lambda v: bool(v.min() > limit)


def _far(limit: float) -> Callable[[Numbers], bool]:
    return lambda v: bool(np.abs(v).min() > limit)


#: Range of potentials in volts: 10 mV to 200 mV.
_LEAST, _MOST = 0.01, 0.2


def _volts(v: Numbers) -> bool:
    """Return whether all potentials seem to be in volts, or some seem to be in volts and the others in mV."""
    odd = (np.abs(v) >= _LEAST) & (np.abs(v) <= _MOST)
    return bool(odd.all() or (odd.any() and np.median(np.abs(v)) > 10.0))


def _negative_volts(v: Numbers) -> bool:
    return bool((v < 0).any()) and _volts(v[v < 0])


_VOLTS = Rule(_volts, "volts", 1e3)
_AMPERES = Rule(_below(1e-6), "amperes", 1e12)
_SIEMENS = Rule(_below(1e-6, least=1e-11), "siemens", 1e9)
#: Leaks and couplings of 1e-9 nS or less are often used in models instead of 0.
_LEAKS = Rule(_below(1e-6, least=1.001e-9), "siemens", 1e9)
_SECONDS = Rule(_below(0.01), "seconds", 1e3)

#: Rules for parameters by unit.
_BY_UNIT: dict[str, tuple[Rule, ...]] = {
    "mV": (_VOLTS, Rule(_far(2000.0), "microvolts", 1e-3)),
    "pF": (Rule(_below(1e-6), "farads", 1e12),),
    "nS": (_SIEMENS,),
    "uS/cm2": (Rule(_below(0.005, least=1e-6), "S/cm2", 1e6), Rule(_below(0.5, least=0.005), "mS/cm2", 1e3)),
    "uF/cm2": (Rule(_below(1e-4), "F/cm2", 1e6), Rule(_below(0.05, least=1e-4), "F/m2", 1e2)),
    "mS/cm2": (Rule(_above(1e4), "uS/cm2", 1e-3),),
    "pA": (_AMPERES,),
    "ms": (_SECONDS,),
    "Hz": (Rule(_below(1e-3), "spikes per ms", 1e3),),
    "1/mV": (Rule(_above(5.0), "1/V", 1e-3),),
    "ohm cm": (Rule(_below(5.0), "ohm m", 1e2), Rule(_above(2e4), "ohm um", 1e-4)),
}
#: Rules for parameters by name, which take precedence over the unit.
_BY_NAME: dict[str, tuple[Rule, ...]] = {
    # Very high thresholds are used to keep neurons from spiking.
    "V_th": (_VOLTS, Rule(lambda v: bool(v.max() < -2000.0), "microvolts", 1e-3)),
    "V_spike": (_VOLTS,),
    "DeltaT": (Rule(_below(0.02), "volts", 1e3),),
    "gamma": (),
    "length": (Rule(_below(0.02), "metres or centimetres", None),),
    "diameter": (Rule(_below(0.01), "metres or centimetres", None), Rule(_above(2000.0), "nanometres", 1e-3)),
    "Mg": (Rule(_above(100.0), "micromolar", 1e-3),),
    "beta": (Rule(_above(100.0), "micromolar", 1e-3),),
    "weight": (Rule(_below(1e-6), "siemens", None),),
}
#: Modules whose classes have default values from published models.
_LIBRARY = ("dendrion.neurons.active", "dendrion.channels")
#: Parameters that are usually long: time constants of plasticity traces and of recovery.
_TRACES = ("stdp_tau", "tau_triplet", "tau_plus", "tau_plus_triplet", "tau_rec")
_SLOW = (Rule(_below(0.5), "seconds", 1e3),)
#: The specific capacitance of any cell is a few uF/cm2.
_ABSOLUTE = Rule(_above(20.0), "pF", None)
#: Units to suggest if the value of a library parameter is about a thousandth of, or a thousand times, its default.
_THOUSANDTH = {"mV": "volts", "ms": "seconds"}
_THOUSAND = {"mM": "micromolar"}


def odd_values(modules: Iterable[Module]) -> Iterator[str]:
    """Yield a warning for each value that seems to be in another unit. Each parameter is reported once."""
    for module in modules:
        given = dict(module._values)
        if isinstance(module, MCSynapse):
            given["delay"] = module.__dict__["_delay"]
        elif isinstance(module, CurrentGenerator):
            given["waveform"] = module.waveform
        for name, value in given.items():
            yield from _told(module, name, value)


def odd_value(module: Module, name: str, value: Any) -> Iterator[str]:
    """Yield a warning if the value of a parameter seems to be in another unit."""
    yield from _told(module, name, value)


def odd_state(module: Module, name: str, value: Any) -> Iterator[str]:
    """Yield a warning if a potential seems to be in volts. Models with a resting potential near 0 are not checked."""
    values, rest = _numbers(value), _numbers(module._values.get("V_rest"))
    if values is not None and rest is not None and np.abs(rest).min() > 10.0 and _negative_volts(values):
        yield f"{module.path}: {name} = {_shown(values)} seems to be in volts; {_advice(_VOLTS, values, 'mV')}"


def odd_step(dt: float) -> Iterator[str]:
    """Yield a warning if the time step seems to be in seconds."""
    if dt < 5e-4:
        yield f"network: dt = {dt:g} ms seems to be in seconds; Dendrion expects ms (did you mean dt={1e3 * dt:g}?)"


def _told(module: Module, name: str, value: Any) -> Iterator[str]:
    told: set[str] = module.__dict__.setdefault("_odd_units", set())
    if name in told or name in module._measured:
        return
    values = _numbers(value)
    if values is None:
        return
    unit = _unit(module, name)
    rule = next((rule for rule in _rules(module, name, unit) if rule.is_odd(values)), None)
    if rule is not None:
        told.add(name)
        seems = f"{name} = {_shown(values)} seems to be in {rule.seems_in}"
        yield f"{module.path}: {seems}; {_advice(rule, values, unit)}"


def _numbers(value: Any) -> Numbers | None:
    """Return the nonzero values, or a typical value of a distribution."""
    if isinstance(value, Initializer):
        value = _typical(value)
    if value is None or callable(value):
        return None
    values = np.asarray(value, dtype=np.float64).reshape(-1)
    values = values[values != 0]
    return values if len(values) else None


def _typical(drawn: Initializer) -> float | None:
    """Return a typical value of a distribution without a unit."""
    if drawn._unit is not None:
        return None
    of = drawn.of if isinstance(drawn, Truncated) else drawn
    index = {"constant": 0, "normal": 0, "uniform": 1}.get(of._kind)
    return None if index is None else float(of._numbers[index])


def _unit(module: Module, name: str) -> str:
    if isinstance(module, MCSynapse) and name in ("w", "delay"):
        return module._kind(name).unit
    return "pA" if name == "waveform" else module._unit_of(name).partition(" with")[0]


def _rules(module: Module, name: str, unit: str) -> Iterator[Rule]:
    written = isinstance(module, Written) and module._definition is not None
    own = written and all(unit_in_table(kind, name) is None for kind in module._kinds)
    if own and type(module).__module__ not in _LIBRARY:
        # A custom parameter in mV may be a slope or a width.
        if unit == "mV":
            yield Rule(_negative_volts, "volts", 1e3)
        elif unit in ("nS", "pA", "pF"):
            yield from _BY_UNIT[unit]
        return
    if name in _TRACES and unit == "ms":
        yield from _SLOW
    elif unit == "nS" and (name == "gL" or isinstance(module, MCConn)):
        yield _LEAKS
    elif name == "t_decay" and isinstance(module, (NMDA, GABA)) and _rises_fast(module):
        yield Rule(_below(0.5 if isinstance(module, NMDA) else 0.05), "seconds", 1e3)
    elif isinstance(module, MCSynapse) and name == "w":
        yield from _BY_UNIT[unit] if unit else _BY_NAME["weight"]
    elif name in _BY_NAME:
        yield from _BY_NAME[name]
    else:
        yield from _BY_UNIT.get(unit, ())
    if name == "C" and unit == "uF/cm2" and np.any(np.asarray(module._values["C"]) != _default(module, "C")):
        yield _ABSOLUTE
    if own:
        yield from _far_from_default(module, name, unit)


def _rises_fast(receptor: Module) -> bool:
    """Return whether a receptor rises faster than it decays, as all realistic receptors do."""
    rise, decay = receptor._values["t_rise"], receptor._values["t_decay"]
    return rise is None or bool(np.all(3.0 * np.asarray(rise) < np.asarray(decay)))


def _far_from_default(module: Module, name: str, unit: str) -> Iterator[Rule]:
    default = _default(module, name)
    if not default:
        return
    if unit in _THOUSANDTH:
        yield Rule(lambda v: bool((np.abs(v / default - 1e-3) < 7e-4).all()), _THOUSANDTH[unit], 1e3)
    if unit in _THOUSAND:
        yield Rule(lambda v: bool((np.abs(v / default - 1e3) < 7e2).all()), _THOUSAND[unit], 1e-3)


def _default(module: Module, name: str) -> float | None:
    if name == "C":
        return 58.9
    definition = module._definition if isinstance(module, Written) else None
    rows = () if definition is None else definition.parameters()
    return next((default for known, _, default, *_ in rows if known == name), None)


def _shown(values: Numbers) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _advice(rule: Rule, values: Numbers, unit: str) -> str:
    if rule is _ABSOLUTE:
        return "with length and diameter, C is the specific capacitance in uF/cm2, typically 1"
    if not unit:
        return "Dendrion expects a factor for the receptor's conductance g (nS), typically 1"
    if rule.factor is None:
        return f"Dendrion expects {unit}"
    meant = _shown(np.array([float(f"{rule.factor * v:.12g}") for v in (values.min(), values.max())]))
    return f"Dendrion expects {unit} (did you mean {meant} {unit}?)"
