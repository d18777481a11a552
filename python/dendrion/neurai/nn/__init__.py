"""Compatible with ``neurai.nn``."""

from . import connector, generator, module, neuron

__all__ = ["connector", "generator", "module", "neuron"]
