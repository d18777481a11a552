"""Fits the nine-compartment CA1 cell to recorded voltages: its leaks, axial conductances and NMDA conductances.

The "recordings" are simulated with the published parameters and with sodium spikes blocked. They consist of the
voltages of all compartments in response to currents and synaptic inputs at several locations. (With recordings of the
soma alone, the two basal branches could not be distinguished.) The initial parameters differ from the true ones by at
most 40 %. The fit uses exact gradients of the error in all recordings, which are simulated together (`batch`).
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import dendrion as dn
import matplotlib as mpl
import numpy as np
from dendrion.models import ca1
from numpy.typing import NDArray

DT, DURATION = 0.1, 120.0
RECORDED = ("soma", *ca1.DENDRITES)
#: Currents (pA) for each recording, injected into these compartments from 10 to 60 ms.
STEPS = ({"soma": 150.0}, {"bas1": 60.0, "bas2": -30.0}, {"ob1": 50.0, "ob2": -25.0, "prox": 40.0}, {"dist1": 40.0}, {})
#: For each recording and compartment: the time (ms) and the number of simultaneous spikes onto its synapses.
VOLLEYS: tuple[dict[str, tuple[float, float]], ...] = (
    {"med": (70.0, 8.0)},
    {"ob1": (75.0, 10.0)},
    {"ob2": (75.0, 10.0)},
    {"dist2": (70.0, 10.0)},
    {"dist1": (15.0, 10.0), "dist2": (40.0, 6.0), "med": (60.0, 12.0), "ob1": (80.0, 6.0), "ob2": (90.0, 8.0)},
)


def half_cylinders(a: str, b: str) -> float:
    """Return the axial conductance (nS) of two half cylinders in series."""
    parts = {"soma": (30.0, 20.0)} | {name: (d.length, d.diameter) for name, d in ca1.DENDRITES.items()}
    resistance = [4 * ca1.MEMBRANE["r_axial"] * length / (np.pi * d**2) for length, d in (parts[a], parts[b])]
    return 2e5 / sum(resistance)


class Setup:
    """The cell, with an electrode on each compartment and a source of spikes for each synapse."""

    def __init__(self) -> None:
        couplings = {pair: g or half_cylinders(*pair) for pair, g in ca1.COUPLINGS.items()}
        self.cell = ca1.CA1Pyramidal(1, name="cell", couplings=couplings)
        self.cell.V_th = 0.0  # sodium spikes are blocked
        compartments = ["soma", *ca1.DENDRITES]
        self.electrodes = {part: dn.DCGenerator(1, name=f"into_{part}") for part in compartments}
        self.sources = {part: dn.SpikeGenerator(1, [], [], name=f"onto_{part}") for part in ca1.INPUTS}
        modules: list[dn.Module] = [self.cell, *self.electrodes.values(), *self.sources.values()]
        modules += [dn.ConnGen(g, getattr(self.cell, part)) for part, g in self.electrodes.items()]
        for part, source in self.sources.items():
            receptors = getattr(self.cell, f"{part}_ampa"), getattr(self.cell, f"{part}_nmda")
            modules.append(dn.MCSynapse(source, receptors, dn.One2One(), name=f"{part}_input"))
        self.net = dn.Network(modules, dt=DT)
        self.probes = [self.net.probe(getattr(self.cell, part), "V") for part in RECORDED]
        self.keys = [f"cell/{part}.gL" for part in compartments]
        self.keys += [f"cell/{a}_{b}.g" for a, b in couplings]
        self.keys += [f"cell/{part}_nmda.g" for part in ca1.INPUTS]
        self.inputs = self._inputs()

    def _inputs(self) -> dict[dn.Generator, NDArray[np.float64]]:
        shape = (len(STEPS), round(DURATION / DT), 1)
        given: dict[dn.Generator, NDArray[np.float64]] = {}
        for part, generator in self.electrodes.items():
            given[generator] = np.zeros(shape)
            for recording, step in enumerate(STEPS):
                given[generator][recording, round(10 / DT) : round(60 / DT)] = step.get(part, 0.0)
        for part, source in self.sources.items():
            given[source] = np.zeros(shape)
            for recording, volley in enumerate(VOLLEYS):
                when, count = volley.get(part, (0.0, 0.0))
                given[source][recording, round(when / DT)] = count
        return given

    def run(self) -> tuple[dn.Run, list[NDArray[Any]]]:
        """Simulate all recordings from rest."""
        self.net.reset()
        run = self.net.run(DURATION, grad=True, batch=len(STEPS), inputs=self.inputs)
        return run, [probe.values for probe in self.probes]


def fit(setup: Setup, target: list[NDArray[Any]], iterations: int) -> list[float]:
    """Fit the parameters; return the root mean square error (mV) of each iteration."""
    optimizer = dn.optim.Adam(setup.net, lr=0.03, betas=(0.9, 0.99), train=setup.keys, relative=True)
    errors = []
    for i in range(iterations):
        run, found = setup.run()
        differences = [f - t for f, t in zip(found, target, strict=True)]
        errors.append(float(np.sqrt(np.mean(np.square(differences)))))
        # The root mean square, unlike the sum of squares, has gradients of similar size throughout the fit.
        cotangents = [d / (errors[-1] * np.size(differences)) for d in differences]
        gradients = run.backward(dict(zip(setup.probes, cotangents, strict=True)), wrt=setup.keys)
        optimizer.lr = 0.03 * 0.5 * (1 + np.cos(np.pi * i / iterations)) + 1e-5
        optimizer.step(gradients)
    return errors


def main(arguments: list[str] | None = None) -> float:
    """Record, fit, print and draw the results; return the largest relative error of a parameter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--iterations", type=int, default=500, help="number of iterations of the optimizer")
    parser.add_argument("--off", type=float, default=0.4, help="largest relative deviation of the initial parameters")
    parser.add_argument("--seed", type=int, default=0, help="seed for the initial parameters")
    parser.add_argument("--out", default="fit_ca1.png", help="file for the figure; empty for none")
    options = parser.parse_args(arguments)
    setup = Setup()
    known = setup.net.parameters()
    true = {key: float(known[key]) for key in setup.keys}
    _, target = setup.run()
    rng = np.random.default_rng(options.seed)
    begin = {key: value * rng.uniform(1 - options.off, 1 + options.off) for key, value in true.items()}
    setup.net.set_parameters(begin)
    _, before = setup.run()
    begun = time.perf_counter()
    errors = fit(setup, target, options.iterations)
    wall = time.perf_counter() - begun
    _, after = setup.run()
    found = {key: float(setup.net.parameters()[key]) for key in setup.keys}
    print(f"{'parameter':22s}{'true':>10s}{'initial':>10s}{'fitted':>10s}{'error':>9s}")
    for key, value in true.items():
        off = found[key] / value - 1
        print(f"{key:22s}{value:10.4g}{begin[key]:10.4g}{found[key]:10.4g}{off:9.3%}")
    worst = max(abs(found[key] / value - 1) for key, value in true.items())
    print(
        f"largest error {worst:.3%} after {options.iterations} iterations ({wall:.1f} s); RMS error {errors[-1]:.2g} mV"
    )
    if options.out:
        draw(options.out, (before, target, after), errors, (true, begin, found))
        print(f"figure: {options.out}")
    return worst


