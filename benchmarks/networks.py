"""Measures the benchmark network W1: compartment-steps per second by dtype and threads, and time to the first step.

W1 has neurons with four compartments (soma 25x25, trunk 100x2.5, prox 100x1, dist 100x0.5 um), with AMPA and NMDA
receptors on prox and dist. Each neuron has connections from 100 of 1,000 Poisson sources (5 Hz) to prox and to dist,
and from 100 random neurons to prox.
"""

from __future__ import annotations

import time

BEGUN = time.perf_counter()

import argparse  # noqa: E402
import platform  # noqa: E402
import statistics  # noqa: E402

import dendrion as dn  # noqa: E402

MEMBRANE = {"V_rest": -70.0, "gL": 40.0, "C": 1.0}


class W1(dn.MCNeuron):
    """The neuron of W1."""

    def __init__(self, size: int) -> None:
        super().__init__(size, V_th=-50.0, V_reset=-60.0)
        self.soma = dn.LeakyIF(size, length=25, diameter=25, area_factor=2.8, **MEMBRANE)
        self.trunk = dn.Compartment(size, length=100, diameter=2.5, area_factor=4.2, **MEMBRANE)
        self.prox = dn.Compartment(size, length=100, diameter=1.0, area_factor=4.2, **MEMBRANE)
        self.dist = dn.Compartment(size, length=100, diameter=0.5, area_factor=4.2, **MEMBRANE)
        self.axial = [
            dn.MCConn(self.soma, self.trunk, 15.0),
            dn.MCConn(self.trunk, self.prox, 6.0),
            dn.MCConn(self.prox, self.dist, 2.0),
        ]
        self.on_prox = self._receptors(self.prox)
        self.on_dist = self._receptors(self.dist)
        self.attached = [
            dn.MCConnSynapse(receptor, compartment)
            for receptors, compartment in ((self.on_prox, self.prox), (self.on_dist, self.dist))
            for receptor in receptors
        ]

    def _receptors(self, compartment: dn.Compartment) -> tuple[dn.AMPA, dn.NMDA]:
        size = compartment.size
        return dn.AMPA(size, g=0.3, t_decay=2.0), dn.NMDA(size, g=0.15, t_rise=2.0, t_decay=60.0, scale_g=True)


def network(size: int, dtype: str, threads: int, driven: bool) -> dn.Network:
    """Build W1, or only its neurons."""
    cells = W1(size)
    modules: list[dn.Module] = [cells]
    if driven:
        noise = dn.PoissonGenerator(1000, rate=5.0)
        hundred = dn.FixedIndegree(100)
        modules += [
            noise,
            dn.MCSynapse(noise, cells.on_prox, hundred, delay=1.0, name="to_prox"),
            dn.MCSynapse(noise, cells.on_dist, hundred, delay=1.0, name="to_dist"),
            dn.MCSynapse(cells, cells.on_prox, hundred, weight=0.05, delay=1.5, name="recurrent"),
        ]
    return dn.Network(modules, dt=0.1, seed=1, dtype=dtype, threads=threads)


def measure(size: int, dtype: str, threads: int, driven: bool, duration: float, repeats: int) -> dict[str, float]:
    """Build and run the network a few times; return medians."""
    builds, runs, info = [], [], {}
    for _ in range(repeats):
        begun = time.perf_counter()
        net = network(size, dtype, threads, driven)
        builds.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        net.run(duration)
        runs.append(time.perf_counter() - begun)
        info = net.info
    run = statistics.median(runs)
    return {
        "build": statistics.median(builds),
        "run": run,
        "speed": info["compartments"] * info["steps"] / run * 1e-6,
        "rate": info["spikes"] / size / (duration * 1e-3),
        "connections": info["connections"],
        "bytes": info["connection_bytes"] / max(info["connections"], 1),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 10000])
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--duration", type=float, default=1000.0, help="ms")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()

    first = network(1000, "float64", 1, driven=True)
    first.run(first.dt)
    start = time.perf_counter() - BEGUN
    print(
        f"\nW1 on {platform.machine()} ({first.info['level']}), {options.duration:g} ms, medians of {options.repeats}"
    )
    print(f"from the first line of this script to the end of the first step (1,000 neurons): {start:.3f} s\n")
    print("neurons  input    dtype    threads  build s  bytes/conn   run s  M comp-steps/s  per thread  rate Hz")
    for size in options.sizes:
        for driven in (False, True):
            for dtype in ("float64", "float32"):
                for threads in options.threads:
                    row = measure(size, dtype, threads, driven, options.duration, options.repeats)
                    print(
                        f"{size:7d}  {'Poisson' if driven else 'none':7s}  {dtype}  {threads:7d}  {row['build']:7.3f}  "
                        f"{row['bytes']:10.1f}  {row['run']:6.3f}  {row['speed']:14.0f}  {row['speed'] / threads:10.0f}"
                        f"  {row['rate']:7.2f}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
