"""pandas tables have one row per time (ms) and one column per neuron, with bit-identical values."""

import dendrion as dn
import numpy as np
import pandas as pd

from .runs import tables


def test_samples(run):
    for recording in run.samples:
        frame = recording.to_pandas()
        np.testing.assert_array_equal(frame.index.to_numpy(), recording.t)
        assert frame.index.name == "time (ms)"
        for sample, table in enumerate(tables(recording)):
            part = frame[sample] if run.batch else frame
            assert (part.to_numpy().dtype, part.shape) == (table.dtype, table.shape)
            np.testing.assert_array_equal(part.to_numpy(), table)
            assert part.columns.tolist() == recording.index.tolist()
        assert {k: frame.attrs[k] for k in ("name", "unit", "dt")} == {
            "name": recording.name,
            "unit": recording.unit,
            "dt": recording.dt,
        }


def test_a_batch_has_columns_by_sample_and_neuron(batched):
    frame = batched.some.to_pandas()
    assert frame.columns.names == ["sample", "neuron"]
    assert frame.columns.tolist() == [(0, 3), (0, 1), (1, 3), (1, 1), (2, 3), (2, 1)]
    assert frame[2, 1].iloc[7] == batched.some.values[2, 7, 1]


def test_an_empty_recording_of_a_batch_has_all_columns():
    cells = dn.MCNeuron(2, V_th=1e9, V_reset=0.0, name="cells")
    cells.soma = dn.LeakyIF(2)
    net = dn.Network([cells])
    v = net.probe(cells.soma, "V")
    net.run(1.0, batch=3)
    v.clear()
    assert v.to_pandas().shape == (0, 6)


def test_columns_of_weights_are_connections(single):
    frame = single.weights.to_pandas()
    assert frame.columns.name == "connection"
    assert "gid" not in frame.attrs
    assert single.some.to_pandas().attrs["gid"] == single.some.gid.tolist()


def test_spikes(run):
    for spikes in run.trains:
        frame = spikes.to_pandas()
        names = ["t", "i", *(["gid"] if spikes in (run.spikes, run.inhibitory) else [])]
        assert frame.columns.tolist() == names + (["sample"] if run.batch else [])
        for name in frame:
            np.testing.assert_array_equal(frame[name].to_numpy(), getattr(spikes, name))
        assert frame["t"].dtype == np.float64
        assert (frame.attrs["size"], frame.attrs["units"]) == (spikes.size, {"t": "ms"})


def test_tables_of_two_recordings_can_be_joined(single):
    # pandas compares the attributes here, which would fail if they were arrays.
    joined = pd.concat([single.v.to_pandas(), single.dend.to_pandas()], axis=1, keys=["soma", "dend"])
    np.testing.assert_array_equal(joined["dend"].to_numpy(), single.dend.values)
