"""Generators in a model file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..inputs.currents import CurrentGenerator, DCGenerator
from ..inputs.generators import BernoulliGenerator, Generator, PoissonGenerator, SpikeGenerator
from ..inputs.piecewise import Piecewise
from ._neurons import _freeze

if TYPE_CHECKING:
    from ._load import Values

__all__ = ["generator"]

Table = dict[str, Any]

#: Generators with a single parameter.
SIMPLE: dict[str, tuple[Any, str]] = {
    "PoissonGenerator": (PoissonGenerator, "rate"),
    "BernoulliGenerator": (BernoulliGenerator, "prob"),
    "DCGenerator": (DCGenerator, "amplitude"),
}


def generator(table: Table, values: Values) -> Generator:
    """Return the generator that a table describes."""
    times = {name: table[name] for name in ("start", "stop") if name in table}
    size, kind = table["size"], table["kind"]
    made: Generator
    if kind == "SpikeGenerator":
        indices = np.asarray(values(table["indices"]), dtype=np.uint32)
        made = SpikeGenerator(size, indices, values(table["times"]), parent=None, **times)
    elif kind == "CurrentGenerator":
        wave, width = np.asarray(values(table["waveform"]), dtype=np.float64), table.get("width", 1)
        wave = wave.reshape(-1, width) if width > 1 else wave
        made = CurrentGenerator(size, wave, parent=None, **times, interval=table.get("interval"))
    else:
        cls, name = SIMPLE[kind]
        value = values(table[name])
        if "changes" in table:
            changes = values(table["changes"])
            each = np.asarray(value, dtype=np.float64)
            value = Piecewise(changes, each if each.size == changes.size else each.reshape(changes.size, -1))
        stream = {"rng_col": table["stream"]} if "stream" in table else {}
        made = cls(size, parent=None, **{name: value}, **times, **stream)
    _freeze(made, table)
    return made
