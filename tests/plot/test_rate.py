"""Rates are spikes per neuron and second, and agree with independent computations."""

from types import SimpleNamespace

import dendrion as dn
import numpy as np
import pytest
from matplotlib.patches import StepPatch
from scipy.ndimage import gaussian_filter1d


def steps(ax):
    """Return the values and edges of the outlines that are drawn."""
    return [p.get_data()[:2] for p in ax.patches if isinstance(p, StepPatch) and not p.get_fill()]


def test_a_bin_has_the_mean_rate_of_a_neuron(ran):
    ax = dn.plot.rate(ran.spikes, bin=10.0)
    ((rates, edges),) = steps(ax)
    table = ran.spikes.dense()
    whole = table[:1000].reshape(10, 100, 4).sum((1, 2)) / 4 / 0.01
    # The last 0.3 ms are a separate bin.
    rest = table[1000:].sum() / 4 / 0.0003
    assert np.allclose(rates, [*whole, rest])
    assert np.allclose(edges, [*range(0, 101, 10), 100.3])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (ms)", "rate (Hz)")
    assert ax.get_ylim()[0] == 0.0


def test_a_spike_on_an_edge_is_in_the_bin_that_begins_there():
    # In floating point, 43 times 0.1 is less than 43 bins of 0.1.
    spikes = SimpleNamespace(t=0.1 * np.arange(100), i=np.zeros(100, dtype=int))
    ((rates, _),) = steps(dn.plot.rate(spikes, bin=0.1))
    assert np.allclose(rates, np.full(100, 1e4))


def test_the_last_bin_is_cut_only_where_the_end_is_known():
    spikes = SimpleNamespace(t=[0.0, 12.0], i=[0, 0])
    ((_, edges),) = steps(dn.plot.rate(spikes))
    assert np.allclose(edges, [0, 5, 10, 15])
    spikes.duration = 12.5
    ((rates, edges),) = steps(dn.plot.rate(spikes))
    assert np.allclose(edges, [0, 5, 10, 12.5])
    assert np.allclose(rates, [200, 0, 400])


def test_sources_that_spike_twice_in_a_step_count_twice(ran):
    ((rates, edges),) = steps(dn.plot.rate(ran.source))
    assert (rates * np.diff(edges)).sum() * 2 * 1e-3 == pytest.approx(ran.source.counts().sum())
    assert ran.source.counts().max() >= 1


def test_samples_of_a_batch_are_averaged(batch):
    _, spikes = batch
    ((rates, _),) = steps(dn.plot.rate(spikes))
    counts = spikes.dense().reshape(3, 10, 50, 4).sum((0, 2, 3))
    assert np.allclose(rates, counts / 3 / 4 / 0.005)


def test_a_gaussian_smooths_and_keeps_rates_at_the_ends(ran):
    ax = dn.plot.rate(ran.source, bin=1.0, smooth=4.0)
    (line,) = ax.lines
    ((rates, edges),) = steps(dn.plot.rate(ran.source, bin=1.0))
    spikes, wide = rates * np.diff(edges), np.diff(edges)
    over = {"sigma": 4.0, "mode": "constant", "truncate": 5.0}
    assert np.allclose(line.get_ydata(), gaussian_filter1d(spikes, **over) / gaussian_filter1d(wide, **over))
    assert np.allclose(line.get_xdata(), (edges[1:] + edges[:-1]) / 2)
    even = SimpleNamespace(t=0.5 + np.arange(100.0), i=np.zeros(100, dtype=int))
    assert np.allclose(dn.plot.rate(even, bin=1.0, smooth=10.0).lines[0].get_ydata(), 1000.0)


def test_overlapping_windows_count_what_is_in_them(ran):
    ax = dn.plot.rate(ran.source, window=10.0, bin=1.0)
    (line,) = ax.lines
    t, rates = line.get_data()
    assert np.allclose(t, np.arange(101))
    spikes = np.rint(ran.source.t / 0.1).astype(int)
    for at, found in zip(t, rates, strict=True):
        low, high = max(round(10 * at) - 50, 0), min(round(10 * at) + 50, 1003)
        count = ((spikes >= low) & (spikes < high)).sum()
        assert found == pytest.approx(count / 2 / ((high - low) * 1e-4))


