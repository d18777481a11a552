"""Check for somas whose reset truncates the action potentials that their channels generate."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from ..neurons.cable.neuron import CableNeuron
from ..neurons.compartment import LeakyIF
from ..neurons.coupling import MCConnSynapse
from ..neurons.equations import Channel, Soma
from ..neurons.neuron import Neuron

__all__ = ["cut_short"]

#: Reversal potential (mV) from which a channel is assumed to be a calcium channel.
CALCIUM = 100.0
#: Names of reversal potentials: E, E_Na, ena, V_Na, Vrev, reversal.
_REVERSAL = re.compile(r"[eE]|[vV]_?(na|ca|rev)|rev", re.IGNORECASE)


def cut_short(neuron: Neuron) -> Iterator[str]:
    """Yield a warning if spikes reset V of a soma with channels that generate action potentials."""
    if not neuron.reset:
        return
    if isinstance(neuron, CableNeuron):
        yield from _cut_on_cells(neuron)
        return
    parts, lowest = list(neuron.modules()), float(np.min(np.asarray(neuron._values["V_th"])))
    attached = {id(part.pre): part.post for part in parts if isinstance(part, MCConnSynapse)}
    gated = [part for part in parts if isinstance(part, (Channel, Soma)) and _is_excitable(part, lowest)]
    hosts = [part if isinstance(part, Soma) else part.on or attached.get(id(part)) for part in gated]
    names = [part.path for part, host in zip(gated, hosts, strict=True) if isinstance(host, LeakyIF)]
    if names:
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        yield (
            f"{neuron.path}: each spike resets V of a soma with voltage-gated channels ({shown}), which cuts action "
            "potentials short and may count a single one several times; use MCNeuron(..., reset=False), unless the "
            "soma is an integrate-and-fire unit"
        )


def _cut_on_cells(neuron: CableNeuron) -> Iterator[str]:
    """Yield a warning if spikes reset V of a control volume with channels that generate action potentials."""
    lowest, at = float(np.min(np.asarray(neuron._values["V_th"]))), neuron.spike_at.cv[0]
    names = [
        part.path
        for part in neuron.modules()
        if isinstance(part, Channel) and part._placement is not None and at in part._placement.cvs
        if _is_excitable(part, lowest)
    ]
    if names:
        yield (
            f"{neuron.path}: each spike resets V at spike_at, where voltage-gated channels "
            f"({', '.join(names[:3])}{', ...' if len(names) > 3 else ''}) generate action potentials; this cuts them "
            "short and may count a single one several times; use reset=False"
        )


def _is_excitable(part: Channel | Soma, threshold: float) -> bool:
    """Return whether a channel or soma has voltage-dependent gates that can drive V above the threshold.

    The reversal potential must be above 0 mV and above the threshold, as for sodium channels. Potassium, h and calcium
    channels are common on integrate-and-fire somas, where they cause adaptation, sags or bursts, and are not reported.
    A threshold that V never reaches causes no reset.
    """
    definition = part._definition
    if definition is None or not definition.is_voltage_gated():
        return False
    highest = CALCIUM if isinstance(part, Channel) else np.inf
    names = (name for name, unit, *_ in definition.parameters() if unit == "mV" and _REVERSAL.match(name))
    reversals = [float(np.max(np.asarray(part._values[name]))) for name in names]
    reversals += definition.unnamed_reversals()
    return any(max(0.0, threshold) < reversal < highest for reversal in reversals)
