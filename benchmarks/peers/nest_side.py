"""NEST's side of the comparison: builds and runs a case in one process, and prints times and memory.

Compartmental cases use `cm_default` (in uS and nF, so nS and pF are divided by 1,000). Its receptor AMPA_NMDA needs one
connection for both gates, as in the other simulators. The model has no reset, so cells are kept below threshold.
The delivery case uses `iaf_psc_delta` with a negligible leak, so that V counts the arriving spikes.
"""

from __future__ import annotations

import itertools
import json
import sys
import time

import nest
import numpy as np
from case import DT, load, memory, pairs

#: NEST requires spike times above 0, so all spikes are this many steps later than in the other simulators.
SHIFT = 1


def compartmental(spec: dict) -> tuple[list, list]:
    """Return the compartments and receptors of a cell for cm_default, parents first."""
    names = list(spec["compartments"])
    upward = {child: (parent, g) for parent, child, g in spec["couplings"]}
    compartments = []
    for name in names:
        membrane = spec["compartments"][name]
        params = {"C_m": membrane["C"] * 1e-3, "g_L": membrane["gL"] * 1e-3, "e_L": membrane["V_rest"]}
        params["v_comp"] = membrane["V_rest"]
        parent = -1
        if name in upward:
            parent, params["g_C"] = names.index(upward[name][0]), upward[name][1] * 1e-3
        compartments.append({"parent_idx": parent, "params": params})
    receptors = []
    for name, (ampa, nmda) in spec["receptors"].items():
        params = {
            "e_AMPA_NMDA": 0.0,
            "tau_r_AMPA": ampa["t_rise"],
            "tau_d_AMPA": ampa["t_decay"],
            "tau_r_NMDA": nmda["t_rise"],
            "tau_d_NMDA": nmda["t_decay"],
            "NMDA_ratio": nmda["g"] / ampa["g"],
        }
        receptors.append({"comp_idx": names.index(name), "receptor_type": "AMPA_NMDA", "params": params})
    return compartments, receptors


def neurons(spec: dict):
    """Create the population."""
    if spec["cells"] == "point":
        params = {"tau_m": 1e12, "V_th": 1e9, "E_L": 0.0, "V_m": 0.0}
        return nest.Create("iaf_psc_delta", spec["size"], params)
    compartments, receptors = compartmental(spec)
    params = {"V_th": 1e6, "compartments": compartments, "receptors": receptors}
    return nest.Create("cm_default", spec["size"], params)


def connect(spec: dict, arrays: dict[str, np.ndarray], cells, weights: dict[str, float]) -> None:
    """Create the sources and all connections."""
    groups = {"cells": cells}
    dt = nest.resolution
    for name, size in spec["sources"].items():
        order = np.argsort(arrays[f"{name}.source"], kind="stable")
        times = arrays[f"{name}.step"][order] * DT + SHIFT * dt
        starts = np.searchsorted(arrays[f"{name}.source"][order], np.arange(size + 1))
        each = [{"spike_times": np.round(times[a:b], 3)} for a, b in itertools.pairwise(starts)]
        groups[name] = nest.Create("spike_generator", size, each)
    ports = list(spec["receptors"])
    for name, projection in spec["projections"].items():
        pre, post = pairs(arrays, name)
        scale, port = 1.0, 0
        if spec["cells"] != "point":
            scale = spec["receptors"][projection["onto"]][0]["g"] * 1e-3
            port = ports.index(projection["onto"])
        ends = [np.asarray(groups[end].tolist())[i] for end, i in ((projection["from"], pre), ("cells", post))]
        nest.Connect(
            *ends,
            "one_to_one",
            {
                "weight": np.full(len(pre), weights[name] * scale),
                "delay": np.full(len(pre), projection["delay"]),
                "receptor_type": np.full(len(pre), port),
                "synapse_model": "static_synapse",
            },
        )


def main() -> None:
    """Run a case once."""
    options = json.loads(sys.argv[1])
    spec, arrays = load(options["case"])
    nest.set_verbosity("M_ERROR")
    begun = time.perf_counter()
    nest.SetKernelStatus({"resolution": options.get("dt", DT), "local_num_threads": options["threads"]})
    cells = neurons(spec)
    connect(spec, arrays, cells, options["weights"])
    meters = []
    for i in options.get("watched") or ():
        names = [f"v_comp{k}" for k in range(len(spec["compartments"]))]
        meters.append(nest.Create("multimeter", 1, {"record_from": names, "interval": nest.resolution}))
        nest.Connect(meters[-1], cells[i])
    nest.Prepare()
    build = time.perf_counter() - begun
    begun = time.perf_counter()
    nest.Run(options["span"])
    run = time.perf_counter() - begun
    nest.Cleanup()
    if options.get("out"):
        saved = {}
        for k, part in enumerate(spec["compartments"] if meters else ()):
            saved[f"trace.{part}"] = np.transpose([m.events[f"v_comp{k}"] for m in meters])
        if spec["cells"] == "point":
            saved["V"] = np.asarray(cells.V_m)
        np.savez(options["out"], **saved)
    print("\n" + json.dumps({"build": build, "run": run, "spikes": 0, "peak": memory()}))


if __name__ == "__main__":
    main()
