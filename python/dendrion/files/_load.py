"""Conversion of a model file to a network of modules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from ..modules.module import Module
from ._cells import cells
from ._connections import connection, injection
from ._generators import generator
from ._neurons import neuron
from ._places import settle

if TYPE_CHECKING:
    from ..simulation.network import Network

__all__ = ["load"]

Table = dict[str, Any]


class Values:
    """The values in a model file, some of which are stored as arrays in a separate file."""

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._arrays = arrays

    def __call__(self, value: Any) -> Any:
        """Return a value, with lists and references to stored arrays converted to arrays."""
        if isinstance(value, dict) and "array" in value:
            return self._arrays[value["array"]]
        if isinstance(value, list):
            return np.array(value)
        return value

    def of(self, table: Table, but: tuple[str, ...]) -> Table:
        """Return the parameters in a table, without the entries named in ``but``."""
        return {name: self(value) for name, value in table.items() if name not in but}


def load(path: str, given: Table) -> Network:
    """Return the network in a model file. The settings in ``given`` override those in the file."""
    from ..simulation._build import Parsed
    from ..simulation.network import Network

    text, arrays, model = _core.read_model(path)
    document: Table = json.loads(text)
    values = Values(arrays)
    known: dict[str, Module] = {}
    made: dict[str, Module] = {}
    for name, table in document.get("populations", {}).items():
        if "morphology" in table:
            made[name] = cells(name, table, values, model, known)
        else:
            made[name] = neuron(name, table, values, known)
    for name, table in document.get("generators", {}).items():
        made[name] = generator(table, values)
    known |= made
    for name, table in document.get("connections", {}).items():
        made[name] = connection(table, values, known)
    for name, table in document.get("injections", {}).items():
        made[name] = injection(table, values, known)
    # The modules keep alive the owners that ``settle`` creates for them.
    settle(made)
    settings: Table = {name: document[name] for name in ("dt", "seed", "dtype", "threads") if name in document}
    settings.update(given)
    net = Network.__new__(Network)
    net.__dict__["_parsed"] = Parsed(model, document.get("noise_seed") if "seed" not in given else None)
    Network.__init__(net, list(made.values()), **settings)
    net.__dict__["duration"] = document.get("duration")
    known |= made
    for name, record in document.get("record", {}).items():
        module, indices = known[record["of"]], values(record.get("indices"))
        probe = net.probe(module, record["variable"], every=record.get("every"), indices=indices)
        net._rename_recording(probe, name)
    return net
