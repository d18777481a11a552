"""``dendrion run``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Any

import numpy as np

from .. import __version__
from .._quoted import counted
from ..errors import DivergenceError, ParameterError
from ..recordings.recording import SpikeRecording
from ..simulation.network import Network
from ._outputs import plotted, written
from ._places import Places
from ._report import print_json

__all__ = ["run"]


def run(given: argparse.Namespace) -> None:
    """Simulate a model, and save and plot its recordings."""
    net = Network.load(given.model, threads=given.threads, dt=given.dt, seed=given.seed, dtype=given.dtype)
    duration = net.duration if given.duration is None else given.duration
    if duration is None:
        raise ParameterError(f"{given.model}: has no duration; pass --duration MS, or add duration (ms) to the file")
    if given.load_state:
        net.load_state(given.load_state)
    # A saved state includes parameters, so --set is applied after the state is loaded.
    net.set_parameters(dict(_assigned(text) for text in given.set))
    # Before the run, detect files that cannot be written.
    places = Places(given, net.recordings)
    begin, begun = net.t, time.perf_counter()
    state = {"save_state": given.save_state} if given.save_state else {}
    try:
        net.run(duration, progress=not (given.quiet or given.json) and sys.stderr.isatty(), **state)
    except (KeyboardInterrupt, DivergenceError) as stop:
        # Keep everything recorded so far.
        stopped = "interrupted" if isinstance(stop, KeyboardInterrupt) else "diverged"
        summary = _summary(net, given.model, round(net.t - begin, 9), time.perf_counter() - begun)
        _write(net, places, {**summary, "stopped": stopped})
        raise
    # The run ends at a whole step, so its time may differ from the duration by up to half a step.
    summary = _summary(net, given.model, round(net.t - begin, 9), time.perf_counter() - begun)
    _write(net, places, summary)
    if given.json:
        print_json(summary)
    else:
        _print(summary)


def _write(net: Network, places: Places, summary: dict[str, Any]) -> None:
    """Write the recordings, the summary and the plot, and add their paths to the summary."""
    if places.folder is not None:
        summary["files"] = written(net, places, summary)
    if places.plot is not None:
        summary["plot"] = os.fspath(plotted(net, places.plot))


def _assigned(text: str) -> tuple[str, float]:
    """Return the key and the value of an assignment such as ``cell/soma.I_ext=200``."""
    key, equals, value = text.partition("=")
    try:
        if not equals:
            raise ValueError
        return key.strip(), float(value)
    except ValueError:
        raise ParameterError(f"--set {text}: expected PARAMETER=NUMBER, such as cell/soma.I_ext=200") from None


def _summary(net: Network, model: str, duration: float, spent: float) -> dict[str, Any]:
    info = net.info
    recordings: dict[str, Any] = {}
    for name, r in net.recordings.items():
        if isinstance(r, SpikeRecording):
            seconds = duration / 1000.0 * r._size
            recordings[name] = {"spikes": len(r), "rate_hz": len(r) / seconds if seconds else None}
        else:
            shape = r.values.shape
            some = {"min": float(np.min(r.values)), "max": float(np.max(r.values))} if r.values.size else {}
            recordings[name] = {"shape": list(shape), "unit": r.unit, **some}
    return {
        "model": model,
        "dendrion": __version__,
        "duration_ms": duration,
        "t_ms": net.t,
        "dt_ms": net.dt,
        "seed": net.seed,
        "dtype": net.dtype.name,
        "neurons": info["neurons"],
        "connections": info["connections"],
        "spikes": info["spikes"],
        "run_s": round(spent, 4),
        "recordings": recordings,
    }


def _print(summary: dict[str, Any]) -> None:
    print(
        f"{summary['model']}: {summary['duration_ms']:g} ms of {counted(summary['neurons'], 'neuron')} and "
        f"{counted(summary['connections'], 'connection')} in {summary['run_s']:.2f} s; "
        f"{counted(summary['spikes'], 'spike')}"
    )
    for name, found in summary["recordings"].items():
        if "spikes" in found:
            rate = "" if found["rate_hz"] is None else f", {found['rate_hz']:.3g} Hz"
            print(f"  {name}: {counted(found['spikes'], 'spike')}{rate}")
        elif "min" in found:
            samples, low, high = counted(found["shape"][0], "sample"), found["min"], found["max"]
            print(f"  {name}: {samples} from {low:.4g} to {high:.4g} {found['unit']}")
    for file in [*summary.get("files", []), *([summary["plot"]] if "plot" in summary else [])]:
        print(f"  wrote {file}")
