"""What can go wrong, as a small family under [DendrionError][dendrion.DendrionError].

Every message names the module, the parameter or name, the value, and what would be accepted.
"""

from __future__ import annotations

__all__ = [
    "AssignmentError",
    "ConnectivityError",
    "DelayWarning",
    "DendrionError",
    "DivergenceError",
    "EquationError",
    "GradientWarning",
    "MemoryLimitError",
    "ModelFileError",
    "ModelWarning",
    "ParameterError",
    "ParameterTypeError",
    "ResetWarning",
    "RoundingWarning",
    "StateError",
    "StructureError",
    "ThresholdWarning",
    "TimeStepWarning",
    "UnconnectedWarning",
    "UndrivenWarning",
    "UnitWarning",
    "UnknownNameError",
    "UnusedWarning",
]


class DendrionError(Exception):
    """Base of all errors that Dendrion raises on purpose.

    Messages quote the values that were given. Of a very long message the middle is left out.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(_shortened(message))


#: Characters of a message, at most.
_LONGEST = 10_000


def _shortened(message: str) -> str:
    if len(message) <= _LONGEST:
        return message
    left, right = message[: _LONGEST * 3 // 4], message[-_LONGEST // 4 :]
    return f"{left} ... ({len(message) - len(left) - len(right)} characters left out) ... {right}"


class ParameterError(DendrionError, ValueError):
    """A value outside what a parameter accepts."""


class ParameterTypeError(DendrionError, TypeError):
    """A value of a type that a parameter does not take, or a parameter that does not exist."""


class StructureError(DendrionError, ValueError):
    """Modules that do not fit together."""


class AssignmentError(StructureError, AttributeError):
    """An assignment to an attribute that cannot change or does not exist; the message says what to do instead."""


class ConnectivityError(DendrionError, ValueError):
    """Connections that do not fit what they connect."""


class UnknownNameError(DendrionError, KeyError):
    """A name that means nothing here; the message suggests the nearest one."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument, which would put quotes around the sentence.
        return str(self.args[0]) if self.args else ""


class DivergenceError(DendrionError, ArithmeticError):
    """A state that stopped being finite. What was recorded before is kept."""


class StateError(DendrionError, ValueError):
    """A saved state that is damaged or not one of the network, or a network that has none to save."""


class MemoryLimitError(DendrionError, MemoryError):
    """More memory than the [memory limit](../howto/limits.md) allows; nothing was allocated."""


class EquationError(DendrionError, ValueError):
    """Equations that mean nothing: the message has the line, the column and a caret under the place."""


class ModelFileError(DendrionError, ValueError):
    """A model file that means nothing: the message has the file, the line, the column and a caret under the place.

    Attributes
    ----------
    line, column : int or None
        Where, from 1 on; ``None`` where it is the whole file.
    """

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line, self.column = line, column


class ModelWarning(UserWarning):
    """Base of all warnings: something in a model is likely a mistake, but may be meant.

    Silence one kind with ``warnings.filterwarnings("ignore", category=dn.UndrivenWarning)``, all with this one.
    """


class RoundingWarning(ModelWarning):
    """A time that is not a multiple of the time step, and therefore is rounded to the nearest one."""


class DelayWarning(RoundingWarning):
    """Delays that are not multiples of the time step, and therefore are rounded to the nearest ones."""


class TimeStepWarning(ModelWarning):
    """A step that is long beside the shortest time constant, for the method that the equations are solved by."""


class ResetWarning(ModelWarning):
    """A soma with voltage-gated sodium channels whose V is reset by each spike.

    These are channels with gates that depend on V and a reversal potential between 0 and 100 mV, above ``V_th``. The
    reset cuts action potentials short, so that one may be counted many times: ``MCNeuron(..., reset=False)`` counts
    upward crossings of ``V_th`` and leaves V alone.
    """


class ThresholdWarning(ModelWarning):
    """A threshold that is likely wrong.

    It is below the resting potential, the reset is above it, so that spikes need no input; or ``V_th`` was not given,
    and is the default of 1 mV.
    """


class GradientWarning(ModelWarning):
    """A gradient whose cotangents grow beyond reason on their way back.

    Given when the cotangent of a potential exceeds 1e10 times the largest cotangent passed to ``backward``. The message
    names the state, the neuron, the time and the likely cause. See [Gradients](../gradients.md).
    """


class UnconnectedWarning(ModelWarning):
    """A rule that made no connection."""


class UndrivenWarning(ModelWarning):
    """A population that nothing drives, in a network that begins to run."""


class UnitWarning(ModelWarning):
    """A value that looks as if it were in another unit, such as a threshold of -0.05 mV, which looks like volts."""


class UnusedWarning(ModelWarning):
    """A generator that drives nothing and is not recorded, in a network that begins to run."""
