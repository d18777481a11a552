"""Detailed cells in model files."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import dendrion as dn
import jsonschema
import numpy as np
import pytest
from dendrion.cli import main

from .test_models import assert_alike


def branched(sections: int = 24, seed: int = 3) -> dn.Morphology:
    """Return a morphology with a soma of one point and random branches of several points."""
    rng = np.random.default_rng(seed)
    points, diameters, parents, kinds = [[0.0, 0.0, 0.0]], [18.0], [-1], ["soma"]
    ends = [0]
    for k in range(sections):
        at = ends[int(rng.integers(len(ends)))] if k > 3 else 0
        kind = kinds[at] if at else ("apical", "basal", "axon")[k % 3]
        for _ in range(4):
            points.append([*(np.array(points[at]) + rng.normal(0, 15, 3) + 4)])
            diameters.append(float(rng.uniform(0.5, 3.0)))
            parents.append(at)
            kinds.append(kind)
            at = len(points) - 1
        ends.append(at)
    return dn.Morphology.from_points(points, diameters, parents, kinds)


class Own(dn.Receptor):
    equations = """
    I = s * g * (E - V) : pA
    ds/dt = -s/tau : 1
    on event: s += weight
    g = 1 nS (>= 0); E = -70 mV; tau = 6 ms (> 0)
    """


class Cell(dn.CableNeuron):
    def __init__(self, size: int, tree: dn.Morphology, **settings: object) -> None:
        given = {"cv": dn.MaxLength(25.0), "V_rest": -65.0, "V_th": -30.0, "gL": lambda d: 40.0 + 0.05 * d, **settings}
        super().__init__(size, tree, **given)  # type: ignore[arg-type]
        cvs = len(self.cvs)
        self.C = np.linspace(0.8, 1.2, size * cvs).reshape(size, cvs)
        where = tree.random("apical", n=20, seed=2)
        # Receptors come between channels, because the order of mechanisms is that of sums.
        self.na = dn.channels.HHNa(self, on="soma", g=100.0, frozen_params={"g": 120.0})
        self.ampa = dn.AMPA(self, at=where, g=np.linspace(0.1, 0.5, 20), t_rise=0.5, t_decay=2.0, scale_g=True)
        self.k = dn.channels.HHK(self, on="soma", g=36.0)
        self.own = Own(self, at=where, tau=5.0)
        self.ih = [dn.channels.Ih(self, on=tree.region("apical", distance=(0, 120)), g=lambda d: 0.01 + 0.001 * d)]
        self.ka = dn.channels.KA(self, on="all", g={"all": 0.1, "soma": 5.0})
        self.im = dn.channels.KM(self, on="basal", g="g0 * exp(-distance/lam)", g0=0.1, lam=80.0)


def build(**settings: object) -> dn.Network:
    cells = Cell(3, branched(), neuron_start_id=50, area_name="CA1")
    reset = dn.CableNeuron(
        2,
        dn.Morphology.ball_and_stick(300.0, 2.0),
        cv=dn.PerSection([1, 5]),
        V_rest=-70.0,
        V_th=-60.0,
        V_reset=-70.0,
        reset=True,
        V_init=[[-70.0] * 6, [-60.0] * 6],
        r_axial=[100.0, 150.0],
        spike_at="soma",
        odemethod="CRANK_NICOLSON",
        gates="cnexp",
        dendritic_delay=3,
        name="reset",
    )
    reset.gaba = dn.GABA(reset, at="soma", t_decay=5.0)
    clamped = dn.CableNeuron(1, dn.Morphology.cable(200.0, 1.0), cv=dn.MaxLength(20.0), name="clamped")
    clamped.clamp = dn.VoltageClamp(clamped.at(clamped.tree.at(section=0, x=0.0)), V_clamp=-40.0, r_series=20.0)
    step = dn.DCGenerator(1, 400.0, 2.0)
    noise = dn.PoissonGenerator(40, rate=60.0)
    modules = [
        cells,
        reset,
        clamped,
        step,
        noise,
        dn.MCSynapse(noise, (cells.ampa, cells.own), dn.FixedIndegree(4), weight=dn.Uniform(0.1, 1.0)),
        dn.MCSynapse(cells, reset.gaba, dn.All2All(), delay=1.0, plasticity=dn.TsodyksMarkram(tau_fac=10.0)),
        dn.MCSynapse(reset, cells.ampa, np.random.default_rng(1).random((2, 60)), delay=1.0),
        dn.ConnGen(step, cells.at("soma")),
        dn.ConnGen(step, reset.at(cv=[0, 5, 3])),
    ]
    net = dn.Network(modules, dt=0.025, seed=5, **settings)  # type: ignore[arg-type]
    net.probe(cells.at(cells.tree.at(section=4, x=0.7)), "V")
    net.probe(cells, "spikes")
    net.probe(reset, "V", every=0.5)
    net.probe(reset, "spikes")
    net.probe(cells.ka, "m", every=1.0, indices=[5, 70])
    net.probe(clamped.clamp, "I")
    return net


@pytest.mark.parametrize("ending", ["json", "toml"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_runs_have_the_same_bits(tmp_path: Path, ending: str, dtype: str) -> None:
    net = build(dtype=dtype, threads=2)
    net.save(tmp_path / f"m.{ending}")
    loaded = dn.Network.load(tmp_path / f"m.{ending}", threads=1)
    net.run(40.0)
    loaded.run(40.0)
    assert_alike(net, loaded)
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value, loaded.state_dict()[key], err_msg=key)
    assert set(loaded.parameters()) == set(net.parameters())


def test_saved_again_it_is_the_same_file(tmp_path: Path) -> None:
    build().save(tmp_path / "a.toml")
    (tmp_path / "again").mkdir()
    dn.Network.load(tmp_path / "a.toml").save(tmp_path / "again" / "a.toml")
    names = sorted(p.name for p in tmp_path.iterdir() if p.is_file())
    assert len(names) == 2, "the morphology is in an npz file"
    for name in names:
        assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_modules_are_as_before(tmp_path: Path) -> None:
    net = build()
    net.save(tmp_path / "m.json")
    loaded = dn.Network.load(tmp_path / "m.json")
    a, b = net["cell"], loaded["cell"]
    assert isinstance(a, Cell)
    assert isinstance(b, dn.CableNeuron)
    assert b.tree.sections == a.tree.sections
    assert (b.size, b.area_name, b.reset, b.gates) == (3, "CA1", False, "rational")
    for section in range(len(a.tree.sections)):
        np.testing.assert_array_equal(b.tree.samples(section), a.tree.samples(section))
    np.testing.assert_array_equal(b.cvs.distance, a.cvs.distance)
    assert b.C.shape == a.C.shape == (3, len(a.cvs))
    for name in ("C", "gL", "V_rest", "V"):
        np.testing.assert_array_equal(getattr(b, name), getattr(a, name), err_msg=name)
    names = ["na", "k", "ampa", "own", "ka"]
    assert [type(getattr(b, name)).__name__ for name in names] == ["HHNa", "HHK", "AMPA", "Receptor", "KA"]
    assert [getattr(b, name).size for name in names] == [getattr(a, name).size for name in names]
    np.testing.assert_array_equal(b.ih[0].g, a.ih[0].g)
    assert b.own.tau == 5.0
    assert (b.im.g0, b.im.lam) == (0.1, 80.0)
    assert "distance" in b.im.equations
    assert isinstance(loaded["clamped"].clamp, dn.VoltageClamp)
    assert loaded["reset"].staggered is True
    np.testing.assert_array_equal(loaded["reset"].V, net["reset"].V)
    assert [c.mc.cv.tolist() for c in loaded.modules if isinstance(c, dn.ConnGen)] == [[0], [0, 5, 3]]
    again = pickle.loads(pickle.dumps(b.cvs))
    np.testing.assert_array_equal(again.area, a.cvs.area)


def test_present_values_are_saved(tmp_path: Path) -> None:
    net = build()
    net.run(5.0)
    net["cell"].gL = {"all": 30.0, "soma": 80.0}
    net["cell/ampa"].g = 0.25
    net["reset"].V_th = [-55.0, -50.0]
    net.save(tmp_path / "m.json")
    loaded = dn.Network.load(tmp_path / "m.json")
    np.testing.assert_array_equal(loaded["cell"].gL, net["cell"].gL)
    assert loaded["cell/ampa"].g == 0.25
    np.testing.assert_array_equal(loaded["reset"].V_th, [-55.0, -50.0])


def test_states_of_the_original(tmp_path: Path) -> None:
    net = build()
    net.save(tmp_path / "m.toml")
    net.run(1.5)
    net.save_state(tmp_path / "state")
    loaded = dn.Network.load(tmp_path / "m.toml")
    loaded.load_state(tmp_path / "state")
    net.clear_recordings()
    net.run(30.0)
    loaded.run(30.0)
    assert_alike(net, loaded)


def test_files_are_of_the_schema(tmp_path: Path) -> None:
    validator = jsonschema.Draft202012Validator(dn.files.schema())
    build().save(tmp_path / "m.json")
    document = json.loads((tmp_path / "m.json").read_text())
    validator.validate(document)
    cell = document["populations"]["cell"]
    for table, entry in ((cell, "gl"), (cell["morphology"], "lenght"), (cell["mechanisms"]["na"], "gbar")):
        table[entry] = 3.0
        assert not validator.is_valid(document), entry
        del table[entry]
    validator.validate(document)


WRITTEN = """
dendrion = 2
dt = 0.025
duration = 20

