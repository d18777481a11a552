"""Initialization of networks before training."""

from ._rates import RateReport, to_rate

__all__ = ["RateReport", "to_rate"]
