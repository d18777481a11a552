"""Initialization of networks before training: weights for given firing rates or given fluctuations of V."""

from ._fluctuations import FluctuationReport, fluctuation_driven
from ._rates import RateReport, to_rate

__all__ = ["FluctuationReport", "RateReport", "fluctuation_driven", "to_rate"]
