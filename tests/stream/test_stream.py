"""Recordings that are written to disk equal those that are kept in memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dendrion as dn
import numpy as np
import pytest
import xarray
import zarr
from dendrion.recordings import _stream

pytestmark = pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")


def build(pair, **where):
    cells = pair(7, V_th=-62.0, V_reset=-65.0)
    source = dn.PoissonGenerator(7, rate=200.0)
    other = pair(3, name="other")
    to_ampa = dn.MCSynapse(source, cells.ampa, dn.All2All())
    learns = dn.MCSynapse(cells, other.ampa, dn.All2All(), plasticity=dn.STDP(), delay=1.0)
    net = dn.Network([cells, other, source, to_ampa, learns], seed=3)
    probes = [
        net.probe(cells.soma, "V", **where),
        net.probe(cells.dend, "V", every=0.7, indices=[4, 2], **where),
        net.probe(learns, "w", every=1.0, **where),
        net.probe(cells, "spikes", **where),
        net.probe(source, "spikes", indices=[1, 6], **where),
    ]
    return net, probes


def assert_alike(kept, streamed):
    for a, b in zip(kept, streamed, strict=True):
        np.testing.assert_array_equal(a.t, b.t)
        if isinstance(a, dn.SpikeRecording):
            np.testing.assert_array_equal(a.i, b.i)
            np.testing.assert_array_equal(a.counts(), b.counts())
        else:
            assert a.values.dtype == b.values.dtype
            np.testing.assert_array_equal(a.values, b.values)
        assert len(a) == len(b) > 0


@pytest.mark.parametrize("held", [_stream.HELD, 1000, 1])
def test_the_same_as_in_memory(pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    monkeypatch.setattr(_stream, "HELD", held)
    net, kept = build(pair)
    streaming, streamed = build(pair, to=tmp_path / "run.zarr")
    for duration in (0.3, 20.0, 7.7):
        net.run(duration)
        streaming.run(duration)
    assert_alike(kept, streamed)
    streaming.reset()
    net.reset()
    assert [len(r) for r in streamed] == [0] * 5
    net.run(11.0)
    streaming.run(11.0)
    assert_alike(kept, streamed)


def test_memory_is_bounded(pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_stream, "HELD", 7 * 8 * 50)
    cells = pair(7)
    net = dn.Network(cells)
    v = net.probe(cells.soma, "V", to=tmp_path / "run.zarr")
    held = []
    flush = net._streams.flush
    monkeypatch.setattr(net._streams, "flush", lambda: (held.append(len(net._sim.values(v._id))), flush()))
    net.run(50.0)
    assert len(held) == 10
    assert max(held) == 50
    assert len(v) == 500


def test_others_can_read_it(pair, tmp_path: Path) -> None:
    net, (v, _, _, spikes, _) = build(pair, to=tmp_path / "run.zarr")
    net.run(20.0)
    found = xarray.open_zarr(tmp_path / "run.zarr", group="pair.soma.V", consolidated=False)
    np.testing.assert_array_equal(found["values"], v.values)
    assert found["values"].dims == ("time", "neuron")
    assert found["values"].attrs["units"] == "mV"
    np.testing.assert_array_equal(found["t"], v.t)
    np.testing.assert_array_equal(found["neuron"], np.arange(7))
    group = zarr.open_group(tmp_path / "run.zarr", mode="r")["pair.spikes"]
    np.testing.assert_array_equal(group["i"][:], spikes.i)
    np.testing.assert_array_equal(group["t"][:], spikes.t)
    assert dict(group.attrs)["population"] == "pair"


def test_exports_and_plots_read_it(pair, tmp_path: Path) -> None:
    net, (v, *_) = build(pair, to=tmp_path / "run.zarr")
    net.run(20.0)
    np.testing.assert_array_equal(v.to_pandas().to_numpy(), v.values)
    v.save(tmp_path / "v.npz")
    np.testing.assert_array_equal(dn.load_recording(tmp_path / "v.npz").values, v.values)


def test_a_probe_beside_keeps_its_own(pair, tmp_path: Path) -> None:
    """A second probe keeps its data, although the spikes of a population are stored once for all its probes."""
    cells = pair(5, V_th=-62.0, V_reset=-65.0)
    source = dn.PoissonGenerator(5, rate=300.0)
    net = dn.Network([cells, source, dn.MCSynapse(source, cells.ampa, dn.All2All())], seed=1)
    kept = net.probe(cells, "spikes")
    streamed = net.probe(cells, "spikes", to=tmp_path / "run.zarr")
    net.run(30.0)
    net.run(30.0)
    assert len(kept) > 0
    np.testing.assert_array_equal(kept.t, streamed.t)


def test_refused(pair, tmp_path: Path) -> None:
    cells = pair(2)
    net = dn.Network(cells)
    v = net.probe(cells.soma, "V", to=tmp_path / "run.zarr")
    with pytest.raises(dn.ParameterError, match=r"pair/soma\.V: to = .*: already has a recording 'pair\.soma\.V'"):
        net.probe(cells.soma, "V", to=tmp_path / "run.zarr")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(dn.ParameterError, match="expected a zarr folder, or a path that does not exist yet"):
        net.probe(cells.dend, "V", to=tmp_path / "file")
    with pytest.raises(dn.RunError, match="requires recordings in memory, but 1 of them is written to disk"):
        net.run(1.0, grad=True)
    with pytest.raises(dn.RunError, match="use probes without to="):
        net.run(1.0, batch=2)
    net.run(1.0)
    assert len(v) == 10


def test_without_zarr(pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zarr", None)
    cells = pair(2)
    net = dn.Network(cells)
    with pytest.raises(ImportError, match=r'pip install "dendrion\[zarr\]"'):
        net.probe(cells.soma, "V", to=tmp_path / "run.zarr")
    assert net.recordings == {}


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """Data that could not be written stay in memory, and the network can continue."""
    script = """
import resource, signal, sys
import dendrion as dn, numpy as np
from dendrion.recordings import _stream
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
cell = dn.MCNeuron(1000, V_th=0.0, V_reset=-65.0)
cell.soma = dn.LeakyIF(1000, V_rest=-65.0, I_ext=np.linspace(0, 50, 1000), parent=cell)
net = dn.Network(cell)
kept, streamed = net.probe(cell.soma, "V"), net.probe(cell.soma, "V", to=sys.argv[1])
net.run(5.0)
was = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, was[1]))
try:
    net.run(20.0)
    raise SystemExit("the disk was not full")
except OSError:
    pass
resource.setrlimit(resource.RLIMIT_FSIZE, was)
np.testing.assert_array_equal(kept.values, streamed.values)
net.run(5.0)
np.testing.assert_array_equal(kept.values, streamed.values)
np.testing.assert_array_equal(kept.t, streamed.t)
print("well", len(streamed))
"""
    command = [sys.executable, "-c", script, str(tmp_path / "run.zarr")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert said.stdout == "well 300\n", said.stderr


def test_a_recording_asked_for_again_reads_the_disk(pair, tmp_path: Path) -> None:
    cells = pair(4)
    net = dn.Network(cells)
    kept = net.probe(cells.soma, "V")
    net.probe(cells.soma, "V", to=tmp_path / "run.zarr")  # released at once
    net.run(10.0)
    again = net.recordings["pair/soma.V 2"]
    np.testing.assert_array_equal(again.values, kept.values)
    assert len(again) == 100
    assert net.recordings["pair/soma.V"] is kept
