"""Warnings have categories, point to the user's line, are limited in number, and cost little time."""

import inspect
import time
import warnings

import dendrion as dn
import numpy as np
import pytest
from dendrion.simulation import network

CATEGORIES = ("Delay", "Threshold", "TimeStep", "Unconnected", "Undriven", "Unused")


def line_of(text):
    """Return the number of the line of this file that contains a text."""
    lines = inspect.getsource(inspect.getmodule(line_of)).splitlines()
    (number,) = [k for k, line in enumerate(lines, 1) if line.strip().endswith(text)]
    return number


def test_one_family():
    for name in CATEGORIES:
        category = getattr(dn, f"{name}Warning")
        assert issubclass(category, dn.ModelWarning)
        assert issubclass(category, UserWarning)


def test_each_is_silenced_by_its_category(pair):
    def wrong():
        cells, noise = pair(2, rise=0.01, V_th=-70.0, V_reset=-60.0), dn.PoissonGenerator(1)
        noises = [dn.PoissonGenerator(1) for _ in range(2)]
        connections = [
            dn.MCSynapse(noise, cells.ampa, dn.FixedProb(1e-9)),
            dn.MCSynapse(noise, cells.nmda, dn.All2All(), delay=0.123),
        ]
        return dn.Network([cells, pair(2), noise, *noises, *connections], seed=1)

    for name in CATEGORIES:
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            warnings.filterwarnings("ignore", category=getattr(dn, f"{name}Warning"))
            wrong().run(1.0)
        assert {w.category.__name__ for w in found} == {f"{n}Warning" for n in CATEGORIES if n != name}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=dn.ModelWarning)
        wrong().run(1.0)


def test_they_point_at_the_line_that_made_or_ran(pair, tmp_path):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        net = dn.Network([pair(1, rise=0.01), dn.PoissonGenerator(1)])  # the line that makes it
        net.run(1.0)  # the line that runs it
        net.save(tmp_path / "model.json")
        dn.Network.load(tmp_path / "model.json")  # the line that loads it
    assert {w.filename for w in found} == {__file__}
    made, undriven, unused, loaded = (w.lineno for w in found)
    assert made == line_of("# the line that makes it")
    assert undriven == unused == line_of("# the line that runs it")
    assert loaded == line_of("# the line that loads it")


def test_of_many_the_first_are_told():
    cells = [dn.MCNeuron(1, V_th=-70.0, V_reset=-80.0, name=f"cell{k}") for k in range(9)]
    for cell in cells:
        cell.soma = dn.LeakyIF(1, V_rest=-65.0)
    with pytest.warns(dn.ThresholdWarning) as found:
        dn.Network(cells)
    assert [str(w.message).split(":")[0] for w in found] == ["cell0", "cell1", "cell2"]
    assert str(found[-1].message).endswith("expected V_th above V_rest (and 6 more such warnings)")


def test_an_error_where_that_is_wanted(pair):
    cells = pair(1, rise=0.01)
    with warnings.catch_warnings():
        warnings.simplefilter("error", dn.ModelWarning)
        with pytest.raises(dn.TimeStepWarning, match="t_rise"):
            dn.Network([cells])


def test_a_hundred_thousand_different_neurons_are_looked_at_in_no_time(monkeypatch):
    size, rng = 100_000, np.random.default_rng(0)
    cells = dn.MCNeuron(size, V_th=rng.uniform(-50, -45, size), V_reset=-60.0)
    cells.soma = dn.LeakyIF(size, V_rest=-65.0, C=rng.uniform(90, 110, size), gL=5.0, I_ext=10.0)
    cells.dends = [dn.Compartment(size, V_rest=-65.0, C=rng.uniform(9, 11, size), gL=1.0) for _ in range(3)]
    cells.axial = [dn.MCConn(cells.soma, d, g=rng.uniform(1, 2, size)) for d in cells.dends]
    spent, look = [], network.warn_of_model

    def timed(*given):
        begun = time.perf_counter()
        look(*given)
        spent.append(time.perf_counter() - begun)

    monkeypatch.setattr(network, "warn_of_model", timed)
    begun = time.perf_counter()
    dn.Network([cells])
    whole = time.perf_counter() - begun
    assert len(spent) == 1
    assert spent[0] < 0.5 * whole
