"""The neuron class: the counterpart of NeurAI's module ``mc_neuron``."""

from .....neurons.mc_neuron import MCNeuron

__all__ = ["MCNeuron"]
