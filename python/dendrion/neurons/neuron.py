"""The base class of populations of neurons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._numbers import array_of, is_whole, numbers
from .._paths import is_encodable
from .._quoted import counted, quoted, told
from ..connections._targets import class_hint
from ..connections.initializers import Initializer
from ..errors import ParameterError, ParameterTypeError, StructureError
from ..modules._attributes import check_assignment, states_of
from ..modules._fixed import Abstract
from ..modules._ownership import under_construction
from ..modules._values import read_only
from ..modules.module import Module, Value, checked_size
from ..surrogate import EventProp, Surrogate
from ..training._tracing import traced
from ..units import check_unit, in_unit
from .methods import SolverMethodODE, SolverMethodSDE, member

__all__ = ["Neuron"]


_METHODS = {"odemethod": SolverMethodODE, "sdemethod": SolverMethodSDE}
#: Parameters that determine V after a spike.
_OF_RESET = ("V_reset", "refractory", "V_spike", "spike_width")


class Neuron(Abstract, Module):
    """Base class of populations of neurons: [MCNeuron][dendrion.MCNeuron] and [CableNeuron][dendrion.CableNeuron]."""

    _examples: ClassVar[str] = "MCNeuron(size)"
    _kinds: ClassVar[tuple[str, ...]] = ("population",)
    _optional: ClassVar[tuple[str, ...]] = ("V_reset",)
    _fixed: ClassVar[tuple[str, ...]] = (*Module._fixed, "reset")
    _built_in: ClassVar[tuple[str, ...]] = (
        "odemethod",
        "dendritic_delay",
        "surrogate_grad_fn",
        "detach_reset",
        "id",
        "neuron_start_id",
    )
    pid: int
    id: int
    neuron_start_id: int
    area_name: str | None
    dendritic_delay: Any
    surrogate_grad_fn: Callable[..., Any] | Surrogate
    detach_reset: bool | None
    reset: bool
    odemethod: SolverMethodODE
    #: The arguments that the user passed.
    _given: frozenset[str]

    def _settings(self, size: object, **given: Any) -> None:
        """Set the size and the settings that all neurons have."""
        self.size = checked_size(self, size)
        # A network may choose values for arguments that were not passed.
        self._refer("_given", self.__dict__.get("_arguments", frozenset()))
        for name, value in given.items():
            setattr(self, name, value)

    def _check_resets(self) -> None:
        """Check the parameters of the threshold and the reset."""
        if not self.reset:
            for each in _OF_RESET:
                self._refuse_reset(each, self._values.get(each))
        self._check_soft_reset("V_th", self._values["V_th"])

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._values and name not in states_of(self):
            check_assignment(self, name, value)
            value = self._checked(name, value)
        if name in ("id", "neuron_start_id", "odemethod", "sdemethod") and not under_construction(self):
            self._refer("_given", self._given | {name})
        super().__setattr__(name, value)

    def _checked(self, name: str, value: Any) -> Any:
        """Return the value of a setting after checking it."""
        if name in ("pid", "id", "neuron_start_id"):
            return _whole(self, name, value)
        if name in _METHODS:
            return member(self._label, name, value, _METHODS[name])
        if name == "dendritic_delay":
            return self._checked_delay(value)
        expected = {
            "area_name": ("a string or None", value is None or (isinstance(value, str) and is_encodable(value))),
            "surrogate_grad_fn": (
                f"a Surrogate, such as Sigmoid(), or a callable{class_hint(value, Surrogate)}",
                callable(value) and not isinstance(value, type),
            ),
            "detach_reset": ("True, False or None", value is None or isinstance(value, (bool, np.bool_))),
            "reset": ("True or False", isinstance(value, (bool, np.bool_))),
        }
        if name in expected and not expected[name][1]:
            raise ParameterTypeError(f"{self._label}: {name} = {quoted(value)}: expected {expected[name][0]}")
        return bool(value) if name in ("detach_reset", "reset") and value is not None else value

    def _checked_delay(self, value: Any) -> Any:
        if isinstance(value, Initializer):
            check_unit(f"{self._label}: dendritic_delay", value, value._unit, "")
            return value
        if isinstance(value, type):
            expected = "one or more integers (steps), an Initializer or a function of the size"
            raise ParameterTypeError(
                f"{self._label}: dendritic_delay = {value.__name__}: expected {expected}"
                f"{class_hint(value, Initializer)}"
            )
        return value if callable(value) else read_only(_steps(self, value, quoted(value)))

    def _dendritic_steps(self, seed: int) -> NDArray[np.uint16]:
        """Return the dendritic delay in steps: one value for all neurons, or one per neuron."""
        value = self.dendritic_delay
        if isinstance(value, Initializer):
            shown = f"{quoted(value)}"
            value = np.rint(_core.draw(value._spec(), seed, self.path, self.size)).astype(np.int64)
            value = _steps(self, value, shown)
        elif callable(value):
            what = f"{getattr(value, '__name__', value)!s}({self.size})"
            try:
                value = value(self.size)
            except Exception as error:
                raise ParameterError(f"{self._label}: dendritic_delay: {what} raised {quoted(error)}") from error
            value = _steps(self, value, f"{what} = {quoted(value)}")
        return np.atleast_1d(np.asarray(value)).astype(np.uint16)

    def _surrogate(self) -> _core.Surrogate:
        """Return the surrogate as the engine uses it."""
        function = self.surrogate_grad_fn
        if isinstance(function, Surrogate):
            return function._made()
        try:
            return _core.Surrogate.own("the expression", traced(function), False)
        except Exception as error:
            raise ParameterError(
                f"{self._label}: surrogate_grad_fn = {quoted(function)}: expected a Surrogate, or an expression of "
                f"V - V_th with NumPy functions; tracing it failed: {error}"
            ) from error

    def _detaches_reset(self) -> bool:
        """Return whether gradients omit the derivative of the reset with respect to the spike."""
        return not isinstance(self.surrogate_grad_fn, EventProp) if self.detach_reset is None else self.detach_reset

    def spike_derivative(self, V: ArrayLike) -> NDArray[np.float64]:
        """Return the surrogate derivative of the spike (1/mV) at somatic potentials ``V`` (mV)."""
        V = numbers(f"{self._label}: V", V, "potentials (mV)", "mV")
        function, V_th = self.surrogate_grad_fn, np.asarray(self._values["V_th"])
        if not isinstance(function, Surrogate):
            return self._of_function(function, V - V_th)
        if not function.relative:
            return np.asarray(function(V - V_th), dtype=np.float64)
        V_reset = self._values["V_reset"]
        if V_reset is None:
            raise StructureError(
                f"{self._label}: surrogate_grad_fn = {quoted(function)}: is relative to V_th - V_reset, but "
                "V_reset is None; expected "
                "a V_reset (mV)"
            )
        distance = V_th - np.asarray(V_reset)
        return np.asarray(function((V - V_th) / distance) / distance, dtype=np.float64)

    def _of_function(self, function: Callable[..., Any], x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values of a user's function."""
        what = f"{self._label}: surrogate_grad_fn: {getattr(function, '__name__', quoted(function))}(V - V_th)"
        try:
            values = function(x.copy())
        except Exception as error:
            raise ParameterError(f"{what} raised {quoted(error)}") from error
        return np.asarray(numbers(what, values, "numbers (1/mV)", "1/mV"), dtype=np.float64)

    def _check_soft_reset(self, name: str, value: Value | None) -> None:
        if name == "V_th" and self.reset and self._values["V_reset"] is None and np.any(np.asarray(value) <= 0):
            raise ParameterError(
                f"{self._label}: V_th = {value}: must be > 0 if V_reset is None, because a spike subtracts V_th; set "
                "V_th > 0 or V_reset (mV)"
            )

    def _refuse_reset(self, name: str, value: Value | None) -> None:
        """Raise an error for parameters of the reset if spikes do not reset V."""
        if value is not None and (name != "refractory" or np.any(np.asarray(value) != 0)):
            raise ParameterError(
                f"{self._label}: {name} = {value}: with reset=False a spike leaves V unchanged; remove {name}"
            )

    def _check(self, name: str, value: Value | None) -> None:
        if not self.reset and name in _OF_RESET:
            self._refuse_reset(name, value)
        if name != "V_reset":
            super()._check(name, value)
            self._check_soft_reset(name, value)
            return
        if self._network is not None and (value is None) != (self._values["V_reset"] is None):
            raise StructureError(
                f"{self._label}: V_reset = {value}: cannot be changed between None and a potential after the network "
                "is built; create new neurons"
            )
        if value is not None:
            _core.check("population", self._label, name, value, self.size)


