"""Connection rules and initializers: the counterpart of NeurAI's ``neurai.nn.connector``."""

from ...connections.connectivity import (
    All2All,
    Connector,
    FixedIndegree,
    FixedOutdegree,
    FixedProb,
    FixedTotal,
    One2One,
)
from ...connections.initializers import Constant, Initializer, LogNormal, Normal, Truncated, Uniform
from ...connections.matrices import CustomConn

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
