"""Somas with channels that make action potentials, and a reset that cuts them short."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from ..neurons.compartment import LeakyIF
from ..neurons.coupling import MCConnSynapse
from ..neurons.equations import Channel, Soma
from ..neurons.neuron import MCNeuron

__all__ = ["cut_short"]

#: Reversal potential (mV) from which on a channel is taken for one of calcium.
CALCIUM = 100.0
#: What reversal potentials are called: E, E_Na, ena, V_Na, Vrev, reversal.
_REVERSAL = re.compile(r"[eE]|[vV]_?(na|ca|rev)|rev", re.IGNORECASE)


def cut_short(neuron: MCNeuron) -> Iterator[str]:
    """Go through the channels on a population's soma that make action potentials, if a spike resets V."""
    if not neuron.reset:
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
            "potentials short and may count one many times; expected MCNeuron(..., reset=False), unless the soma is an "
            "integrate-and-fire unit"
        )


def _is_excitable(part: Channel | Soma, threshold: float) -> bool:
    """Return whether a part has voltage gates, and a reversal potential above 0 mV and the threshold, as sodium has.

    Potassium, h and calcium channels on an integrate-and-fire soma, for adaptation, sags or bursts, are common and
    meant, and a threshold that V never reaches resets nothing.
    """
    definition = part._definition
    if definition is None or not definition.is_voltage_gated():
        return False
    highest = CALCIUM if isinstance(part, Channel) else np.inf
    names = (name for name, unit, *_ in definition.parameters() if unit == "mV" and _REVERSAL.match(name))
    reversals = [float(np.max(np.asarray(part._values[name]))) for name in names]
    reversals += definition.unnamed_reversals()
    return any(max(0.0, threshold) < reversal < highest for reversal in reversals)
