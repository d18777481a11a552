"""``dendrion check``."""

from __future__ import annotations

import argparse

from .. import _core
from ..simulation.network import Network
from ._report import print_json

__all__ = ["check"]


def check(given: argparse.Namespace) -> None:
    """Read and build a model; what is wrong raises."""
    _core.check_model(given.model)
    net = Network.load(given.model)
    info = net.info
    if given.json:
        names = ("neurons", "compartments", "connections")
        print_json({"model": given.model, "ok": True, **{name: info[name] for name in names}})
    else:
        print(f"{given.model}: ok ({info['neurons']} neurons, {info['connections']} connections)")
