"""Parameters and states of a network by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._checks._warn import warn_of_all
from .._numbers import numbers
from .._paths import is_encodable
from .._quoted import counted, quoted
from .._suggest import unknown_name
from ..connections._targets import mapping_error
from ..connections.synapse import Connections, MCSynapse
from ..errors import (
    DelayWarning,
    DendrionError,
    ParameterError,
    ParameterTypeError,
    RoundingWarning,
    StructureError,
    UnitWarning,
    UnknownNameError,
)
from ..inputs.generators import Generator
from ..modules.module import Module, Value
from ..neurons.cable.neuron import CableNeuron
from ..neurons.equations import Written
from ..units import has_units, in_unit
from ._settings import as_number
from .ties import NetworkTies

if TYPE_CHECKING:
    from ..recordings._stream import Streams

__all__ = ["Mismatch", "NetworkValues"]

#: Maximum size (bytes) of a table of connections that is cached for the next access.
MOST_KEPT = 64 << 20


class Mismatch(NamedTuple):
    """Differences found by ``load_state_dict``."""

    #: Keys of the network for which no value was passed.
    missing: list[str]
    #: Keys that were passed but that the network does not have.
    unexpected: list[str]


class NetworkValues(NetworkTies):
    """Methods for reading and setting the parameters and states of a network."""

    dt: float
    dtype: np.dtype[np.floating]
    _sim: _core.Simulation
    _streams: Streams
    #: Keys of those parameters that are rounded to whole steps.
    _counted: frozenset[str]
    _parts: dict[int, Module]
    #: All modules by their paths, which do not change once the network is built.
    _by_path: dict[str, Module]
    #: Keys of all states in order, and their names by path.
    _states: dict[str, None]
    _names_of_states: dict[str, list[str]]
    #: Key in the engine by (id of module, parameter), and the inverse mapping.
    _keys: dict[tuple[int, str], str]
    _owners: dict[str, tuple[Module, str]]
    #: For each path, the table of connections and the version of the simulation at which it was read.
    _tables: dict[str, tuple[int, Connections]]

    def parameters(self) -> dict[str, NDArray[np.float64]]:
        """Return all parameters except frozen ones, keyed by ``path.parameter``. Tied parameters appear once.

        Values are arrays of shape ``()`` or ``(size,)``; on detailed cells, of shape ``()``, ``(sites,)`` or ``(cells,
        sites)``. Weights are named ``w``.
        """
        frozen = self._frozen_keys()
        return {k: value for k, value in self.state_dict().items() if k not in frozen and not self._is_repeated(k)}

    def _all_values(self) -> dict[str, NDArray[np.float64]]:
        return self.state_dict()

    def set_parameters(self, values: Mapping[str, ArrayLike]) -> None:
        """Set parameters by key. The new values take effect from the next step. If any value is invalid, none is set.

        The equations are not recompiled.
        """
        _check_mapping("set_parameters", values, self._sim.parameter_names)
        frozen = self._frozen_keys()
        for key in values:
            if key in frozen:
                raise ParameterError(f"{key}: is frozen; expected a parameter that is not in frozen_params")
        self._set(values)
        self._look_at(values)

    def state_dict(self) -> dict[str, NDArray[np.float64]]:
        """Return all parameters, including frozen ones, keyed by ``path.parameter``."""
        self._keep_up()
        shapes = self._shapes()
        values = {name: np.asarray(self._sim.parameter(name)) for name in self._sim.parameter_names()}
        return {name: v.reshape(shapes.get(name, v.shape)) for name, v in values.items()}

    def load_state_dict(self, values: Mapping[str, ArrayLike], strict: bool = True) -> Mismatch:
        """Set all parameters, including frozen ones, to values that ``state_dict`` returned.

        Parameters
        ----------
        values : dict
            Values, keyed by ``path.parameter``.
        strict : bool
            Whether missing and unexpected keys raise an error. If False, they are returned.
        """
        _check_mapping("load_state_dict", values, self._sim.parameter_names)
        known = set(self._sim.parameter_names())
        missing, unexpected = sorted(known - set(values)), sorted(set(values) - known)
        if strict and missing:
            more = f", and {counted(len(missing) - 1, 'other key')}" if len(missing) > 1 else ""
            raise UnknownNameError(
                f"network: load_state_dict: {quoted(missing[0])} is missing{more}; expected all parameters, or "
                "strict=False",
                name=missing[0],
                known=values,
            )
        if strict and unexpected:
            raise unknown_name("network: load_state_dict: no parameter", unexpected[0], known)
        found = {key: value for key, value in values.items() if key in known}
        self._set(found)
        self._look_at(found)
        return Mismatch(missing, unexpected)

    def _look_at_states(self, values: Mapping[str, NDArray[np.float64]]) -> None:
        """Warn about potentials that seem to be in volts."""
        from .._checks import odd_state

        small = [key for key, value in values.items() if value.size and -0.2 <= value.min() < 0]
        odd: list[str] = []
        for module in self._parts.values() if small else ():
            own = [name for path, _, name in (key.rpartition(".") for key in small) if path == module.path]
            for name in own:
                if module._unit_of_variable(name) == "mV":
                    odd += odd_state(module, name, values[f"{module.path}.{name}"])
        warn_of_all(odd, UnitWarning)

    def _look_at(self, values: Mapping[str, ArrayLike]) -> None:
        """Warn about values that seem to be in another unit."""
        from .._checks import odd_value

        odd: list[str] = []
        for key, value in values.items():
            module, name = self._owners.get(key, (None, ""))
            if module is not None and not has_units(value):
                # The new value has no unit, even if the previous one was a quantity.
                module._measured.discard(name)
                odd += odd_value(module, name, value)
        warn_of_all(odd, UnitWarning)

    def get_state(self) -> dict[str, NDArray[np.float64]]:
        """Return all states, keyed by ``path.variable``, of shape ``(size,)``, or ``(batch, size)`` with a batch.

        States of detailed cells have the shape ``(cells, sites)`` instead of ``(size,)``.
        """
        return {key: self._state(key) for key in self._states}

    def set_state(self, values: Mapping[str, ArrayLike]) -> None:
        """Set states by key. If any value is invalid, none is set.

        Parameters
        ----------
        values : dict
            For each key, a number, an array of shape ``(size,)`` or, for a batch, an array of shape ``(batch, size)``.
            With a batch, a number or an array of shape ``(size,)`` applies to all samples. If the network has no batch
            yet, an array of shape ``(batch, size)`` creates a batch: all samples start from the current state, and the
            next run must use the same ``batch``. For detailed cells, replace ``size`` with ``cells, sites``; an array
            of shape ``(sites,)`` applies to all cells.
        """
        _check_mapping("set_state", values, lambda: self._states)
        with self._alone("set_state"):
            known = self._states
            converted = {}
            for key, value in values.items():
                if key not in known:
                    raise unknown_name("network: no state", key, known)
                if has_units(value):
                    value = in_unit(key, value, self._unit_of_variable(key))
                converted[key] = self._flat_state(key, numbers(key, value, "a number or an array of numbers"))
            self._begin_batch(converted)
            before = {key: self._sim.state(key) for key in converted}
            try:
                for key, new in converted.items():
                    self._sim.set_state(key, new.reshape(-1) if new.ndim else float(new))
            except DendrionError:
                for key, state in before.items():
                    self._sim.set_state(key, state)
                raise
        self._look_at_states({key: value for key, value in converted.items() if not has_units(values[key])})

    def _begin_batch(self, states: Mapping[str, NDArray[np.float64]]) -> None:
        """Check the shapes of states, and create a batch if their shapes require one and the network has none."""
        here = self._sim.batch()
        batch = here or next((len(state) for state in states.values() if state.ndim == 2), 0)
        for key, state in states.items():
            size = len(self._sim.state(key)) // max(here, 1)
            if state.shape not in ((), (size,)) and (batch == 0 or state.shape != (batch, size)):
                or_batch = f"({batch}, {size})" if batch else f"(batch, {size})"
                raise ParameterError(
                    f"{key} = array of shape {state.shape}: expected a number, an array of shape ({size},), or one of "
                    f"shape {or_batch} for a batch"
                )
            if not np.isfinite(state).all():
                value = state[~np.isfinite(state)][0] if state.ndim else state
                raise ParameterError(f"{key} = {value}: expected a finite number")
            _check_range(key, state, self.dtype)
        if batch and not here:
            self._streams.refuse("a batch")
            self._sim.begin_batch(batch)

    def _set(self, values: Mapping[str, ArrayLike]) -> None:
        with self._alone("set_parameters"):
            converted = self._with_tied({key: self._converted(key, value) for key, value in values.items()})
            self._keep_up()
            self._check_formulas(converted)
            self._sim.set_parameters(converted)
            self._changed(converted)
            for key, value in converted.items():
                self._note(key, value)
        self._warn_of_rounding(self._counted.intersection(converted))

    def _check_formulas(self, converted: Mapping[str, Any]) -> None:
        """Check the densities that formulas give for new values of their parameters, or of diameters."""
        changed: dict[int, tuple[Module, dict[str, Any]]] = {}
        for key, value in converted.items():
            module, name = self._owners.get(key, (None, ""))
            if module is not None and getattr(module, "_formulas", None) is not None:
                changed.setdefault(id(module), (module, {}))[1][name] = value
            elif isinstance(module, CableNeuron) and name == "diameter":
                for part in module.modules():
                    if part.__dict__.get("_formulas") is not None:
                        changed.setdefault(id(part), (part, {}))[1][name] = value
        for module, new in changed.values():
            assert isinstance(module, Written)
            assert module._formulas is not None
            module._formulas.check(module, module._current() | new)

    def _warn_of_rounding(self, keys: Collection[str] | None) -> None:
        """Warn about parameters (all, or those in ``keys``) with times that are not multiples of the time step."""
        if keys is not None and not keys:
            return
        found = self._sim.roundings(None if keys is None else list(keys))
        for category, is_delay in ((DelayWarning, True), (RoundingWarning, False)):
            warn_of_all([text for name, text in found if (name == "delay") is is_delay], category)

    def _converted(self, key: str, value: ArrayLike) -> Value | None:
        module, name = self._owners.get(key, (None, ""))
        if value is None:
            raise ParameterTypeError(f"{key} = None: expected a number or an array")
        if isinstance(module, (MCSynapse, Generator)) or (module is not None and module._per_site(name) is not None):
            return module._convert(name, value)
        if has_units(value):
            value = in_unit(key, value, self._unit_of(key))
        return as_number(key, value)

    def _unit_of(self, key: str) -> str:
        """Return the unit of a parameter."""
        module, name = self._owners.get(key, (None, ""))
        if module is None:
            known = self._sim.parameter_names()
            if key not in known:
                raise unknown_name("network: no parameter", key, known)
            # The parameter is the weight of a ConnGen; such weights belong to no module.
            return ""
        return module._unit_of(name)

    def _unit_of_variable(self, key: str) -> str:
        """Return the unit of a state."""
        path, _, name = key.rpartition(".")
        module = self._by_path.get(path)
        return "" if module is None else module._unit_of_variable(name)

    def _note_states(self) -> None:
        """Store the names of all states, which are fixed once the network is built."""
        self._states = dict.fromkeys(self._sim.state_names())
        self._names_of_states = {}
        for key in self._states:
            path, _, name = key.rpartition(".")
            self._names_of_states.setdefault(path, []).append(name)

    def _states_of(self, path: str) -> list[str]:
        """Return the names of the states of the module with this path."""
        return self._names_of_states.get(path, [])

    def _state(self, key: str) -> NDArray[np.float64]:
        """Return a state of shape ``(size,)``, or ``(batch, size)`` with a batch."""
        batch, state = self._sim.batch(), self._sim.state(key)
        return state.reshape(*([batch] if batch else []), *self._shape_of_state(key))

    def _shape_of_state(self, key: str) -> tuple[int, ...]:
        """Return the shape of a state: ``(cells, sites)`` on detailed cells, and otherwise ``(size,)``."""
        path, _, name = key.rpartition(".")
        module = self._by_path.get(path)
        per_site = None if module is None else module._per_site(name)
        return (-1,) if per_site is None else per_site.shape

    def _flat_state(self, key: str, state: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a state of detailed cells in flat form, and other arrays unchanged."""
        shape = self._shape_of_state(key)
        if len(shape) == 1 or state.ndim == 0:
            return state
        if state.shape in (shape, shape[1:]):
            return np.broadcast_to(state, shape).reshape(-1)
        if state.ndim == 3 and state.shape[1:] == shape:
            return state.reshape(len(state), -1)
        raise ParameterError(
            f"{key} = array of shape {state.shape}: expected a number, or an array of shape {shape} for cells and "
            f"sites, {shape[1:]} for all cells, or (batch, {shape[0]}, {shape[1]}) for a batch"
        )

    def _note(self, key: str, value: Value | None) -> None:
        """Store a value in its module, for use without the network. Weights are not stored, to save memory."""
        module, name = self._owners.get(key, (None, ""))
        if module is not None and not (isinstance(module, MCSynapse) and name == "w"):
            module._values[name] = value

    def _key_of(self, module: Module, name: str) -> str | None:
        return self._keys.get((id(module), name))

    def _value_of(self, module: Module, name: str, otherwise: Value | None) -> Value | None:
        """Return a module's parameter from the engine, or ``otherwise`` if the engine does not have it."""
        key = self._keys.get((id(module), name))
        is_weights = isinstance(module, MCSynapse) and name == "w"
        # During a run that cannot be interrupted the engine is not readable; use the value stored in the module.
        if key is None or (not is_weights and self._sim.is_unreadable()):
            return otherwise
        self._keep_up()
        return self._sim.parameter(key)

    def _set_module(self, module: Module, name: str, value: Value | None) -> None:
        if value is None:
            raise ParameterError(f"{module.path}: {name} = None: expected a number")
        with self._alone(f"{module.path}.{name} = ..."):
            self._keep_up()
            self._set_checked(module, name, value)

    def _set_checked(self, module: Module, name: str, value: Value) -> None:
        key = self._keys.get((id(module), name))
        if key is None:
            try:
                self._sim.set_parameters({f"{module.path}.{name}": value})
            except UnknownNameError:
                raise StructureError(
                    f"{module.path}: {name} is unused in this network; set it before building the network"
                ) from None
        else:
            keys = self._together(key)
            self._sim.set_parameters(dict.fromkeys(keys, value))
            self._changed(keys)
            for each in keys:
                self._note(each, value)
            self._warn_of_rounding(self._counted.intersection(keys))

    def _weights(self, synapse: MCSynapse) -> NDArray[np.float64]:
        self._keep_up()
        flat = np.asarray(self._sim.parameter(f"{synapse.path}.w"))
        return flat.reshape(synapse.shape) if synapse.shape else flat

    def _connections(self, synapse: MCSynapse) -> Connections:
        self._keep_up()
        version, found = self._tables.get(synapse.path, (-1, None))
        if found is None or version != self._sim.version():
            # Free the outdated table first.
            found = None
            self._tables.pop(synapse.path, None)
            pre, post, weight, delay = self._sim.connections(synapse.path)
            found = Connections(pre, post, weight, np.multiply(delay, self.dt, dtype=np.float64))
            for array in found:
                array.flags.writeable = False
            if sum(array.nbytes for array in found) <= MOST_KEPT:
                self._tables[synapse.path] = self._sim.version(), found
        return found

    def _frozen_keys(self) -> set[str]:
        frozen = ((id(m), name) for m in self._parts.values() for name in m._frozen)
        return {self._keys[at] for at in frozen if at in self._keys}

    def _without_effect(self) -> set[str]:
        """Return the parameters whose gradient is always 0: those that control random draws or plasticity."""
        names = {"stdp_tau", "tau_triplet", "rate", "prob"}
        still = {key for key, (_, name) in self._owners.items() if name in names}
        plastic = {m.path for m in self._parts.values() if isinstance(m, MCSynapse) and m.plasticity}
        keys = (key.rpartition(".") for key in self._sim.parameter_names()) if plastic else ()
        return still | {f"{path}.{name}" for path, _, name in keys if path in plastic and name != "w"}

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of two-dimensional parameters: dense weights and Piecewise values."""
        shapes: dict[str, tuple[int, ...]] = {}
        for module in self._parts.values():
            if isinstance(module, MCSynapse) and module.shape is not None:
                shapes[f"{module.path}.w"] = module.shape
            elif isinstance(module, Generator) and module._piecewise is not None:
                shapes |= {f"{module.path}.{name}": module._piecewise.values.shape for name in module._values}
        sizes = dict(zip(self._sim.parameter_names(), self._sim.parameter_sizes(), strict=True))
        for key, (owner, name) in self._owners.items():
            per_site = owner._per_site(name)
            if per_site is not None and per_site.cells > 1 and sizes[key] == per_site.members:
                shapes[key] = per_site.shape
        return shapes


def _check_range(key: str, state: NDArray[np.float64], dtype: np.dtype[np.floating]) -> None:
    """Raise an error for finite numbers that would become infinite in the network's floating-point type."""
    with np.errstate(over="ignore"):
        too_large = np.flatnonzero(~np.isfinite(state.astype(dtype)))
    if too_large.size:
        at = f"[{too_large[0]}]" if state.ndim else ""
        raise ParameterError(
            f"{key}{at} = {state.reshape(-1)[too_large[0]]:g}: expected a magnitude of at most "
            f"{np.finfo(dtype).max:.7e}, the largest {dtype.name}; use dtype float64 for larger numbers"
        )


def _check_mapping(name: str, values: object, known: Callable[[], Iterable[str]]) -> None:
    if not isinstance(values, Mapping):
        raise ParameterTypeError(mapping_error(f"network: {name}: values", values))
    for key in values:
        if not isinstance(key, str):
            hint = f", such as {key.path!r} and the name of a parameter or state" if isinstance(key, Module) else ""
            raise ParameterTypeError(f"network: {name}: key {quoted(key)}: expected a string{hint}")
        if not is_encodable(key):
            raise unknown_name(f"network: {name}: no parameter or state", key, known())
