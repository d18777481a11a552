"""The input of all simulators: a model as numbers, the spikes of the sources, and a list of connections.

A case is a folder with ``spec.json`` (the model) and ``arrays.npz`` (spikes; connections as compressed sparse rows).
This module depends only on NumPy, because the environments of the other simulators import it.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

DT = 0.1  # ms
SEED = 1

Spec = dict[str, Any]

#: Receptors of W1, and those built into NEST's cm_default, which have B(V) = 1/(1 + 0.3 exp(-0.1 V)) and a rise time
#: for AMPA.
W1_RECEPTORS = [
    {"kind": "ampa", "g": 0.3, "t_rise": None, "t_decay": 2.0},
    {"kind": "nmda", "g": 0.15, "t_rise": 2.0, "t_decay": 60.0, "alpha": 0.062, "beta": 3.57, "gamma": 0.0},
]
NEST_RECEPTORS = [
    {"kind": "ampa", "g": 0.3, "t_rise": 0.2, "t_decay": 3.0},
    {"kind": "nmda", "g": 0.15, "t_rise": 2.0, "t_decay": 60.0, "alpha": 0.1, "beta": 1 / 0.3, "gamma": 0.0},
]
#: Weights of the input and of the recurrent connections of W1, and the expected range of the mean rate (Hz).
REGIMES = {
    "quiet": (0.0, 0.0, (0.0, 0.0)),
    "moderate": (0.93, 0.02, (10.0, 20.0)),
    "high": (1.0, 0.05, (80.0, 1000.0)),
}


def w1_weights(regime: str) -> dict[str, float]:
    """Return the weight of each projection; connections with weight 0 are simulated too."""
    driven, recurrent, _ = REGIMES[regime]
    return {"to_prox": driven, "to_dist": driven, "recurrent": recurrent}


def cylinder(length: float, diameter: float, factor: float, rest: float) -> Spec:
    """Return the parameters (nS, pF, mV) of a compartment whose membrane has 40 uS/cm2 and 1 uF/cm2."""
    area = math.pi * length * diameter * factor * 1e-8  # cm2
    return {"gL": 40.0 * area * 1e3, "C": 1.0 * area * 1e6, "V_rest": rest}


def peak(receptor: Spec) -> float:
    """Return the peak of a gate after one spike of weight 1."""
    if receptor["t_rise"] is None:
        return 1.0
    d = (receptor["t_decay"] - receptor["t_rise"]) / receptor["t_rise"]
    return receptor["t_rise"] * math.exp(-math.log1p(d) / d)


def w1(size: int, span: float, receptors: str = "w1") -> tuple[Spec, dict[str, np.ndarray]]:
    """Return W1 (see `benchmarks/networks.py`) for runs of up to ``span`` ms."""
    chosen = W1_RECEPTORS if receptors == "w1" else NEST_RECEPTORS
    spec = {
        "cells": "w1" if receptors == "w1" else "w1-nest",
        "size": size,
        "V_th": -50.0,
        "V_reset": -60.0,
        "compartments": {
            "soma": cylinder(25, 25, 2.8, -70.0),
            "trunk": cylinder(100, 2.5, 4.2, -70.0),
            "prox": cylinder(100, 1.0, 4.2, -70.0),
            "dist": cylinder(100, 0.5, 4.2, -70.0),
        },
        "couplings": [["soma", "trunk", 15.0], ["trunk", "prox", 6.0], ["prox", "dist", 2.0]],
        "receptors": {"prox": chosen, "dist": chosen},
        "sources": {"noise": 1000},
        "projections": {
            "to_prox": {"from": "noise", "onto": "prox", "delay": 1.0},
            "to_dist": {"from": "noise", "onto": "dist", "delay": 1.0},
            "recurrent": {"from": "cells", "onto": "prox", "delay": 1.5},
        },
    }
    rng = np.random.default_rng(SEED)
    arrays = trains({"noise": (1000, 5.0)}, span)
    for name, sources in (("to_prox", 1000), ("to_dist", 1000), ("recurrent", size)):
        arrays.update(rows(name, *indegree(rng, sources, size, 100), sources))
    return spec, arrays


def ca1(parts: Spec, inputs: dict[str, float], size: int, span: float) -> tuple[Spec, dict[str, np.ndarray]]:
    """Return the population of `make demo` with the parameters ``parts``, and one source for each cell and input."""
    receptors = {
        part: [
            {"kind": "ampa", "g": parts["dendrites"][part][2], "t_rise": None, "t_decay": 2.5},
            {
                "kind": "nmda",
                "g": parts["dendrites"][part][3],
                "t_rise": None,
                "t_decay": 50.0,
                "alpha": 0.087,
                "beta": 3.57,
                "gamma": 10.0,
            },
        ]
        for part in parts["dendrites"]
        if parts["dendrites"][part][2] is not None
    }
    shapes = {"soma": (30.0, 20.0), **{part: tuple(given[:2]) for part, given in parts["dendrites"].items()}}
    spec = {
        "cells": "ca1",
        "size": size,
        "V_th": -47.5,
        "V_reset": -53.0,
        "compartments": {
            part: cylinder(*shape, 2.9 if part == "soma" else 2.9 * 1.5, -65.0) for part, shape in shapes.items()
        },
        "couplings": [[a, b, half_cylinders(shapes[a], shapes[b]) if g is None else g] for a, b, g in parts["axial"]],
        "receptors": receptors,
        "sources": {f"for_{part}": size for part in inputs},
        "projections": {f"{part}_input": {"from": f"for_{part}", "onto": part, "delay": 0.0} for part in inputs},
    }
    arrays = trains({f"for_{part}": (size, rate) for part, rate in inputs.items()}, span)
    for part in inputs:
        arrays.update(rows(f"{part}_input", np.arange(size), np.arange(size), size))
    return spec, arrays


def delivery(size: int, degree: int, span: float) -> tuple[Spec, dict[str, np.ndarray]]:
    """Return point neurons, equally many sources of 20 Hz, and ``degree`` connections (or none) to each neuron."""
    spec = {
        "cells": "point",
        "size": size,
        "V_th": 1e6,
        "V_reset": -60.0,
        "compartments": {"soma": {"gL": 10.0, "C": 200.0, "V_rest": -70.0}},
        "couplings": [],
        "receptors": {"soma": [{"kind": "ampa", "g": 1.0, "t_rise": None, "t_decay": 2.0}]},
        "sources": {"noise": size},
        "projections": {"to_soma": {"from": "noise", "onto": "soma", "delay": 1.5}} if degree else {},
    }
    rng = np.random.default_rng(SEED)
    arrays = trains({"noise": (size, 20.0)}, span)
    if degree:
        targets, sources = indegree(rng, size, size, degree)[::-1]
        arrays.update(rows("to_soma", targets, sources, size))
    return spec, arrays


def half_cylinders(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the axial conductance (nS) between the centres of two cylinders with 120 ohm cm."""
    resistance = sum(4 * 120.0 * length / (math.pi * diameter**2) for length, diameter in (a, b))  # 1e4 ohm
    return 2 / resistance * 1e5


