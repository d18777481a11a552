"""Checks of the time step against the shortest time constant."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..inputs.noise import OUNoise
from ..modules.module import Module
from ..neurons.compartment import Compartment
from ..neurons.methods import SolverMethodODE
from ..neurons.neuron import Neuron
from ..neurons.receptors import Receptor
from ._constants import shortest
from ._membranes import Membranes, membranes

__all__ = ["EDGE", "STABLE", "too_long"]

#: Largest stable step of explicit methods, in time constants: the point on the negative real axis where the stability
#: function 1 + z + z^2/2 + ... leaves the unit circle.
STABLE = {
    SolverMethodODE.EULER: 2.0,
    SolverMethodODE.MIDPOINT: 2.0,
    SolverMethodODE.HEUN2: 2.0,
    SolverMethodODE.HEUN3: 2.5127,
    SolverMethodODE.RK4: 2.7853,
}
#: Fraction of the stability limit above which a warning is issued. Below this fraction errors are small, and there is
#: some margin for synaptic conductances, which shorten the membrane time constants.
EDGE = 0.9
#: Fraction of the stability limit that is recommended.
ADVISED = 0.5
#: Relative error of exponential Euler, and of the power of noise, above which a warning is issued.
ERROR = 0.25

#: Name, rate (1/ms) and voltage (mV) of a state.
Rate = tuple[str, float, float]

_REMEDY = "or odemethod=SolverMethodODE.CRANK_NICOLSON"


def too_long(
    neuron: Neuron,
    compartments: Sequence[Compartment],
    method: SolverMethodODE,
    dt: float,
    rates: Callable[[], Sequence[Rate]],
) -> Iterator[str]:
    """Yield warnings about a population's time step.

    For each state, ``rates`` returns the name, the highest intrinsic rate of change (1/ms) at any voltage that a neuron
    may reach, and the voltage (mV) at which this rate occurs.
    """
    parts = [m for m in neuron.modules() if m is not neuron and not isinstance(m, Neuron)]
    if method in STABLE:
        own = [_Own(f"{neuron.path}/{name.rpartition('.')[0]}", name.rpartition(".")[2], *at) for name, *at in rates()]
        found = _explicit(membranes(compartments, parts), parts, method, dt, own)
        found = found or (_alternating(parts, dt, own) if method is SolverMethodODE.EULER else None)
    elif method is SolverMethodODE.EXP_EULER:
        found = _exponential(neuron, membranes(compartments, parts), parts, dt)
    else:
        found = None
    if found is not None:
        yield found
    for noise in (p for p in parts if isinstance(p, OUNoise)):
        tau = float(np.min(np.asarray(noise._values["tau"])))
        power = dt / (2 * tau) / np.tanh(dt / (2 * tau))
        if power > 1.0 + ERROR:
            yield (
                f"{noise.path}: tau = {tau:.3g} ms is shorter than dt = {dt:g} ms, during which the noise is constant: "
                f"the power of its slow fluctuations is {power:.2g} times too large; expected dt <= {_down(tau)} ms, "
                "or a WhiteNoise of intensity sigma * sqrt(2 * tau)"
            )


class _Own(NamedTuple):
    """The intrinsic rate of change of a state."""

    module: str
    variable: str
    rate: float
    voltage: float

    def described(self) -> str:
        return f"of {self.variable} at V = {self.voltage:.0f} mV"


def _explicit(
    cell: Membranes, parts: Sequence[Module], method: SolverMethodODE, dt: float, own: Sequence[_Own]
) -> str | None:
    """Return a warning if the fastest membrane or gate is too fast for an explicit method."""
    limit = STABLE[method]
    enough = EDGE * limit / dt
    rate, where, what, sooner = 0.0, "", "", ""
    gate = shortest(parts)
    if gate is not None:
        rate, where, what = 1.0 / gate[0], gate[1].path, gate[2]
    bound, worst = cell.fastest()
    if bound > max(enough, rate):
        found, at = cell.mode(worst)
        if found > rate:
            rate, where, what = found, cell.parts[at].path, "of the membrane with its couplings"
            sooner = " (shorter steps too when synapses open)"
    # Consider time constants that depend on V, and membranes with open channels.
    fastest = max(own, key=lambda state: state.rate, default=None)
    if fastest is not None and fastest.rate > max(enough, rate) * (1.0 + 1e-9):
        rate, where, what, sooner = fastest.rate, fastest.module, fastest.described(), ""
    # The tolerance makes dt = 0.1 and t = 0.1 ms equal despite rounding.
    if rate <= enough * (1.0 + 1e-9):
        return None
    tau, state = 1.0 / rate, "unstable" if rate * dt > limit else "at the edge of stability"
    return (
        f"{where}: dt = {dt:g} ms is too long for {method.name}, which is {state} there: the shortest time constant "
        f"is {tau:.3g} ms ({what}), and steps longer than {limit * tau:.3g} ms are unstable{sooner}; expected dt <= "
        f"{_down(ADVISED * limit * tau)} ms, {_REMEDY}"
    )


def _alternating(parts: Sequence[Module], dt: float, own: Sequence[_Own]) -> str | None:
    """Return a warning if forward Euler is stable, but a gate would change sign in every step."""
    gate = shortest(parts)
    tau, where, what = (gate[0], gate[1].path, gate[2]) if gate is not None else (np.inf, "", "")
    gates = max((state for state in own if state.variable != "V"), key=lambda state: state.rate, default=None)
    if gates is not None and gates.rate * tau > 1.0 + 1e-9:
        tau, where, what = 1.0 / gates.rate, gates.module, gates.described()
    if dt <= tau * (1.0 + 1e-9):
        return None
    return (
        f"{where}: dt = {dt:g} ms is too long for EULER: it exceeds the time constant of {tau:.3g} ms ({what}), so a "
        f"decaying state would change its sign at every step; expected dt <= {_down(tau)} ms, {_REMEDY}"
    )


def _exponential(neuron: Neuron, cell: Membranes, parts: Sequence[Module], dt: float) -> str | None:
    """Return a warning if exponential Euler, which is stable, is inaccurate because fast states interact."""
    error, worst = _slowed(cell, dt)
    if error > ERROR:
        enough = dt
        while _slowed(cell, enough, worst)[0] > ERROR:
            enough *= 0.9
        return (
            f"{neuron.path}: dt = {dt:g} ms is too long for EXP_EULER, because compartments are strongly coupled: "
            f"the slowest time constant is {100 * error:.0f} % too long; expected dt <= {_down(enough)} ms, {_REMEDY}"
        )
    rising = [p for p in parts if isinstance(p, Receptor) and p._values.get("t_rise") is not None]
    for receptor in rising:
        rise, decay = (np.asarray(receptor._values[name], dtype=float) for name in ("t_rise", "t_decay"))
        lost = 1.0 - _sampled(dt, rise, decay)
        if (error := float(lost.max())) > ERROR:
            enough = dt
            while float(np.max(1.0 - _sampled(enough, rise, decay))) > ERROR:
                enough *= 0.9
            at = np.unravel_index(lost.argmax(), lost.shape)
            slow, fast = (float(np.broadcast_to(tau, lost.shape)[at]) for tau in (decay, rise))
            return (
                f"{receptor.path}: t_rise = {fast:g} ms and t_decay = {slow:g} ms are too short for EXP_EULER with dt "
                f"= {dt:g} ms: a spike opens {100 * error:.0f} % too little conductance, because most of it falls "
                f"between two steps; expected dt <= {_down(enough)} ms, {_REMEDY}"
            )
    return None


def _sampled(dt: float, rise: Any, decay: Any) -> Any:
    """Return the sum of a rising and decaying gate over time steps, relative to its integral."""
    rise, decay = np.broadcast_arrays(rise, decay)
    # Approximate the limit of equal time constants by slightly different ones.
    near = np.abs(decay - rise) < 1e-4 * decay
    rise, decay = np.where(near, decay * (1 - 1e-4), rise), np.where(near, decay * (1 + 1e-4), decay)
    return np.asarray((decay * _held(dt / decay) - rise * _held(dt / rise)) / (decay - rise))


def _slowed(cell: Membranes, dt: float, neuron: int | None = None) -> tuple[float, int]:
    """Return the largest relative error of a neuron's slowest time constant, and the neuron's index.

    Each compartment lags as if its capacitance were larger by a factor of z / (1 - exp(-z)), with z = dt g / C.
    """
    apparent: Any = 0.0
    true: Any = 0.0
    for c, axial in zip(cell.capacitance, cell.axial(), strict=True):
        apparent, true = apparent + c * _held(dt * np.asarray(axial) / c), true + c
    error = np.atleast_1d(np.asarray(apparent / true) - 1.0)
    if neuron is not None:
        return float(error[min(neuron, len(error) - 1)]), neuron
    return float(error.max(initial=0.0)), int(error.argmax()) if len(error) else 0


def _held(z: Any) -> Any:
    """Return z / (1 - exp(-z)): the factor by which holding a decaying current constant overestimates its effect."""
    z = np.maximum(z, 1e-12)
    return z / -np.expm1(-z)


def _down(ms: float) -> str:
    """Return a time rounded down to two significant digits."""
    if not 0 < ms < math.inf:
        return f"{ms:g}"
    unit = 10.0 ** (np.floor(np.log10(ms)) - 1)
    return f"{np.floor(ms / unit * (1 + 1e-9)) * unit:.2g}"
