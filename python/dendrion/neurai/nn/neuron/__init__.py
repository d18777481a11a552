"""Neurons, as ``neurai.nn.neuron`` has them."""

from ....neurons.neuron import Neuron
from . import multi_compartment

__all__ = ["Neuron", "multi_compartment"]
