"""Dendrion's side of the comparison: builds and runs a case in one process, and prints times and memory."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import dendrion as dn
import numpy as np
from case import DT, NEST_RECEPTORS, load, memory
from dendrion.models import CA1Pyramidal
from scipy.sparse import csr_matrix

sys.path.insert(0, str(Path(__file__).parents[1]))
from networks import W1


class NestW1(W1):
    """W1 with the receptors of NEST's cm_default."""

    def _receptors(self, compartment: dn.Compartment) -> tuple[dn.AMPA, dn.NMDA]:
        ampa, nmda = ({k: v for k, v in given.items() if k != "kind"} for given in NEST_RECEPTORS)
        size = compartment.size
        return dn.AMPA(size, **ampa, scale_g=True), dn.NMDA(size, **nmda, scale_g=True)


class Point(dn.MCNeuron):
    """One compartment with an AMPA receptor."""

    def __init__(self, size: int) -> None:
        super().__init__(size, V_th=1e6, V_reset=-60.0)
        self.soma = dn.LeakyIF(size, V_rest=-70.0, gL=10.0, C=200.0)
        self.ampa = dn.AMPA(size, g=1.0, t_decay=2.0)
        self.on_soma = dn.MCConnSynapse(self.ampa, self.soma)


CELLS = {"w1": W1, "w1-nest": NestW1, "ca1": CA1Pyramidal, "point": Point}


def receptors(cells: dn.MCNeuron, part: str) -> tuple[dn.Module, ...]:
    """Return the receptors on a compartment."""
    if isinstance(cells, CA1Pyramidal):
        return getattr(cells, f"{part}_ampa"), getattr(cells, f"{part}_nmda")
    return (cells.ampa,) if isinstance(cells, Point) else getattr(cells, f"on_{part}")


def network(spec: dict, matrices: dict, arrays: dict, options: dict) -> tuple[dn.Network, dn.MCNeuron]:
    """Build a case."""
    cells = CELLS[spec["cells"]](spec["size"])
    ends: dict = {"cells": cells}
    for name, size in spec["sources"].items():
        ends[name] = dn.SpikeGenerator(size, arrays[f"{name}.source"], arrays[f"{name}.step"] * DT, name=name)
    synapses = [
        dn.MCSynapse(
            ends[projection["from"]],
            receptors(cells, projection["onto"]),
            matrices.pop(name),
            delay=projection["delay"],
            name=name,
        )
        for name, projection in spec["projections"].items()
    ]
    return dn.Network(
        [*ends.values(), *synapses], dt=options.get("dt", DT), **{k: options[k] for k in ("dtype", "threads")}
    ), cells


def main() -> None:
    """Run a case once."""
    options = json.loads(sys.argv[1])
    spec, arrays = load(options["case"])
    matrices = {}
    for name, projection in spec["projections"].items():
        starts, targets = arrays.pop(f"{name}.starts"), arrays.pop(f"{name}.targets")
        shape = (len(starts) - 1, spec["size"])
        matrices[name] = csr_matrix((np.full(len(targets), options["weights"][name]), targets, starts), shape)
        del projection, starts, targets
    begun = time.perf_counter()
    net, cells = network(spec, matrices, arrays, options)
    build = time.perf_counter() - begun
    probes = {}
    if options.get("out"):
        probes["spikes"] = net.probe(cells, "spikes")
        watched = options.get("watched")
        for part in spec["compartments"] if watched else ():
            probes[part] = net.probe(getattr(cells, part), "V", indices=watched)
    begun = time.perf_counter()
    net.run(options["span"])
    run, peak = time.perf_counter() - begun, memory()
    if options.get("out"):
        state = net.get_state()
        final = {part: state[f"{getattr(cells, part).path}.V"] for part in spec["compartments"]}
        counts = np.bincount(probes.pop("spikes").i, minlength=spec["size"])
        np.savez(options["out"], counts=counts, **final, **{f"trace.{k}": p.values for k, p in probes.items()})
    info = net.info
    print(
        json.dumps(
            {
                "build": build,
                "peak": peak,
                "run": run,
                "spikes": info["spikes"],
                "connections": info["connections"],
                "connection_bytes": info["connection_bytes"],
                "level": info["level"],
            }
        )
    )


if __name__ == "__main__":
    main()
