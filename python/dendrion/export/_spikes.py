"""Spikes in the forms that exporters need: one row per spike, or one array per neuron."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..recordings.recording import SpikeRecording

Times = np.ndarray[Any, np.dtype[np.float64]]


def columns(spikes: SpikeRecording) -> dict[str, np.ndarray[Any, Any]]:
    """Return the columns ``t`` (ms) and ``i``, with ``gid`` for neurons, and with ``sample`` if there is a batch."""
    sample, step, i = spikes._spikes()
    found = {"t": np.multiply(step, spikes.dt, dtype=np.float64), "i": i.astype(np.int64)}
    if spikes._first is not None:
        found["gid"] = spikes._first + found["i"]
    if spikes._batch:
        found["sample"] = sample
    return found


def by_member(spikes: SpikeRecording) -> list[list[Times]]:
    """Return the spike times (ms) of each recorded neuron, for each sample of the batch."""
    sample, step, i = spikes._spikes()
    t = np.multiply(step, spikes.dt, dtype=np.float64)
    found = []
    for k in range(max(spikes._batch, 1)):
        mine = sample == k
        order = np.argsort(i[mine], kind="stable")
        ends = np.searchsorted(i[mine][order], spikes._index, side="right")
        begins = np.searchsorted(i[mine][order], spikes._index, side="left")
        times = t[mine][order]
        found.append([times[a:b] for a, b in zip(begins.tolist(), ends.tolist(), strict=True)])
    return found
