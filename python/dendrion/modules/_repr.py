"""Display of networks as text and in notebooks, tab completion, and errors if a network is used as a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NoReturn

import numpy as np

from .. import _core
from .._quoted import counted
from .._suggest import Suggesting
from ..connections.synapse import MCSynapse
from ..errors import ParameterTypeError
from ..neurons.neuron import Neuron
from ..simulation._log import size
from ._copies import NotCopied
from ._fixed import Fixed
from .module import Module
from .tables import about, folded, html_table, html_tree, text_table

if TYPE_CHECKING:
    from ..neurons.methods import SolverMethodODE
    from ..recordings._collection import What
    from .identity import Identity

__all__ = ["NetworkShown"]

#: Maximum number of recordings that are listed by name.
LISTED = 12


class NetworkShown(Fixed, NotCopied, Suggesting):
    """Methods for displaying a network."""

    _instead: ClassVar[str] = (
        "net.save(path) and dn.Network.load(path) for the model, net.save_state(path) and net.load_state(path) for its "
        "state"
    )

    dt: float
    dtype: np.dtype[np.floating]
    modules: tuple[Module, ...]
    _recorded: dict[str, What]
    _sim: _core.Simulation
    _parts: dict[int, Module]
    _by_path: dict[str, Module]
    _identities: dict[int, Identity]
    _methods: dict[int, SolverMethodODE]

    def _title(self) -> str:
        return "network"

    def _frozen_keys(self) -> set[str]:
        raise NotImplementedError

    def _without_effect(self) -> set[str]:
        raise NotImplementedError

    def __len__(self) -> NoReturn:
        raise ParameterTypeError(
            "network: has no length; use net.info['neurons'], len(net.modules) or len(net.populations)"
        )

    def __bool__(self) -> bool:
        return True

    def __contains__(self, module: object) -> bool:
        """Return whether a module, passed as an object or a path, is in the network."""
        if isinstance(module, str):
            return module in self._by_path
        return id(module) in self._parts

    def _ipython_key_completions_(self) -> list[str]:
        return [m.path for m in self._parts.values()]

    def __repr__(self) -> str:
        return "\n".join([self._head(), text_table(self._rows()), *self._foot()])

    def _repr_html_(self) -> str:
        trees = [folded(f"{m.path}: parts", html_tree(m)) for m in self.modules if isinstance(m, Neuron)]
        return "".join([html_table(self._rows(), self._head(), self._foot()), *trees])

    def _head(self) -> str:
        info = self._sim.summary()
        return (
            f"Network: {counted(info['neurons'], 'neuron')}, {counted(info['compartments'], 'compartment')}, "
            f"{counted(info['connections'], 'connection')} ({size(info['connection_bytes'])}); dt {self.dt:g} ms, "
            f"{self.dtype}, t = {info['steps'] * self.dt:g} ms"
        )

    def _rows(self) -> list[tuple[str, ...]]:
        """Return the table of modules."""
        rows: list[tuple[str, ...]] = [("module", "kind", "size", "numbers", "method", "connections", "about")]
        for module in self.modules:
            members, numbers, method, count = str(getattr(module, "size", "")), "", "", ""
            if isinstance(module, Neuron):
                first = self._identities[id(module)].first
                numbers = f"{first}-{first + module.size - 1}"
                method = self._methods[id(module)].name
            elif isinstance(module, MCSynapse):
                count = str(self._sim.connection_count(module.path))
            rows.append((module.path, type(module).__name__, members, numbers, method, count, about(module)))
        return rows

    def _foot(self) -> list[str]:
        """Return lines about trainable parameters and recordings."""
        still = self._frozen_keys() | self._without_effect()
        counts = dict(zip(self._sim.parameter_names(), self._sim.parameter_sizes(), strict=True))
        trainable = sum(count for key, count in counts.items() if key not in still)
        lines = [
            f"parameters: {counted(sum(counts.values()), 'number')} under {counted(len(counts), 'key')}, "
            f"{trainable} of them trainable"
        ]
        if self._recorded:
            more = len(self._recorded) - LISTED
            names = [*list(self._recorded)[:LISTED], *([f"{more} more"] if more > 0 else [])]
            lines.append("records: " + ", ".join(names))
        return lines
