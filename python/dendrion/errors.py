"""Exceptions and warnings. All exceptions derive from [DendrionError][dendrion.DendrionError].

Every message identifies the module, the parameter or name and the invalid value, and states which values are accepted.
"""

from __future__ import annotations

from collections.abc import Iterable

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
    "MorphologyError",
    "ParameterError",
    "ParameterTypeError",
    "ResetWarning",
    "ResourceError",
    "RoundingWarning",
    "RunError",
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
    """Base class of all exceptions that Dendrion raises deliberately.

    Messages quote the offending values. The middle of a very long message is omitted.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(_shortened(message))


#: Maximum number of characters in a message.
_LONGEST = 10_000


def _shortened(message: str) -> str:
    if len(message) <= _LONGEST:
        return message
    left, right = message[: _LONGEST * 3 // 4], message[-_LONGEST // 4 :]
    return f"{left} ... ({len(message) - len(left) - len(right)} characters omitted) ... {right}"


class ParameterError(DendrionError, ValueError):
    """Raised for a value that a parameter does not accept."""


class ParameterTypeError(DendrionError, TypeError):
    """Raised for a value whose type a parameter does not accept, or for a parameter that does not exist."""


class StructureError(DendrionError, ValueError):
    """Raised for modules or recordings that cannot be combined as requested, usually when a network is built."""


class RunError(DendrionError, RuntimeError):
    """Raised if the current state of a network, run or recording does not allow the requested operation.

    Examples are a network that is running, a network that must be built first, and a second call to ``backward`` for
    the same run.
    """


class ResourceError(DendrionError):
    """Raised if one of Dendrion's limits is exceeded, such as the number of operations in the equations of a neuron.

    Attributes
    ----------
    needed : float or None
        The required amount; ``None`` if it is unknown.
    limit : float or None
        The largest accepted amount.
    """

    def __init__(self, message: str = "", *, needed: float | None = None, limit: float | None = None) -> None:
        super().__init__(message)
        self.needed, self.limit = needed, limit


class AssignmentError(StructureError, AttributeError):
    """Raised for an assignment to an attribute that is fixed or does not exist; the message suggests an alternative."""


class ConnectivityError(DendrionError, ValueError):
    """Raised for connections that do not match the modules that they connect."""


class UnknownNameError(DendrionError, KeyError):
    """Raised for an unknown name; the message suggests the nearest known name.

    Attributes
    ----------
    name : str or None
        The unknown name.
    known : list of str
        The known names.
    """

    def __init__(self, message: str = "", *, name: str | None = None, known: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.name, self.known = name, list(known)

    def __str__(self) -> str:
        # KeyError shows the repr of its argument, which would put quotes around the sentence.
        return str(self.args[0]) if self.args else ""


class DivergenceError(DendrionError, ArithmeticError):
    """Raised if a state becomes infinite or NaN. Recordings up to that step are kept.

    Attributes
    ----------
    population, state : str or None
        Path of the population and name of the state, such as ``"dend.V"``.
    neuron : int or None
        Index of the neuron in its population.
    time : float or None
        Time at the beginning of the failed step (ms).
    sample : int or None
        Index of the sample in a batch; ``None`` without a batch.
    """

    def __init__(
        self,
        message: str = "",
        *,
        population: str | None = None,
        state: str | None = None,
        neuron: int | None = None,
        time: float | None = None,
        sample: int | None = None,
    ) -> None:
        super().__init__(message)
        self.population, self.state, self.neuron, self.time, self.sample = population, state, neuron, time, sample


class StateError(DendrionError, ValueError):
    """Raised if a saved state cannot be loaded or written.

    A state cannot be loaded if it is damaged or belongs to a different network, and it cannot be written if the network
    cannot continue, for example because a state is infinite.
    """


class MemoryLimitError(ResourceError, MemoryError):
    """Raised before an allocation that would exceed the [memory limit](../howto/limits.md).

    ``needed`` is an estimate; both attributes are in bytes. If the operating system refuses an allocation below the
    limit, Python's ``MemoryError`` is raised instead.
    """


class EquationError(DendrionError, ValueError):
    """Raised for invalid equations. The message contains the line and the column, and a caret marks the position."""


class ModelFileError(DendrionError, ValueError):
    """Raised for an invalid model file. The message contains file, line and column, and a caret marks the position.

    Attributes
    ----------
    line, column : int or None
        Position of the error, counted from 1; ``None`` if the error concerns the whole file.
    """

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line, self.column = line, column


class MorphologyError(DendrionError, ValueError):
    """Raised for a morphology that is not a valid tree. The message names the affected lines or points."""


class ModelWarning(UserWarning):
    """Base class of all warnings, which point out likely mistakes in valid models.

    To silence one category, use ``warnings.filterwarnings("ignore", category=dn.UndrivenWarning)``; to silence all of
    them, use ``category=dn.ModelWarning``.
    """


class RoundingWarning(ModelWarning):
    """A time is not a multiple of the time step, and is rounded to the nearest multiple."""


class DelayWarning(RoundingWarning):
    """Delays are not multiples of the time step, and are rounded to the nearest multiples."""


class TimeStepWarning(ModelWarning):
    """The time step is too long for the shortest time constant and the integration method."""


class ResetWarning(ModelWarning):
    """V of a soma with voltage-gated sodium channels is reset after each spike.

    A channel is treated as a sodium channel if its gates depend on V and its reversal potential is between 0 and 100
    mV and above ``V_th``. The reset cuts action potentials short, so that one action potential may be counted several
    times. ``MCNeuron(..., reset=False)`` counts upward crossings of ``V_th`` instead and leaves V unchanged.
    """


class ThresholdWarning(ModelWarning):
    """A threshold is probably wrong.

    Either ``V_th`` is below the resting potential or below ``V_reset``, so that the neuron fires without input, or
    ``V_th`` was not set and has its default value, 1 mV.
    """


class GradientWarning(ModelWarning):
    """A gradient grows without bound during the backward pass.

    This warning is issued when the derivative of the loss with respect to a potential exceeds 1e10 times the largest
    derivative passed to ``backward``. The message names the state, the neuron, the time and the likely cause. See
    [Gradients](../gradients.md).
    """


class UnconnectedWarning(ModelWarning):
    """A connection rule created no connections."""


class UndrivenWarning(ModelWarning):
    """A network starts to run although one of its populations has no input."""


class UnitWarning(ModelWarning):
    """A value seems to be in a different unit; for example, a threshold of -0.05 mV is probably in volts."""


class UnusedWarning(ModelWarning):
    """A network starts to run although one of its generators is neither connected nor recorded."""