def draw(out: str, traces: tuple[Any, Any, Any], errors: list[float], values: tuple[Any, Any, Any]) -> None:
    """Draw the recordings with the fit, the error of each iteration, and the parameters."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(13, 6.5), layout="constrained")
    t = np.arange(round(DURATION / DT)) * DT
    shown = (("soma", 0), ("bas1", 1), ("ob1", 2), ("dist1", 4))
    for ax, (part, recording) in zip(axes.flat, shown, strict=False):
        column = RECORDED.index(part)
        styles = (("before", "0.7", "-", 1.2), ("recorded", "k", "-", 2.4), ("fitted", "tab:red", "--", 1.2))
        for each, (label, colour, line, width) in zip(traces, styles, strict=True):
            ax.plot(t, each[column][recording, :, 0], line, color=colour, lw=width, label=label)
        ax.set(title=f"{part}, recording {recording + 1}", xlabel="t (ms)", ylabel="V (mV)")
    axes[0, 0].legend(frameon=False)
    axes[1, 1].semilogy(errors, color="tab:red")
    axes[1, 1].set(title="error", xlabel="iteration", ylabel="root mean square (mV)")
    true, begin, found = values
    x = np.arange(len(true))
    axes[1, 2].axhline(1.0, color="k", lw=0.8)
    axes[1, 2].plot(x, [begin[k] / v for k, v in true.items()], "o", color="0.7", label="before")
    axes[1, 2].plot(x, [found[k] / v for k, v in true.items()], "o", color="tab:red", ms=4, label="fitted")
    axes[1, 2].set(title="parameter / true value", xticks=[4, 13, 19], xticklabels=["gL", "axial g", "NMDA g"])
    axes[1, 2].legend(frameon=False)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(out, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
