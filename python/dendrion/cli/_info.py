"""``dendrion info``."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from ..modules.module import Module
from ..modules.tables import text_table
from ..simulation.network import Network
from ._report import print_json

__all__ = ["info"]


def info(given: argparse.Namespace) -> None:
    """Print the modules of a model, their parameters and the recordings."""
    net = Network.load(given.model)
    if given.json:
        print_json(_described(net))
        return
    print(net)
    rows: list[tuple[str, ...]] = [("parameter", "value", "")]
    frozen = net._frozen_keys()
    rows += [(k, _shown(v), "frozen" if k in frozen else "") for k, v in net.state_dict().items()]
    print(f"\n{text_table(rows)}")
    if net.duration is not None:
        print(f"\nduration: {net.duration:g} ms")


def _shown(value: Any) -> str:
    array = np.asarray(value)
    if array.size == 1:
        return f"{array.reshape(()):g}"
    if not array.size:
        return "none"
    return f"{array.size} values from {array.min():g} to {array.max():g}"


def _described(net: Network) -> dict[str, Any]:
    summary = {name: value for name, value in net.info.items() if isinstance(value, (int, float, str))}
    modules = [_module(m) for m in net._parts.values()]
    # Long arrays, such as weights, are summarized by their range.
    parameters = {k: _numbers(v) for k, v in net.state_dict().items()}
    return {
        "dt": net.dt,
        "seed": net.seed,
        "dtype": net.dtype.name,
        "duration": net.duration,
        **summary,
        "modules": modules,
        "parameters": parameters,
        "records": {name: dict(zip(_WHAT, what, strict=True)) for name, what in net._recorded.items()},
    }


_WHAT = ("of", "variable", "every", "indices")


def _module(module: Module) -> dict[str, Any]:
    return {"path": module.path, "kind": type(module).__name__, "size": module.__dict__.get("size")}


def _numbers(value: Any) -> Any:
    array = np.asarray(value)
    if array.size <= 16:
        return array.tolist()
    return {"shape": list(array.shape), "min": float(array.min()), "max": float(array.max())}
