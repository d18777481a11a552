"""Errors have attributes that let programs react."""

import ast
import pickle
from pathlib import Path

import dendrion as dn
import numpy as np
import pytest


class Cell(dn.MCNeuron):
    def __init__(self, size=3, coupling=1.0):
        super().__init__(size, V_th=1e9, V_reset=0.0, name="cell", odemethod="euler")
        self.soma = dn.LeakyIF(size, C=100.0, gL=1.0)
        self.dend = dn.Compartment(size, C=100.0, gL=1.0)
        self.axial = dn.MCConn(self.soma, self.dend, coupling)


@pytest.mark.filterwarnings("ignore::dendrion.TimeStepWarning")
def test_a_divergence_has_its_place_and_time():
    net = dn.Network([Cell(coupling=np.array([1.0, 1e5, 1.0]))])
    net.set_state({"cell/dend.V": np.array([0.0, 1.0, 0.0])})
    with pytest.raises(dn.DivergenceError) as caught:
        net.run(100.0)
    error = caught.value
    assert (error.population, error.neuron, error.sample) == ("cell", 1, None)
    assert error.state in ("soma.V", "dend.V")
    assert 0.0 < error.time <= net.t


def test_the_memory_limit_has_numbers(monkeypatch):
    monkeypatch.setenv("DENDRION_MEMORY_LIMIT", "1e6")
    with pytest.raises(dn.ResourceError) as caught:
        dn.Network([Cell(10_000_000)])
    assert isinstance(caught.value, dn.MemoryLimitError)
    assert caught.value.limit == 1_000_000
    assert caught.value.needed > 1e8


def test_equations_that_are_too_large_have_numbers():
    class Many(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=0.0, name="many")
            membrane = {"C": 1.0, "gL": 50.0, "r_axial": 100.0, "length": 10.0, "diameter": 1.0}
            self.soma = dn.LeakyIF(1, **membrane)
            self.dends = [dn.Compartment(1, **membrane) for _ in range(2000)]
            self.axial = [dn.MCConn(self.soma, dend, 1.0) for dend in self.dends]
            self.na = [dn.channels.NaT(1, on=dend) for dend in self.dends]

    with pytest.raises(dn.ResourceError, match=r"many: the equations of a neuron need .*: expected at most") as caught:
        dn.Network([Many()])
    assert not isinstance(caught.value, dn.MemoryLimitError)
    assert caught.value.limit > 10_000
    assert caught.value.needed > 100_000
    assert f"need {caught.value.needed} values per step: expected at most {caught.value.limit};" in str(caught.value)


@pytest.mark.parametrize(
    ("lookup", "name", "known"),
    [
        (lambda net: net.probe(net["cell/soma"], "U"), "U", "V"),
        (lambda net: net["cell/some"], "cell/some", "cell/soma"),
        (lambda net: net.probe(net["cell/soma"], "\ud800"), "\ud800", "V"),
        (lambda net: net.probe(net["cell/soma"], "spikes"), "spikes", "V"),
        (lambda net: net.probe(net["cell"], "V"), "V", "spikes"),
        (lambda net: net.set_parameters({"\ud800": 1.0}), "\ud800", "cell/soma.gL"),
        (lambda net: net.load_state_dict({"cell/soma.gL": 1.0}), "cell.V_reset", "cell/soma.gL"),
        (lambda net: net.load_state_dict({"x": 1.0}), "cell.V_reset", "x"),
        (lambda net: net.set_state({"\ud800": 1.0}), "\ud800", "cell/soma.V"),
        (lambda net: dn.optim.SGD(net, 0.1, bounds={"x": (0, 1)}), "x", "cell/soma.gL"),
        (lambda net: dn.Region("som"), "som", "soma"),
        (lambda net: dn.plot.morphology(dn.Morphology.cable(9.0, 1.0), view="yx"), "yx", "xy"),
    ],
)
def test_an_unknown_name_has_the_known_names(lookup, name, known):
    with pytest.raises(dn.UnknownNameError) as caught:
        lookup(dn.Network([Cell()]))
    assert caught.value.name == name
    assert known in caught.value.known


def test_modules_without_variables_are_named():
    cell, noise = Cell(), dn.DCGenerator(1, amplitude=1.0, name="noise")
    net = dn.Network([cell, noise, dn.ConnGen(noise, cell.soma, name="injection")])
    with pytest.raises(dn.UnknownNameError) as caught:
        net.probe(noise, "V")
    assert (caught.value.name, caught.value.known) == ("V", [])
    with pytest.raises(dn.UnknownNameError) as caught:
        net.variables(noise)
    assert (caught.value.name, caught.value.known) == ("noise", [])


def test_every_unknown_name_is_raised_with_it():
    """Errors are constructed with ``name`` and ``known``, or with those of another error."""
    for path in Path(dn.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "UnknownNameError":
                assert "name" in {k.arg for k in node.keywords}, f"{path}:{node.lineno}"


def test_attributes_survive_pickling():
    error = pickle.loads(pickle.dumps(dn.UnknownNameError("no probe", name="u", known=["v"])))
    assert (str(error), error.name, error.known) == ("no probe", "u", ["v"])
