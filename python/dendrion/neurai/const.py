"""Integration methods, under the path ``neurai.const``."""

from ..neurons.methods import SolverMethodODE, SolverMethodSDE

__all__ = ["SolverMethodODE", "SolverMethodSDE"]
