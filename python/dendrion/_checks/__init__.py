"""Warnings about likely mistakes in a model. Each warning has a category that can be used to silence it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ResetWarning, ThresholdWarning, TimeStepWarning, UnconnectedWarning, UndrivenWarning, UnusedWarning
from ..neurons.compartment import Compartment
from ._drive import unconnected, undriven, unused
from ._resets import cut_short
from ._thresholds import unusual
from ._time_step import too_long
from ._units import odd_state, odd_step, odd_value, odd_values
from ._warn import warn_of_all

if TYPE_CHECKING:
    from ..simulation.network import Network

__all__ = ["odd_state", "odd_step", "odd_value", "odd_values", "warn_of_all", "warn_of_model", "warn_of_run"]


def warn_of_model(net: Network) -> None:
    """Warn about likely mistakes in a built network."""
    coarse: list[str] = []
    odd: list[str] = []
    # Values that cause warnings may be so extreme that arithmetic with them overflows.
    with np.errstate(all="ignore"):
        for neuron in net.populations:
            # Attached receptors have no membrane.
            own = [m for m in neuron.modules() if isinstance(m, Compartment) and "V" in net._states_of(m.path)]
            rates = functools.partial(net._sim.rates, neuron.path)
            coarse += too_long(neuron, own, net._methods[id(neuron)], net.dt, rates)
            odd += unusual(neuron, own)
    warn_of_all(coarse, TimeStepWarning)
    warn_of_all(odd, ThresholdWarning)
    warn_of_all([text for neuron in net.populations for text in cut_short(neuron)], ResetWarning)
    warn_of_all(list(unconnected(net.modules, net._sim)), UnconnectedWarning)


def warn_of_run(net: Network) -> None:
    """Warn about likely mistakes in a network that is about to run for the first time."""
    owners = {id(part): p for p in net.populations for part in p.modules()}
    recorded = {path for path, *_ in net._recorded.values()}
    warn_of_all(list(undriven(net.modules, owners, net._sim)), UndrivenWarning)
    warn_of_all(list(unused(net.modules, recorded)), UnusedWarning)
