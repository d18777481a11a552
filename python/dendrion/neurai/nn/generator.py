"""Generators: the counterpart of NeurAI's ``neurai.nn.generator``."""

from ...inputs.currents import CurrentGenerator, DCGenerator
from ...inputs.custom import CustomGenerator
from ...inputs.generators import BernoulliGenerator, Generator, PoissonGenerator, SpikeGenerator

__all__ = [
    "BernoulliGenerator",
    "CurrentGenerator",
    "CustomGenerator",
    "DCGenerator",
    "Generator",
    "PoissonGenerator",
    "SpikeGenerator",
]
