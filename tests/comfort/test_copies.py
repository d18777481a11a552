"""A network cannot be used as a list, copied or pickled, nor can recordings; messages suggest alternatives."""

import copy
import pickle

import dendrion as dn
import pytest


@pytest.fixture
def net(pair):
    """Return a network that has run."""
    cells = pair(3, name="cells")
    cells.soma.I_ext = 300.0
    net = dn.Network([cells])
    net.probe(cells.soma, "V")
    net.probe(cells, "spikes")
    net.run(50.0)
    return net


WAYS = (copy.copy, copy.deepcopy, pickle.dumps, lambda x: pickle.dumps(x, protocol=2))


@pytest.mark.parametrize("way", WAYS)
def test_networks(net, way):
    with pytest.raises(TypeError) as found:
        way(net)
    assert str(found.value) == (
        "Network: cannot be copied or pickled; use net.save(path) and dn.Network.load(path) for the model, "
        "net.save_state(path) and net.load_state(path) for its state"
    )
    assert isinstance(found.value, dn.DendrionError)


@pytest.mark.parametrize("way", WAYS)
def test_recordings_and_runs(net, way):
    for recording in net.recordings.values():
        with pytest.raises(TypeError, match=r"^(Spike)?Recording: cannot be copied or pickled; use recording\.save"):
            way(recording)
    with pytest.raises(TypeError, match=r"^Run: cannot be copied or pickled; use its values"):
        way(net.run(1.0, grad=True))


def test_modules_of_a_network_are_copied_but_not_pickled(net):
    cells = net["cells"]
    twin = copy.deepcopy(cells)
    twin.soma.gL = 20.0
    assert (cells.soma.gL, twin.soma.gL) == (10.0, 20.0)
    assert twin.axial.pre is twin.soma
    assert dn.Network([twin]).run(1.0).t == 1.0
    for protocol in (2, pickle.HIGHEST_PROTOCOL):
        with pytest.raises(TypeError) as found:
            pickle.dumps(cells, protocol=protocol)
        assert str(found.value) == (
            "<Pair cells x 3>: is or was part of a network and cannot be pickled; use net.save(path) for the model and "
            "net.save_state(path) for its state"
        )


def test_a_module_of_no_network_is_like_any_object(pair):
    cells = pair(2, name="cells")
    shallow = copy.copy(cells)
    assert shallow.soma is cells.soma
    assert copy.deepcopy(cells).dend.C == 50.0
    assert pickle.loads(pickle.dumps(dn.Compartment(2, gL=3.5))).gL == 3.5


def test_it_is_no_list(net):
    assert net
    with pytest.raises(TypeError, match=r"^network: has no length; use net\.info\['neurons'\], len\(net\.modules"):
        len(net)
    with pytest.raises(TypeError, match=r"^network: is not iterable; use net\.modules, or net\['path'\]"):
        list(net)
    assert "cells/soma" in net
    assert "cells/tuft" not in net
    assert net["cells"] in net
    assert dn.Compartment(1) not in net
    with pytest.raises(dn.UnknownNameError, match="no module named 'cells/som'; did you mean 'cells/soma'"):
        net["cells/som"]


class Unprintable:
    """A key like an inconsistent sparse matrix, whose text ends the process."""

    def __str__(self):
        raise KeyboardInterrupt

    def __repr__(self):
        return "<unprintable>"


@pytest.mark.parametrize("name", ["long", "deep", "fatal"])
def test_unknown_names_that_cannot_be_printed_are_unknown(pair, name):
    key = 10**5000
    if name == "deep":
        key = []
        for _ in range(3000):
            key = [key]
    if name == "fatal":
        key = Unprintable()
    net = dn.Network([pair(1, name="cells")])
    with pytest.raises(dn.UnknownNameError, match="no module named <"):
        net[key]


def test_what_cannot_be_copied_is_named():
    cell = dn.MCNeuron(2, V_th=-50.0, V_reset=-60.0)
    cell.soma = dn.LeakyIF(2)
    cell.soma._log = (line for line in "ab")
    for module in (cell, cell.soma):
        with pytest.raises(dn.ParameterTypeError, match=r"_log cannot be copied: cannot pickle 'generator' object"):
            copy.deepcopy(module)
    assert copy.copy(cell.soma)._log is cell.soma._log
