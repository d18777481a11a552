"""Neurons: the counterpart of NeurAI's ``neurai.nn.neuron``."""

from ....neurons.neuron import Neuron
from . import multi_compartment

__all__ = ["Neuron", "multi_compartment"]
