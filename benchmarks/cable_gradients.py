"""The time of a loss and its gradient for detailed cells, compared with Jaxley (`make bench-cables`).

Ten cells with 124 control volumes (a soma and 30 dendrites that branch four times, four CVs each) have the channels of
Hodgkin and Huxley on all CVs. Each receives a different current. They are simulated by implicit Euler for 800 steps of
0.025 ms on one thread. The gradient is that of the squared error of the potential of the soma with respect to the
densities of both channels in the soma and in the dendrites. Jaxley is compiled before it is timed.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

CELLS, STEPS, DT, DEPTH, PER_SECTION, TARGET = 10, 800, 0.025, 4, 4, -60.0
#: Settings of XLA to try. Versions that do not know a flag end with an error and are skipped.
FLAGS = ("", "--xla_cpu_use_thunk_runtime=false")


def tree(depth: int = DEPTH, soma: tuple[float, float] = (20.0, 20.0)) -> tuple[list[float], list[float], list[int]]:
    """Return the lengths (um), diameters (um) and parents of the sections. ``soma`` is the size of the soma."""
    length, diameter, parent = [soma[0]], [soma[1]], [-1]

    def grow(above: int, left: int) -> None:
        for _ in range(2 if left else 0):
            length.append(100.0)
            diameter.append(1.0)
            parent.append(above)
            grow(len(length) - 1, left - 1)

    grow(0, depth)
    return length, diameter, parent


def dendrion(dtype: str) -> dict[str, Callable[[], float]]:
    """Return functions that compute the loss, and the loss and its gradient."""
    import dendrion as dn

    length, diameter, parent = tree()
    kinds = ["soma"] + ["basal"] * (len(length) - 1)
    shape = dn.Morphology.from_sections(np.array(length), np.array(diameter), parent, kinds)
    cell = dn.CableNeuron(
        CELLS, shape, cv=dn.PerSection(PER_SECTION), V_init=-65.0, V_th=1e6, r_axial=100.0, gL=300.0, V_rest=-54.3
    )
    cell.na = dn.channels.HHNa(cell, on="all", g={"soma": 120.0, "basal": 100.0})
    cell.k = dn.channels.HHK(cell, on="all", g={"soma": 36.0, "basal": 30.0})
    current = dn.DCGenerator(CELLS, np.linspace(50.0, 200.0, CELLS))
    net = dn.Network([cell, current, dn.ConnGen(current, cell.at("soma"))], dt=DT, dtype=dtype, threads=1)
    v = net.probe(cell.at("soma"), "V")
    densities = [key for key in net.parameters() if key.endswith(("/na.g", "/k.g"))]
    assert len(densities) == 2, densities

    def forward() -> float:
        net.reset()
        net.run(STEPS * DT)
        return float(np.sum((v.values - TARGET) ** 2))

    def gradient() -> float:
        net.reset()
        run = net.run(STEPS * DT, grad=True)
        error = v.values - TARGET
        run.backward({v: 2.0 * error}, wrt=densities)
        return float(np.sum(error**2))

    return {"forward": forward, "gradient": gradient}


def jaxley(_: str) -> dict[str, Callable[[], float]]:
    """Return compiled functions that compute the loss, and the loss and its gradient."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platform_name", "cpu")
    import jax.numpy as jnp
    import jaxley as jx
    from jaxley.channels import HH

    length, diameter, parent = tree()
    branch = jx.Branch(jx.Compartment(), ncomp=PER_SECTION)
    cell = jx.Cell([branch] * len(length), parents=parent)
    for i, (of_section, wide) in enumerate(zip(length, diameter, strict=True)):
        cell.branch(i).set("length", of_section / PER_SECTION)
        cell.branch(i).set("radius", wide / 2)
    cell.set("axial_resistivity", 100.0)
    cell.insert(HH())
    cell.set("v", -65.0)
    dendrites = cell.branch(list(range(1, len(length))))
    for part, sodium, potassium in ((cell.branch(0), 0.12, 0.036), (dendrites, 0.1, 0.03)):
        part.set("HH_gNa", sodium)
        part.set("HH_gK", potassium)
        part.make_trainable("HH_gNa", verbose=False)
        part.make_trainable("HH_gK", verbose=False)
    cell.branch(0).loc(0.5).record("v", verbose=False)
    cell.init_states(delta_t=DT)
    params = cell.get_parameters()
    amplitudes = jnp.linspace(0.05, 0.2, CELLS)  # nA

    def simulate(params, amplitude):
        stimuli = cell.branch(0).loc(0.5).data_stimulate(jnp.full(STEPS, amplitude))
        return jx.integrate(cell, params=params, data_stimuli=stimuli, delta_t=DT, solver="bwd_euler", t_max=STEPS * DT)

    def loss(params):
        v = jax.vmap(simulate, in_axes=(None, 0))(params, amplitudes)
        return jnp.sum((v[:, 0, :STEPS] - TARGET) ** 2)

    forward, both = jax.jit(loss), jax.jit(jax.value_and_grad(loss))
    return {
        "forward": lambda: float(jax.block_until_ready(forward(params))),
        "gradient": lambda: float(jax.block_until_ready(both(params))[0]),
    }


def serve(side: str, dtype: str) -> None:
    """Prepare a simulator, then print the processor times of both functions for each line on standard input."""
    functions = {"dendrion": dendrion, "jaxley": jaxley}[side](dtype)
    for function in functions.values():
        function()
    for _ in sys.stdin:
        found = {}
        for name, function in functions.items():
            begun = time.process_time()
            value = function()
            found[name] = time.process_time() - begun
        print(json.dumps({**found, "value": value}), flush=True)


class Side:
    """A simulator in a process of its own."""

    def __init__(self, python: str, side: str, dtype: str, flags: str = "") -> None:
        one = {"OMP_NUM_THREADS": "1", "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen=false {flags}"}
        command = [python, __file__, side, dtype]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env={**os.environ, **one}
        )
        self.times: list[dict] = []

    def turn(self) -> bool:
        """Measure once. Return False if the process has ended, because the settings are not supported."""
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return False
        line = self.process.stdout.readline()
        if line:
            self.times.append(json.loads(line))
        return bool(line)

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def report(python: str | None, rounds: int) -> str:
    """Return a table in Markdown. `python` is an interpreter with Jaxley."""
    sides = {"Dendrion float64": Side(sys.executable, "dendrion", "float64")}
    sides["Dendrion float32"] = Side(sys.executable, "dendrion", "float32")
    for flags in FLAGS if python else ():
        sides[f"Jaxley {flags}".strip()] = Side(str(python), "jaxley", "float64", flags)
    for _ in range(rounds):
        sides = {name: side for name, side in sides.items() if side.turn()}
    lines = ["| | forward, ms | loss and gradient, ms | ratio | gradient / Dendrion float64 |", "|" + " --- |" * 5]
    base = [found["gradient"] for found in sides["Dendrion float64"].times]
    for name, side in sides.items():
        forward, both = ([found[key] for found in side.times] for key in ("forward", "gradient"))
        ratio = statistics.median(b / a for a, b in zip(forward, both, strict=True))
        against = statistics.median(b / a for a, b in zip(base, both, strict=True))
        cells = [1e3 * statistics.median(forward), 1e3 * statistics.median(both), ratio, against]
        lines.append(f"| {name} | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |")
        side.end()
    return "\n".join(lines)


if __name__ == "__main__":
    serve(*sys.argv[1:])
