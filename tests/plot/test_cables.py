"""Plots of recordings, connections and shapes of detailed cells."""

from types import SimpleNamespace

import dendrion as dn
import numpy as np
import pytest
from matplotlib.collections import PolyCollection

TREE = dn.Morphology.from_sections(
    length=[20.0, 200.0, 100.0], diameter=[20.0, 3.0, 1.0], parent=[-1, 0, 1], kind=["soma", "apical", "apical"]
)


@pytest.fixture
def ran():
    """Return recordings of two cells that fire."""
    cells = dn.CableNeuron(2, TREE, cv=dn.MaxLength(50.0), V_rest=-65.0, V_th=-20.0, name="cells")
    cells.na = dn.channels.HHNa(cells, on="all")
    cells.k = dn.channels.HHK(cells, on="all")
    cells.ampa = dn.AMPA(cells, at=[TREE.at(1, 0.5), TREE.at(2, 0.5)], t_decay=2.0)
    step = dn.DCGenerator(2, [600.0, 900.0])
    noise = dn.PoissonGenerator(5, rate=50.0)
    syn = dn.MCSynapse(noise, cells.ampa, np.linspace(0.0, 1.0, 20).reshape(5, 4))
    net = dn.Network([cells, step, noise, syn, dn.ConnGen(step, cells.at("soma"))], dt=0.025)
    made = SimpleNamespace(net=net, cells=cells, syn=syn, spikes=net.probe(cells, "spikes"))
    made.soma = net.probe(cells.at("soma"), "V")
    made.two = net.probe(cells.at(cv=[0, 4]), "V")
    made.m = net.probe(cells.na, "m")
    net.run(30.0)
    return made


def legend(ax):
    """Return the title and the labels of the legend."""
    found = ax.get_legend()
    return found.get_title().get_text(), [text.get_text() for text in found.get_texts()]


def test_traces_distinguish_neurons_and_control_volumes(ran):
    assert legend(dn.plot.traces(ran.soma, spikes=ran.spikes)) == ("neuron", ["0", "1"])
    assert legend(dn.plot.traces(ran.two)) == ("neuron, CV", ["0, 0", "0, 4", "1, 0", "1, 4"])
    assert legend(dn.plot.traces(ran.two, neurons=[2, 3])) == ("CV\n(of 4)", ["0", "4"])
    assert legend(dn.plot.traces(ran.two, neurons=[1, 3])) == ("neuron\n(of 4)", ["0", "1"])
    other = ran.net.probe(ran.cells.at(cv=[4]), "V")
    ran.net.run(1.0)
    assert legend(dn.plot.traces([ran.soma, other], neurons=1))[1] == ["cells, CV 0", "cells, CV 4"]
    ax = dn.plot.traces(ran.m)
    assert legend(ax) == (f"CV\n(of {len(ran.cells.cvs) * 2})", ["0", "1", "2", "3", "4"])
    assert len({line.get_color() for line in ax.lines}) == 5


def test_spikes_and_weights(ran):
    assert len(ran.spikes) > 2
    dn.plot.raster(ran.spikes)
    dn.plot.rate(ran.spikes)
    dn.plot.isi(ran.spikes)
    dn.plot.fi_curve([600.0, 900.0], spikes=ran.spikes)
    dn.plot.weights(ran.syn)
    dn.plot.surrogate(ran.cells)


def test_cells_are_drawn_with_their_control_volumes(ran):
    cells = ran.cells
    ax = dn.plot.morphology(cells, color=cells.cvs.distance)
    (drawn,) = [c for c in ax.collections if isinstance(c, PolyCollection)]
    assert len(np.unique(drawn.get_facecolor(), axis=0)) == len(cells.cvs)
    dn.plot.morphology(cells, region=TREE.region("apical", distance=(0.0, 100.0)), sites=cells.at(cv=[4]))
    coarse = TREE.cvs(dn.PerSection(1))
    dn.plot.morphology(cells, cvs=coarse, color=[1.0, 2.0, 3.0])
    with pytest.raises(dn.ParameterTypeError, match=r"expected an MCNeuron; plot\.morphology draws detailed cells"):
        dn.plot.tree(cells)
    with pytest.raises(
        dn.ParameterError, match=r"limits = .*: requires a colour bar; pass an array of numbers as color"
    ):
        dn.plot.morphology(cells, limits=(0.0, 1.0))
