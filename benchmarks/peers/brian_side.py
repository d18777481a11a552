"""Brian2's side of the comparison: compiles a case into a C++ standalone program. Runs in an environment with Brian2.

The program takes weights as arguments (``name.w=0.5``, Brian2's run_args; each synapse still has its own weight) and
the simulated time from the environment variable SPAN (s). It prints the time of the set-up, the wall time of the run,
the time that Brian2 reports, and the number of spikes. With FULL=1 it writes its final state to ``--results_dir``.
"""

from __future__ import annotations

import json
import sys
import time

import brian2
import numpy as np
from case import DT, load, pairs, peak

#: Brian2's flags for GCC, changed so that GCC vectorizes the loop over neurons and its exponential functions: without
#: -fno-finite-math-only, and with a sufficient number of checks for overlapping arrays.
TUNED = ["-w", "-O3", "-ffast-math", "-march=native", "-std=c++11", "--param=vect-max-version-for-alias-checks=1000"]

RUN = """
const auto bench_ready = std::chrono::steady_clock::now();
bench.run(std::atof(std::getenv("SPAN")), NULL, 10.0);
const auto bench_done = std::chrono::steady_clock::now();
long bench_spikes = 0;
for (int i = 0; i < _num__array_cells_n; i++) bench_spikes += _array_cells_n[i];
long bench_peak = 0;
std::ifstream bench_status("/proc/self/status");
for (std::string word; bench_status >> word;) if (word == "VmHWM:") bench_status >> bench_peak;
std::cout << "{\\"setup\\": " << std::chrono::duration<double>(bench_ready - bench_begun).count()
          << ", \\"run\\": " << std::chrono::duration<double>(bench_done - bench_ready).count()
          << ", \\"own\\": " << Network::_last_run_time << ", \\"peak\\": " << bench_peak / 1024.0
          << ", \\"spikes\\": " << bench_spikes << "}" << std::endl;
if (!std::getenv("FULL")) std::_Exit(0);
"""


class Numbers:
    """Writes the numbers of the model in equations: in float64 as literals, which Brian2 can fold.

    In float32 they are named constants: Brian2 writes literals as doubles in C++, so most arithmetic would be double.
    """

    def __init__(self, single: bool) -> None:
        self.single, self.names = single, {}

    def __call__(self, value: float) -> str:
        if not self.single:
            return repr(float(value))
        return self.names.setdefault(np.float32(value), f"k{len(self.names)}")

    @property
    def namespace(self) -> dict:
        return {name: value for value, name in self.names.items()}


def equations(spec: dict, k: Numbers) -> str:
    """Return the equations of the model in Brian2's syntax; ``method`` selects forward Euler."""
    lines = []
    for part, membrane in spec["compartments"].items():
        v = f"v_{part}"
        terms = [f"{k(membrane['gL'])}*({k(membrane['V_rest'])} - {v})"]
        for a, b, g in spec["couplings"]:
            if part in (a, b):
                terms.append(f"{k(g)}*(v_{b if part == a else a} - {v})")
        for i, receptor in enumerate(spec["receptors"].get(part, [])):
            s, x, rise, decay = f"s_{part}{i}", f"x_{part}{i}", receptor["t_rise"], receptor["t_decay"]
            block = ""
            if receptor["kind"] == "nmda":
                power = f"-{k(receptor['alpha'])}*({v} + {k(receptor['gamma'])})"
                block = f"/({k(1)} + {k(1 / receptor['beta'])}*exp({power}))"
            terms.append(f"-{k(receptor['g'] / peak(receptor))}*{x if rise else s}*{v}{block}")
            lines.append(f"d{s}/dt = -{k(1 / (rise or decay))}*{s}/ms : 1")
            if rise:
                lines.append(f"d{x}/dt = ({s} - {k(1 / decay)}*{x})/ms : 1")
        lines.append(f"d{v}/dt = {k(1 / membrane['C'])}*({' + '.join(terms)})/ms : 1")
    return "\n".join([*lines, "n : integer"])


def describe(spec: dict, arrays: dict[str, np.ndarray], single: bool) -> list:
    """Create Brian2's objects for the case."""
    numbers = Numbers(single)
    cells = brian2.NeuronGroup(
        spec["size"],
        equations(spec, numbers),
        threshold=f"v_soma > {numbers(spec['V_th'])}",
        reset=f"v_soma = {numbers(spec['V_reset'])}; n += 1",
        method="euler",
        namespace=numbers.namespace,
        name="cells",
    )
    for part, membrane in spec["compartments"].items():
        setattr(cells, f"v_{part}", membrane["V_rest"])
    groups: dict = {"cells": cells}
    for name, size in spec["sources"].items():
        times = arrays[f"{name}.step"] * DT * brian2.ms
        groups[name] = brian2.SpikeGeneratorGroup(size, arrays[f"{name}.source"], times, name=name)
    for name, projection in spec["projections"].items():
        gates = (f"s_{projection['onto']}{k}" for k in range(len(spec["receptors"][projection["onto"]])))
        synapses = brian2.Synapses(
            groups[projection["from"]],
            cells,
            "w : 1",
            on_pre="\n".join(f"{gate}_post += w" for gate in gates),
            delay=projection["delay"] * brian2.ms,
            name=name,
        )
        pre, post = pairs(arrays, name)
        synapses.connect(i=pre, j=post)
        synapses.w = 0.0
        groups[name] = synapses
    return list(groups.values())


def main() -> None:
    """Build the program for a case."""
    folder, out, dtype, threads, flags = sys.argv[1:]
    spec, arrays = load(folder)
    prefs = brian2.prefs
    prefs.core.default_float_dtype = np.dtype(dtype).type
    prefs.devices.cpp_standalone.openmp_threads = int(threads) if int(threads) > 1 else 0
    prefs.codegen.cpp.headers += ["<chrono>", "<cstdlib>"]
    if flags == "tuned":
        prefs.codegen.cpp.extra_compile_args_gcc = TUNED
    begun = time.perf_counter()
    brian2.set_device("cpp_standalone", build_on_run=False)
    device = brian2.get_device()
    brian2.defaultclock.dt = DT * brian2.ms
    net = brian2.Network(describe(spec, arrays, dtype == "float32"), name="bench")
    device.insert_code("before_start", "const auto bench_begun = std::chrono::steady_clock::now();")
    device.apply_run_args()
    device.insert_code("before_network_run", RUN)
    net.run(0 * brian2.second)
    device.build(directory=out, compile=True, run=False, with_output=False)
    print(json.dumps({"build": time.perf_counter() - begun}))


if __name__ == "__main__":
    main()
