"""Populations, their synapses, and rates that are given for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from .._numbers import real
from .._quoted import quoted, told
from .._suggest import unknown_name
from ..connections.synapse import MCSynapse
from ..errors import ParameterError, ParameterTypeError
from ..modules.module import Module
from ..neurons.neuron import Neuron
from ..neurons.receptors import Receptor
from ..simulation.network import Network

__all__ = ["afferents", "checked_network", "given_rates", "is_inhibitory", "population_of", "positive"]


M = TypeVar("M", bound=Module)


def checked_network(what: str, net: object) -> Network:
    """Return a network, or raise an error."""
    if not isinstance(net, Network):
        raise ParameterTypeError(f"{what}: net = {quoted(net)}: expected a Network")
    return net


def positive(what: str, value: object, expected: str, unit: str = "") -> float:
    """Return a finite number > 0."""
    number = real(what, value, expected, unit)
    if not (np.isfinite(number) and number > 0):
        raise ParameterError(f"{what} = {told(value)}: expected {expected}")
    return number


def population_of(module: Module) -> Module | None:
    """Return the population that contains a module."""
    owner: Module | None = module
    while owner is not None and not isinstance(owner, Neuron):
        owner = owner.parent
    return owner


def afferents(net: Network, population: Module) -> list[MCSynapse]:
    """Return the synapses onto a population, in the order of the network's modules."""
    synapses = (m for m in net._parts.values() if isinstance(m, MCSynapse))
    return [synapse for synapse in synapses if population_of(synapse.post[0]) is population]


def is_inhibitory(receptor: Receptor, V_th: float) -> bool:
    """Return whether the reversal potential of a receptor is not above the threshold."""
    values = receptor._values.get("E")
    return values is not None and not receptor.signed and float(np.mean(values)) <= V_th


def given_rates(what: str, net: Network, rates: Any, default: list[M]) -> dict[M, float]:
    """Return a rate (Hz) for each population or generator.

    Parameters
    ----------
    what : str
        The beginning of error messages.
    net : Network
        The network.
    rates : float or dict
        A rate for all of ``default``, or a dict from modules or their paths to rates.
    default : list of Module
        The modules that can have a rate.
    """
    if not isinstance(rates, Mapping):
        rate = positive(what, rates, "a rate > 0 (Hz), or a dict from populations to rates", "Hz")
        return dict.fromkeys(default, rate)
    if not rates:
        raise ParameterError(f"{what} = {{}}: expected at least one rate (Hz)")
    found: dict[M, float] = {}
    for key, value in rates.items():
        module = next((m for m in default if m is key or (isinstance(key, str) and m.path == key)), None)
        if module is None:
            if isinstance(key, str):
                raise unknown_name(f"{what}: no population or generator", key, [m.path for m in default])
            raise ParameterTypeError(f"{what}: {quoted(key)}: expected one of {', '.join(m.path for m in default)}")
        found[module] = positive(f"{what}: {module.path}", value, "a rate > 0 (Hz)", "Hz")
    return found
