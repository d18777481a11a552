"""F-I curves can be drawn from rates and from recorded spikes."""

from types import SimpleNamespace

import dendrion as dn
import matplotlib.pyplot as plt
import numpy as np
import pytest


class Point(dn.MCNeuron):
    """A leaky integrate-and-fire neuron with a time constant of 20 ms that rests 15 mV below its threshold."""

    def __init__(self, size):
        super().__init__(size, V_th=-50.0, V_reset=-65.0, odemethod=dn.SolverMethodODE.EXP_EULER)
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=200.0, gL=10.0)


@pytest.fixture(scope="module")
def recorded():
    """Return currents, each for two neurons, and the spikes in one second."""
    cells = Point(20)
    cells.soma.I_ext = currents = np.tile(np.linspace(100.0, 550.0, 10), 2)
    net = dn.Network([cells])
    spikes = net.probe(cells, "spikes")
    net.run(1000.0)
    _kept.append(net)
    return currents, spikes


_kept = []


def test_given_rates_are_drawn_over_currents_in_order():
    ax = dn.plot.fi_curve([300.0, 100.0, 200.0], [30.0, 0.0, 12.0])
    assert np.array_equal(ax.lines[0].get_xydata(), [[100, 0], [200, 12], [300, 30]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("injected current (pA)", "rate (Hz)")
    assert ax.get_ylim()[0] == 0.0
    assert not ax.collections


def test_several_neurons_have_a_mean_and_a_band_of_one_standard_deviation():
    rates = np.array([[0.0, 2.0, 4.0], [10.0, 11.0, 15.0]])
    ax = dn.plot.fi_curve([100.0, 200.0], rates)
    assert np.allclose(ax.lines[0].get_ydata(), [2.0, 12.0])
    band = ax.collections[0].get_paths()[0].vertices
    for current, row in zip((100.0, 200.0), rates, strict=True):
        at = band[band[:, 0] == current, 1]
        assert (at.min(), at.max()) == pytest.approx((row.mean() - row.std(ddof=1), row.mean() + row.std(ddof=1)))


def test_rates_of_spikes_are_those_of_the_formula(recorded):
    currents, spikes = recorded
    x, y = dn.plot.fi_curve(currents, spikes=spikes, window=(0.0, 1000.0)).lines[0].get_xydata().T
    assert np.array_equal(x, np.linspace(100.0, 550.0, 10))
    # Between two spikes, V rises from -65 to -50 mV towards -65 mV + I / gL.
    drive = x[x > 150.0]
    expected = 1e3 / (20.0 * np.log(drive / (drive - 150.0)))
    assert not y[x <= 150.0].any()
    # The tolerance is one spike, and 0.1 ms per spike.
    assert np.allclose(y[x > 150.0], expected, rtol=0.02, atol=1.0)


def test_a_window_leaves_spikes_out(recorded):
    currents, spikes = recorded
    (line,) = dn.plot.fi_curve(currents, spikes=spikes, window=(200.0, 450.0)).lines
    inside = (spikes.t >= 200.0) & (spikes.t < 450.0)
    counted = [((spikes.i == k) & inside).sum() / 0.25 for k in range(10)]
    assert np.allclose(line.get_ydata(), counted)


def test_samples_of_a_batch_are_spread(batch):
    _, spikes = batch
    ax = dn.plot.fi_curve([1.0, 2.0, 3.0, 4.0], spikes=spikes)
    counts = spikes.dense().sum(1) / 0.05
    assert np.allclose(ax.lines[0].get_ydata(), counts.mean(0))
    band = ax.collections[0].get_paths()[0].vertices
    for current, of in zip((1.0, 2.0, 3.0, 4.0), counts.T, strict=True):
        assert np.ptp(band[band[:, 0] == current, 1]) == pytest.approx(2 * of.std(ddof=1))


def test_curves_share_axes_in_colours_of_their_own(recorded):
    currents, spikes = recorded
    ax = dn.plot.fi_curve(currents, spikes=spikes, label="model")
    assert ax.get_legend() is None
    dn.plot.fi_curve([100.0, 500.0], [0.0, 50.0], label="data", ax=ax)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["model", "data"]
    assert ax.lines[0].get_color() != ax.lines[1].get_color()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1.0]], [1.0]), r"currents of shape \(1, 1\): expected shape \(n,\)"),
        (([1.0, 2.0], [1.0]), r"rates of shape \(1,\): expected \(2,\) or \(2, neurons\)"),
        (([1.0, 2.0],), r"expected either rates \(Hz\) or spikes"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(dn.ParameterError, match=f"plot.fi_curve: {message}"):
        dn.plot.fi_curve(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": (500.0, 1200.0)}, r"window = \(500.0, 1200.0\): .* from 0 to 1000 ms"),
        ({"window": (500.0, 500.0)}, r"window = \(500.0, 500.0\): expected two ascending numbers \(ms\)"),
        ({"window": 500.0}, "window = 500.0: expected two ascending numbers"),
        ({"rates": np.zeros(20)}, "expected either"),
        ({"currents": [1.0, 2.0]}, r"currents of shape \(2,\): expected \(20,\), one for each neuron"),
    ],
)
def test_windows_and_sizes_that_do_not_fit_are_refused(recorded, options, message):
    currents, spikes = recorded
    with pytest.raises(dn.ParameterError, match=f"plot.fi_curve: {message}"):
        dn.plot.fi_curve(**{"currents": currents, "spikes": spikes} | options)
    assert not plt.get_fignums()


def test_before_a_run_there_is_nothing_to_count():
    cells = Point(2)
    net = dn.Network([cells])
    spikes = net.probe(cells, "spikes")
    with pytest.raises(dn.ParameterError, match="run the network first"):
        dn.plot.fi_curve([1.0, 2.0], spikes=spikes)


def test_a_window_without_spikes_of_its_own_is_refused():
    with pytest.raises(dn.ParameterError, match=r"window = .*applies to spikes only"):
        dn.plot.fi_curve([1.0], [1.0], window=(0.0, 1.0))
    with pytest.raises(dn.ParameterTypeError, match="expected a SpikeRecording"):
        dn.plot.fi_curve([1.0], spikes=SimpleNamespace())
