"""Traces show the recorded values, with units, names and spikes."""

from types import SimpleNamespace

import dendrion as dn
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb


def names(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def spikes_drawn(ax):
    """Return the time, lower end, upper end and colour of all spikes that are drawn."""
    return [
        (*segment.ravel()[[0, 1, 3]], to_rgb(lines.get_color()[0]))
        for lines in ax.collections
        if isinstance(lines, LineCollection)
        for segment in lines.get_segments()
    ]


def test_each_neuron_is_a_line_of_its_colour(ran):
    ax = dn.plot.traces(ran.soma)
    assert len(ax.lines) == 4
    for k, line in enumerate(ax.lines):
        assert np.array_equal(line.get_xdata(), ran.soma.t)
        assert np.array_equal(line.get_ydata(), ran.soma.values[:, k])
    assert len({line.get_color() for line in ax.lines}) == 4
    assert ax.get_xlabel() == "time (ms)"
    assert ax.get_ylabel() == "V (mV)"
    assert ax.get_xlim() == pytest.approx((0.0, 100.3))
    assert names(ax) == ["0", "1", "2", "3"]
    assert ax.get_legend().get_title().get_text() == "neuron"


def test_legends_hide_no_data(ran):
    ax = dn.plot.traces(ran.soma)
    ax.figure.draw_without_rendering()
    legend, axes, page = ax.get_legend().get_window_extent(), ax.get_window_extent(), ax.figure.bbox
    assert legend.x0 >= axes.x1
    assert legend.x1 <= page.x1


def test_currents_are_in_picoamperes_and_one_line_needs_no_legend(ran):
    ax = dn.plot.traces(ran.current, neurons=2)
    (line,) = ax.lines
    assert np.array_equal(line.get_ydata(), ran.current.values[:, 2])
    assert ax.get_ylabel() == "I (pA)"
    assert ax.get_legend() is None


def test_several_recordings_are_told_apart_by_what_differs_in_their_names(ran):
    ax = dn.plot.traces([ran.soma, ran.dend], neurons=[1, 3])
    assert names(ax) == ["soma", "dend"]
    assert np.array_equal([line.get_ydata() for line in ax.lines[2:]], ran.dend.values.T[[1, 3]])
    # Neurons of one recording are drawn in shades of one colour.
    assert len({line.get_color() for line in ax.lines}) == 4


def test_labels_may_be_given(ran):
    ax = dn.plot.traces({"here": ran.soma, "there": ran.dend}, neurons=0)
    assert names(ax) == ["here", "there"]


def test_many_neurons_are_cut_and_the_legend_says_so():
    values = np.random.default_rng(0).normal(size=(30, 200))
    ax = dn.plot.traces(SimpleNamespace(t=np.arange(30.0), values=values, name="cells/soma.V", unit="mV"))
    assert len(ax.lines) == 5
    assert "of 200" in ax.get_legend().get_title().get_text()
    assert len(dn.plot.traces(SimpleNamespace(t=np.arange(30.0), values=values), neurons=range(50)).lines) == 50


def test_spikes_rise_from_below_the_threshold_to_one_height(ran):
    ax = dn.plot.traces(ran.soma, spikes=ran.spikes)
    drawn = spikes_drawn(ax)
    assert sorted(t for t, *_ in drawn) == pytest.approx(sorted(ran.spikes.t))
    highest = ran.soma.values.max()
    for t, foot, head, colour in drawn:
        neuron = next(k for k, line in enumerate(ax.lines) if to_rgb(line.get_color()) == colour)
        assert any(np.isclose(t, ran.spikes.t[ran.spikes.i == neuron]))
        # V is recorded before the step in which it crosses the threshold.
        assert -50.0 < foot < -48.0
        assert head > highest + 5.0
    assert len({head for *_, head, _ in drawn}) == 1


def test_spikes_are_on_the_first_recording_or_where_they_are_told(ran):
    first = dn.plot.traces({"soma": ran.soma, "dend": ran.dend}, spikes=ran.spikes)
    second = dn.plot.traces({"soma": ran.soma, "dend": ran.dend}, spikes={"dend": ran.spikes})
    assert len(spikes_drawn(first)) == len(spikes_drawn(second)) == len(ran.spikes)
    assert all(foot < -48.0 for _, foot, _, _ in spikes_drawn(first))
    feet = {float(foot) for _, foot, _, _ in spikes_drawn(second)}
    assert feet <= set(ran.dend.values.ravel().tolist())


def test_recordings_of_some_neurons_get_the_spikes_of_those(pair):
    cells = pair(3)
    cells.soma.I_ext = [0.0, 500.0, 400.0]
    net = dn.Network([cells])
    v, spikes = net.probe(cells.soma, "V", indices=[2, 0]), net.probe(cells, "spikes")
    net.run(100.0)
    ax = dn.plot.traces(v, spikes=spikes)
    assert names(ax) == ["2", "0"]
    own = spikes.t[spikes.i == 2]
    assert 0 < own.size < len(spikes)
    assert [t for t, *_ in spikes_drawn(ax)] == pytest.approx(own)


def test_weights_have_no_unit_and_are_of_connections(pair):
    cells, source = pair(1), dn.PoissonGenerator(3, rate=50.0)
    syn = dn.MCSynapse(source, cells.ampa, dn.All2All(), weight=0.5, delay=1.0, plasticity=dn.STDP(w_max=1.0))
    net = dn.Network([cells, source, syn])
    weights = net.probe(syn, "w", every=1.0)
    net.run(50.0)
    ax = dn.plot.traces(weights)
    assert ax.get_ylabel() == "w"
    assert ax.get_legend().get_title().get_text() == "connection"
    assert np.array_equal([line.get_ydata() for line in ax.lines], weights.values.T)


def test_samples_of_a_batch_are_lines(batch):
    v, spikes = batch
    ax = dn.plot.traces(v, neurons=2, spikes=spikes)
    assert len(ax.lines) == 3
    assert names(ax) == ["0", "1", "2"]
    assert ax.get_legend().get_title().get_text() == "sample"
    for sample, line in enumerate(ax.lines):
        assert np.array_equal(line.get_ydata(), v.values[sample, :, 2])
        own = [t for t, *_, colour in spikes_drawn(ax) if colour == to_rgb(line.get_color())]
        assert sorted(own) == pytest.approx(sorted(spikes.t[(spikes.i == 2) & (spikes.sample == sample)]))
    assert len(dn.plot.traces(v).lines) == 12


def test_given_axes_are_drawn_into_and_returned(ran):
    figure, ax = plt.subplots()
    assert dn.plot.traces(ran.soma, neurons=0, ax=ax) is ax
    assert dn.plot.traces(ran.dend, neurons=0, ax=ax) is ax
    assert len(ax.lines) == 2
    assert ax.lines[0].get_color() != ax.lines[1].get_color()
    assert plt.get_fignums() == [figure.number]


def test_axes_span_the_time_of_all_that_is_in_them(ran):
    ax = dn.plot.traces(ran.soma, neurons=0)
    dn.plot.traces(SimpleNamespace(t=np.arange(50.0, 60.0), values=np.zeros((10, 1)), name="a.V"), ax=ax)
    assert ax.get_xlim() == pytest.approx((0.0, 100.3))
    dn.plot.traces(SimpleNamespace(t=np.arange(-5.0, 300.0), values=np.zeros((305, 1)), name="a.V"), ax=ax)
    assert ax.get_xlim() == pytest.approx((-5.0, 300.0))


def test_axes_above_others_have_no_label_of_time(ran):
    with dn.plot.style():
        _, (top, bottom) = plt.subplots(2, 1, sharex=True)
    dn.plot.traces(ran.soma, ax=top)
    dn.plot.raster(ran.spikes, ax=bottom)
    dn.plot.raster(SimpleNamespace(t=[1.0, 2.0], i=[0, 1]), ax=bottom)
    assert top.get_xlim() == pytest.approx((0.0, 100.3))
    assert (top.get_xlabel(), bottom.get_xlabel()) == ("", "time (ms)")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda r: dn.plot.traces([r.soma, r.current]), dn.ParameterError, r"different units \(mV and pA\); draw"),
        (lambda r: dn.plot.traces(r.spikes), dn.ParameterTypeError, "<SpikeRecording .*expected a Recording"),
        (lambda r: dn.plot.traces([]), dn.ParameterError, "expected a Recording"),
        (lambda r: dn.plot.traces(np.zeros(3)), dn.ParameterTypeError, "expected a Recording"),
        (
            lambda r: dn.plot.traces(r.soma, neurons=4),
            dn.ParameterError,
            "neurons: 4: expected columns from 0 to 3, those of ",
        ),
        (lambda r: dn.plot.traces(r.soma, neurons=0.5), dn.ParameterError, "neurons = 0.5: expected integers"),
        (lambda r: dn.plot.traces(r.soma, ax=3), dn.ParameterTypeError, "ax = 3: expected Matplotlib Axes"),
        (
            lambda r: dn.plot.traces({"soma": r.soma}, spikes={"some": r.spikes}),
            dn.UnknownNameError,
            "no recording labelled 'some'; did you mean 'soma'",
        ),
        (
            lambda r: dn.plot.traces(SimpleNamespace(t=np.zeros(3), values=np.zeros((4, 1)))),
            dn.ParameterError,
            r"t has shape \(3,\) and values has shape \(4, 1\)",
        ),
        (
            lambda r: dn.plot.traces(SimpleNamespace(t=np.zeros(1), values=[["high"]], name="a.V")),
            dn.ParameterTypeError,
            "a: values have data type <U4; expected numbers",
        ),
        (
            lambda r: dn.plot.traces(SimpleNamespace(t=np.zeros(0), values=np.zeros((0, 1)), name="a.V")),
            dn.ParameterError,
            "a: has no samples; run the network first",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_leaves_no_figure(ran, make, error, message):
    with pytest.raises(error, match=f"plot.traces: .*{message}"):
        make(ran)
    assert not plt.get_fignums()
