"""A raster plot has a tick for each spike, in the row of its neuron."""

from types import SimpleNamespace

import dendrion as dn
import matplotlib.pyplot as plt
import numpy as np
import pytest


def ticks(ax):
    """Return the ticks of each recording as pairs of time and row."""
    return [sorted(zip(*line.get_data(), strict=True)) for line in ax.lines if line.get_marker() == "|"]


def test_each_spike_is_a_tick_in_the_row_of_its_neuron(ran):
    ax = dn.plot.raster(ran.spikes)
    step, neuron = np.nonzero(ran.spikes.dense())
    assert np.allclose(ticks(ax), [sorted(zip(0.1 * step, neuron, strict=True))])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (ms)", "neuron")
    assert ax.get_xlim() == pytest.approx((0.0, 100.3))
    assert ax.get_ylim() == (-0.5, 3.5)


def test_sources_of_generators_are_called_so(ran):
    ax = dn.plot.raster(ran.source)
    assert ax.get_ylabel() == "source"
    assert len(ticks(ax)[0]) == len(ran.source)


def test_several_are_stacked_from_the_top_each_with_its_label_and_colour(ran):
    ax = dn.plot.raster({"cells": ran.spikes, "input": ran.source})
    upper, lower = ticks(ax)
    assert {row for _, row in upper} <= {2, 3, 4, 5}
    assert np.allclose([row - 2 for _, row in upper], [row for _, row in ticks(dn.plot.raster(ran.spikes))[0]])
    assert {row for _, row in lower} == {0, 1}
    assert [t.get_text() for t in ax.get_yticklabels()] == ["cells", "input"]
    assert list(ax.get_yticks()) == [3.5, 0.5]
    shown = [line.get_color() for line in ax.lines if line.get_marker() == "|"]
    assert len(set(shown)) == 2
    assert [t.get_color() for t in ax.get_yticklabels()] == shown


def test_samples_of_a_batch_are_blocks_of_rows(batch):
    _, spikes = batch
    ax = dn.plot.raster(spikes)
    sample, step, neuron = np.nonzero(spikes.dense())
    assert np.allclose(ticks(ax), [sorted(zip(0.1 * step, 4 * sample + neuron, strict=True))])
    assert ax.get_ylabel() == "sample (4 neurons each)"
    assert [t.get_text() for t in ax.get_yticklabels()] == ["0", "1", "2"]
    assert ax.get_ylim() == (-0.5, 11.5)


def test_without_spikes_the_time_that_was_simulated_is_shown(pair):
    cells = pair(3)
    net = dn.Network([cells])
    spikes = net.probe(cells, "spikes")
    net.run(20.0)
    ax = dn.plot.raster(spikes)
    assert ticks(ax) == [[]]
    assert ax.get_xlim() == pytest.approx((0.0, 20.0))
    assert ax.get_ylim() == (-0.5, 2.5)


def test_time_begins_where_the_probe_was_made(pair):
    cells = pair(1)
    cells.soma.I_ext = 500.0
    net = dn.Network([cells])
    net.run(50.0)
    spikes = net.probe(cells, "spikes")
    net.run(50.0)
    assert dn.plot.raster(spikes).get_xlim() == pytest.approx((50.0, 100.0))
    assert dn.plot.rate(spikes).get_xlim() == pytest.approx((50.0, 100.0))
    net.reset()
    net.run(20.0)
    assert dn.plot.raster(spikes).get_xlim() == pytest.approx((0.0, 20.0))


def test_rows_of_some_neurons_have_their_numbers(pair):
    cells = pair(50)
    cells.soma.I_ext = 500.0
    net = dn.Network([cells])
    spikes = net.probe(cells, "spikes", indices=[10, 40])
    net.run(30.0)
    ax = dn.plot.raster(spikes)
    assert {row for _, row in ticks(ax)[0]} == {0, 1}
    ax.figure.draw_without_rendering()
    assert {"10", "40"} <= {t.get_text() for t in ax.get_yticklabels()}


def test_recordings_from_files_are_drawn_as_they_were(ran, tmp_path):
    ran.spikes.save(tmp_path / "spikes.npz")
    ran.soma.save(tmp_path / "soma.npz")
    spikes, soma = (dn.load_recording(tmp_path / f"{name}.npz") for name in ("spikes", "soma"))
    assert ticks(dn.plot.raster(spikes)) == ticks(dn.plot.raster(ran.spikes))
    ax = dn.plot.traces(soma, spikes=spikes)
    assert ax.get_ylabel() == "V (mV)"
    assert np.array_equal([line.get_ydata() for line in ax.lines], ran.soma.values.T)
    assert sum(len(c.get_segments()) for c in ax.collections) == len(ran.spikes)


def test_any_object_with_times_and_neurons_will_do():
    ax = dn.plot.raster(SimpleNamespace(t=[1.0, 4.0], i=[2, 0]))
    assert ticks(ax) == [[(1.0, 2), (4.0, 0)]]
    assert ax.get_ylim() == (-0.5, 2.5)


def test_a_hundred_thousand_spikes_become_pixels_in_vector_files():
    rng = np.random.default_rng(0)
    few, many = (SimpleNamespace(t=rng.random(n), i=rng.integers(0, 9, n)) for n in (100, 100_000))
    assert [dn.plot.raster(s).lines[0].get_rasterized() for s in (few, many)] == [False, True]


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({}, dn.ParameterError, r"spikes = \{\}: expected a SpikeRecording"),
        ([1.0, 2.0], dn.ParameterTypeError, "spikes = 1.0: expected a SpikeRecording"),
        (SimpleNamespace(t=[1.0], i=[0.5], name="some.spikes"), dn.ParameterError, "some: .*an integer >= 0"),
        (SimpleNamespace(t=[1.0, 2.0], i=[0]), dn.ParameterError, r"t has shape \(2,\), and i has shape \(1,\)"),
    ],
)
def test_what_is_no_recording_of_spikes_is_refused(given, error, message):
    for draw in (dn.plot.raster, dn.plot.rate):
        with pytest.raises(error, match=f"plot.{draw.__name__}: .*{message}"):
            draw(given)
    assert not plt.get_fignums()


def test_states_are_no_spikes(ran):
    with pytest.raises(dn.ParameterTypeError, match=r"<Recording cells/soma.V: .*>: expected a SpikeRecording"):
        dn.plot.raster(ran.soma)
