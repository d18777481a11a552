"""Spike trains, rates and intervals agree with a loop over all spikes."""

import dendrion as dn
import numpy as np
import pytest


@pytest.fixture(params=["network", "loaded", "some", "generator", "stream"])
def spikes(request, spiking, tmp_path):
    """Return spike recordings of all kinds: from networks, files, generators and disk."""
    stream = {"to": tmp_path / "run.zarr"} if request.param == "stream" else {}
    net, (_, _, found, generated, _) = spiking(**stream)
    some = net.probe(net["pair"], "spikes", indices=[5, 0])
    net.run(60.0)
    request.node.net = net
    if request.param == "loaded":
        found.save(tmp_path / "spikes.npz")
        return dn.load_recording(tmp_path / "spikes.npz")
    return {"some": some, "generator": generated}.get(request.param, found)


def slow(spikes, start=0.0, stop=np.inf, sample=0):
    rows = list(zip(spikes.sample.tolist(), spikes.t.tolist(), spikes.i.tolist(), strict=True))
    return [[t for s, t, i in rows if s == sample and i == k and start <= t < stop] for k in spikes.index.tolist()]


@pytest.mark.parametrize("window", [{}, {"start": 10.0}, {"stop": 30.0}, {"start": 10.0, "stop": 30.0}])
def test_per_neuron(spikes, window):
    expected = slow(spikes, **window)
    assert sum(map(len, expected)) > 5
    trains = spikes.trains(**window)
    assert [t.tolist() for t in trains] == expected
    assert all(t.dtype == np.float64 for t in trains)
    seconds = (window.get("stop", 60.0) - window.get("start", 0.0)) / 1000.0
    np.testing.assert_allclose(spikes.rate(**window), [len(t) / seconds for t in expected])
    intervals = spikes.isi(**window)
    for found, t in zip(intervals, expected, strict=True):
        np.testing.assert_allclose(found, np.diff(t), atol=1e-9)
    cv = [np.std(np.diff(t)) / np.mean(np.diff(t)) if len(t) > 2 else np.nan for t in expected]
    np.testing.assert_allclose(spikes.cv(**window), cv, atol=1e-12)


def test_a_batch_has_one_of_each_for_each_sample(spiking):
    net, (_, _, spikes, _) = spiking(learning=False)
    net.run(40.0, batch=3)
    assert spikes.rate().shape == spikes.cv().shape == (3, 7)
    trains, intervals = spikes.trains(), spikes.isi()
    assert (len(trains), len(trains[0]), len(intervals)) == (3, 7, 3)
    for sample in range(3):
        assert [t.tolist() for t in trains[sample]] == slow(spikes, sample=sample)
        np.testing.assert_allclose(spikes.rate()[sample], [len(t) / 0.04 for t in trains[sample]])


def test_the_variation_of_regular_and_random_spikes():
    regular = dn.SpikeGenerator(2, [0] * 49 + [1, 1], [*(10.0 * np.arange(1, 50)), 5.0, 7.0], name="regular")
    random = dn.PoissonGenerator(40, rate=50.0, name="random")
    net = dn.Network([regular, random], seed=1)
    a, b = net.probe(regular, "spikes"), net.probe(random, "spikes")
    net.run(5000.0)
    assert a.cv()[0] == 0.0
    # Two spikes have only one interval, so the variation is undefined.
    assert np.isnan(a.cv()[1])
    # With 250 intervals each, the standard error of the mean of 40 values is about 0.01.
    assert b.cv().mean() == pytest.approx(1.0, abs=0.05)
    np.testing.assert_array_equal(a.isi()[0], np.full(48, 100) * 0.1)


def test_sources_that_spike_twice_in_a_step():
    source = dn.PoissonGenerator(1, rate=20000.0)
    net = dn.Network([source], seed=1)
    spikes = net.probe(source, "spikes")
    net.run(10.0)
    (intervals,) = spikes.isi()
    assert (intervals == 0.0).any()
    assert spikes.rate()[0] == pytest.approx(len(spikes) / 0.01)
    spikes.clear()
    net.run(0.1)
    # All spikes are in one step, so the intervals are 0 and their variation is undefined.
    assert len(spikes) > 2 or np.isnan(spikes.cv()).all()


def test_after_clearing_the_time_counts_from_there(spiking):
    net, (_, _, spikes, _, _) = spiking()
    net.run(20.0)
    spikes.clear()
    net.run(30.0)
    np.testing.assert_allclose(spikes.rate(), spikes.counts().sum(0) / 0.03)
    with pytest.raises(
        dn.ParameterError, match=r"rate: start = 10.0 ms: expected a time within the recording, from 20 to 50 ms"
    ):
        spikes.rate(start=10.0)


def test_times_that_are_no_window(spiking):
    net, (_, _, spikes, _, _) = spiking()
    with pytest.raises(dn.RunError, match=r"pair\.spikes: rate: nothing has been recorded yet; run the network first"):
        spikes.rate()
    assert [len(t) for t in spikes.trains()] == [0] * 7
    assert np.isnan(spikes.cv()).all()
    net.run(20.0)
    for given, message in [
        ({"stop": 21.0}, r"stop = 21.0 ms: expected a time within the recording, from 0 to 20 ms"),
        ({"start": -1.0}, r"start = -1.0 ms: expected a time within the recording, from 0 to 20 ms"),
        ({"start": -1e308}, r"start = -1e\+308 ms: expected a time within the recording, from 0 to 20 ms"),
        ({"start": 5.0, "stop": 5.0}, r"start = 5 ms, stop = 5 ms: expected start < stop"),
        ({"start": np.nan}, r"start = nan: expected a finite time"),
    ]:
        for method in (spikes.trains, spikes.rate, spikes.isi, spikes.cv):
            with pytest.raises(dn.ParameterError, match=f"{method.__name__}: {message}"):
                method(**given)
    with pytest.raises(dn.ParameterTypeError, match="start = 'early': expected a time"):
        spikes.rate(start="early")


def test_times_on_the_grid_are_not_lost_to_rounding():
    """In floating point, 3 times 0.1 is more than 0.3."""
    source = dn.SpikeGenerator(1, [0] * 100, 0.1 * np.arange(100), name="source")
    net = dn.Network([source])
    spikes = net.probe(source, "spikes")
    net.run(10.0)
    for k in range(1, 99):
        # One of these two times may be less than k steps, and the other one more.
        for start in (k / 10, 0.1 * k):
            assert len(spikes.trains(start=start)[0]) == 100 - k
    assert (spikes.isi()[0] == 0.1).all()
