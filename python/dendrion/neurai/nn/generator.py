"""Generators."""

from ...currents import CurrentGenerator, DCGenerator
from ...custom import CustomGenerator
from ...generators import BernoulliGenerator, Generator, PoissonGenerator, SpikeGenerator

__all__ = [
    "BernoulliGenerator",
    "CurrentGenerator",
    "CustomGenerator",
    "DCGenerator",
    "Generator",
    "PoissonGenerator",
    "SpikeGenerator",
]
