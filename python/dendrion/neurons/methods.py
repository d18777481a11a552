"""Methods for differential equations."""

from __future__ import annotations

from enum import Enum
from typing import Any, NoReturn, TypeVar

from .. import _core
from ..errors import ParameterError, ParameterTypeError

__all__ = ["SolverMethodODE", "SolverMethodSDE"]

E = TypeVar("E", bound="_Method")


class _Method(Enum):
    """An enumeration of methods that names of methods are looked up in, too."""

    @classmethod
    def _missing_(cls, value: object) -> _Method:
        return member(cls.__name__, "value", value, cls)


def _named(kind: type[E], value: object) -> E | None:
    """Return the method of a name, in any case, with hyphens or spaces for underscores."""
    if not isinstance(value, str):
        return None
    plain = value.strip().lower().replace("-", "_").replace(" ", "_")
    return next((m for name, m in kind.__members__.items() if plain in (name.lower(), m.value)), None)


def member(label: str, name: str, value: Any, kind: type[E]) -> E:
    """Return a method, given as a member of its enumeration or by name."""
    if isinstance(value, kind):
        return value
    found = _named(kind, value)
    if found is None:
        _refuse(label, name, value, kind)
    return found


def _refuse(label: str, name: str, value: object, kind: type[_Method]) -> NoReturn:
    names = [m.value for m in kind]
    expected = f"expected one of {', '.join(map(repr, names))}, or a member of {kind.__name__}"
    if not isinstance(value, str):
        raise ParameterTypeError(f"{label}: {name} = {value!r}: {expected}")
    nearest = _core.nearest(value.lower(), names)
    hint = f"; did you mean {nearest!r}?" if nearest else ""
    raise ParameterError(f"{label}: {name} = {value!r}: {expected}{hint}")


class SolverMethodODE(_Method):
    """How a population's ordinary differential equations are solved, with step ``h``.

    ``EULER``
        Forward Euler, order 1: ``y + h f(y)``.
    ``EXP_EULER``
        Exponential Euler, order 1: ``y + h phi1(h J) f(y)`` with ``J = df/dy`` exact (the slope of the NMDA block
        included). Exact where ``f`` is linear in ``y``, and stable there for any step. Linear cascades with constant
        rates, such as receptors that rise and decay, are solved exactly.
    ``MIDPOINT``, ``HEUN2``
        The explicit midpoint rule and Heun's method, order 2.
    ``HEUN3``
        Heun's method of order 3.
    ``RK4``
        The classical Runge-Kutta method, order 4.
    ``IMPLICIT_EULER``
        Linearly implicit Euler on the compartment tree, order 1. Stable for any step on passive trees.
    ``CRANK_NICOLSON``
        Linearly implicit Crank-Nicolson on the compartment tree, order 2: the slope of the NMDA block counts, and
        gates are seen at the middle of the step. Stable for any step on passive trees.

    Wherever a method is expected, its name is accepted too, in any case: ``odemethod="rk4"``.

    The implicit methods cost a time linear in the number of compartments. Spikes arrive and thresholds are tested on
    the grid of steps, so that a neuron that spikes is solved to order 1 by any method.
    """

    EULER = "euler"
    EXP_EULER = "exp_euler"
    MIDPOINT = "midpoint"
    HEUN2 = "heun2"
    HEUN3 = "heun3"
    RK4 = "rk4"
    IMPLICIT_EULER = "implicit_euler"
    CRANK_NICOLSON = "crank_nicolson"


class SolverMethodSDE(_Method):
    """How the noise on a population's compartments is integrated, in the sense of Ito. The drift is ``odemethod``'s.

    ``MILSTEIN``, in NeurAI's spelling ``MISLTEAIN``
        Strong order 1, for multiplicative noise too.
    ``EULER_MARUYAMA``
        Strong order 1/2 where noise is multiplicative (:class:`ConductanceNoise`); where it is additive, as Milstein.
    """

    MILSTEIN = "milstein"
    MISLTEAIN = "milstein"
    EULER_MARUYAMA = "euler_maruyama"
