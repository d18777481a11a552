"""Print potentials and concentrations of a cell with calcium mechanisms in different regions, by NEURON 9, as JSON.

Run ``python make_neuron_ions.py > neuron_ions.json``. The calcium channels are on the first section and read ``eca``,
which NEURON computes from the concentrations. The pool is on all sections, and the potassium channels on all others.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import mods
import trees

DURATION, DT = 30.0, 0.025


def compiled():
    """Compile the mechanisms, and return NEURON's interpreter."""
    folder = tempfile.mkdtemp()
    channel = mods.CAL.replace("READ eca", "").replace("USEION ca WRITE ica", "USEION ca READ eca WRITE ica")
    channel = channel.replace("v - e)", "v - eca)").replace("ica (mA/cm2)", "ica (mA/cm2) eca (mV)")
    for name, text in (("cal", channel), ("pool", mods.POOL), ("kca", mods.KCA)):
        Path(folder, f"{name}.mod").write_text(text)
    nrnivmodl = Path(sys.executable).parent / "nrnivmodl"
    environment = os.environ | {"PATH": f"{nrnivmodl.parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([nrnivmodl], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr, env=environment)
    os.chdir(folder)
    from neuron import h

    h.load_file("stdrun.hoc")
    h.celsius = 6.3
    return h


def main():
    """Print all results."""
    h, found = compiled(), []
    tree = trees.random_tree(2, 4)
    for order, amplitude in ((0, 0.3), (2, 0.3)):
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
            section.insert("pas")
            section.g_pas, section.e_pas = 50e-6, -65
            section.insert("own_pool")
            section.cao = 2.0
            if i == 0:
                section.insert("own_cal")
                section.g_own_cal = 0.001
            else:
                section.insert("own_kca")
                section.g_own_kca = 0.001
            made.append(section)
        stimulus = h.IClamp(made[0](0.5))
        stimulus.delay, stimulus.dur, stimulus.amp = 2, 20, amplitude
        vectors = [h.Vector() for _ in range(3)]
        for vector, ref in zip(
            vectors, (made[0](0.5)._ref_v, made[0](0.5)._ref_cai, made[0](0.5)._ref_eca), strict=True
        ):
            vector.record(ref)
        h.secondorder, h.dt, h.steps_per_ms = order, DT, round(1 / DT)
        h.v_init, h.tstop = -65, DURATION
        h.run()
        v, cai, eca = ([float(f"{x:.12g}") for x in list(vector)[::40]] for vector in vectors)
        found.append({"order": order, "amplitude": amplitude, "v": v, "cai": cai, "eca": eca})
        del made
    json.dump(found, sys.stdout)
    print()


main()
