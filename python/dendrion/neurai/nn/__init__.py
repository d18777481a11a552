"""Neurons, generators and connections: the counterpart of NeurAI's ``neurai.nn``."""

from . import connector, generator, module, neuron

__all__ = ["connector", "generator", "module", "neuron"]
