"""Checks, run before the timing, that all simulators compute the same spikes and voltages."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from case import DT, load
from sides import Brian, Dendrion, Nest

WATCHED = [0, 1, 2, 500, 999]


class WrongError(Exception):
    """A simulator whose results differ from Dendrion's."""


def outputs(sides: list, case: Path, weights: dict[str, float], span: float, **more: Any) -> list[dict[str, Any]]:
    """Run simulators and return the arrays they write."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for k, side in enumerate(sides):
            out = f"{folder}/{k}.npz"
            side.run(case, weights, span, out=out, **more)
            with np.load(out) as arrays:
                found.append({name: arrays[name] for name in arrays.files})
    return found


def brian(side: Brian, case: Path, weights: dict[str, float]) -> str:
    """Compare the final voltages of all compartments and the spike count of each neuron with Dendrion's.

    Rounding errors grow when neurons spike, so float32 is compared after a shorter time.
    """
    single = side.dtype == "float32"
    span = 20.0 if single else 250.0
    ours, theirs = outputs([Dendrion("float64", 2), side], case, weights, span)
    parts = load(case)[0]["compartments"]
    volts = max(float(np.abs(ours[part] - theirs[part]).max()) for part in parts)
    spikes = int(ours["counts"].sum()), int(theirs["counts"].sum())
    same = np.array_equal(ours["counts"], theirs["counts"])
    if not volts < (0.05 if single else 1e-6) or not same:
        raise WrongError(f"{side.label}: voltages differ by {volts:.1e} mV after {span:g} ms, spikes {spikes}")
    return f"{side.label}: all voltages within {volts:.1e} mV after {span:g} ms, spikes the same ({spikes[0]})"


def nest(side: Nest, case: Path, weights: dict[str, float], span: float) -> str:
    """Compare subthreshold traces of some neurons with Dendrion's, at the benchmark's time step and at a fifth of it.

    NEST uses an implicit method, and spikes act in the step in which they arrive; in Dendrion and Brian2 they act in
    the next step. The resulting difference is of first order in the step, so it must decrease with the step.
    """
    found = []
    for dt in (DT, DT / 5):
        ours, theirs = outputs([Dendrion("float64", 2), side], case, weights, span, watched=WATCHED, dt=dt)
        volts, high = [], []
        for part in load(case)[0]["compartments"]:
            a, b = ours[f"trace.{part}"], theirs[f"trace.{part}"]
            steps = min(len(a), len(b)) - 1
            volts.append(float(np.abs(a[1 : steps + 1] - b[:steps]).max()))
            high.append(float(np.ptp(a)))
        found.append((max(volts), volts[0], max(high)))
    if not (found[0][0] < 0.2 and found[1][0] < 0.05 and found[0][2] > 5):
        raise WrongError(f"{side.label}: voltages differ by {found} mV")
    (coarse, soma, high), (fine, *_) = found
    return (
        f"{side.label}: voltages within {coarse:.2f} mV (soma {soma:.3f}) of traces with a range of {high:.0f} mV "
        f"in steps of {DT:g} ms, {fine:.3f} in steps of {DT / 5:g}: errors of the solvers"
    )


def arrivals(side: Nest, case: Path, span: float) -> str:
    """Compare the number of spikes that arrived at each neuron with the number expected from the connections."""
    weight = 0.001
    (theirs,) = outputs([side], case, {"to_soma": weight}, span)
    spec, arrays = load(case)
    due = arrays["noise.step"] * DT + spec["projections"]["to_soma"]["delay"]
    starts, targets = arrays["to_soma.starts"], arrays["to_soma.targets"]
    found = np.round(theirs["V"] / weight)
    for until in (span - 0.5, span + 0.5):
        times = np.bincount(arrays["noise.source"][due < until], minlength=spec["size"])
        counts = np.bincount(targets, weights=np.repeat(times, np.diff(starts)), minlength=spec["size"])
        if (counts > found).any() if until < span else (counts < found).any():
            raise WrongError(f"{side.label}: {found.sum():.0f} spikes arrived, expected about {counts.sum():.0f}")
    return f"{side.label}: the number of spikes that arrived at each neuron is as expected ({found.sum():.0f} in total)"
