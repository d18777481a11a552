"""Neurons, under the path ``neurai.nn.neuron``."""

from ....neurons.neuron import Neuron
from . import multi_compartment

__all__ = ["Neuron", "multi_compartment"]
