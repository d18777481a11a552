"""Networks of modules."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._checks import odd_step, odd_values, warn_of_all, warn_of_model
from .._quoted import quoted
from .._suggest import suggests
from ..connections.synapse import MCSynapse
from ..errors import ParameterError, ParameterTypeError, StructureError, UnitWarning, UnknownNameError
from ..files import NetworkFiles
from ..inputs.generators import Generator
from ..inputs.noise import OUNoise
from ..modules._repr import NetworkShown
from ..modules.identity import numbered, selected
from ..modules.module import Module
from ..neurons.cable.neuron import CableNeuron
from ..neurons.cable.sites import Site
from ..neurons.compartment import Compartment
from ..neurons.equations import Channel, Written
from ..neurons.methods import SolverMethodODE, SolverMethodSDE, member
from ..neurons.neuron import Neuron
from ..recordings._collection import NetworkRecordings, What
from ..recordings._stream import Place, Streams
from ..recordings.recording import Recording, SpikeRecording
from ..units import has_units
from ._build import Parsed, Translation
from ._cables import cable_program
from ._columns import columns_of, interpolated
from ._log import log_built
from ._probing import check_variable, listed
from ._settings import float_type, interval, positive, whole
from .running import NetworkRuns
from .settling import NetworkSteadyState
from .values import NetworkValues

__all__ = ["Network"]

#: Alternatives to assigning an attribute of a network.
_INSTEAD_OF = {
    "dt": "the time step of a built network is fixed; create a new Network with dt={value}",
    "seed": "the seed of a built network is fixed; create a new Network with seed={value}, or "
    "call net.reset(seed={value}) for other noise and random spikes",
    "dtype": "the floating-point type of a built network is fixed; create a new Network with dtype={value}",
    "threads": "the number of threads of a built network is fixed; create a new Network with threads={value}",
    "odemethod": "the solvers of a built network are fixed; create a new Network with odemethod={value}",
    "sdemethod": "the solvers of a built network are fixed; create a new Network with sdemethod={value}",
    "modules": "the modules of a built network are fixed; create a new Network with all modules",
    "populations": "the modules of a built network are fixed; create a new Network with all modules",
    "duration": "is the duration given in the model file; pass the time to simulate to net.run()",
    "t": "is read-only; net.run() advances the time, net.reset() sets it to 0, and net.load_state() to a saved time",
    "recordings": "is read-only; net.probe() adds a recording",
    "training": "is read-only; net.train() and net.eval() switch plasticity on and off",
}


class Network(NetworkValues, NetworkRuns, NetworkSteadyState, NetworkRecordings, NetworkFiles, NetworkShown):
    """A network of populations, generators and connections, ready to run.

    Parameters
    ----------
    modules : list of Module
        The modules to simulate: neurons, generators, [MCSynapse][dendrion.MCSynapse], [ConnGen][dendrion.ConnGen], or
        modules that contain them.
    dt : float
        Time step (ms), > 0.
    seed : int
        Seed of all random numbers, >= 0. Results with the same seed are bit-identical for any number of threads.
    dtype : str
        Floating-point type, ``"float64"`` or ``"float32"``.
    threads : int, optional
        Number of threads, >= 1. Defaults to the number of cores. Results do not depend on it.
    odemethod, sdemethod : SolverMethodODE, SolverMethodSDE or str, optional
        Integration methods for populations that do not set their own, as members of the enumeration or names, such as
        ``"rk4"``.

    Attributes
    ----------
    dt, seed, dtype : float, int, numpy.dtype
        The settings with which the network was built.
    modules : tuple of Module
        The populations, generators and connections.
    duration : float or None
        Duration (ms) in the model file from which the network was loaded.

    Raises
    ------
    DendrionError
        If the model is invalid. The message identifies the module, the parameter and the value, and states which values
        are accepted.

    Notes
    -----
    All attributes are read-only. Assigning to an attribute, even if it does not exist, raises
    [AssignmentError][dendrion.AssignmentError].
    """

    _instead_of: ClassVar[Mapping[str, str]] = MappingProxyType(_INSTEAD_OF)

    @suggests
    def __init__(
        self,
        modules: Iterable[Module] | Module,
        dt: float = 0.1,
        seed: int = 0,
        dtype: str | type = "float64",
        threads: int | None = None,
        *,
        odemethod: SolverMethodODE | str | None = None,
        sdemethod: SolverMethodSDE | str | None = None,
    ) -> None:
        # If the modules were read from a file, the network is built from the model that was parsed with them.
        parsed: Parsed | None = self.__dict__.pop("_parsed", None)
        begun = time.perf_counter()
        modules = listed(modules)
        self.dt = positive(dt)
        self.seed = whole("seed", seed, 0, 2**64 - 1)
        self.dtype = float_type(dtype)
        threads = None if threads is None else whole("threads", threads, 1, 4096)
        methods = {
            "odemethod": None if odemethod is None else member("network", "odemethod", odemethod, SolverMethodODE),
            "sdemethod": None if sdemethod is None else member("network", "sdemethod", sdemethod, SolverMethodSDE),
        }
        translation = Translation(modules, self.dt, self.seed, self.dtype.name, threads, methods, parsed)
        # Check units now, because synapses release their weights and delays below.
        parts = (m for listed in translation.modules for m in listed.modules())
        with np.errstate(all="ignore"):
            looks = [*(() if has_units(dt) else odd_step(self.dt)), *odd_values(parts)]
        self.modules: tuple[Module, ...] = tuple(translation.modules)
        self._parts = {id(m): m for listed in self.modules for m in listed.modules()}
        self._by_path = {m.path: m for m in reversed(self._parts.values())}
        self._identities = numbered(self.populations)
        self._methods = {id(p): translation._method(p, "odemethod") for p in self.populations}
        self._sim = _core.Simulation(translation.model)
        self._note_states()
        self._begin_sharing()
        self._without_gradient = translation.without_gradient
        # Some parameters are unused, such as r_axial if all couplings are explicit.
        known = set(self._sim.parameter_names())
        keys = ((m, name, f"{m.path}.{name}") for m in self._parts.values() for name in m._values)
        self._owners = {key: (m, name) for m, name, key in keys if key in known}
        self._keys = {(id(m), name): key for key, (m, name) in self._owners.items()}
        self._counted = frozenset(self._sim.step_parameters())
        self._warn_of_rounding(None)
        for module in self._parts.values():
            module.__dict__["_net"] = weakref.ref(self)
            if isinstance(module, MCSynapse):
                module._settle()
                module._training_changed()
        self._begin_recordings()
        self.duration: float | None = None
        self._streams = Streams(self)
        # Functions of CustomGenerators have been called for all steps before this one.
        self._asked = 0
        self._began = False
        self._restarts = 0
        self._tables, self._tied = {}, {}
        self._built = True
        log_built(self, begun)
        warn_of_all(looks, UnitWarning)
        warn_of_model(self)

    # Populations

    @property
    def populations(self) -> tuple[Neuron, ...]:
        """The populations of neurons."""
        return tuple(m for m in self.modules if isinstance(m, Neuron))

    @property
    def decomposition(self) -> dict[int, tuple[Neuron, ...]]:
        """The populations of each process, keyed by ``pid``. Currently, a single process runs all of them."""
        pids = sorted({p.pid for p in self.populations})
        return {pid: tuple(p for p in self.populations if p.pid == pid) for pid in pids}

    def select(self, **criteria: Any) -> list[Neuron]:
        """Return the populations that meet all criteria.

        Parameters
        ----------
        area_name, pid, id, name : optional
            Required values, such as ``area_name="CA1"``.
        """
        return selected(self.populations, self._identities, criteria)

    def gids(self, population: Neuron) -> NDArray[np.int64]:
        """Return the network-wide ids of a population's neurons, of shape ``(size,)``."""
        self._path(population)
        if not isinstance(population, Neuron):
            raise ParameterTypeError(f"network: {quoted(population)}: expected a population of neurons")
        first = self._identities[id(population)].first
        return np.arange(first, first + population.size, dtype=np.int64)

    def train(self, mode: bool = True) -> Network:
        """Switch plasticity on (the default), so that plastic weights change during runs."""
        with self._alone("train"):
            for module in self.modules:
                module.train(mode)
        return self

    def eval(self) -> Network:
        """Switch plasticity off, so that weights do not change."""
        return self.train(False)

    # Recording

    @overload
    def probe(  # type: ignore[overload-overlap]
        self,
        module: Module | Site,
        variable: Literal["spikes"],
        *,
        every: None = None,
        indices: ArrayLike | None = None,
        to: str | os.PathLike[str] | None = None,
    ) -> SpikeRecording: ...
    @overload
    def probe(
        self,
        module: Module | Site,
        variable: str,
        *,
        every: float | None = None,
        indices: ArrayLike | None = None,
        to: str | os.PathLike[str] | None = None,
        interpolate: bool = False,
    ) -> Recording: ...
    @suggests
    def probe(
        self,
        module: Module | Site,
        variable: str,
        *,
        every: float | None = None,
        indices: ArrayLike | None = None,
        to: str | os.PathLike[str] | None = None,
        interpolate: bool = False,
    ) -> Recording | SpikeRecording:
        """Record a variable from the current step on.

        Parameters
        ----------
        module : Module or Site
            The module whose variable is recorded, or a site of detailed cells, such as ``cells.at("soma")``.
        variable : str
            Name of the variable: ``"spikes"`` for a population or spike generator; ``"V"`` or ``"I"`` for a
            compartment; ``"s"``, ``"x"`` or ``"I"`` for a receptor, and also ``"B"`` for an NMDA receptor; a state or
            named expression for a channel; ``"I"`` for an OUNoise; ``"w"`` for an MCSynapse with plastic weights.
            ``net.variables(module)`` lists the variables of a module. Detailed cells have ``"V"``, in all their
            control volumes or at a site.
        every : float, optional
            Sampling interval (ms), rounded to whole steps with a warning. By default every step is recorded.
        indices : array of int, optional
            Indices of the neurons to record, in the order of the columns; for an MCSynapse, indices of connections
            (ordered by source and then by target); on detailed cells, indices of (cell, site) pairs (ordered by cell
            and then by site). By default all are recorded.
        to : str or path, optional
            A zarr folder, such as ``"run.zarr"``, to which the recording is written during the run, in a group named
            after the recording. Several recordings may share a folder. Only data that have not been written yet are
            kept in memory (up to 64 MB of values, and copies during writing), and ``values`` reads from disk. This is
            not supported in runs with ``grad``, ``batch`` or ``inputs``.
        interpolate : bool
            Whether V at a site of detailed cells is interpolated linearly between the centres of the two nearest
            control volumes of the section. Between the outermost centres and the ends of the section, V is constant.
            By default, V of the control volume that contains the location is recorded.
        """
        with self._alone("probe"):
            if not isinstance(interpolate, (bool, np.bool_)):
                raise ParameterTypeError(f"network: interpolate = {quoted(interpolate)}: expected True or False")
            return self._probe(module, variable, every, indices, to, bool(interpolate))

    def _probe(
        self,
        module: Module | Site,
        variable: str,
        every: float | None,
        indices: ArrayLike | None,
        to: str | os.PathLike[str] | None,
        interpolate: bool,
    ) -> Recording | SpikeRecording:
        site = module
        module = module.neuron if isinstance(module, Site) else module
        path = self._recordable(module, variable)
        check_variable(path, module, variable, self._sim.variables)
        columns = columns_of(self, site, path, variable, indices)
        if interpolate:
            if to is not None:
                raise ParameterError(f"{path}: interpolate = True: is not supported together with to=")
            columns = interpolated(site, path, variable, columns)
        if variable == "spikes" and isinstance(module, (Neuron, Generator)):
            if every is not None:
                raise ParameterError(
                    f"{path}: every = {quoted(every)}: expected None, because spikes have their own times"
                )
            place = None if to is None else Place(f"{path}.spikes", to)
            probe = self._sim.add_probe(path, variable, 1, columns.members)
            what: What = (path, variable, None, columns.members)
            return self._keep(place, SpikeRecording, what, probe, f"{path}.spikes", module, columns.neuron)
        steps = 1 if every is None else interval("every", every, self.dt)
        place = None if to is None else Place(f"{path}.{variable}", to)
        probe = self._sim.add_probe(path, variable, steps, columns.members)
        what = (path, variable, None if every is None else steps * self.dt, columns.members)
        shown = columns.gid, steps, columns.size, columns.neuron, columns.cv, columns.weight
        return self._keep(place, Recording, what, probe, f"{path}.{variable}", *shown)

    def _keep(
        self, place: Place | None, cls: type[Recording | SpikeRecording], what: What, *arguments: Any
    ) -> Recording | SpikeRecording:
        recording = self._note_recording(cls, what, *arguments)
        if place is not None:
            self._streams.add(recording, place)
        return recording

    def _first_gid(self, module: Module) -> int | None:
        """Return the id of the first neuron of a module's population, or ``None`` for modules outside neurons."""
        owner: Module | None = module
        while owner is not None and id(owner) not in self._identities:
            owner = owner.parent
        return None if owner is None else self._identities[id(owner)].first

    def variables(self, module: Module) -> list[str]:
        """Return the names of the variables of a module that can be recorded."""
        return self._sim.variables(self._recordable(module))

    @property
    def info(self) -> dict[str, Any]:
        """Numbers of neurons, compartments, connections, spikes, steps and threads, and other facts, as a dict."""
        return self._sim.summary()

    def program(self, neuron: Neuron) -> str:
        """Return the compiled program of a population's step as text, with one instruction per line."""
        path = self._path(neuron)
        if not isinstance(neuron, CableNeuron):
            return self._sim.program(path)
        placed = [m for m in neuron.modules() if isinstance(m, Written) and m._placement is not None]
        return cable_program(path, placed, self._sim.program)

    # Access for modules and probes

    def _path(self, module: Module) -> str:
        if not isinstance(module, Module):
            known = isinstance(module, str) and module in self._by_path
            hint = f"; net[{quoted(module)}] is the module with that path" if known else ""
            raise ParameterTypeError(f"network: {quoted(module)}: expected a module of the network{hint}")
        if id(module) not in self._parts:
            raise StructureError(f"{quoted(module)}: is not in this network")
        return module.path

    def _recordable(self, module: Module, variable: object = None) -> str:
        """Return the path of a module with variables; ``variable`` is the requested variable, for errors."""
        path = self._path(module)
        name = variable if isinstance(variable, str) else path
        if isinstance(module, MCSynapse):
            if module.plasticity is None or not module.plasticity._learns:
                raise UnknownNameError(
                    f"{path}: its weights do not change; expected an MCSynapse with plastic weights", name=name
                )
            return path
        if isinstance(module, Generator) and module.spiking:
            return path
        if not isinstance(module, (Neuron, Compartment, Channel, OUNoise)):
            raise UnknownNameError(
                f"{path}: a {type(module).__name__} has no variables; expected a population, compartment or receptor",
                name=name,
            )
        return path
