"""Channels, a calcium pool and an adaptive soma agree with Brian2 (``data/make_brian2.py``) to 1e-9 mV."""

import json
from pathlib import Path

import dendrion as dn
import numpy as np
import pytest
from dendrion import channels

RECORDED = json.loads((Path(__file__).parent / "data" / "brian2.json").read_text())
#: 20 x 20 um, in um2.
AREA = np.pi * 400


class Cell(dn.MCNeuron):
    """A soma with channels, each with the initial values of its states."""

    def __init__(self, leak, parts):
        super().__init__(1, V_th=1e3, V_reset=-65)
        g, rest = leak
        self.soma = dn.LeakyIF(1, V_rest=rest, gL=1e3 * g, C=1, length=20, diameter=20)
        self.parts = [kind(1, self.soma, **given) for kind, given, _ in parts]


CASES = {
    "hh": (
        (0.3, -54.3),
        10.0,
        [(channels.HHNa, {}, {"m": 0.05, "h": 0.6}), (channels.HHK, {}, {"n": 0.32})],
    ),
    "ka": ((0.1, -65), 2.0, [(channels.KA, {"g": 3.0}, {"m": 0.3, "h": 0.1})]),
    "ih": ((0.1, -65), -3.0, [(channels.Ih, {}, {"m": 0.2})]),
    "cat_kca": (
        (0.1, -65),
        0.5,
        [
            (channels.CaT, {}, {"u": 0.4}),
            (channels.KCa, {"g": 0.5}, {"z": 0.01}),
            (channels.CaPool, {}, {"Ca": 1e-4}),
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_channels(name):
    leak, density, parts = CASES[name]
    cell = Cell(leak, parts)
    # uA/cm2 um2 = 1e-2 pA
    current = dn.DCGenerator(1, amplitude=density * AREA * 1e-2, start=10, stop=60)
    net = dn.Network([cell, current, dn.ConnGen(current, cell.soma)], dt=0.01)
    states = {f"{cell.soma.path}.V": -65.0}
    for part, (_, _, initial) in zip(cell.parts, parts, strict=True):
        states |= {f"{part.path}.{state}": value for state, value in initial.items()}
    net.set_state(states)
    v = net.probe(cell.soma, "V", every=1.0)
    net.run(100)
    got = v.values[:, 0]
    assert np.abs(got - RECORDED[name]).max() < 1e-9
    assert np.ptp(got) > 1


def test_adex():
    class Point(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=-40.4, V_reset=-70.6)
            self.soma = dn.AdEx(1, V_rest=-70.6, gL=30, C=281)

    cell = Point()
    current = dn.DCGenerator(1, amplitude=800, start=10, stop=60)
    net = dn.Network([cell, current, dn.ConnGen(current, cell.soma)], dt=0.01)
    v = net.probe(cell.soma, "V", every=1.0)
    net.run(100)
    assert np.abs(v.values[:, 0] - RECORDED["adex"]).max() < 1e-9
