"""Methods of numerical integration."""

from __future__ import annotations

from enum import Enum
from typing import Any, NoReturn, TypeVar

from .._quoted import quoted
from .._suggest import nearest
from ..errors import ParameterError, ParameterTypeError

__all__ = ["SolverMethodODE", "SolverMethodSDE"]

E = TypeVar("E", bound="_Method")


class _Method(Enum):
    """An enumeration whose members can also be looked up by name."""

    @classmethod
    def _missing_(cls, value: object) -> _Method:
        return member(cls.__name__, "value", value, cls)


def _named(kind: type[E], value: object) -> E | None:
    """Return the method with the given name. Case is ignored, and hyphens or spaces may replace underscores."""
    if not isinstance(value, str):
        return None
    plain = value.strip().lower().replace("-", "_").replace(" ", "_")
    return next((m for name, m in kind.__members__.items() if plain in (name.lower(), m.value)), None)


def member(label: str, name: str, value: Any, kind: type[E]) -> E:
    """Return the method for a value, which is a member of the enumeration or a name."""
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
        raise ParameterTypeError(f"{label}: {name} = {quoted(value)}: {expected}")
    meant = nearest(value.lower(), names)
    hint = f"; did you mean {meant!r}?" if meant else ""
    raise ParameterError(f"{label}: {name} = {quoted(value)}: {expected}{hint}")


class SolverMethodODE(_Method):
    """Integration method for the ordinary differential equations of a population, with step ``h``.

    ``EULER``
        Forward Euler, order 1: ``y + h f(y)``.
    ``EXP_EULER``
        Exponential Euler, order 1: ``y + h phi1(h J) f(y)`` with the exact Jacobian ``J = df/dy``, including the slope
        of the NMDA block. If ``f`` is linear in ``y``, the method is exact and stable for any step. Linear
        cascades with constant rates, such as receptors with rise and decay, are solved exactly.
    ``MIDPOINT``, ``HEUN2``
        The explicit midpoint rule and Heun's method, order 2.
    ``HEUN3``
        Heun's method of order 3.
    ``RK4``
        The classical Runge-Kutta method, order 4.
    ``IMPLICIT_EULER``
        Linearly implicit Euler on the compartment tree, order 1. It is stable for any step on passive trees.
    ``CRANK_NICOLSON``
        Linearly implicit Crank-Nicolson on the compartment tree, order 2. It includes the slope of the NMDA block, and
        evaluates gates at the middle of the step. It is stable for any step on passive trees.

    Wherever a method is expected, its name is accepted too, in upper or lower case: ``odemethod="rk4"``.

    The cost of the implicit methods is linear in the number of compartments. Spikes arrive and thresholds are tested
    only at time steps, so for a spiking neuron every method is of order 1.
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
    """Integration method for the noise on a population's compartments (Ito). The drift is solved with ``odemethod``.

    ``MILSTEIN``, also ``MISLTEAIN`` (the spelling in NeurAI)
        Strong order 1, also for multiplicative noise.
    ``EULER_MARUYAMA``
        Strong order 1/2 for multiplicative noise ([ConductanceNoise][dendrion.ConductanceNoise]). For additive noise,
        it is identical to Milstein's method.
    """

    MILSTEIN = "milstein"
    MISLTEAIN = "milstein"
    EULER_MARUYAMA = "euler_maruyama"
