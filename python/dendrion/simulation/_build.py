"""Conversion of modules to the model from which the engine is built."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from .. import _core
from ..connections._per_connection import Kind, computed
from ..connections.connectivity import Connector
from ..connections.initializers import Initializer
from ..connections.synapse import ConnGen, MCSynapse
from ..errors import ParameterError, StructureError
from ..inputs.currents import CurrentGenerator
from ..inputs.custom import CustomGenerator
from ..inputs.generators import Generator, SpikeGenerator
from ..inputs.noise import Noise
from ..modules.module import Module, unused
from ..neurons.cable.neuron import CableNeuron
from ..neurons.cable.sites import Site
from ..neurons.compartment import MEMBRANE, Compartment, LeakyIF
from ..neurons.coupling import MCConn, MCConnSynapse
from ..neurons.equations import Channel, Soma, Written
from ..neurons.neuron import Neuron
from ..neurons.receptors import Receptor
from ._cables import check_clamps, inject, translate


class Parsed(NamedTuple):
    """A model that was parsed from a file, and from which the modules of a network were created."""

    model: _core.Model
    #: Seed of noise and generated spikes, if it differs from the seed of the network.
    noise_seed: int | None


class Translation:
    """The model of a network. It is built from the modules of the network, unless it was parsed from a file."""

    def __init__(
        self,
        modules: Iterable[Module],
        dt: float,
        seed: int,
        dtype: str,
        threads: int | None,
        methods: dict[str, Any],
        parsed: Parsed | None,
    ) -> None:
        #: Methods for populations that do not set their own.
        self.methods = methods
        self.modules = _listed(modules)
        if not self.modules:
            raise StructureError("network: modules is empty; expected neurons, generators or connections")
        for module in {id(m): m for listed in self.modules for m in listed.modules()}.values():
            _check_free(module)
        _name_roots(self.modules)
        self.indices: dict[int, int] = {}
        self.neuron_of: dict[int, Neuron] = {}
        #: Populations of mechanisms on detailed cells, by the ids of the mechanisms.
        self.units: dict[int, int] = {}
        #: Index and path of a projection, "weight" or "delay", and the function that computes the values.
        self.functions: list[tuple[int, str, str, Any, Kind]] = []
        self.without_gradient: list[ParameterError] = []
        self.dt, self.seed = dt, seed
        check_clamps(self.modules, dt)
        if parsed is not None:
            self.model = parsed.model
            self.model.set(dt, seed, parsed.noise_seed, dtype, threads)
            return
        self.model = _core.Model(dt, seed, dtype, threads)
        for kind, add in (
            (Neuron, self._neurons),
            (Generator, self._generator),
            (MCSynapse, self._synapse),
            (ConnGen, self._conn_gen),
        ):
            for module in self.of(kind):
                add(module)
        for function in self.functions:
            self._compute(*function)

    def of(self, kind: type) -> list[Any]:
        """Return all modules of a kind, in the order in which they were listed."""
        return [m for m in self.modules if isinstance(m, kind)]

    def _given(self, module: Module, kind: str) -> dict[str, Any]:
        values = ((name, module._values.get(name)) for name, *_ in _core.parameters(kind))
        return {name: value for name, value in values if value is not None}

    # Populations

    def _set_surrogate(self, index: int, neuron: Neuron) -> None:
        try:
            self.model.set_surrogate(index, neuron._surrogate(), neuron._detaches_reset())
        except ParameterError as error:
            # Simulations do not need a surrogate, so the error is raised only if a gradient is requested.
            self.without_gradient.append(error)

    def _neurons(self, neuron: Neuron) -> None:
        if isinstance(neuron, CableNeuron):
            index = translate(self, neuron)
        else:
            given = self._given(neuron, "population")
            resets = neuron.reset, neuron.reset and neuron._values["V_reset"] is None
            methods = [self._method(neuron, name).value for name in ("odemethod", "sdemethod")]
            index = self.model.add_population(neuron.path, neuron.size, given, resets, *methods)
        self.model.set_dendritic_delay(index, neuron._dendritic_steps(self.seed))
        self._set_surrogate(index, neuron)
        self.indices[id(neuron)] = index
        if not isinstance(neuron, CableNeuron):
            self._parts(index, neuron)

    def _parts(self, index: int, neuron: Neuron) -> None:
        """Add the compartments of neurons, and everything that acts on them."""
        parts = [m for m in neuron.modules() if m is not neuron and not isinstance(m, (Generator, Neuron))]
        couplings = [m for m in parts if isinstance(m, MCConn)]
        attachments = [m for m in parts if isinstance(m, MCConnSynapse)]
        receptors = [m for m in parts if isinstance(m, Receptor)]
        attached, coupled = _by_ends(attachments, ("pre",)), _by_ends(couplings, ("pre", "post"))
        hosts = {id(r): _host(r, coupled.get(id(r), []), attached.get(id(r), [])) for r in receptors}
        for part in parts:
            self._member(neuron, part)
        for part in parts:
            if isinstance(part, Compartment) and hosts.get(id(part), part) is part:
                self._compartment(index, neuron, part)
        for coupling in couplings:
            self._coupling(index, neuron, coupling)
        for receptor in receptors:
            host = hosts[id(receptor)]
            if id(host) not in self.indices:
                raise StructureError(f"{receptor.path}: is attached to {host!r}, which is not part of {neuron.path}")
            name = _within(neuron, receptor)
            on = self.indices[id(host)]
            if receptor._receptor is None:
                given = receptor._written_values()
                text = (receptor.equations, receptor.signed)
                receptor_index = self.model.add_written_receptor(index, name, text, on, given)
            else:
                given = self._given(receptor, receptor._receptor)
                receptor_index = self.model.add_receptor(index, name, receptor._receptor, on, receptor.scale_g, given)
            self.indices[id(receptor), "receptor"] = receptor_index  # type: ignore[index]
        for part in parts:
            if isinstance(part, (Channel, Soma)):
                self._mechanism(index, neuron, part, attached.get(id(part), []))
        for noise in (m for m in parts if isinstance(m, Noise)):
            self._noise(index, neuron, noise)

    def _mechanism(self, index: int, neuron: Neuron, module: Channel | Soma, attached: list[MCConnSynapse]) -> None:
        on = module if isinstance(module, Soma) else _place(module, attached)
        if module.size != neuron.size:
            raise StructureError(
                f"{module.path}: size = {module.size}: expected {neuron.size}, the size of {neuron.path}"
            )
        if id(on) not in self.indices or self.neuron_of.get(id(on)) is not neuron:
            raise StructureError(
                f"{module.path}: acts on {on!r}; expected a compartment of {neuron.path} that has its own membrane"
            )
        given = module._written_values()
        self.model.add_mechanism(index, _within(neuron, module), module.equations, self.indices[id(on)], given)

    def _method(self, neuron: Neuron, name: str) -> Any:
        """Return the method of a population: its own if it was set, otherwise that of the network, or the default."""
        own, shared = getattr(neuron, name), self.methods[name]
        return own if shared is None or name in neuron._given else shared

    def _member(self, neuron: Neuron, part: Module) -> None:
        if isinstance(part, (MCSynapse, ConnGen)):
            return
        if isinstance(part, Compartment) and part.size != neuron.size:
            raise StructureError(f"{part.path}: size = {part.size}: expected {neuron.size}, the size of {neuron.path}")
        self.neuron_of[id(part)] = neuron

    def _compartment(self, index: int, neuron: Neuron, part: Compartment) -> None:
        part._check_quantities()
        soma = isinstance(part, LeakyIF)
        given = self._given(part, "soma" if soma else "compartment")
        self.indices[id(part)] = self.model.add_compartment(index, _within(neuron, part), soma, given)

    def _noise(self, index: int, neuron: Neuron, noise: Noise) -> None:
        if id(noise.on) not in self.indices or self.neuron_of.get(id(noise.on)) is not neuron:
            raise StructureError(
                f"{noise.path}: acts on {noise.on!r}; expected a compartment of {neuron.path} that has its own membrane"
            )
        given = self._given(noise, noise._kind)
        self.model.add_noise(index, _within(neuron, noise), noise._kind, self.indices[id(noise.on)], given)

    def _coupling(self, index: int, neuron: Neuron, coupling: MCConn) -> None:
        for end in (coupling.pre, coupling.post):
            if id(end) not in self.indices or self.neuron_of.get(id(end)) is not neuron:
                raise StructureError(f"{coupling.path}: couples {end!r}, which is not a compartment of {neuron.path}")
        ends = (self.indices[id(coupling.pre)], self.indices[id(coupling.post)])
        given = self._given(coupling, "coupling")
        self.model.add_coupling(index, _within(neuron, coupling), *ends, given)

    # Generators and connections

    def _generator(self, generator: Generator) -> None:
        common = (generator.path, generator.size)
        times = (generator.start, generator.stop)
        if isinstance(generator, SpikeGenerator):
            index = self.model.add_spikes(*common, *times, generator.indices, generator.times)
        elif isinstance(generator, CustomGenerator):
            if callable(generator.fn):
                index = self.model.add_generator(*common, "spikes", *times, {})
            else:
                index = self.model.add_spikes(*common, *times, *generator._given(self.dt))
        elif isinstance(generator, CurrentGenerator):
            wave = generator.waveform
            width = 1 if wave.ndim == 1 else wave.shape[1]
            form = (width, generator.interval)
            index = self.model.add_current(*common, *times, form, np.ascontiguousarray(wave.reshape(-1)))
        else:
            kind = generator._kinds[0]
            index = self.model.add_generator(*common, kind, *times, self._given(generator, kind))
            breaks = np.empty(0) if generator._piecewise is None else generator._piecewise.times
            self.model.set_course(index, breaks, generator.rng_col)
        self.indices[id(generator)] = index

    def _receptors(self, module: Module, receptors: tuple[Receptor, ...]) -> tuple[int, list[int]]:
        """Return the index of the receptors' population, and the indices of the receptors in it."""
        owners = {id(self.neuron_of[id(r)]): self.neuron_of[id(r)] for r in receptors if id(r) in self.neuron_of}
        missing = [r for r in receptors if id(r) not in self.neuron_of]
        if missing:
            raise StructureError(
                f"{module.path}: {missing[0]!r} is not part of a population of the network; add its population"
            )
        if len(owners) > 1:
            raise StructureError(f"{module.path}: its receptors belong to several populations; expected one population")
        units = {self.units[id(r)] for r in receptors if id(r) in self.units}
        if len(units) > 1:
            raise StructureError(
                f"{module.path}: its receptors are at different locations; expected receptors with the same locations, "
                "in the same order"
            )
        population = units.pop() if units else self.indices[next(iter(owners))]
        return population, [self.indices[id(r), "receptor"] for r in receptors]  # type: ignore[index]

    def _source(self, module: Module, pre: Module) -> int:
        if id(pre) not in self.indices:
            raise StructureError(f"{module.path}: {pre!r} is not in the network; add it to the network")
        return self.indices[id(pre)]

    def _synapse(self, synapse: MCSynapse) -> None:
        ends = (isinstance(synapse.pre, Neuron), self._source(synapse, synapse.pre))
        targets = self._receptors(synapse, synapse.post)
        synapse._check_unsettled()
        conn, given_delay, given_weight = synapse.__dict__["_conn"], synapse.__dict__["_delay"], synapse._values["w"]
        weight, delay = _engine_form(given_weight, 1.0), _engine_form(given_delay, None)
        if isinstance(conn, Connector):
            arguments = (synapse.path, *ends, *targets, conn._rule(), weight, delay)
            index = self.model.add_projection(*arguments)
        else:
            index = self.model.add_matrix(synapse.path, *ends, *targets, conn.starts, conn.targets, weight, delay)
        functions = {"weight": given_weight, "delay": given_delay}
        self.functions += [
            (index, synapse.path, name, f, synapse._kind(name)) for name, f in functions.items() if callable(f)
        ]
        if synapse.plasticity is not None:
            given = self._given(synapse, synapse.plasticity._kind)
            self.model.set_plasticity(index, synapse.plasticity._kind, given)

    def _compute(self, index: int, path: str, name: str, function: Any, kind: Kind) -> None:
        """Set weights or delays to the values that a user's function computes."""
        values = computed(path, name, function, self.model.pairs(index), kind)
        self.model.set_per_connection(index, name, values)

    def _conn_gen(self, conn: ConnGen) -> None:
        source = self._source(conn, conn.pre)
        if conn.pre.spiking:
            assert isinstance(conn.mc, Receptor)
            targets = self._receptors(conn, (conn.mc,))
            rule = ("one_to_one", 0.0, True, True)
            self.model.add_projection(conn.path, False, source, *targets, rule, 1.0, None)
            return
        if isinstance(conn.mc, Site):
            inject(self, conn, source, conn.mc)
            return
        if id(conn.mc) not in self.indices:
            known = id(conn.mc) in self.neuron_of
            why = (
                "is an attached receptor without a membrane"
                if known
                else "is not in the network; add its neuron to the network"
            )
            raise StructureError(f"{conn.path}: {conn.mc!r} {why}")
        population = self.indices[id(self.neuron_of[id(conn.mc)])]
        self.model.add_injection(conn.path, source, population, self.indices[id(conn.mc)])


