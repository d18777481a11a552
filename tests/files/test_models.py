"""A network that was saved and loaded gives the same results as the original."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import dendrion as dn
import jsonschema
import numpy as np
import pytest
from dendrion.files import _connections, _neurons

from .models import build


def recorded(net: dn.Network) -> list[np.ndarray]:
    """Return all recorded arrays, ordered by name."""
    found = []
    for _, r in sorted(net.recordings.items()):
        found += [r.t, r.i] if isinstance(r, dn.SpikeRecording) else [r.t, r.values]
    return found


def assert_alike(a: dn.Network, b: dn.Network) -> None:
    assert list(a.recordings) == list(b.recordings)
    for x, y in zip(recorded(a), recorded(b), strict=True):
        np.testing.assert_array_equal(x, y)
    assert all(len(r) for r in a.recordings.values()), "or nothing was compared"


@pytest.mark.parametrize("ending", ["json", "toml"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_runs_have_the_same_bits(tmp_path: Path, ending: str, dtype: str) -> None:
    net = build(dtype=dtype)
    net.save(tmp_path / f"m.{ending}")
    loaded = dn.Network.load(tmp_path / f"m.{ending}", threads=1)
    assert loaded.dtype == np.dtype(dtype)
    net.run(100.0)
    loaded.run(100.0)
    assert_alike(net, loaded)
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value, loaded.state_dict()[key], err_msg=key)


def test_in_another_process(tmp_path: Path) -> None:
    build().save(tmp_path / "m.json")
    script = (
        "import sys, numpy as np, dendrion as dn\n"
        "net = dn.Network.load(sys.argv[1]); net.run(60.0)\n"
        "r = net.recordings['circuit/cells/0/soma.V']; np.save(sys.argv[2], r.values)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "m.json"), str(tmp_path / "v.npy")]
    subprocess.run(command, check=True, timeout=120)
    net = build()
    net.run(60.0)
    np.testing.assert_array_equal(net.recordings["circuit/cells/0/soma.V"].values, np.load(tmp_path / "v.npy"))


def test_present_values_are_saved(tmp_path: Path) -> None:
    net = build()
    net.run(30.0)
    learnt = net["mcsynapse_2"].w
    net["circuit/cells/0/soma"].gL = 35.0
    net["mcsynapse"].w = net["mcsynapse"].w * 1.5
    net.set_parameters({"poissongenerator.rate": [30.0, 40.0]})
    net.save(tmp_path / "m.json")
    loaded = dn.Network.load(tmp_path / "m.json")
    assert loaded.t == 0
    assert loaded["circuit/cells/0/soma"].gL == 35.0
    np.testing.assert_array_equal(loaded["mcsynapse"].w, net["mcsynapse"].w)
    np.testing.assert_array_equal(loaded["mcsynapse_2"].w, learnt)
    np.testing.assert_array_equal(loaded["poissongenerator"].rate, [30.0, 40.0])
    assert np.ptp(learnt) > 0, "or nothing was learnt"


def test_saved_again_it_is_the_same_file(tmp_path: Path) -> None:
    build().save(tmp_path / "a.json")
    (tmp_path / "again").mkdir()
    dn.Network.load(tmp_path / "a.json").save(tmp_path / "again" / "a.json")
    names = sorted(p.name for p in tmp_path.iterdir() if p.is_file())
    assert len(names) == 2
    for name in names:
        assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_who_what_and_frozen(tmp_path: Path) -> None:
    net = build()
    net.save(tmp_path / "m.json")
    loaded = dn.Network.load(tmp_path / "m.json")
    assert set(loaded.parameters()) == set(net.parameters())
    assert set(net.state_dict()) - set(net.parameters()) == {"circuit/cells/0/nmda.g", "mcsynapse_1.w"}
    for a, b in zip(net.populations, loaded.populations, strict=True):
        assert (a.path, a.size, a.area_name) == (b.path, b.size, b.area_name)
        np.testing.assert_array_equal(net.gids(a), loaded.gids(b))
    cells = loaded["circuit"].cells if "circuit" in loaded._parts else loaded.populations[0].parent.cells
    assert [type(d).__name__ for d in cells[0].dends] == ["Compartment", "Compartment"]
    assert loaded["mcsynapse_1"].w.shape == (30, 20)
    r = loaded.recordings["circuit/cells/0/ka.m"]
    assert r.values.shape == (0, 2)


def test_gradients_are_the_same(tmp_path: Path) -> None:
    cell = dn.MCNeuron(3, V_th=-50.0, V_reset=-60.0, surrogate_grad_fn=lambda x: 1 / (1 + x * x), name="cell")
    cell.soma = dn.LeakyIF(3, V_rest=-65.0, C=100.0, gL=10.0, I_ext=250.0, parent=cell)
    net = dn.Network(cell)
    net.probe(cell, "spikes")
    net.save(tmp_path / "m.toml")
    both = []
    for n in (net, dn.Network.load(tmp_path / "m.toml")):
        run = n.run(50.0, grad=True)
        spikes = next(iter(n.recordings.values()))
        both.append(run.backward({spikes: np.ones((500, 3))}))
    assert both[0]["cell/soma.I_ext"] != 0
    for key in both[0]:
        np.testing.assert_array_equal(both[0][key], both[1][key])


def test_files_are_of_the_schema(tmp_path: Path) -> None:
    schema = dn.files.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    build().save(tmp_path / "m.json")
    document = json.loads((tmp_path / "m.json").read_text())
    validator.validate(document)
    soma = document["populations"]["circuit/cells/0"]["compartments"]["soma"]
    soma["gl"] = 3.0
    assert not validator.is_valid(document)
    del soma["gl"]
    document["connections"]["mcsynapse"]["rule"] = "FixedProbability"
    assert not validator.is_valid(document)


def test_the_schema_knows_every_parameter() -> None:
    population = dn.files.schema()["properties"]["populations"]["additionalProperties"]["oneOf"][0]
    receptors = population["properties"]["receptors"]["additionalProperties"]["oneOf"]
    nmda = next(r for r in receptors if r["properties"].get("kind") == {"const": "NMDA"})
    assert {"g", "t_rise", "t_decay", "E", "Mg", "alpha", "beta", "gamma", "w"} <= set(nmda["properties"])
    assert nmda["properties"]["E"]["default"] == 0.0
    assert "(mV)" in nmda["properties"]["E"]["description"]


def test_arrays_that_numpy_wrote(tmp_path: Path) -> None:
    text = """
    dendrion = 2
    arrays = "mine.npz"
    [populations.cell]
    size = 4
    V_th = 1
    compartments.soma = { kind = "LeakyIF", I_ext = { array = "drive" } }
    receptors.ampa = { kind = "AMPA", on = "soma", t_decay = 2 }
    [connections.syn]
    from = "cell"
    to = "cell/ampa"
    dense = true
    weight = { array = "table" }
    """
    (tmp_path / "m.toml").write_text(text)
    drive, table = np.arange(4, dtype=np.float32), np.arange(16.0).reshape(4, 4)
    np.savez(tmp_path / "mine.npz", drive=drive, table=table)
    net = dn.Network.load(tmp_path / "m.toml")
    np.testing.assert_array_equal(net["cell/soma"].I_ext, drive)
    np.testing.assert_array_equal(net["syn"].w, table)
    np.savez_compressed(tmp_path / "mine.npz", drive=drive, table=table)
    with pytest.raises(dn.ModelFileError, match=r"is compressed: expected an uncompressed npz file"):
        dn.Network.load(tmp_path / "m.toml")
    np.savez(tmp_path / "mine.npz", drive=drive, table=np.asfortranarray(table))
    with pytest.raises(dn.ModelFileError, match="Fortran order"):
        dn.Network.load(tmp_path / "m.toml")
    np.savez(tmp_path / "mine.npz", drive=np.array(["a"] * 4), table=table)
    with pytest.raises(dn.ModelFileError, match="expected numbers"):
        dn.Network.load(tmp_path / "m.toml")
    np.savez(tmp_path / "mine.npz", drive=np.array([{}], dtype=object), table=table)
    with pytest.raises(dn.ModelFileError, match="drive"):
        dn.Network.load(tmp_path / "m.toml")


def test_what_no_file_holds_is_refused(tmp_path: Path) -> None:
    cell = dn.MCNeuron(2, V_th=1.0, name="cell")
    cell.soma = dn.LeakyIF(2, parent=cell)
    cell.ampa = dn.AMPA(2, t_decay=2.0, parent=cell)
    cell.on = dn.MCConnSynapse(cell.ampa, cell.soma, parent=cell)
    source = dn.CustomGenerator(2, fn=lambda t, rng: np.zeros(2), name="mine")
    net = dn.Network([cell, source, dn.ConnGen(source, cell.ampa)])
    with pytest.raises(dn.ModelFileError, match="mine: its spikes are computed by a function"):
        net.save(tmp_path / "m.json")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(dn.ModelFileError, match=r"ending in \.toml or \.json"):
        net.save(tmp_path / "m.yaml")


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    net = build()
    net.save(tmp_path / "m.json")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert len(before) == 2
    script = (
        "import resource, sys, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "import dendrion as dn\n"
        "net = dn.Network.load(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: net.save(sys.argv[1])\n"
        "except OSError as error: print('refused', error)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "m.json")]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    assert said.startswith("refused")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"No such file or directory: .*nothing\.toml"):
        dn.Network.load(tmp_path / "nothing.toml")
    (tmp_path / "m.toml").write_text('dendrion = 2\narrays = "gone.npz"\n')
    with pytest.raises(dn.ModelFileError, match=r"m\.toml, line 2, column 10: .*gone\.npz") as caught:
        dn.Network.load(tmp_path / "m.toml")
    assert (caught.value.line, caught.value.column) == (2, 10)
    (tmp_path / "m.toml").write_text('dendrion = 2\narrays = "../secret.npz"\n')
    with pytest.raises(dn.ModelFileError, match="expected the name of a file in the folder of the model"):
        dn.Network.load(tmp_path / "m.toml")
    (tmp_path / "m.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(dn.ModelFileError, match="is not UTF-8 text"):
        dn.Network.load(tmp_path / "m.json")


def test_saved_files_contain_defaults(tmp_path: Path) -> None:
    text = """
    dendrion = 2
    [populations.cell]
    size = 1
    compartments.soma = { kind = "AdEx" }
    """
    (tmp_path / "m.toml").write_text(text)
    with pytest.warns(dn.ThresholdWarning):
        net = dn.Network.load(tmp_path / "m.toml")
    net.save(tmp_path / "m.json")
    cell = json.loads((tmp_path / "m.json").read_text())["populations"]["cell"]
    assert cell["V_th"] == 1.0
    assert cell["compartments"]["soma"] == {
        "kind": "AdEx",
        **{name: net["cell/soma"]._values[name] for name in ("gL", "C", "a", "b", "tau_w", "Vt", "DeltaT")},
    }


def test_the_engine_is_built_from_the_parsed_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = build()
    net.save(tmp_path / "m.json")
    # Only networks that are built from modules start with an empty model.
    monkeypatch.delattr(dn._core, "Model")
    assert dn.Network.load(tmp_path / "m.json").info["connections"] == net.info["connections"]


def test_files_know_every_class_of_receptors_and_plasticity_rules():
    classes = [c for c in vars(dn).values() if isinstance(c, type)]
    receptors = {c for c in classes if issubclass(c, dn.Receptor) and c._receptor is not None}
    assert receptors == set(_neurons.RECEPTORS.values())
    rules = {c for c in classes if issubclass(c, dn.Plasticity) and c is not dn.Plasticity}
    assert rules == set(_connections.PLASTICITIES.values())
