"""Compares the speed of custom mechanisms with that of built-in ones, and measures the time to compile a text.

The custom mechanisms are AMPA and NMDA of W1 (``networks.py``) as a user would write them. Both kinds run in turn.
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise
from statistics import median
from typing import Any

import dendrion as dn
from dendrion import channels


class OwnAMPA(dn.Receptor):
    """AMPA as a user would write it."""

    equations = """
    I = g * s * (E - V)      : pA
    ds/dt = -s/t_decay       : 1
    on event: s += weight
    g = 1 nS; t_decay : ms; E = 0 mV
    """


class OwnNMDA(dn.Receptor):
    """NMDA as a user would write it."""

    equations = """
    I = g * x * (E - V) / (1 + 0.28 * exp(-0.062 * V/mV))     : pA
    dx/dt = -x/t_decay + s/(1 ms)                             : 1
    ds/dt = -s/t_rise                                         : 1
    on event: s += weight
    g = 1 nS; t_rise : ms; t_decay : ms; E = 0 mV
    """


class Cell(dn.MCNeuron):
    """The compartments of W1, with receptors of the given classes."""

    def __init__(self, size: int, ampa: type, nmda: type) -> None:
        super().__init__(size, V_th=-45.0, V_reset=-60.0)
        membrane: dict[str, Any] = {"V_rest": -65.0, "gL": 40.0, "C": 1.0, "r_axial": 120.0}
        self.soma = dn.LeakyIF(size, length=25, diameter=25, **membrane)
        self.dends = [dn.Compartment(size, length=100, diameter=d, **membrane) for d in (2.5, 1.0, 0.5)]
        parts = [self.soma, *self.dends]
        self.axial = [dn.MCConn(a, b) for a, b in pairwise(parts)]
        self.ampa = [ampa(size, g=0.9, t_decay=2.0) for _ in self.dends[1:]]
        self.nmda = [nmda(size, g=1.0, t_rise=2.0, t_decay=50.0) for _ in self.dends[1:]]
        pairs = zip([*self.ampa, *self.nmda], self.dends[1:] * 2, strict=True)
        self.on = [dn.MCConnSynapse(r, d) for r, d in pairs]


def network(size: int, ampa: type, nmda: type) -> dn.Network:
    """Build a network driven by 100 Poisson sources."""
    cells = Cell(size, ampa, nmda)
    source = dn.PoissonGenerator(100, rate=20.0, name="source")
    onto = [
        dn.MCSynapse(source, both, dn.FixedIndegree(20), weight=0.5, delay=1.0, name=f"onto{i}")
        for i, both in enumerate(zip(cells.ampa, cells.nmda, strict=True))
    ]
    return dn.Network([cells, source, *onto], dt=0.1, seed=3, threads=1)


def first_step() -> float:
    """Return the time (s) from the text of a channel to the end of the first step."""
    begun = time.perf_counter()
    own = type("Own", (dn.Channel,), {"equations": channels.KA.equations})

    class Axon(dn.MCNeuron):
        def __init__(self) -> None:
            super().__init__(1, V_th=0.0, V_reset=-60.0)
            self.soma = dn.LeakyIF(1, gL=40, C=1, length=20, diameter=20)
            self.own = own(1, self.soma)

    dn.Network([Axon()]).run(0.1)
    return time.perf_counter() - begun


def timed(net: dn.Network, span: float) -> float:
    """Return the time (s) of a run."""
    begun = time.perf_counter()
    net.run(span)
    return time.perf_counter() - begun


def main() -> None:
    """Time both kinds in turn and print the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--duration", type=float, default=200.0, help="simulated time (ms)")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    kinds = {"built in": (dn.AMPA, dn.NMDA), "custom": (OwnAMPA, OwnNMDA)}
    nets = {name: network(options.size, *receptors) for name, receptors in kinds.items()}
    for net in nets.values():
        net.run(20.0)
    times: dict[str, list[float]] = {name: [] for name in nets}
    for _ in range(options.repeats):
        for name, net in nets.items():
            times[name].append(timed(net, options.duration))
    built_in, own = (median(times[name]) for name in nets)
    print(f"\nReceptors of {options.size:,} four-compartment neurons, {options.duration:g} ms, one thread:")
    print(f"  built in {built_in:.3f} s, custom {own:.3f} s, ratio {own / built_in:.2f}")
    print(f"  from the text of a channel to its first step: {median(first_step() for _ in range(20)) * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