def _engine_form(value: Any, otherwise: float | None) -> Any:
    """Return weights or delays in the engine's format, with a placeholder for functions."""
    if isinstance(value, Initializer):
        return value._spec()
    return otherwise if callable(value) else value


_Connection = TypeVar("_Connection", MCConn, MCConnSynapse)


def _by_ends(connections: list[_Connection], ends: tuple[str, ...]) -> dict[int, list[_Connection]]:
    """Return connections, keyed by the ids of the modules at these ends, without duplicates."""
    found: dict[int, list[_Connection]] = {}
    for connection in connections:
        for module in {id(getattr(connection, end)) for end in ends}:
            found.setdefault(module, []).append(connection)
    return found


def _host(receptor: Receptor, coupled: list[MCConn], attached: list[MCConnSynapse]) -> Compartment:
    """Return the compartment on which a receptor acts: another compartment, or the receptor itself."""
    path = receptor.path
    if len(attached) > 1:
        raise StructureError(
            f"{path}: is attached twice, by {attached[0].path} and {attached[1].path}; attach it only once"
        )
    if attached and coupled:
        raise StructureError(
            f"{path}: is attached by {attached[0].path} and coupled by {coupled[0].path}; use an MCConnSynapse to act "
            "on another compartment, or an MCConn to make the receptor a compartment itself, but not both"
        )
    if attached:
        useless = sorted(MEMBRANE & receptor._given)
        if useless:
            raise StructureError(
                f"{path}: {', '.join(useless)} would have no effect, because the receptor is attached by "
                f"{attached[0].path} and has no membrane of its own; omit these arguments, or couple the receptor with "
                "an MCConn instead"
            )
        return attached[0].post
    if coupled:
        return receptor
    raise StructureError(
        f"{path}: is not attached to anything; add an MCConnSynapse to the compartment on which it acts, or an MCConn "
        "to make it a compartment itself"
    )


