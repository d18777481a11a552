"""The neuron, as NeurAI's module of that name has it."""

from .....neurons.neuron import MCNeuron

__all__ = ["MCNeuron"]
