"""Clearing recordings and removing probes does not affect later recordings."""

import dendrion as dn
import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")


def same_from(cleared, whole, t):
    """Assert that a recording contains exactly the data of another one from a time on."""
    for a, b in zip(cleared, whole, strict=True):
        late = b.t > t - 1e-9
        np.testing.assert_array_equal(a.t, b.t[late])
        if isinstance(a, dn.SpikeRecording):
            np.testing.assert_array_equal(a.i, b.i[late])
        else:
            np.testing.assert_array_equal(a.values, b.values[..., late, :])
        assert len(a) > 0


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("each", [False, True])
def test_the_time_goes_on(spiking, tmp_path, stream, each):
    whole, kept = spiking()
    net, probes = spiking(**({"to": tmp_path / "run.zarr"} if stream else {}))
    whole.run(40.0)
    net.run(15.3)
    if each:
        for probe in probes:
            probe.clear()
    else:
        net.clear_recordings()
    assert [len(p) for p in probes] == [0] * 5
    assert net.t == pytest.approx(15.3)
    net.run(24.7)
    same_from(probes, kept, 15.3)


def test_clearing_one_leaves_the_others(spiking):
    net, probes = spiking()
    net.run(20.0)
    before = [len(p) for p in probes]
    probes[2].clear()
    assert [len(p) for p in probes] == [*before[:2], 0, *before[3:]]


def test_a_batch_is_cleared(spiking):
    whole, kept = spiking(learning=False)
    net, probes = spiking(learning=False)
    whole.run(20.0, batch=2)
    net.run(20.0, batch=2)
    whole.run(10.0, batch=2)
    net.clear_recordings()
    net.run(10.0, batch=2)
    assert probes[0].values.shape == (2, 100, 7)
    same_from(probes[:2], kept[:2], 20.0)
    assert np.isclose(probes[2].rate(), kept[2].rate(start=20.0)).all()


def test_states_and_resets_after_clearing(spiking, tmp_path):
    net, probes = spiking()
    net.run(10.0)
    net.clear_recordings()
    net.run(10.0)
    net.save_state(tmp_path / "state")
    net.load_state(tmp_path / "state")
    net.run(5.0)
    assert probes[0].t[0] == pytest.approx(20.0)
    net.reset()
    net.run(5.0)
    assert probes[0].t[0] == 0.0


def test_gradients_of_a_run_whose_recordings_were_cleared(pair):
    def gradient(after):
        cells = pair(2)
        net = dn.Network([cells])
        v = net.probe(cells.soma, "V")
        run = net.run(10.0, grad=True)
        after(net, v)
        return run, v, run.backward({v: np.ones((100, 2))})

    _, _, expected = gradient(lambda net, v: None)
    for after in (lambda net, v: v.clear(), lambda net, v: net.remove(v), lambda net, v: net.reset()):
        run, v, found = gradient(after)
        np.testing.assert_equal(dict(found), dict(expected))
    run, v, _ = gradient(lambda net, v: net.remove(v))
    assert run.values(v).shape == (100, 2)
    for after in (lambda net, v: v.clear(), lambda net, v: (net.reset(), net.run(20.0))):
        run, v, _ = gradient(after)
        with pytest.raises(dn.RunError, match=r"values: pair/soma\.V: its recording of this run is not available"):
            run.values(v)


