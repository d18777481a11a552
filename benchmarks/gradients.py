"""`make bench-gradient`: value and gradient beside Jaxley's, on the same cores, in one run.

A hundred four-compartment passive cells, implicit Euler in both, 4,000 steps of 0.025 ms, the gradient of a squared
error of the voltage of the soma with respect to leak and axial resistivity. And the memory of 1e5 steps of 1,000 cells.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

CELLS, STEPS, DT = 100, 4000, 0.025
LEAK, RESISTIVITY, LENGTH, DIAMETER = 1e-4, 5000.0, 50.0, 2.0  # S/cm2, ohm cm, um
TARGET = -60.0
WARM = 0.3  # s before what is measured


def ours(cells: int, steps: int, every: float | None = None):
    """Return the network, and functions that run it forward and that get value and gradient; samples ``every`` ms."""
    import dendrion as dn
    import numpy as np

    class Cell(dn.MCNeuron):
        def __init__(self, size: int) -> None:
            super().__init__(size, V_th=1e6, V_reset=0.0, odemethod=dn.SolverMethodODE.IMPLICIT_EULER)
            shape = {"length": LENGTH, "diameter": DIAMETER, "r_axial": RESISTIVITY}
            membrane = {"V_rest": -70.0, "gL": LEAK * 1e6, "C": 1.0}
            self.soma = dn.LeakyIF(size, **membrane, **shape)
            self.dends = [dn.Compartment(size, **membrane, **shape) for _ in range(3)]
            line = [self.soma, *self.dends]
            self.axial = [dn.MCConn(a, b) for a, b in itertools.pairwise(line)]

    cell = Cell(cells)
    injected = dn.DCGenerator(cells, amplitude=np.linspace(5.0, 20.0, cells))
    net = dn.Network([cell, injected, dn.ConnGen(injected, cell.dends[-1])], dt=DT)
    v = net.probe(cell.soma, "V", every=every)
    keys = [key for key in net.parameters() if key.endswith((".gL", ".r_axial"))]

    def forward() -> float:
        net.reset()
        net.run(steps * DT)
        error = v.values
        error -= TARGET
        return float(np.einsum("ij,ij->", error, error))

    def gradient() -> tuple[float, dict]:
        net.reset()
        run = net.run(steps * DT, grad=True)
        error = v.values
        error -= TARGET
        value = float(np.einsum("ij,ij->", error, error))
        error *= 2.0
        return value, run.backward({v: error}, wrt=keys)

    return net, forward, gradient


def jaxleys() -> None:
    """Print Jaxley's times: compile and first value-and-grad, forward, value-and-grad."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platform_name", "cpu")
    import jax.numpy as jnp
    import jaxley as jx
    from jaxley.channels import Leak
    from jaxley.connect import connect  # noqa: F401

    begun = time.perf_counter()
    compartment = jx.Compartment()
    branch = jx.Branch(compartment, ncomp=4)
    cell = jx.Cell(branch, parents=[-1])
    cell.insert(Leak())
    cell.set("length", LENGTH)
    cell.set("radius", DIAMETER / 2)
    cell.set("axial_resistivity", RESISTIVITY)
    cell.set("Leak_gLeak", LEAK)
    cell.set("Leak_eLeak", -70.0)
    cell.set("v", -70.0)
    cell.branch(0).comp(0).record("v", verbose=False)
    cell.make_trainable("Leak_gLeak", verbose=False)
    cell.make_trainable("axial_resistivity", verbose=False)
    params = cell.get_parameters()
    amplitudes = jnp.linspace(5.0, 20.0, CELLS) * 1e-3  # nA

    def simulate(params, amplitude):
        current = jnp.full(STEPS, amplitude)
        stimuli = cell.branch(0).comp(3).data_stimulate(current)
        return jx.integrate(cell, params=params, data_stimuli=stimuli, delta_t=DT, solver="bwd_euler", t_max=STEPS * DT)

    def loss(params):
        v = jax.vmap(simulate, in_axes=(None, 0))(params, amplitudes)
        return jnp.sum((v[:, 0, :STEPS] - TARGET) ** 2)

    forward, both = jax.jit(loss), jax.jit(jax.value_and_grad(loss))
    value, gradient = jax.block_until_ready(both(params))
    first = time.perf_counter() - begun
    jax.block_until_ready(forward(params))
    for line in sys.stdin:
        which = forward if line.strip() == "forward" else both
        walls = timed(lambda which=which: jax.block_until_ready(which(params)))
        sums = {k: float(jnp.sum(v)) for d in gradient for k, v in d.items()}
        print(json.dumps({"walls": walls, "first": first, "value": float(value), "gradient": sums}), flush=True)


