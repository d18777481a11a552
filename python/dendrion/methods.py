"""Methods for differential equations."""

from __future__ import annotations

from enum import Enum

__all__ = ["SolverMethodODE", "SolverMethodSDE"]


class SolverMethodODE(Enum):
    """How a population's ordinary differential equations are solved.

    ``EULER``
        Forward Euler, first order: ``y + h f(y)``.
    ``EXP_EULER``
        Exponential Euler: ``y + h phi1(h J) f(y)`` with ``J = df/dy`` exact (the slope of the NMDA block included).
        Exact where ``f`` is linear in ``y``, and stable there for any step.
    """

    EULER = "euler"
    EXP_EULER = "exp_euler"


class SolverMethodSDE(Enum):
    """How a population's noise is integrated. Kept for mechanisms with noise; there are none yet.

    ``MISLTEAIN`` is NeurAI's spelling of ``MILSTEIN``.
    """

    MILSTEIN = "milstein"
    MISLTEAIN = "milstein"
    EULER_MARUYAMA = "euler_maruyama"