def trains(groups: dict[str, tuple[int, float]], span: float) -> dict[str, np.ndarray]:
    """Draw Poisson spikes, at most one per source and step, because Brian2 accepts no more."""
    arrays, rng = {}, np.random.default_rng([SEED, 1])
    for name, (size, rate) in groups.items():
        chance = rate * DT * 1e-3
        slots = size * round(span / DT)
        flat = np.unique(rng.integers(0, slots, rng.poisson(slots * chance)))
        arrays[f"{name}.step"], arrays[f"{name}.source"] = (part.astype(np.int32) for part in np.divmod(flat, size))
    return arrays


def indegree(rng: np.random.Generator, sources: int, targets: int, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw ``degree`` distinct sources for each target; return the source and the target of each connection."""
    pre = np.empty((targets, degree), dtype=np.int32)
    for row in pre:
        row[:] = rng.choice(sources, degree, replace=False, shuffle=False)
    return pre.ravel(), np.repeat(np.arange(targets, dtype=np.int32), degree)


def rows(name: str, pre: np.ndarray, post: np.ndarray, sources: int) -> dict[str, np.ndarray]:
    """Return connections as compressed sparse rows with ascending targets."""
    order = np.argsort(pre.astype(np.int64) * (int(post.max()) + 1) + post)
    starts = np.searchsorted(pre[order], np.arange(sources + 1))
    return {f"{name}.starts": starts.astype(np.int32), f"{name}.targets": post[order].astype(np.int32)}


def save(folder: Path, case: tuple[Spec, dict[str, np.ndarray]]) -> Path:
    """Write a case to a folder."""
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text(json.dumps(case[0]))
    np.savez(folder / "arrays.npz", **case[1])
    return folder


def load(folder: str | Path) -> tuple[Spec, dict[str, np.ndarray]]:
    """Read a case."""
    spec = json.loads((Path(folder) / "spec.json").read_text())
    with np.load(Path(folder) / "arrays.npz") as arrays:
        return spec, {name: arrays[name] for name in arrays.files}


def memory() -> float:
    """Return the peak memory (MB) of this process, or 0 if the system does not report it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))


def pairs(arrays: dict[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the source and the target of each connection of a projection."""
    starts = arrays[f"{name}.starts"]
    return np.repeat(np.arange(len(starts) - 1, dtype=np.int32), np.diff(starts)), arrays[f"{name}.targets"]
