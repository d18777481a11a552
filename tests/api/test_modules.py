"""Modules have owners, names and parameters, which are attributes."""

import dendrion as dn
import numpy as np
import pytest


def test_attributes_lists_and_dicts_name_modules():
    class Tree(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=1.0)
            self.soma = dn.LeakyIF(1)
            self.dends = [dn.Compartment(1), dn.Compartment(1)]
            self.by_name = {"apical": dn.Compartment(1)}
            for dend in [*self.dends, *self.by_name.values()]:
                dn.MCConn(self.soma, dend, 1.0)

    net = dn.Network([tree := Tree()])
    paths = [m.path for m in tree.modules()]
    assert paths == [
        "tree",
        "tree/soma",
        "tree/dends/0",
        "tree/dends/1",
        "tree/by_name/apical",
        "tree/mcconn",
        "tree/mcconn_1",
        "tree/mcconn_2",
    ]
    assert net.info["compartments"] == 4


def test_made_outside_and_assigned():
    neuron = dn.MCNeuron(2, name="cells")
    soma = dn.LeakyIF(2)
    assert soma.parent is None
    neuron.soma = soma
    assert soma.parent is neuron
    assert soma.path == "cells/soma"


def test_parent_overrides(pair):
    neuron = pair(1)
    dend = dn.Compartment(1, parent=neuron, name="tip")
    dn.MCConn(neuron.dend, dend, 1.0, parent=neuron)
    alone = dn.Compartment(1, parent=None)
    assert dend.path == "pair/tip" or dend.parent is neuron
    assert alone.parent is None
    assert dn.Network([neuron]).info["compartments"] == 3


def test_synapses_do_not_take_in_what_they_refer_to(pair):
    cells = pair(2)
    noise = dn.PoissonGenerator(2, rate=1.0)
    syn = dn.MCSynapse(noise, cells.ampa, dn.One2One())
    assert cells.parent is None
    assert noise.parent is None
    assert syn.pre is noise
    assert syn.post == (cells.ampa,)


def test_automatic_names_are_unique(pair):
    first, second = pair(1), pair(1)
    named = pair(1, name="pair_1")
    dn.Network([first, second, named])
    assert {first.path, second.path, named.path} == {"pair", "pair_1", "pair_2"}


def test_containers_are_listed_whole(pair):
    class Circuit(dn.Module):
        def __init__(self):
            super().__init__()
            self.cells = pair(3)
            self.noise = dn.PoissonGenerator(3, rate=5.0)
            self.syn = dn.MCSynapse(self.noise, self.cells.ampa, dn.One2One())

    circuit = Circuit()
    net = dn.Network(circuit)
    assert net.info["connections"] == 3
    assert circuit.cells.soma.path == "circuit/cells/soma"


def test_attributes_are_parameters_before_and_in_a_network(pair):
    cells = pair(3)
    cells.soma.I_ext = [1.0, 2.0, 3.0]
    assert cells.soma.gL == 10.0
    net = dn.Network([cells])
    np.testing.assert_array_equal(net.parameters()["pair/soma.I_ext"], [1, 2, 3])
    cells.soma.I_ext = 250.0
    assert cells.soma.I_ext == 250.0
    assert net.parameters()["pair/soma.I_ext"] == 250.0
    net.set_parameters({"pair/soma.I_ext": [0.0, 400.0, 0.0]})
    spikes = net.probe(cells, "spikes")
    net.run(50.0)
    np.testing.assert_array_equal(cells.soma.I_ext, [0, 400, 0])
    assert set(spikes.i) == {1}


def test_a_returned_array_is_a_read_only_copy(pair):
    cells = pair(2)
    cells.soma.I_ext = [1.0, 2.0]
    with pytest.raises(dn.AssignmentError, match="copy of the values"):
        cells.soma.I_ext[0] = 99.0
    with pytest.raises(ValueError, match="read-only"):
        cells.soma.I_ext.fill(99.0)
    np.testing.assert_array_equal(cells.soma.I_ext, [1, 2])
    cells.soma.I_ext *= 2.0
    np.testing.assert_array_equal(cells.soma.I_ext, [2, 4])
    changed = cells.soma.I_ext.copy()
    changed[0] = 99.0
    assert type(cells.soma.I_ext + 1.0) is np.ndarray


def test_frozen_parameters_are_set_and_left_out():
    class Point(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_reset=-60.0, frozen_params={"V_th": -45.0})
            self.soma = dn.LeakyIF(1, frozen_params={"gL": 7.0})

    cells = Point()
    net = dn.Network([cells])
    assert cells.soma.gL == 7.0
    assert "point/soma.gL" not in net.parameters()
    assert "point.V_th" not in net.parameters()
    assert net.state_dict()["point/soma.gL"] == 7.0
    with pytest.raises(dn.ParameterError, match=r"point/soma\.gL: is frozen"):
        net.set_parameters({"point/soma.gL": 8.0})


def test_reassigning_replaces():
    class Point(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=1.0)
            self.soma = dn.LeakyIF(1)
            self.soma = dn.LeakyIF(1, gL=5.0)

    assert dn.Network([Point()]).parameters()["point/soma.gL"] == 5.0
