"""Populations in a model file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import channels
from ..inputs.noise import ConductanceNoise, OUNoise, WhiteNoise
from ..modules.module import Module, unused
from ..neurons import active
from ..neurons.compartment import Compartment, LeakyIF
from ..neurons.coupling import MCConn, MCConnSynapse
from ..neurons.equations import Channel, Soma, Written
from ..neurons.mc_neuron import MCNeuron
from ..neurons.methods import SolverMethodODE, SolverMethodSDE
from ..neurons.receptors import AMPA, GABA, NMDA, CurrentReceptor, Receptor
from ..surrogate import ATan, EventProp, Expression, FastSigmoid, Gaussian, MultiGaussian, Sigmoid, Surrogate, Triangle
from ._places import adopt

if TYPE_CHECKING:
    from ._load import Values

__all__ = ["neuron"]

Table = dict[str, Any]

RECEPTORS: dict[str, type[Receptor]] = {c.__name__: c for c in (AMPA, NMDA, GABA, CurrentReceptor)}
NOISES: dict[str, Any] = {c.__name__: c for c in (WhiteNoise, OUNoise, ConductanceNoise)}
SURROGATES: dict[str, Any] = {c.__name__: c for c in (Sigmoid, FastSigmoid, ATan, Triangle, Gaussian, MultiGaussian)}
SURROGATES["EventProp"] = EventProp
#: Entries of a table that are not parameters.
ABOUT = ("kind", "equations", "on", "frozen", "between", "scale_g", "signed")
OWN = ("size", "method", "noise_method", "surrogate", "detach_reset", "reset", "frozen")
PARTS = ("compartments", "couplings", "receptors", "channels", "noises")


def neuron(path: str, table: Table, values: Values, known: dict[str, Module]) -> MCNeuron:
    """Return a population, and add its parts to ``known``, keyed by path."""
    given = values.of(table, (*OWN, *PARTS))
    if "V_reset" in given and isinstance(given["V_reset"], str):
        given["V_reset"] = None
    made = MCNeuron(
        table["size"],
        **given,
        surrogate_grad_fn=_surrogate(table.get("surrogate")),
        reset=table.get("reset", True),
        # Files of earlier versions lack this entry.
        detach_reset=table.get("detach_reset", False),
        odemethod=SolverMethodODE(table.get("method", "euler")),
        sdemethod=SolverMethodSDE(table.get("noise_method", "milstein")),
        parent=None,
    )
    _freeze(made, table)
    parts = _Parts(table, values)
    adopt(made, parts.modules)
    known.update({f"{path}/{name}": part for name, part in parts.modules.items()})
    return made


class _Parts:
    """The parts of a neuron, keyed by their names in the file: compartments and receptors first, then all others."""

    def __init__(self, table: Table, values: Values) -> None:
        self.modules: dict[str, Module] = {}
        self._size, self._values = table["size"], values
        self._receptors: dict[str, Table] = table.get("receptors", {})
        compartments: dict[str, Table] = table.get("compartments", {})
        attached = [name for name in self._receptors if name not in compartments]
        order = {name: k for k, name in enumerate(self._receptors)}
        waiting = list(attached)
        for name, own in compartments.items():
            if name not in order:
                self._add(name, _compartment_class(own), own)
                continue
            # Attached receptors that were created before this compartment come first.
            while waiting and order[waiting[0]] < order[name]:
                self._receptor(waiting.pop(0), {})
            self._receptor(name, own)
        for name in waiting:
            self._receptor(name, {})
        for name, own in table.get("couplings", {}).items():
            a, b = (self._compartment(end) for end in own["between"])
            self._keep(name, MCConn(a, b, parent=None, **values.of(own, ABOUT)), own)
        taken = {*self.modules, *(n for part in PARTS for n in table.get(part, {}))}
        for name in attached:
            on, receptor = self._compartment(self._receptors[name]["on"]), self.modules[name]
            assert isinstance(receptor, Receptor)
            given = unused(f"{name}_on", taken.__contains__, {})
            taken.add(given)
            self._keep(given, MCConnSynapse(receptor, on, parent=None), {})
        for name, own in table.get("channels", {}).items():
            self._add(name, _channel_class(own), own, on=self._compartment(own["on"]))
        for name, own in table.get("noises", {}).items():
            noise = NOISES[own["kind"]](self._compartment(own["on"]), parent=None, **values.of(own, ABOUT))
            self._keep(name, noise, own)

    def _compartment(self, name: str) -> Compartment:
        found = self.modules[name]
        assert isinstance(found, Compartment)
        return found

    def _receptor(self, name: str, membrane: Table) -> None:
        own = self._receptors[name]
        cls: type[Receptor] = RECEPTORS.get(own.get("kind", ""), Receptor)
        scale = {"scale_g": own["scale_g"]} if "scale_g" in own else {}
        if "equations" in own:
            cls = _written(Receptor, own["equations"], own.get("signed", False))
        self._add(name, cls, {**membrane, **own, "frozen": _names(membrane) + _names(own)}, **scale)

    def _add(self, name: str, cls: type[Module], table: Table, **more: Any) -> None:
        make: Any = cls
        self._keep(name, make(self._size, parent=None, **more, **self._values.of(table, ABOUT)), table)

    def _keep(self, name: str, module: Module, table: Table) -> None:
        self.modules[name] = module
        _freeze(module, table)


def _names(table: Table) -> list[str]:
    found = table.get("frozen", [])
    return [found] if isinstance(found, str) else list(found)


def _freeze(module: Module, table: Table) -> None:
    module._freeze({name: getattr(module, name) for name in _names(table)})


def _compartment_class(table: Table) -> type[Compartment]:
    kind = table.get("kind", "Compartment")
    if kind == "Soma":
        own: type[Compartment] = _written(Soma, table["equations"])
        return own
    plain: dict[str, type[Compartment]] = {"Compartment": Compartment, "LeakyIF": LeakyIF}
    found: type[Compartment] = plain.get(kind) or getattr(active, kind)
    return found


def _channel_class(table: Table) -> type[Channel]:
    if "equations" in table:
        own: type[Channel] = _written(Channel, table["equations"])
        return own
    found: type[Channel] = getattr(channels, table["kind"], None) or getattr(active, table["kind"])
    return found


_classes: dict[tuple[type[Written], str, bool], Any] = {}


def _written(base: type[Written], equations: str, signed: bool = False) -> Any:
    """Return a class with these equations. Equal equations result in the same class.

    ``signed`` is whether the weights of a receptor may be negative.
    """
    if (base, equations, signed) not in _classes:
        members = {"equations": equations, "__doc__": "From a model file.", "__module__": __name__}
        _classes[base, equations, signed] = type(
            base.__name__, (base,), {**members, "signed": True} if signed else members
        )
    return _classes[base, equations, signed]


def _surrogate(table: Table | None) -> Surrogate:
    if table is None:
        return Sigmoid()
    if "expression" in table:
        return Expression(table["expression"], relative=table.get("relative", False))
    numbers = {name: value for name, value in table.items() if name != "kind"}
    made: Surrogate = SURROGATES[table["kind"]](**numbers)
    return made
