"""Integration methods: the counterpart of NeurAI's ``neurai.const``."""

from ..neurons.methods import SolverMethodODE, SolverMethodSDE

__all__ = ["SolverMethodODE", "SolverMethodSDE"]
