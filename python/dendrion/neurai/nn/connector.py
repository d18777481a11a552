"""Rules of connectivity, and initializers."""

from ...connectivity import All2All, Connector, FixedIndegree, FixedOutdegree, FixedProb, FixedTotal, One2One
from ...initializers import Constant, Initializer, LogNormal, Normal, Truncated, Uniform
from ...matrices import CustomConn

__all__ = [
    "All2All",
    "Connector",
    "Constant",
    "CustomConn",
    "FixedIndegree",
    "FixedOutdegree",
    "FixedProb",
    "FixedTotal",
    "Initializer",
    "LogNormal",
    "Normal",
    "One2One",
    "Truncated",
    "Uniform",
]
