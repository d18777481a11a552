"""The neuron class, under the path of NeurAI's module ``mc_neuron``."""

from .....neurons.neuron import MCNeuron

__all__ = ["MCNeuron"]