@pytest.mark.parametrize("stream", [False, True])
def test_a_removed_probe_keeps_what_it_has(spiking, tmp_path, stream):
    whole, kept = spiking()
    net, probes = spiking(**({"to": tmp_path / "run.zarr"} if stream else {}))
    names = list(net.recordings)
    whole.run(15.0)
    net.run(15.0)
    for probe in (probes[0], probes[2], probes[4]):
        net.remove(probe)
    assert list(net.recordings) == [names[1], names[3]]
    for place in (0, 2, 4):
        with pytest.raises(dn.RunError, match="has no probe"):
            net._sim.clear_recording(probes[place]._id)
    net.run(15.0)
    for place in (0, 2, 4):
        a, b = probes[place], kept[place]
        np.testing.assert_array_equal(a.t, b.t)
        assert (a.name, a.dt, a.index.tolist()) == (b.name, b.dt, b.index.tolist())
        if isinstance(a, dn.SpikeRecording):
            np.testing.assert_array_equal(a.i, b.i)
            np.testing.assert_array_equal(a.rate(), b.rate())
            np.testing.assert_array_equal(a.counts(), b.counts())
        else:
            assert a.values.dtype == b.values.dtype
            np.testing.assert_array_equal(a.values, b.values)
        a.save(tmp_path / f"{place}.npz")
        b.save(tmp_path / f"whole{place}.npz")
        assert (tmp_path / f"{place}.npz").read_bytes() == (tmp_path / f"whole{place}.npz").read_bytes()
    assert repr(probes[0]) == repr(kept[0])
    # The other probes and new ones keep recording.
    again = net.probe(net["pair"].soma, "V")
    assert list(net.recordings)[-1] == names[0]
    net.run(1.0)
    assert len(again) == 10
    whole.run(16.0)
    np.testing.assert_array_equal(probes[3].t, kept[3].t)
    np.testing.assert_array_equal(probes[1].values, kept[1].values)


def test_a_removed_probe_is_not_in_model_files_and_stays_removed(spiking, tmp_path):
    net, probes = spiking()
    net.run(5.0)
    for probe in probes[:3]:
        net.remove(probe)
    net.save(tmp_path / "model.json")
    assert len(dn.Network.load(tmp_path / "model.json").recordings) == 2
    net.save_state(tmp_path / "state")
    net.load_state(tmp_path / "state")
    net.reset()
    net.run(5.0)
    assert len(net.recordings) == 2
    assert len(probes[0]) == 50


def test_runs_with_a_batch_and_gradients_after_a_stream_was_removed(spiking, tmp_path):
    net, probes = spiking(learning=False, to=tmp_path / "run.zarr")
    net.run(2.0)
    with pytest.raises(dn.RunError, match="written to disk"):
        net.run(2.0, batch=2)
    for probe in probes:
        net.remove(probe)
    net.run(2.0, batch=2)
    assert len(probes[0]) == 20


def test_a_batch_keeps_its_samples(spiking):
    net, probes = spiking(learning=False)
    net.run(10.0, batch=2)
    values, rates = probes[0].values, probes[2].rate()
    net.remove(probes[0])
    net.remove(probes[2])
    net.reset()
    np.testing.assert_array_equal(probes[0].values, values)
    np.testing.assert_array_equal(probes[2].rate(), rates)
    assert probes[0].values.shape == (2, 100, 7)


def test_a_layer_does_not_return_what_a_removed_probe_recorded(pair):
    from dendrion.training._differentiable import Call, Differentiable

    cells = pair(2)
    net = dn.Network([cells])
    v = net.probe(cells.soma, "V")
    layer = Differentiable(net, 5.0, [], [v])
    net.remove(v)
    with pytest.raises(dn.RunError, match=r"outputs: pair/soma\.V: was removed from the network"):
        layer.forward(Call({}, [], seed=0), grad=False)


def test_what_is_refused(spiking, tmp_path):
    net, probes = spiking()
    other, _ = spiking()
    net.run(2.0)
    probes[1].save(tmp_path / "v.npz")
    loaded = dn.load_recording(tmp_path / "v.npz")
    net.remove(probes[0])
    with pytest.raises(dn.RunError, match=r"network: remove: pair/soma\.V: was removed before"):
        net.remove(probes[0])
    with pytest.raises(dn.RunError, match=r"remove: pair/dend\.V: is not recorded by this network"):
        other.remove(probes[1])
    with pytest.raises(dn.RunError, match=r"remove: pair/dend\.V: is not recorded by this network"):
        net.remove(loaded)
    with pytest.raises(dn.ParameterTypeError, match=r"remove: 'pair/dend\.V': expected a recording"):
        net.remove("pair/dend.V")
    for gone in (probes[0], loaded):
        with pytest.raises(dn.RunError, match="does not belong to a network"):
            gone.clear()
    assert len(probes[0]) == len(probes[2].counts()) == 20
