"""Neo objects have bit-identical values, as quantities in the recorded units."""

import dendrion as dn
import neo
import numpy as np
import pytest
import quantities as pq

from .runs import tables, train


def test_signals(run):
    for recording in run.samples:
        signals = recording.to_neo() if run.batch else [recording.to_neo()]
        assert len(signals) == len(tables(recording))
        for signal, table in zip(signals, tables(recording), strict=True):
            assert isinstance(signal, neo.AnalogSignal)
            assert signal.dtype == table.dtype
            np.testing.assert_array_equal(signal.magnitude, table)
            # Neo computes times from a start and a rate.
            np.testing.assert_allclose(signal.times.rescale("ms").magnitude, recording.t, rtol=1e-12)
            assert signal.name == recording.name


@pytest.mark.parametrize(
    ("name", "factor", "unit"),
    [("v", 1e-3, "V"), ("current", 1e-12, "A"), ("calcium", 1e-3, "mol/m**3"), ("gate", 1.0, "dimensionless")],
)
def test_units_convert(single, name, factor, unit):
    recording = getattr(single, name)
    converted = recording.to_neo().rescale(unit).magnitude
    np.testing.assert_allclose(converted, recording.values * factor, rtol=1e-12)


def test_channels_say_whose_they_are(single):
    signal = single.some.to_neo()
    assert signal.array_annotations["neuron"].tolist() == [3, 1]
    assert signal.array_annotations["gid"].tolist() == single.net.gids(single.inh)[[3, 1]].tolist()
    assert signal.annotations["population"] == "inh"
    assert len(single.weights.to_neo().array_annotations["connection"]) == single.weights.values.shape[1]


def test_trains(run):
    for spikes in run.trains:
        samples = spikes.to_neo() if run.batch else [spikes.to_neo()]
        for sample, trains in enumerate(samples):
            assert len(trains) == spikes.size
            for i, found in enumerate(trains):
                assert isinstance(found, neo.SpikeTrain)
                assert found.units == pq.ms
                assert found.magnitude.tolist() == train(spikes, sample, i)
                assert found.annotations["neuron"] == i
                assert float(found.t_stop) == run.net.t
        assert len(samples) == (run.batch or 1)


def test_a_block_has_a_segment_per_sample(batched):
    block = dn.export.neo([batched.v, batched.some, batched.spikes, batched.generated], name="three")
    assert isinstance(block, neo.Block)
    assert [len(s.analogsignals) for s in block.segments] == [2, 2, 2]
    assert [len(s.spiketrains) for s in block.segments] == [6 + 12] * 3
    np.testing.assert_array_equal(block.segments[1].analogsignals[1].magnitude, batched.some.values[1])
    assert block.segments[2].spiketrains[3].magnitude.tolist() == train(batched.spikes, 2, 3)


def test_batches_that_differ_make_no_block(single, batched):
    with pytest.raises(dn.StructureError, match=r"exc/soma.V has none, exc/soma.V has 3"):
        dn.export.neo([single.v, batched.v])


def test_trains_begin_when_the_probe_was_made(single):
    net = single.net.__class__([cell := single.exc.__class__(2, "late")])
    net.run(5.0)
    spikes = net.probe(cell, "spikes")
    net.run(10.0)
    assert [(float(t.t_start), float(t.t_stop)) for t in spikes.to_neo()] == [(5.0, 15.0)] * 2
    net.reset()
    net.run(2.0)
    assert [(float(t.t_start), float(t.t_stop)) for t in spikes.to_neo()] == [(0.0, 2.0)] * 2