def _place(channel: Channel, attached: list[MCConnSynapse]) -> Compartment:
    """Return the compartment on which a channel acts."""
    places = [a.post for a in attached]
    if channel.on is not None:
        places.append(channel.on)
    if len(places) > 1:
        raise StructureError(f"{channel.path}: is attached twice ({places[0]!r}, {places[1]!r}); attach it only once")
    if not places:
        raise StructureError(
            f"{channel.path}: is not attached to anything; pass `on=`, or add an MCConnSynapse to a compartment"
        )
    return places[0]


def _within(neuron: Neuron, part: Module) -> str:
    return part.path.removeprefix(neuron.path + "/")


def _listed(modules: Iterable[Module]) -> list[Module]:
    """Return populations, generators and connections, including those in containers, without duplicates."""
    found: dict[int, Module] = {}
    for listed in modules:
        if not isinstance(listed, Module):
            raise StructureError(f"network: {listed!r}: expected a module (neurons, a generator or connections)")
        inner = [m for m in listed.modules() if isinstance(m, (Neuron, Generator, MCSynapse, ConnGen))]
        if not inner:
            raise StructureError(
                f"network: {listed!r} contains no neurons, generators or connections; pass the neurons, not their parts"
            )
        found.update((id(m), m) for m in inner)
    return list(found.values())


