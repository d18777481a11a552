"""Print potentials and spike times of cells on random trees, computed by NEURON 9, as JSON.

Run ``python make_neuron.py > neuron.json``. Tables are switched off.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import mods
import trees

#: Seeds and numbers of forks of the trees.
TREES = [(1, 1), (2, 4), (3, 10), (4, 20), (5, 45)]
#: Current into the soma (nA) from 2 to 22 ms.
CURRENTS = {"passive": 0.1, "hh": 1.0, "calcium": 1.0, "subthreshold": 0.05, "synapse": 0.0}
#: Times (ms) of the spikes that arrive at a synapse on the last section.
ARRIVALS = [3.0, 5.0, 5.025, 11.3]
DURATION = 30.0
#: Interval of the potentials (ms).
EVERY = 1.0


def compiled(channel=mods.CAL):
    """Compile the mechanisms with this calcium channel, and return NEURON's interpreter."""
    folder = tempfile.mkdtemp()
    for name, text in (("cal", channel), ("pool", mods.POOL), ("kca", mods.KCA)):
        Path(folder, f"{name}.mod").write_text(text)
    nrnivmodl = Path(sys.executable).parent / "nrnivmodl"
    environment = os.environ | {"PATH": f"{nrnivmodl.parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([nrnivmodl], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr, env=environment)
    os.chdir(folder)
    from neuron import h

    h.load_file("stdrun.hoc")
    h.usetable_hh = 0
    h.celsius = 6.3
    return h


def sections(h, tree):
    """Return the sections of a tree with 1 uF/cm2 and 100 ohm cm, without mechanisms."""
    made = []
    for i, ((_, parent, x), shape, n) in enumerate(
        zip(tree.sections, trees.shapes(tree), trees.divisions(tree), strict=True)
    ):
        section = h.Section(name=f"s{i}")
        for point in shape:
            section.pt3dadd(*map(float, point))
        if parent >= 0:
            section.connect(made[parent](x), 0)
        section.nseg, section.Ra, section.cm = n, 100, 1
        made.append(section)
    return made


def cell(h, tree, mechanisms):
    """Return the sections of a cell with these mechanisms."""
    made = sections(h, tree)
    for section in made:
        if mechanisms in ("passive", "synapse"):
            section.insert("pas")
            section.g_pas, section.e_pas = 50e-6, -65
        else:
            section.insert("hh")
            section.ena, section.ek = 50, -77
            section.gnabar_hh, section.gkbar_hh, section.gl_hh, section.el_hh = 0.12, 0.036, 0.0003, -54.3
        if mechanisms == "calcium":
            for name in ("own_cal", "own_pool", "own_kca"):
                section.insert(name)
            section.g_own_cal, section.g_own_kca = 0.001, 0.001
    return made


def simulated(h, made, tree, current, order, dt, arrivals=()):
    """Return V at the soma, and at the ends of the sections in the middle and at the end, and spike times."""
    stimulus = h.IClamp(made[0](0.5))
    stimulus.delay, stimulus.dur, stimulus.amp = 2, 20, current
    kept = [stimulus]
    if arrivals:
        synapse = h.ExpSyn(made[-1](0.5))
        synapse.tau, synapse.e = 2, 0
        connection = h.NetCon(None, synapse, 0, 0, 0.002)
        begin = h.FInitializeHandler(lambda: [connection.event(t) for t in arrivals])
        kept += [synapse, connection, begin]
    sites = [made[0](0.5), made[len(made) // 2](1.0), made[-1](1.0)]
    # V of a CV is that at its centre.
    sites = [s.sec(1 - 0.5 / s.sec.nseg) if s.x == 1.0 else s for s in sites]
    recorded = [h.Vector() for _ in sites]
    for vector, site in zip(recorded, sites, strict=True):
        vector.record(site._ref_v)
    t, times = h.Vector(), h.Vector()
    t.record(h._ref_t)
    counter = h.NetCon(made[0](0.5)._ref_v, None, sec=made[0])
    counter.threshold = -20
    counter.record(times)
    h.secondorder, h.dt, h.steps_per_ms = order, dt, round(1 / dt)
    h.v_init, h.tstop = -65, DURATION
    h.run()
    every = round(EVERY / dt)
    return {"v": [[round(x, 9) for x in list(v)[::every]] for v in recorded], "spikes": list(times)}


def main():
    """Print all results."""
    h, found = compiled(), []
    for seed, forks in TREES:
        tree = trees.random_tree(seed, forks)
        for mechanisms in ("passive", "hh", "calcium", "synapse"):
            made = cell(h, tree, mechanisms)
            arrivals = ARRIVALS if mechanisms == "synapse" else ()
            one = {"seed": seed, "forks": forks, "mechanisms": mechanisms}
            for how, order, dt in (("default", 0, 0.025), ("second order", 2, 0.025), ("fine", 2, 0.001)):
                current = CURRENTS["subthreshold" if order and dt == 0.025 and mechanisms != "synapse" else mechanisms]
                if how == "fine" and mechanisms in ("passive", "synapse"):
                    continue
                one[how] = simulated(h, made, tree, current, order, dt, arrivals)
                if how == "fine":
                    del one[how]["v"]
            found.append(one)
            del made
    json.dump(found, sys.stdout)
    print()


if __name__ == "__main__":
    main()
