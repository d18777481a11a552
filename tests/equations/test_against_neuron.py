"""The squid axon's membrane agrees with NEURON (``data/make_neuron.py``), which uses another method."""

import json
from pathlib import Path

import dendrion as dn
import numpy as np
import pytest
from dendrion import channels

RECORDED = json.loads((Path(__file__).parent / "data" / "neuron.json").read_text())


class Axon(dn.MCNeuron):
    def __init__(self):
        super().__init__(1, V_th=1e3, V_reset=-65, odemethod=dn.SolverMethodODE.CRANK_NICOLSON)
        self.soma = dn.LeakyIF(1, V_rest=-54.3, gL=300, C=1, length=20, diameter=20)
        self.na = channels.HHNa(1, self.soma)
        self.k = channels.HHK(1, self.soma)


def test_squid_axon():
    cell = Axon()
    current = dn.DCGenerator(1, amplitude=126, start=10, stop=60)
    net = dn.Network([cell, current, dn.ConnGen(current, cell.soma)], dt=0.001)
    # NEURON starts at -65 mV, with gates in their steady state at this potential.
    rate = {"m": (0.1 * 25 / (np.exp(2.5) - 1), 4.0), "h": (0.07, 1 / (np.exp(3) + 1)), "n": (0.1 / (np.e - 1), 0.125)}
    gates = {name: alpha / (alpha + beta) for name, (alpha, beta) in rate.items()}
    key = {"m": "na.m", "h": "na.h", "n": "k.n"}
    net.set_state({f"{cell.path}/soma.V": -65.0} | {f"{cell.path}/{key[g]}": value for g, value in gates.items()})
    v = net.probe(cell.soma, "V")
    net.run(100)
    got = v.values[:, 0]
    assert np.abs(got[::1000] - RECORDED["v"]).max() < 0.05
    crossings = np.flatnonzero((got[:-1] <= 0) & (got[1:] > 0)) * 0.001
    assert crossings == pytest.approx(RECORDED["spikes"], abs=0.01)
    assert len(crossings) > 3
