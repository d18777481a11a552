"""Networks: modules put together, and run."""

from __future__ import annotations

import contextlib
import functools
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._numbers import numbers
from ._settings import chosen, float_type, member, positive, size_in_bytes, steps_of, whole
from ._translate import Translation
from .compartment import Compartment
from .custom import CHUNK, CustomGenerator
from .errors import DelayWarning, ParameterError, ParameterTypeError, StructureError, UnknownNameError
from .generators import Generator
from .gradients import MEMORY, Run
from .identity import numbered, selected
from .methods import SolverMethodODE, SolverMethodSDE
from .module import Module
from .neuron import MCNeuron
from .noise import OUNoise
from .progress import bar
from .recording import Recording, SpikeRecording
from .synapse import MCSynapse
from .tables import html_table, text_table
from .values import NetworkValues

__all__ = ["Network"]


class Network(NetworkValues):
    """Populations, generators and connections, built and ready to run.

    Parameters
    ----------
    modules : list of Module
        Everything to simulate: neurons, generators, [MCSynapse][dendrion.MCSynapse], [ConnGen][dendrion.ConnGen], or
        modules that hold them.
    dt : float
        Time step (ms), > 0.
    seed : int
        Seed of all random numbers, >= 0. The same seed gives the same bits on any number of threads.
    dtype : str
        ``"float64"`` or ``"float32"``.
    threads : int, optional
        Threads to run on, >= 1; by default as many as there are cores. Results do not depend on it.
    odemethod, sdemethod : SolverMethodODE, SolverMethodSDE, optional
        Methods for the populations that were given none of their own.

    Raises
    ------
    DendrionError
        For anything in the model that does not fit, naming module, parameter, value, and what would be accepted.
    """

    def __init__(
        self,
        modules: Iterable[Module] | Module,
        dt: float = 0.1,
        seed: int = 0,
        dtype: str | type = "float64",
        threads: int | None = None,
        *,
        odemethod: SolverMethodODE | None = None,
        sdemethod: SolverMethodSDE | None = None,
    ) -> None:
        modules = [modules] if isinstance(modules, Module) else list(modules)
        self.dt = positive(dt)
        self.seed = whole("seed", seed, 0, 2**64 - 1)
        self.dtype = float_type(dtype)
        threads = None if threads is None else whole("threads", threads, 1, 4096)
        methods = {
            "odemethod": member("odemethod", odemethod, SolverMethodODE),
            "sdemethod": member("sdemethod", sdemethod, SolverMethodSDE),
        }
        translation = Translation(modules, self.dt, self.seed, self.dtype.name, threads, methods)
        self.modules: tuple[Module, ...] = tuple(translation.modules)
        self._parts = {id(m): m for listed in self.modules for m in listed.modules()}
        self._identities = numbered(self.populations)
        self._methods = {id(p): translation._method(p, "odemethod") for p in self.populations}
        self._sim = _core.Simulation(translation.model)
        self._without_gradient = translation.without_gradient
        # Some parameters enter no equation: r_axial beside an explicit coupling.
        known = set(self._sim.parameter_names())
        self._keys = {at: key for at, key in translation.keys.items() if key in known}
        self._owners = {key: (self._parts[module], name) for (module, name), key in self._keys.items()}
        for message in translation.warnings:
            warnings.warn(message, DelayWarning, stacklevel=2)
        for module in self._parts.values():
            module.__dict__["_net"] = weakref.ref(self)
            if isinstance(module, MCSynapse):
                module._settle()
                module._training_changed()
        self._probes: list[Recording | SpikeRecording] = []
        # Functions of CustomGenerators have been asked for the steps before this one.
        self._asked = 0

    # Populations

    @property
    def populations(self) -> tuple[MCNeuron, ...]:
        """The populations of neurons."""
        return tuple(m for m in self.modules if isinstance(m, MCNeuron))

    @property
    def decomposition(self) -> dict[int, tuple[MCNeuron, ...]]:
        """The populations of each process, by ``pid``. One process runs all of them today."""
        pids = sorted({p.pid for p in self.populations})
        return {pid: tuple(p for p in self.populations if p.pid == pid) for pid in pids}

    def select(self, **criteria: Any) -> list[MCNeuron]:
        """Return the populations that meet all criteria.

        Parameters
        ----------
        area_name, pid, id, name : optional
            What they must be, such as ``area_name="CA1"``.
        """
        return selected(self.populations, self._identities, criteria)

    def gids(self, population: MCNeuron) -> NDArray[np.int64]:
        """Return the numbers of a population's neurons in the whole network, of shape ``(size,)``."""
        self._path(population)
        if not isinstance(population, MCNeuron):
            raise ParameterTypeError(f"network: {population!r}: expected a population of neurons")
        first = self._identities[id(population)].first
        return np.arange(first, first + population.size, dtype=np.int64)

    def train(self, mode: bool = True) -> Network:
        """Let the weights of connections with a plasticity be learnt (as they are from the beginning)."""
        for module in self.modules:
            module.train(mode)
        return self

    def eval(self) -> Network:
        """Let all weights stay as they are."""
        return self.train(False)

    # Running

    @property
    def t(self) -> float:
        """Time reached (ms)."""
        return self._sim.steps() * self.dt

    @overload
    def run(
        self,
        duration: float,
        *,
        progress: bool = False,
        grad: Literal[False] = False,
        batch: int | None = None,
        inputs: Mapping[Generator, ArrayLike] | None = None,
        memory: float = MEMORY,
    ) -> Network: ...
    @overload
    def run(
        self,
        duration: float,
        *,
        progress: bool = False,
        grad: Literal[True],
        batch: int | None = None,
        inputs: Mapping[Generator, ArrayLike] | None = None,
        memory: float = MEMORY,
    ) -> Run: ...
    def run(
        self,
        duration: float,
        *,
        progress: bool = False,
        grad: bool = False,
        batch: int | None = None,
        inputs: Mapping[Generator, ArrayLike] | None = None,
        memory: float = MEMORY,
    ) -> Network | Run:
        """Simulate ``duration`` ms more, rounded to whole steps.

        Ctrl-C stops it cleanly: what was recorded is kept, and a later run goes on from there (but not where it had
        ``grad``, ``batch`` or ``inputs``).

        Parameters
        ----------
        duration : float
            Time to simulate (ms), >= 0.
        progress : bool
            Show a progress bar.
        grad : bool
            Return a [Run][dendrion.Run], whose ``backward`` gives gradients.
        batch : int, optional
            Samples to simulate side by side: they begin at the present state, share all parameters, and draw random
            numbers of their own. Probes then have a first axis for them. Later runs go on with the same samples until
            ``reset()``.
        inputs : dict, optional
            By generator, real numbers that stand in for what it would send in this run: of shape ``(steps, size)`` or,
            with a batch, ``(batch, steps, size)``. For a current generator pA; for a generator of spikes, factors of
            the weights: 1 is a spike, 0 none.
        memory : float
            Bytes that ``grad`` may keep. Where all steps do not fit, states to begin again from are kept instead, and
            ``backward`` runs the steps a second time.

        Returns
        -------
        Network or Run
            The network itself, or with ``grad`` the run.

        Raises
        ------
        DivergenceError
            Where a state stops being finite. What was recorded before is kept; ``reset()`` lets the network run again.
        StructureError
            Plastic connections with ``grad``, connections that learn with ``batch``: their changes would not be seen.
        """
        steps = self._steps("duration", duration)
        if grad or batch is not None or inputs is not None or self._sim.batch():
            return self._run_with(steps, progress, grad, batch, {} if inputs is None else inputs, memory)
        if not progress:
            self._advance(steps, None)
            return self
        with bar(max(steps, 1), self.dt) as show:
            self._advance(steps, show)
        return self

    def _run_with(
        self,
        steps: int,
        progress: bool,
        grad: bool,
        batch: int | None,
        inputs: Mapping[Generator, ArrayLike],
        memory: float,
    ) -> Network | Run:
        if batch is not None:
            batch = whole("batch", batch, 1, 2**31)
        if grad and self._without_gradient:
            raise self._without_gradient[0]
        given = [(g.path, self._input(g, value, steps, batch)) for g, value in self._generators(inputs).items()]
        budget = size_in_bytes("memory", memory) if grad else None
        self._ask_until(self._sim.steps() + steps)
        begin = self._sim.steps()
        with bar(max(steps, 1), self.dt) if progress else contextlib.nullcontext() as show:
            trace = self._sim.run_with(steps, show, batch, given, budget)
        if trace is None:
            return self
        return Run(self, trace, begin, steps, batch, list(inputs))

    def _generators(self, inputs: Mapping[Generator, ArrayLike]) -> Mapping[Generator, ArrayLike]:
        if not isinstance(inputs, Mapping):
            raise ParameterTypeError(f"network: inputs = {type(inputs).__name__}: expected a dict from generators")
        for generator in inputs:
            if not isinstance(generator, Generator):
                raise ParameterTypeError(f"network: inputs: {generator!r}: expected a generator of the network")
            self._path(generator)
        return inputs

    def _input(self, generator: Generator, value: ArrayLike, steps: int, batch: int | None) -> NDArray[np.float64]:
        array = numbers(f"{generator.path}: input", value, "numbers")
        shape = (steps, generator.size) if batch is None else (batch, steps, generator.size)
        if array.shape != shape:
            raise ParameterError(f"{generator.path}: input of shape {array.shape}: expected shape {shape}")
        return np.ascontiguousarray(array).reshape(-1)

    def _ask_until(self, end: int) -> None:
        """Ask the functions of CustomGenerators for all steps before ``end``."""
        functions = [m for m in self._parts.values() if isinstance(m, CustomGenerator) and callable(m.fn)]
        while functions and self._asked < end:
            begin = self._asked
            until = (begin // CHUNK + 1) * CHUNK
            given = [generator._ask(begin, until, self.dt) for generator in functions]
            for generator, spikes in zip(functions, given, strict=True):
                self._sim.push_spikes(generator.path, *spikes)
            self._asked = until

    def _advance(self, steps: int, show: Callable[[int], None] | None) -> None:
        """Run, and stop at the chunks for which functions are asked. Where a run is cut changes nothing in it."""
        functions = [m for m in self._parts.values() if isinstance(m, CustomGenerator) and callable(m.fn)]
        if not functions:
            self._sim.run(steps, show)
            return
        begin = self._sim.steps()
        while (now := self._sim.steps()) < begin + steps:
            if now >= self._asked:
                until = (now // CHUNK + 1) * CHUNK
                given = [generator._ask(now, until, self.dt) for generator in functions]
                for generator, spikes in zip(functions, given, strict=True):
                    self._sim.push_spikes(generator.path, *spikes)
                self._asked = until
            done, piece = now - begin, min(self._asked, begin + steps) - now
            self._sim.run(piece, show and functools.partial(_later, show, done))

    def reset(self) -> None:
        """Go back to t = 0: initial states, empty recordings, the same random numbers. Parameters keep their values."""
        self._sim.reset()
        self._asked = 0

    # Looking

    @overload
    def probe(  # type: ignore[overload-overlap]
        self,
        module: Module,
        variable: Literal["spikes"],
        *,
        every: None = None,
        indices: ArrayLike | None = None,
    ) -> SpikeRecording: ...
    @overload
    def probe(
        self, module: Module, variable: str, *, every: float | None = None, indices: ArrayLike | None = None
    ) -> Recording: ...
    def probe(
        self, module: Module, variable: str, *, every: float | None = None, indices: ArrayLike | None = None
    ) -> Recording | SpikeRecording:
        """Record a variable from now on.

        Parameters
        ----------
        module : Module
            A population or a generator of spikes (``"spikes"``), a compartment (``"V"``, ``"I"``), a receptor (``"s"``,
            ``"x"``, ``"I"``, and ``"B"`` of an NMDA), an OUNoise (``"I"``) or an MCSynapse that learns (``"w"``);
            ``net.variables(module)`` lists them.
        variable : str
            Its name.
        every : float, optional
            Time between samples (ms), rounded to whole steps. By default each step.
        indices : array of int, optional
            The neurons (of an MCSynapse the connections, by source, then target) to record, in the order of the
            columns. By default all.
        """
        path = self._recordable(module)
        columns = None if indices is None else chosen(path, indices, self._columns(module))
        if variable == "spikes" and isinstance(module, (MCNeuron, Generator)):
            if every is not None:
                raise ParameterError(f"{path}: every = {every}: expected None for spikes, which have their own times")
            probe = self._sim.add_probe(path, variable, 1, columns)
            return SpikeRecording(self, probe, f"{path}.spikes", module)
        steps = 1 if every is None else self._steps("every", every)
        probe = self._sim.add_probe(path, variable, steps, columns)
        gids = self._gids_of(module, columns)
        count = self._columns(module) if columns is None else len(columns)
        return Recording(self, probe, f"{path}.{variable}", gids, steps, count)

    def _columns(self, module: Module) -> int:
        """Return how many members of a module can be recorded."""
        return self._sim.connection_count(module.path) if isinstance(module, MCSynapse) else module.size

    def _gids_of(self, module: Module, columns: list[int] | None) -> NDArray[np.int64] | None:
        """Return the numbers of the neurons behind a probe's columns, where there are neurons."""
        owner: Module | None = module
        while owner is not None and id(owner) not in self._identities:
            owner = owner.parent
        if owner is None or isinstance(module, MCSynapse):
            return None
        gids = self._identities[id(owner)].first + np.arange(owner.size, dtype=np.int64)
        return gids if columns is None else gids[np.asarray(columns, dtype=np.int64)]

    def variables(self, module: Module) -> list[str]:
        """Return what can be recorded of a module."""
        return self._sim.variables(self._recordable(module))

    @property
    def info(self) -> dict[str, Any]:
        """Neurons, compartments, connections and their bytes, spikes so far, steps, steps per epoch, threads, level."""
        return self._sim.summary()

    def program(self, neuron: MCNeuron) -> str:
        """Return the program of a population's step, an instruction a line, for the curious."""
        return self._sim.program(self._path(neuron))

    # What modules and probes ask

    def _path(self, module: Module) -> str:
        if not isinstance(module, Module):
            raise ParameterTypeError(f"network: {module!r}: expected a module of the network")
        if id(module) not in self._parts:
            raise StructureError(f"{module!r}: is not in this network")
        return module.path

    def _recordable(self, module: Module) -> str:
        path = self._path(module)
        if isinstance(module, MCSynapse):
            if module.plasticity is None or not module.plasticity._learns:
                raise UnknownNameError(f"{path}: its weights stay as they are; expected an MCSynapse that learns")
            return path
        if isinstance(module, Generator) and module.spiking:
            return path
        if not isinstance(module, (MCNeuron, Compartment, OUNoise)):
            raise UnknownNameError(
                f"{path}: no variables in a {type(module).__name__}; expected a population, compartment or receptor"
            )
        return path

    def _steps(self, name: str, ms: float) -> int:
        return steps_of(name, ms, self.dt)

    def _rows(self) -> list[tuple[str, ...]]:
        """Return a table of the modules."""
        rows: list[tuple[str, ...]] = [("module", "kind", "size", "numbers", "method", "connections", "")]
        for module in self.modules:
            size, numbers, method, count = str(getattr(module, "size", "")), "", "", ""
            if isinstance(module, MCNeuron):
                first = self._identities[id(module)].first
                numbers = f"{first}-{first + module.size - 1}"
                method = self._methods[id(module)].name
            elif isinstance(module, MCSynapse):
                count = str(self._sim.connection_count(module.path))
            rows.append((module.path, type(module).__name__, size, numbers, method, count, _detail(module)))
        return rows

    def _head(self) -> str:
        info = self.info
        return (
            f"Network: {info['neurons']} neurons, {info['compartments']} compartments, {info['connections']} "
            f"connections; dt {self.dt} ms, {self.dtype}, t = {self.t:g} ms"
        )

    def __repr__(self) -> str:
        return f"{self._head()}\n{text_table(self._rows())}"

    def _repr_html_(self) -> str:
        return html_table(self._rows(), self._head())


def _later(show: Callable[[int], None], before: int, done: int) -> None:
    show(before + done)


def _detail(module: Module) -> str:
    if isinstance(module, MCNeuron):
        area = f"{module.area_name}, " if module.area_name else ""
        return f"{area}{sum(1 for _ in module.modules()) - 1} parts"
    pre, post = getattr(module, "pre", None), getattr(module, "post", getattr(module, "mc", None))
    if pre is None or post is None:
        return ""
    ends = post if isinstance(post, tuple) else (post,)
    return f"{pre.path} -> {', '.join(e.path for e in ends)}"
