"""Probes of some neurons or connections are exported with the indices of these, and without any others."""

import dendrion as dn
import pynwb
import pytest

from .runs import Cell


@pytest.fixture(scope="module")
def some():
    """Return recordings of the spikes of two neurons and of the weights of three connections."""
    cell, noise = Cell(5, "cell"), dn.PoissonGenerator(4, rate=400.0, name="noise")
    rule = dn.STDP(lambda_=0.05, alpha=1.05, w_max=4.0)
    syn = dn.MCSynapse(noise, cell.ampa, dn.All2All(), weight=2.0, delay=0.5, plasticity=rule, name="syn")
    net = dn.Network([cell, noise, syn], seed=1)
    spikes = net.probe(cell, "spikes", indices=[4, 1])
    weights = net.probe(syn, "w", every=5.0, indices=[7, 2, 19])
    net.run(50.0)
    assert set(spikes.i.tolist()) == {1, 4}
    return spikes, weights


def test_weights(some, tmp_path):
    _, weights = some
    assert weights.index.tolist() == [7, 2, 19]
    assert weights.to_pandas().columns.tolist() == [7, 2, 19]
    assert weights.to_xarray()["connection"].values.tolist() == [7, 2, 19]
    weights.save(tmp_path / "w.npz")
    assert dn.load_recording(tmp_path / "w.npz").index.tolist() == [7, 2, 19]


def test_spikes(some, tmp_path):
    spikes, _ = some
    assert [train.annotations["neuron"] for train in spikes.to_neo()] == [1, 4]
    spikes.to_nwb(tmp_path / "s.nwb")
    with pynwb.NWBHDF5IO(tmp_path / "s.nwb", "r") as io:
        rows = io.read().units.to_dataframe()
    assert rows["neuron"].tolist() == [1, 4]
    assert sum(len(times) for times in rows["spike_times"]) == len(spikes)
    spikes.save(tmp_path / "s.npz")
    assert len(dn.load_recording(tmp_path / "s.npz").to_neo()) == 2