[populations.cell]
size = 2
V_th = -20
reset = false
V_rest = -65
gL = 50

[populations.cell.morphology]
kind = ["soma", "apical", "apical", "apical", "basal"]
parent = [-1, 0, 1, 1, 0]
length = [20, 300, 200, 200, 250]
diameter = [20, 3, 1.5, 1.5, 1.5]
cvs = [1, 7, 5, 5, 5]

[populations.cell.mechanisms]
na = { kind = "HHNa", on = "soma", g = 120 }
k = { kind = "HHK", on = "soma", g = 36 }
ampa = { kind = "AMPA", at = [8, 12, 12], t_decay = 2 }

[generators]
step = { kind = "DCGenerator", amplitude = 500, start = 2, stop = 4 }
noise = { kind = "PoissonGenerator", size = 20, rate = 50 }

[connections]
synapses = { from = "noise", to = "cell/ampa", rule = "FixedIndegree", degree = 3 }

[injections]
i = { from = "step", to = "cell", at = 0 }

[record]
soma = { of = "cell", variable = "V", indices = [0, 23] }
spikes = { of = "cell", variable = "spikes" }
"""


def test_a_written_model_is_that_of_modules(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(WRITTEN)
    loaded = dn.Network.load(tmp_path / "m.toml")
    tree = dn.Morphology.from_sections(
        [20, 300, 200, 200, 250], [20, 3, 1.5, 1.5, 1.5], [-1, 0, 1, 1, 0], ["soma", *["apical"] * 3, "basal"]
    )
    cell = dn.CableNeuron(2, tree, cv=dn.PerSection([1, 7, 5, 5, 5]), V_rest=-65, gL=50, V_th=-20, name="cell")
    cell.na = dn.channels.HHNa(cell, on="soma", g=120, parent=cell)
    cell.k = dn.channels.HHK(cell, on="soma", g=36, parent=cell)
    cell.ampa = dn.AMPA(cell, at=cell.at(cv=[8, 12, 12]), t_decay=2, parent=cell)
    step = dn.DCGenerator(1, 500.0, 2.0, 4.0, name="step")
    noise = dn.PoissonGenerator(20, rate=50.0, name="noise")
    syn = dn.MCSynapse(noise, cell.ampa, dn.FixedIndegree(3), name="synapses")
    net = dn.Network([cell, step, noise, syn, dn.ConnGen(step, cell.at("soma"), name="i")], dt=0.025)
    soma, spikes = net.probe(cell.at("soma"), "V"), net.probe(cell, "spikes")
    net.run(20.0)
    loaded.run(loaded.duration)
    np.testing.assert_array_equal(loaded.recordings["soma"].values, soma.values)
    np.testing.assert_array_equal(loaded.recordings["spikes"].t, spikes.t)
    assert len(spikes) == 2


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "m.toml"
    model.write_text(WRITTEN)
    assert main(["check", str(model), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["neurons"] == 2
    assert main(["info", str(model)]) == 0
    assert "cell/na.g" in capsys.readouterr().out
    assert main(["run", str(model), "--out", str(tmp_path / "out"), "--set", "cell.gL=60"]) == 0
    assert "soma" in capsys.readouterr().out
    assert (tmp_path / "out" / "soma.npz").exists()


def test_large_models_are_checked_with_one_cell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "m.toml"
    large = WRITTEN.replace("size = 2\n", "size = 5000000\n")
    model.write_text(large)
    assert main(["check", str(model)]) == 0
    assert "ok (5000000 neurons; the model is large" in capsys.readouterr().out
    model.write_text(large.replace("indices = [0, 23]", "indices = [0, 115000000]"))
    assert main(["check", str(model)]) == 1
    assert "115000000: expected an integer below 115000000, the number of members" in capsys.readouterr().err


def test_errors_have_a_position(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text(WRITTEN.replace("parent = [-1, 0, 1, 1, 0]", "parent = [-1, 0, 3, 1, 0]"))
    with pytest.raises(dn.ModelFileError, match=r"m\.toml, line 15, column 10: cell: morphology: parent\[2\] = 3: "):
        dn.Network.load(path)
    path.write_text(WRITTEN.replace("cvs = [1, 7, 5, 5, 5]", "cvs = 300000"))
    with pytest.raises(dn.ModelFileError, match=r"1500000 CVs per cell would require about 0\.4 GB: expected at most"):
        dn.Network.load(path)
