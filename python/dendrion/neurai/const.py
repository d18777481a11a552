"""Methods, as ``neurai.const`` has them."""

from ..neurons.methods import SolverMethodODE, SolverMethodSDE

__all__ = ["SolverMethodODE", "SolverMethodSDE"]
