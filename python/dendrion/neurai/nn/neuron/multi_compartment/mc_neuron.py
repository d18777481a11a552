"""The neuron class: the counterpart of NeurAI's module ``mc_neuron``."""

from .....neurons.neuron import MCNeuron

__all__ = ["MCNeuron"]