#: Largest id of a process, of a population, or of its first neuron.
_LARGEST = 2**62


def _whole(module: Module, name: str, value: object) -> int:
    if not is_whole(value):
        raise ParameterTypeError(f"{module._label}: {name} = {quoted(value)}: expected an integer >= 0")
    if not 0 <= value <= _LARGEST:  # type: ignore[operator]
        raise ParameterError(f"{module._label}: {name} = {told(value)}: expected an integer from 0 to 2^62")
    return int(value)  # type: ignore[call-overload,no-any-return]


def _steps(module: Neuron, value: Any, shown: str) -> Any:
    """Return a dendritic delay in whole steps, a single value or one per neuron, after checking it."""
    what = f"{module._label}: dendritic_delay"
    array = array_of(what, in_unit(what, value, ""), "an integer >= 0 (steps)")
    if array.dtype.kind not in "iu":
        raise ParameterTypeError(f"{module._label}: dendritic_delay = {shown}: expected an integer >= 0 (steps)")
    if array.shape not in ((), (module.size,)) or (array < 0).any() or (array > 0xFFFF).any():
        expected = f"an integer from 0 to 65535 (steps), or an array of {counted(module.size, 'such integer')}"
        raise ParameterError(f"{module._label}: dendritic_delay = {shown}: expected {expected}")
    return int(array) if array.ndim == 0 else array.copy()
