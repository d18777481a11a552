"""Methods, as ``neurai.const`` has them."""

from ..methods import SolverMethodODE, SolverMethodSDE

__all__ = ["SolverMethodODE", "SolverMethodSDE"]
