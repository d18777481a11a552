"""Histograms of inter-spike intervals agree with counts from a loop over neurons."""

from types import SimpleNamespace

import dendrion as dn
import numpy as np
import pytest
from matplotlib.patches import StepPatch


def bars(ax):
    """Return the values and edges of the histograms that are drawn."""
    return [p.get_data()[:2] for p in ax.patches if isinstance(p, StepPatch)]


def pooled(spikes):
    return np.concatenate(spikes.isi())


def test_one_recording_is_counted(ran):
    ax = dn.plot.isi(ran.spikes, bin=2.0)
    ((counts, edges),) = bars(ax)
    expected = pooled(ran.spikes)
    assert counts.sum() == len(expected) > 5
    for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True):
        assert count == ((expected >= low) & (expected < high)).sum()
    assert np.allclose(np.diff(edges), 2.0)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("inter-spike interval (ms)", "intervals")
    assert ax.get_xlim()[0] == 0.0


def test_bins_have_as_many_steps_each(ran):
    ((_, edges),) = bars(dn.plot.isi(ran.source))
    steps = edges / 0.1
    # Edges are between two steps, so that rounding moves no interval to another bin.
    assert np.allclose(steps - np.floor(steps), 0.5)
    assert np.allclose(np.diff(steps), np.round(np.diff(steps)))


def test_several_recordings_are_shares(ran):
    ax = dn.plot.isi({"cells": ran.spikes, "input": ran.source})
    (a, edges), (b, same) = bars(ax)
    assert np.array_equal(edges, same)
    assert a.sum() == pytest.approx(1.0)
    assert b.sum() == pytest.approx(1.0)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["cells", "input"]
    assert ax.get_ylabel() == "fraction of intervals"


def test_long_intervals_are_left_out_and_bins_may_be_logarithmic(ran):
    expected = pooled(ran.source)
    ((counts, _),) = bars(dn.plot.isi(ran.source, longest=10.0))
    assert counts.sum() == (expected <= 10.0 + 1e-9).sum() < len(expected)
    ax = dn.plot.isi(ran.source, log=True)
    ((counts, edges),) = bars(ax)
    assert counts.sum() == (expected > 0).sum()
    assert np.allclose(np.diff(np.log10(edges)), np.diff(np.log10(edges))[0])
    assert ax.get_xscale() == "log"


def test_samples_of_a_batch_are_apart(batch):
    _, spikes = batch
    ((counts, _),) = bars(dn.plot.isi(spikes))
    assert counts.sum() == sum(len(t) for sample in spikes.isi() for t in sample)


def test_samples_of_one_neuron_are_apart():
    """There is no interval from the last spike of a sample to the first spike of the next one."""
    source = dn.PoissonGenerator(1, rate=200.0)
    net = dn.Network([source], seed=1)
    spikes = net.probe(source, "spikes")
    net.run(100.0, batch=3)
    ((counts, _),) = bars(dn.plot.isi(spikes))
    assert counts.sum() == len(spikes) - 3


def test_any_object_and_no_intervals():
    spikes = SimpleNamespace(t=[1.0, 4.0, 2.0, 9.0], i=[0, 0, 1, 1])
    ((counts, _),) = bars(dn.plot.isi(spikes, bin=5.0))
    assert counts.tolist() == [1, 1]
    for log in (False, True):
        ((counts, _),) = bars(dn.plot.isi(SimpleNamespace(t=[1.0], i=[0]), log=log))
        assert counts.sum() == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"bin": 0.0}, r"bin = 0.0: expected a width > 0 \(ms\), or None"),
        ({"longest": float("inf")}, "longest = inf"),
        ({"bin": "wide"}, "bin = 'wide'"),
        ({"bin": 1e-9}, r"bin = 1e-09 ms: results in .* bins; expected a width that results in at most 100,000"),
        ({"log": "yes"}, "log = 'yes': expected True or False"),
    ],
)
def test_what_makes_no_histogram_is_refused(ran, given, message):
    with pytest.raises(dn.DendrionError, match=f"plot.isi: {message}"):
        dn.plot.isi(ran.spikes, **given)
