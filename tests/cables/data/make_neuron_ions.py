"""Print potentials and concentrations of a cell with calcium mechanisms in different regions, by NEURON 9, as JSON.

Run ``python make_neuron_ions.py > neuron_ions.json``. The calcium channels are on the first section and read ``eca``,
which NEURON computes from the concentrations. The pool is on all sections, and the potassium channels on all others.
"""

import json

import make_neuron
import mods
import trees

DURATION, DT = 30.0, 0.025
#: A calcium channel that reads the reversal potential of the ion.
CHANNEL = (
    mods.CAL.replace("READ eca", "")
    .replace("USEION ca WRITE ica", "USEION ca READ eca WRITE ica")
    .replace("v - e)", "v - eca)")
    .replace("ica (mA/cm2)", "ica (mA/cm2) eca (mV)")
)


def main():
    """Print all results."""
    h, found = make_neuron.compiled(CHANNEL), []
    tree = trees.random_tree(2, 4)
    for order, amplitude in ((0, 0.3), (2, 0.3)):
        made = make_neuron.sections(h, tree)
        for i, section in enumerate(made):
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
    print(json.dumps(found))


if __name__ == "__main__":
    main()
