"""``dendrion check``."""

from __future__ import annotations

import argparse

from .. import _core
from .._quoted import counted
from ..simulation.network import Network
from ._report import print_json

__all__ = ["check"]


def check(given: argparse.Namespace) -> None:
    """Read a model, and build it unless it is large; raise an error if it is invalid."""
    neurons, compartments, connections = _core.check_model(given.model)
    if connections is not None:
        # Building the network in Python warns about likely mistakes.
        Network.load(given.model)
    if given.json:
        counts = {"neurons": neurons, "compartments": compartments, "connections": connections}
        print_json({"model": given.model, "ok": True, **counts})
    elif connections is not None:
        print(f"{given.model}: ok ({counted(neurons, 'neuron')}, {counted(connections, 'connection')})")
    else:
        print(f"{given.model}: ok ({counted(neurons, 'neuron')}; the model is large, so connections were not counted)")
