"""Brian2's side, in an environment that has it: a case becomes a C++ standalone program, compiled once.

The program takes weights as arguments (``name.w=0.5``: Brian2's run_args; each synapse keeps a weight of its own) and
the time to simulate from the variable SPAN (s), and prints seconds of set-up, seconds of the run by the wall clock and
by Brian2's own count, and how many spikes there were. With FULL=1 it leaves its final state in ``--results_dir``.
"""

from __future__ import annotations

import json
import sys
import time

import brian2
import numpy as np
from case import DT, load, pairs, peak

#: GCC's flags as Brian2 has them, and without -fno-finite-math-only, with which GCC may not use its vector exp. In
#: float32 constants are doubles as Brian2 writes them, and most of the arithmetic with them.
TUNED = ["-w", "-O3", "-ffast-math", "-march=native", "-std=c++11"]
SINGLE = ["-fsingle-precision-constant"]

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


def equations(spec: dict) -> str:
    """Write the model down as Brian2 takes it; forward Euler comes from ``method``."""
    lines = []
    for part, membrane in spec["compartments"].items():
        v = f"v_{part}"
        terms = [f"{membrane['gL']!r}*({membrane['V_rest']!r} - {v})"]
        for a, b, g in spec["couplings"]:
            if part in (a, b):
                terms.append(f"{g!r}*(v_{b if part == a else a} - {v})")
        for k, receptor in enumerate(spec["receptors"].get(part, [])):
            gate = f"{'s' if receptor['t_rise'] is None else 'x'}_{part}{k}"
            block = ""
            if receptor["kind"] == "nmda":
                block = f"/(1 + exp(-{receptor['alpha']!r}*({v} + {receptor['gamma']!r}))/{receptor['beta']!r})"
            terms.append(f"{receptor['g'] / peak(receptor)!r}*{gate}*(0.0 - {v}){block}")
            fall = receptor["t_decay"] if receptor["t_rise"] is None else receptor["t_rise"]
            lines.append(f"ds_{part}{k}/dt = -s_{part}{k}/{fall!r}/ms : 1")
            if receptor["t_rise"] is not None:
                lines.append(f"dx_{part}{k}/dt = (s_{part}{k} - x_{part}{k}/{receptor['t_decay']!r})/ms : 1")
        lines.append(f"d{v}/dt = ({' + '.join(terms)})/{membrane['C']!r}/ms : 1")
    return "\n".join([*lines, "n : integer"])


def describe(spec: dict, arrays: dict[str, np.ndarray]) -> list:
    """Make the objects of the case."""
    reset = f"v_soma = {spec['V_reset']!r}; n += 1"
    cells = brian2.NeuronGroup(
        spec["size"], equations(spec), threshold=f"v_soma > {spec['V_th']!r}", reset=reset, method="euler", name="cells"
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
    """Build the program of a case."""
    folder, out, dtype, threads, flags = sys.argv[1:]
    spec, arrays = load(folder)
    prefs = brian2.prefs
    prefs.core.default_float_dtype = np.dtype(dtype).type
    prefs.devices.cpp_standalone.openmp_threads = int(threads) if int(threads) > 1 else 0
    prefs.codegen.cpp.headers += ["<chrono>", "<cstdlib>"]
    if flags == "tuned":
        prefs.codegen.cpp.extra_compile_args_gcc = TUNED + (SINGLE if dtype == "float32" else [])
    begun = time.perf_counter()
    brian2.set_device("cpp_standalone", build_on_run=False)
    device = brian2.get_device()
    brian2.defaultclock.dt = DT * brian2.ms
    net = brian2.Network(describe(spec, arrays), name="bench")
    device.insert_code("before_start", "const auto bench_begun = std::chrono::steady_clock::now();")
    device.apply_run_args()
    device.insert_code("before_network_run", RUN)
    net.run(0 * brian2.second)
    device.build(directory=out, compile=True, run=False, with_output=False)
    print(json.dumps({"build": time.perf_counter() - begun}))


if __name__ == "__main__":
    main()