def timed(function) -> list[float]:
    """Return the times of calls in a row, warm: after a pause cores and caches take a while to come back."""
    begun = time.perf_counter()
    while time.perf_counter() < begun + WARM:
        function()
    walls = []
    for _ in range(7):
        begun = time.perf_counter()
        function()
        walls.append(time.perf_counter() - begun)
    return walls


def first_gradient() -> float:
    """Return the time from the end of the imports to the first gradient, in a new process."""
    code = (
        f"import sys, time; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
        "import dendrion, numpy, gradients as g; "
        "t = time.perf_counter(); g.ours(g.CELLS, g.STEPS)[2](); print(time.perf_counter() - t)"
    )
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def memory() -> tuple[float, float]:
    """Return GB at the peak and seconds of the gradient of 1e5 steps of 1,000 cells, in a new process."""
    code = (
        f"import sys, time, resource; sys.path.insert(0, {str(Path(__file__).parent)!r}); import gradients as g; "
        "t = time.perf_counter(); g.ours(1000, 100_000, every=1.0)[2](); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, time.perf_counter() - t)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    return float(out[0]), float(out[1])


def main() -> None:
    """Measure in turn and print ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jaxley", help="a Python that has Jaxley, or 'jaxley' to be it")
    parser.add_argument("--repeats", type=int, default=7, help="times each is measured")
    options = parser.parse_args()
    if options.jaxley == "jaxley":
        jaxleys()
        return
    peer = subprocess.Popen(
        [options.jaxley, __file__, "jaxley"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    _, forward, gradient = ours(CELLS, STEPS)
    value, found = gradient()
    forward()
    walls: dict[str, list[float]] = {name: [] for name in ("forward", "gradient", "jaxley forward", "jaxley gradient")}
    theirs = {}
    for _ in range(options.repeats):
        for name, function in (("forward", forward), ("gradient", gradient)):
            walls[name].append(statistics.median(timed(function)))
        for name in ("forward", "gradient"):
            assert peer.stdin
            assert peer.stdout
            peer.stdin.write(f"{name}\n")
            peer.stdin.flush()
            theirs = json.loads(peer.stdout.readline())
            walls[f"jaxley {name}"].append(statistics.median(theirs["walls"]))
    assert peer.stdin
    peer.stdin.close()
    peer.wait()
    mine = {"Leak_gLeak": 1e6 * sum(float(g) for k, g in found.items() if k.endswith("gL"))}
    mine["axial_resistivity"] = sum(float(g) for k, g in found.items() if k.endswith("r_axial"))
    print(f"the same value and gradients: {value / theirs['value'] - 1:.1e}", end="")
    for key, g in theirs["gradient"].items():
        print(f", {key} {mine[key] / g - 1:.1e}", end="")
    print(" relative difference")
    for name, all_ in walls.items():
        print(f"{name:>18}: {statistics.median(all_) * 1e3:9.2f} ms")
    for label, above, below, note in (
        ("Jaxley / ours", "jaxley gradient", "gradient", "value and gradient"),
        ("gradient / forward", "gradient", "forward", "ours"),
        ("", "jaxley gradient", "jaxley forward", "Jaxley"),
    ):
        # Turn by turn: what slows the machine for a while slows both.
        ratios = sorted(a / b for a, b in zip(walls[above], walls[below], strict=True))
        span = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
        print(f"{label:>18}{':' if label else ' '} {statistics.median(ratios):9.2f} ({note}; turns {span})")
    print(f"{'first gradient':>18}: {first_gradient():9.3f} s (Jaxley {theirs['first']:.1f} s)")
    peak, wall = memory()
    print(f"{'1e5 x 1,000 cells':>18}: {peak:9.2f} GB at the peak, {wall:.0f} s")


if __name__ == "__main__":
    main()
