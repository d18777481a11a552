"""`make bench-gradient`: the time of a loss and its gradient, compared with Jaxley on the same cores.

The model is a hundred passive cells with four compartments each, simulated by implicit Euler for 4,000 steps of
0.025 ms. The loss is the squared error of the potential of the soma, and its gradient is taken with respect to the leak
and the axial resistivity. Jaxley runs with each of the given Python interpreters (that is, with each version of JAX),
with and without XLA's thunk runtime, which slows such programs down in some versions; its fastest setting is compared.
The benchmark also measures the memory required for the gradient of 1e5 steps of 1,000 cells.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

CELLS, STEPS, DT = 100, 4000, 0.025
LEAK, RESISTIVITY, LENGTH, DIAMETER = 1e-4, 5000.0, 50.0, 2.0  # S/cm2, ohm cm, um
TARGET = -60.0
WARM = 0.3  # s of calls before the calls that are timed
#: Settings of XLA to try. Versions that do not know a flag end with an error and are skipped.
FLAGS = ("", "--xla_cpu_use_thunk_runtime=false")


def ours(cells: int, steps: int, every: float | None = None):
    """Return the network, a function for the loss, and one for the loss and its gradient; record ``every`` ms."""
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
        error = v.values - TARGET
        return float(np.einsum("ij,ij->", error, error))

    def gradient() -> tuple[float, dict]:
        net.reset()
        run = net.run(steps * DT, grad=True)
        error = v.values - TARGET
        value = float(np.einsum("ij,ij->", error, error))
        error *= 2.0
        return value, run.backward({v: error}, wrt=keys)

    return net, forward, gradient


def jaxleys() -> None:
    """Compile Jaxley's functions, then print the times of calls for each line on standard input."""
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
        found = {"walls": walls, "first": first, "value": float(value), "gradient": sums, "jax": jax.__version__}
        print(json.dumps(found), flush=True)


def timed(function) -> list[float]:
    """Return the times of successive calls, after some calls that are not timed, because idle cores start slowly."""
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
    """Return the peak memory (GB) and the time (s) of the gradient of 1e5 steps of 1,000 cells, in a new process."""
    code = (
        f"import sys, time, resource; sys.path.insert(0, {str(Path(__file__).parent)!r}); import gradients as g; "
        "t = time.perf_counter(); g.ours(1000, 100_000, every=1.0)[2](); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, time.perf_counter() - t)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    return float(out[0]), float(out[1])


class Peer:
    """A process that runs Jaxley in one setting."""

    def __init__(self, python: str, flags: str) -> None:
        environment = {**os.environ, "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()}
        command = [python, __file__, "jaxley"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, env=environment, text=True, **pipes)
        self.flags = flags
        self.walls: dict[str, list[float]] = {"forward": [], "gradient": []}
        self.found: dict = {}

    def time(self, name: str) -> bool:
        """Add the median of some calls; return whether the process still works."""
        assert self.process.stdin
        assert self.process.stdout
        try:
            self.process.stdin.write(f"{name}\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            return False
        self.found = json.loads(line)
        self.walls[name].append(statistics.median(self.found["walls"]))
        return True

    @property
    def label(self) -> str:
        """The setting in words."""
        return f"JAX {self.found['jax']}{', ' if self.flags else ''}{self.flags}"

    @property
    def seconds(self) -> float:
        """The median time of a gradient."""
        return statistics.median(self.walls["gradient"])


def start(pythons: list[str]) -> list[Peer]:
    """Start Jaxley in all settings, one after another; return those that work."""
    peers = []
    for python, flags in itertools.product(pythons, FLAGS):
        peer = Peer(python, flags)
        if peer.time("gradient"):
            peers.append(peer)
        else:
            assert peer.process.stderr
            reason = (peer.process.stderr.read().strip().splitlines() or ["no message"])[-1]
            print(f"skipped {python} with XLA_FLAGS={flags!r}: {reason[:150]}")
    if not peers:
        sys.exit("Jaxley does not run in any setting")
    for peer in peers:
        peer.walls["gradient"].clear()
    return peers


def main() -> None:
    """Time all settings in turn, and print times and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jaxley", nargs="+", help="Python interpreters with Jaxley ('jaxley' is used internally)")
    parser.add_argument("--repeats", type=int, default=7, help="number of repetitions")
    options = parser.parse_args()
    if options.jaxley == ["jaxley"]:
        jaxleys()
        return
    peers = start(options.jaxley)
    _, forward, gradient = ours(CELLS, STEPS)
    value, found = gradient()
    forward()
    walls: dict[str, list[float]] = {"forward": [], "gradient": []}
    for _ in range(options.repeats):
        for name, function in (("forward", forward), ("gradient", gradient)):
            walls[name].append(statistics.median(timed(function)))
        for peer, name in itertools.product(peers, ("forward", "gradient")):
            if not peer.time(name):
                sys.exit(f"Jaxley ended: {peer.label}")
    best = min(peers, key=lambda peer: peer.seconds)
    for peer in peers:
        assert peer.process.stdin
        peer.process.stdin.close()
        peer.process.wait()
    compare(value, found, best)
    report(walls, peers, best)


def compare(value: float, found: dict, peer: Peer) -> None:
    """Print the relative differences between the two losses and between the two gradients."""
    mine = {"Leak_gLeak": 1e6 * sum(float(g) for k, g in found.items() if k.endswith("gL"))}
    mine["axial_resistivity"] = sum(float(g) for k, g in found.items() if k.endswith("r_axial"))
    print(f"relative differences: loss {value / peer.found['value'] - 1:.1e}", end="")
    for key, g in peer.found["gradient"].items():
        print(f", {key} {mine[key] / g - 1:.1e}", end="")
    print()


def report(walls: dict[str, list[float]], peers: list[Peer], best: Peer) -> None:
    """Print the times of all settings, ratios, the time to the first gradient, and the memory of a long run."""
    print(f"{'':48s} forward ms  gradient ms")
    for label, times in [("Dendrion", walls), *((f"Jaxley, {peer.label}", peer.walls) for peer in peers)]:
        medians = (statistics.median(times[name]) * 1e3 for name in ("forward", "gradient"))
        print(f"{label:48s} {next(medians):10.2f}  {next(medians):11.2f}")
    for label, above, below in (
        (f"gradient: Jaxley ({best.label}) / Dendrion", best.walls["gradient"], walls["gradient"]),
        ("Dendrion: gradient / forward", walls["gradient"], walls["forward"]),
        ("Jaxley: gradient / forward", best.walls["gradient"], best.walls["forward"]),
    ):
        # Ratios within a repetition are reliable, because a busy machine slows both simulators down.
        ratios = sorted(a / b for a, b in zip(above, below, strict=True))
        print(f"{label}: {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    print(f"first gradient after imports: Dendrion {first_gradient():.3f} s, Jaxley {best.found['first']:.1f} s")
    peak, wall = memory()
    print(f"gradient of 1e5 steps of 1,000 cells: {peak:.2f} GB peak memory, {wall:.0f} s")


if __name__ == "__main__":
    main()
