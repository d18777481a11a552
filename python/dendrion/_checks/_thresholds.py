"""Checks of thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..neurons.compartment import Compartment, LeakyIF
from ..neurons.neuron import Neuron

__all__ = ["unusual"]

#: The default of V_th (mV).
DEFAULT = 1.0


def unusual(neuron: Neuron, compartments: Sequence[Compartment]) -> Iterator[str]:
    """Yield warnings about a population's threshold relative to its resting and reset potentials."""
    threshold, reset = neuron._values["V_th"], neuron._values["V_reset"]
    if "V_th" not in neuron._given and np.all(np.asarray(threshold) == DEFAULT):
        yield (
            f"{neuron.path}: V_th was not given and defaults to {DEFAULT:g} mV; expected the threshold of the neuron, "
            "such as V_th=-50.0 (mV)"
        )
    if not neuron.reset:
        # Without a reset, only upward crossings count, so V_rest may be above V_th.
        return
    for soma in compartments:
        if isinstance(soma, LeakyIF) and (found := _above(neuron, soma._values["V_rest"], threshold)):
            rest, least, where = found
            yield (
                f"{neuron.path}: V_th = {least:g} mV is below V_rest = {rest:g} mV of {soma.path}{where}, so neurons "
                "spike without input; expected V_th above V_rest"
            )
    if reset is not None and (found := _above(neuron, reset, threshold)):
        high, least, where = found
        yield (
            f"{neuron.path}: V_reset = {high:g} mV is above V_th = {least:g} mV{where}: after its first spike, a "
            "neuron spikes at every step outside its refractory period; expected V_reset below V_th"
        )


def _above(neuron: Neuron, value: Any, threshold: Any) -> tuple[float, float, str] | None:
    """Return the first value above its threshold, this threshold, and a note if only some neurons are affected."""
    value, threshold = np.asarray(value), np.asarray(threshold)
    above = value > threshold
    if not above.any():
        return None
    first = int(np.argmax(above))
    found, limit = (float(np.broadcast_to(a, above.shape).reshape(-1)[first]) for a in (value, threshold))
    count = int(above.sum())
    return found, limit, f" in {count} of its {neuron.size} neurons" if above.size > 1 and count < neuron.size else ""
