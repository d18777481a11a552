"""Neurons: trees of compartments with one soma."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._numbers import array_of, is_whole, numbers
from .._paths import is_encodable
from .._quoted import quoted, told
from ..connections._targets import class_hint
from ..connections.initializers import Initializer
from ..errors import ParameterError, ParameterTypeError, StructureError
from ..modules._attributes import check_assignment
from ..modules._ownership import SENTINEL, Sentinel, under_construction
from ..modules._values import read_only
from ..modules.module import Module, Value, checked_size
from ..surrogate import Sigmoid, Surrogate
from ..training._tracing import traced
from ..units import check_unit, in_unit
from .methods import SolverMethodODE, SolverMethodSDE, member

__all__ = ["MCNeuron", "Neuron"]


_METHODS = {"odemethod": SolverMethodODE, "sdemethod": SolverMethodSDE}
#: Parameters that determine V after a spike.
_OF_RESET = ("V_reset", "refractory", "V_spike", "spike_width")


class Neuron(Module):
    """Base class of populations of neurons."""


class MCNeuron(Neuron):
    """A population of multi-compartment neurons. Subclass it, and create the compartments in ``__init__``.

    The soma, a single [LeakyIF][dendrion.LeakyIF], emits a spike when ``V > V_th``, and V is reset. With
    ``reset=False``, an upward crossing of ``V_th`` emits a spike, and V is left unchanged.

    Parameters
    ----------
    size : int
        Number of neurons.
    pid : int
        Process to which the population belongs, >= 0. It is stored for future simulations with several processes
        (``net.decomposition``), and can be used to select populations.
    V_th : float or array
        Threshold (mV).
    V_reset : float or array, optional
        Potential after a spike (mV). With ``None``, a spike subtracts ``V_th``, which must then be > 0.
    stdp_tau, tau_triplet : float or array
        Time constants (ms) of the fast and slow traces of the neurons' spikes, for plastic connections to the
        population ([STDP][dendrion.STDP], [TripletSTDP][dendrion.TripletSTDP]).
    dendritic_delay : int, array of int, Initializer, or callable
        Dendritic part of the delay of connections (steps): a single value, one per neuron, an initializer whose values
        are rounded, or a function that takes the size and returns the values. Only plastic connections use it; for
        them it must be at least 1 and at most the delay.
    area_name : str, optional
        Brain area of the population, which can be used to select populations: ``net.select(area_name="CA1")``.
    surrogate_grad_fn : Surrogate or callable
        Surrogate derivative of the spike with respect to V for gradients, such as [Sigmoid][dendrion.Sigmoid], or a
        function of V - V_th (mV) that uses NumPy functions, such as ``lambda x: 1 / (1 + abs(x)) ** 2``. Simulations
        use the hard threshold. A surrogate with ``relative=True`` requires ``V_reset``.
    id, neuron_start_id : int
        Network-wide id of the population and of its first neuron, used in results (``spikes.gid``) and selections. By
        default, a network numbers populations from 0 and neurons from 1, in the order of their paths, and skips ids
        that are set explicitly. Explicit ids must not overlap.
    odemethod : SolverMethodODE or str
        Integration method, as a member of the enumeration or its name, such as ``"rk4"``. If it is not set, the
        network's ``odemethod`` is used if there is one.
    sdemethod : SolverMethodSDE or str
        Integration method for noise ([Noise][dendrion.Noise]); the same rules apply.
    parent, name, frozen_params
        See [Module][dendrion.Module].
    detach_reset : bool
        Whether gradients omit the derivative of the reset of V with respect to the spike. This derivative is about
        ``(V_reset - V_th)`` times the surrogate per step, and can make gradients grow without bound over many steps.
        All other effects of a spike, such as an adaptation current, are always differentiated.
    reset : bool
        Whether a spike resets V. Use ``False`` for somas whose channels generate action potentials: a spike is then an
        upward crossing of ``V_th`` (``V <= V_th`` at the beginning of a step, ``V > V_th`` at its end; the first step
        starts from the initial V). There is no reset and no refractory period, and setting ``V_reset``,
        ``refractory``, ``V_spike`` or ``spike_width`` is an error. In gradients the surrogate is evaluated at V at the
        end of steps that begin at or below ``V_th``, and is 0 in other steps.
    refractory : float or array
        Refractory period (ms): time after a spike during which no other spike occurs, while V is still integrated.
        Rounded to whole steps with a warning.
    V_spike, spike_width : float or array, optional
        Two-stage reset: a spike sets V to ``V_spike`` (mV), V is integrated, and after ``spike_width`` (ms, at least
        one step) it is set to ``V_reset``. The spike can thereby propagate back into dendrites. Set both or neither.
        Gradients are not supported.
    """

    _kinds: ClassVar[tuple[str, ...]] = ("population",)
    _optional: ClassVar[tuple[str, ...]] = ("V_reset", "V_spike", "spike_width")
    _fixed: ClassVar[tuple[str, ...]] = (*Module._fixed, "reset")
    _built_in: ClassVar[tuple[str, ...]] = (
        "odemethod",
        "sdemethod",
        "dendritic_delay",
        "surrogate_grad_fn",
        "detach_reset",
        "id",
        "neuron_start_id",
    )

    def __init__(
        self,
        size: int = 1,
        pid: int = 0,
        V_th: ArrayLike = 1.0,
        V_reset: ArrayLike | None = 0.0,
        stdp_tau: ArrayLike = 20.0,
        tau_triplet: ArrayLike = 110.0,
        dendritic_delay: Any = 1,
        area_name: str | None = None,
        surrogate_grad_fn: Callable[..., Any] | Surrogate = Sigmoid(),  # noqa: B008
        id: int = 0,
        neuron_start_id: int = 1,
        odemethod: SolverMethodODE | str = SolverMethodODE.EULER,
        sdemethod: SolverMethodSDE | str = SolverMethodSDE.MISLTEAIN,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
        *,
        detach_reset: bool = True,
        reset: bool = True,
        refractory: ArrayLike = 0.0,
        V_spike: ArrayLike | None = None,
        spike_width: ArrayLike | None = None,
    ) -> None:
        self.size = checked_size(self, size)
        # A network may choose values for arguments that were not passed.
        self._refer("_given", self.__dict__.get("_arguments", frozenset()))
        self.pid = pid
        self.id = id
        self.neuron_start_id = neuron_start_id
        self.area_name = area_name
        self.dendritic_delay = dendritic_delay
        self.surrogate_grad_fn = surrogate_grad_fn
        self.detach_reset = detach_reset
        self.reset = reset
        if not self.reset and "V_reset" not in self._given:
            V_reset = None
        self.odemethod = odemethod
        self.sdemethod = sdemethod
        self._declare(V_th=V_th, V_reset=V_reset, refractory=refractory, stdp_tau=stdp_tau, tau_triplet=tau_triplet)
        self._declare(V_spike=V_spike, spike_width=spike_width)
        super().__init__(parent, name, frozen_params)
        if not self.reset:
            for each in _OF_RESET:
                self._refuse_reset(each, self._values[each])
        self._check_together("population")
        self._check_soft_reset("V_th", self._values["V_th"])

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._values:
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
            "detach_reset": ("True or False", isinstance(value, (bool, np.bool_))),
            "reset": ("True or False", isinstance(value, (bool, np.bool_))),
        }
        if name in expected and not expected[name][1]:
            raise ParameterTypeError(f"{self._label}: {name} = {quoted(value)}: expected {expected[name][0]}")
        return bool(value) if name in ("detach_reset", "reset") else value

    def _checked_delay(self, value: Any) -> Any:
        if isinstance(value, Initializer):
            check_unit(f"{self._label}: dendritic_delay", value, value._unit, "")
            return value
        if isinstance(value, type):
            expected = "integers (steps), an Initializer or a function of the size"
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

    def spike_derivative(self, V: ArrayLike) -> NDArray[np.float64]:
        """Return the surrogate derivative of the spike (1/mV) at somatic potentials ``V`` (mV)."""
        V = numbers(f"{self._label}: V", V, "potentials (mV)", "mV")
        function, V_th = self.surrogate_grad_fn, np.asarray(self._values["V_th"])
        if not (isinstance(function, Surrogate) and function.relative):
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
                f"{self._label}: V_reset = {value}: cannot change between None and a potential after the network is "
                "built; create new neurons"
            )
        if value is not None:
            _core.check("population", self._label, name, value, self.size)


#: Largest id of a process, of a population, or of its first neuron.
_LARGEST = 2**62


def _whole(module: Module, name: str, value: object) -> int:
    if not is_whole(value):
        raise ParameterTypeError(f"{module._label}: {name} = {quoted(value)}: expected an integer >= 0")
    if not 0 <= value <= _LARGEST:  # type: ignore[operator]
        raise ParameterError(f"{module._label}: {name} = {told(value)}: expected an integer >= 0, at most 2^62")
    return int(value)  # type: ignore[call-overload,no-any-return]


def _steps(module: MCNeuron, value: Any, shown: str) -> Any:
    """Return a dendritic delay in whole steps, a single value or one per neuron, after checking it."""
    what = f"{module._label}: dendritic_delay"
    array = array_of(what, in_unit(what, value, ""), "an integer >= 0 (steps)")
    if array.dtype.kind not in "iu":
        raise ParameterTypeError(f"{module._label}: dendritic_delay = {shown}: expected an integer >= 0 (steps)")
    if array.shape not in ((), (module.size,)) or (array < 0).any() or (array > 0xFFFF).any():
        expected = f"an integer from 0 to 65535 (steps), or {module.size} of them"
        raise ParameterError(f"{module._label}: dendritic_delay = {shown}: expected {expected}")
    return int(array) if array.ndim == 0 else array.copy()