def test_windows_keep_a_constant_rate_also_at_the_ends():
    even = SimpleNamespace(t=0.5 + np.arange(100.0), i=np.zeros(100, dtype=int), duration=100.0)
    (line,) = dn.plot.rate(even, window=10.0, bin=1.0).lines
    assert np.allclose(line.get_ydata(), 1000.0)


def test_smoothing_chooses_bins_of_whole_steps(ran):
    ax = dn.plot.rate(ran.source, smooth=4.0)
    assert np.allclose(np.diff(ax.lines[0].get_xdata())[:-1], 0.8)
    ax = dn.plot.rate(ran.source, smooth=0.2)
    assert np.allclose(np.diff(ax.lines[0].get_xdata())[:-1], 0.1)
    ax = dn.plot.rate(ran.source, window=7.0)
    assert np.allclose(np.diff(ax.lines[0].get_xdata()), 0.7)


def test_areas_of_several_recordings_do_not_lie_on_each_other(ran):
    assert any(p.get_fill() for p in dn.plot.rate(ran.spikes).patches)
    assert not any(p.get_fill() for p in dn.plot.rate({"a": ran.spikes, "b": ran.source}).patches)


def test_without_spikes_the_rate_is_zero(pair):
    cells = pair(3)
    net = dn.Network([cells])
    spikes = net.probe(cells, "spikes")
    net.run(20.0)
    ((rates, edges),) = steps(dn.plot.rate(spikes))
    assert not rates.any()
    assert np.allclose(edges, [0, 5, 10, 15, 20])


def test_of_some_neurons_only_those_count(pair):
    cells = pair(50)
    cells.soma.I_ext = 500.0
    net = dn.Network([cells])
    some, every = net.probe(cells, "spikes", indices=[3, 8]), net.probe(cells, "spikes")
    net.run(30.0)
    assert len(some) == len(every) / 25 > 0
    ((of_some, _),) = steps(dn.plot.rate(some))
    ((of_every, _),) = steps(dn.plot.rate(every))
    assert np.allclose(of_some, of_every)


def test_populations_have_colours_and_a_legend(ran):
    ax = dn.plot.rate({"cells": ran.spikes, "input": ran.source}, smooth=10.0)
    assert len({line.get_color() for line in ax.lines}) == 2
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["cells", "input"]


@pytest.mark.parametrize(
    ("widths", "message"),
    [
        ({"bin": 0.0}, r"bin = 0.0: expected a width > 0 \(ms\)"),
        ({"bin": float("inf")}, "bin = inf"),
        ({"smooth": 1.0, "bin": 5.0}, r"smooth = 1.0: expected at least bin / 2 \(bin = 5 ms\)"),
        ({"smooth": 0.0}, "smooth = 0.0: expected a standard deviation > 0"),
        ({"window": -1.0}, r"window = -1.0: expected a width > 0 \(ms\)"),
        ({"window": 1.0, "bin": 5.0}, r"window = 1.0: expected at least bin \(bin = 5 ms\)"),
        ({"window": 10.0, "smooth": 5.0}, "smooth = 5.0, window = 10.0: expected at most one of them"),
    ],
)
def test_widths_that_make_no_rate_are_refused(ran, widths, message):
    with pytest.raises(dn.ParameterError, match=f"plot.rate: {message}"):
        dn.plot.rate(ran.spikes, **widths)


def test_spikes_on_the_edge_of_a_window_are_counted_once_despite_rounding():
    # Edges are 0.1 m - 0.7 and 0.1 m + 0.7: sums such as 0.1 * 14 + 0.7 differ from 0.1 * 21 in the last bit.
    even = SimpleNamespace(t=0.1 * (7 * np.arange(143)), i=np.zeros(143, dtype=int), duration=100.1)
    (line,) = dn.plot.rate(even, window=1.4, bin=0.1).lines
    inside = slice(10, -10)
    assert np.allclose(line.get_ydata()[inside], 2 / 1.4e-3)