def _check_free(module: Module) -> None:
    if module._network is not None:
        raise StructureError(f"{module.path}: is already part of another network; create a new module for this network")
    # A mechanism on detailed cells has no membrane, and need not have parameters.
    is_placed = isinstance(module, Written) and module._placement is not None
    if module._kinds and not module._values and not is_placed:
        kind = type(module).__name__
        raise StructureError(f"{module._label}: {kind}.__init__ does not call super().__init__(size, ...)")


def _name_roots(modules: list[Module]) -> None:
    """Name the outermost owners. Owners without an explicit name are named after their class, with a number."""
    roots: dict[int, Module] = {}
    for module in modules:
        root = module
        while root._owner is not None:
            root = root._owner
        roots[id(root)] = root
    taken: set[str | None] = set()
    numbers: dict[str, int] = {}
    given = {key: r for key, r in roots.items() if r._name is not None and not _may_rename(r)}
    for root in given.values():
        if root._name in taken:
            raise StructureError(f"network: two modules are named {root._name!r}; rename one of them")
        taken.add(root._name)
    for root in (r for key, r in roots.items() if key not in given):
        name = unused(type(root).__name__.lower(), taken.__contains__, numbers)
        root.__dict__.update(_name=name, _automatic=True)
        taken.add(name)


def _may_rename(root: Module) -> bool:
    """Return whether a name was derived from the class and is not used by another network."""
    return root._automatic and all(m._network is None for m in root.modules())
