"""Neurons, as ``neurai.nn.neuron`` has them."""

from ....neuron import Neuron
from . import multi_compartment

__all__ = ["Neuron", "multi_compartment"]
