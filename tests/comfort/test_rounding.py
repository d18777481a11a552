"""Rounding a time to a multiple of the step emits a warning that names the module, the parameter and the values."""

import dendrion as dn
import numpy as np
import pytest

TAIL = r"is not a multiple of dt = 0\.1 ms; it is rounded to"


def network(modules, **settings):
    return dn.Network(modules, dt=0.1, **settings)


def test_a_delay_warning_is_a_rounding_warning():
    assert issubclass(dn.DelayWarning, dn.RoundingWarning)
    assert issubclass(dn.RoundingWarning, dn.ModelWarning)


def test_delays(pair):
    cells, noise = pair(1, name="cells"), dn.PoissonGenerator(1)
    syn = dn.MCSynapse(noise, cells.ampa, dn.All2All(), delay=0.25, name="syn")
    with pytest.warns(dn.DelayWarning, match=rf"syn: delay = 0\.25 ms {TAIL} 0\.3 ms") as caught:
        net = network([cells, noise, syn])
    assert caught[0].filename == __file__
    assert net.info["connections"] == 1
    np.testing.assert_allclose(syn.connections.delay, 0.3)


def test_a_probe(pair):
    net = network([cells := pair(1, name="cells")])
    with pytest.warns(dn.RoundingWarning, match=rf"network: every = 0\.25 ms {TAIL} 0\.3 ms") as caught:
        v = net.probe(cells.soma, "V", every=0.25)
    assert caught[0].filename == __file__
    net.run(1.0)
    np.testing.assert_allclose(v.t, [0.0, 0.3, 0.6, 0.9])
    for wrong in (0.04, 0.0):
        with pytest.raises(dn.ParameterError, match=r"every = .*: expected at least half a step \(0\.05 ms\)"):
            net.probe(cells.soma, "V", every=wrong)


def test_save_every(pair, tmp_path):
    net = network([pair(1, name="cells")])
    with pytest.warns(dn.RoundingWarning, match=rf"network: save_every = 0\.47 ms {TAIL} 0\.5 ms"):
        net.run(1.0, save_state=tmp_path / "run.state", save_every=0.47)


def silent(refractory=0.0, **settings):
    """Return a population that spikes in every step outside its refractory period."""

    class Cells(dn.MCNeuron):
        def __init__(self, size=2):
            super().__init__(size, V_th=-66.0, V_reset=-65.0, refractory=refractory, name="cells", **settings)
            self.soma = dn.LeakyIF(size, V_rest=-65.0, C=100.0, gL=5.0)

    return Cells()


def intervals(cells, **settings):
    """Return the intervals between spikes (steps) of each neuron."""
    net = network([cells], **settings)
    spikes = net.probe(cells, "spikes")
    net.run(40.0)
    return [set(np.diff(np.rint(spikes.t[spikes.i == i] / 0.1)).astype(int)) for i in range(cells.size)]


@pytest.mark.filterwarnings("ignore::dendrion.ThresholdWarning")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_refractory(dtype):
    exact = {steps: intervals(silent(steps * 0.1), dtype=dtype) for steps in (2, 3, 151)}
    with pytest.warns(dn.RoundingWarning, match=rf"cells: refractory = 0\.25 ms {TAIL} 0\.3 ms"):
        assert intervals(silent(0.25), dtype=dtype) == exact[3]
    with pytest.warns(dn.RoundingWarning, match=rf"cells: refractory = 0\.249 ms {TAIL} 0\.2 ms"):
        assert intervals(silent(0.249), dtype=dtype) == exact[2]
    # The refractory period is 150.5 steps. Neither single precision nor the tolerance for half steps hides this.
    with pytest.warns(dn.RoundingWarning, match=rf"cells: refractory = 15\.05 ms {TAIL} 15\.1 ms"):
        assert intervals(silent(15.05), dtype=dtype) == exact[151]
    message = (
        r"cells: 1 of 2 values of refractory is not a multiple of dt = 0\.1 ms and is rounded; the largest change is "
        r"from refractory\[1\] = 0\.25 ms to 0\.3 ms"
    )
    with pytest.warns(dn.RoundingWarning, match=message):
        assert intervals(silent([0.2, 0.25]), dtype=dtype) == [exact[2][0], exact[3][0]]


@pytest.mark.filterwarnings("ignore::dendrion.ThresholdWarning")
def test_refractory_that_is_set_later():
    cells = silent(0.2)
    net = network([cells])
    for change in (
        lambda ms: setattr(cells, "refractory", ms),
        lambda ms: net.set_parameters({"cells.refractory": ms}),
        lambda ms: net.load_state_dict({**net.state_dict(), "cells.refractory": np.array(ms)}),
    ):
        with pytest.warns(dn.RoundingWarning, match=rf"cells: refractory = 0\.25 ms {TAIL} 0\.3 ms") as caught:
            change(0.25)
        assert caught[0].filename == __file__
        change(0.3)


def test_spike_width():
    class Cells(dn.MCNeuron):
        def __init__(self, width):
            super().__init__(1, V_th=-50.0, V_reset=-65.0, V_spike=20.0, spike_width=width, name="cells")
            self.soma = dn.LeakyIF(1, V_rest=-65.0, C=100.0, gL=5.0, I_ext=500.0)

    def trace(width):
        net = network([cells := Cells(width)])
        v = net.probe(cells.soma, "V")
        net.run(20.0)
        return v.values

    with pytest.warns(dn.RoundingWarning, match=rf"cells: spike_width = 0\.25 ms {TAIL} 0\.3 ms"):
        np.testing.assert_array_equal(trace(0.25), trace(0.3))


def dendritic(**times):
    class Cells(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=0.0, V_reset=-65.0, name="cells")
            self.soma = dn.LeakyIF(1, V_rest=-65.0, C=100.0, gL=5.0, I_ext=300.0)
            given = {"duration_rise": 1.2, "duration_fall": 2.4, "offset_fall": 0.2, "t_ref": 5.0, **times}
            self.spike = dn.DendriticSpike(1, self.soma, g_rise=1.0, g_fall=2.0, V_th=-60.0, **given)

    cells = Cells()
    net = network([cells])
    probes = [net.probe(cells.spike, name) for name in ("rise", "fall", "refractory")]
    net.run(30.0)
    return np.concatenate([p.values for p in probes], axis=1)


@pytest.mark.parametrize("name", ["duration_rise", "duration_fall", "offset_fall", "t_ref"])
def test_times_of_events(name):
    exact = {ms: dendritic(**{name: ms}) for ms in (1.2, 1.3, 1.4)}
    for ms, rounded in ((1.25, 1.3), (1.249, 1.2), (1.35, 1.4)):
        with pytest.warns(dn.RoundingWarning, match=rf"cells/spike: {name} = {ms} ms {TAIL} {rounded} ms") as caught:
            found = dendritic(**{name: ms})
        assert len(caught) == 1
        np.testing.assert_array_equal(found, exact[rounded])


def test_each_time_of_an_event_is_rounded_by_itself():
    """An offset and a duration of 2.5 steps each become 3 and 3 steps, not 3 and 2."""
    with pytest.warns(dn.RoundingWarning):
        found = dendritic(offset_fall=0.25, duration_fall=0.25)
    np.testing.assert_array_equal(found, dendritic(offset_fall=0.3, duration_fall=0.3))


def test_times_of_own_equations():

    class Own(dn.Channel):
        equations = """
        I = g * active * (E - V) : pA
        on V >= V_th and not waits:
            active for share * span
            waits for 3 ms
        g = 1 nS; E = 0 mV; V_th = -60 mV; span = 1 ms; share = 0.5
        """

    class Cells(dn.MCNeuron):
        def __init__(self, **given):
            super().__init__(1, V_th=0.0, V_reset=-65.0, name="cells")
            self.soma = dn.LeakyIF(1, V_rest=-65.0, C=100.0, gL=5.0)
            self.own = Own(1, self.soma, **given)

    network([Cells()])
    message = rf"cells/own: the time of an event \(from span, share\) = 0\.25 ms {TAIL} 0\.3 ms"
    with pytest.warns(dn.RoundingWarning, match=message):
        network([Cells(share=0.25)])


def test_times_of_spikes(pair):
    cells = pair(1, name="cells")
    source = dn.SpikeGenerator(1, indices=[0, 0, 0], times=[0.25, 1.0, 2.34], name="source")
    message = r"source: 2 of 3 values of times are not multiples .* from times\[0\] = 0\.25 ms to 0\.3 ms"
    syn = dn.MCSynapse(source, cells.ampa, dn.All2All())
    with pytest.warns(dn.RoundingWarning, match=message):
        net = network([cells, source, syn])
    spikes = net.probe(source, "spikes")
    net.run(3.0)
    np.testing.assert_allclose(spikes.t, [0.3, 1.0, 2.3])


def test_the_beginning_of_a_table_of_spikes(pair):
    cells = pair(1, name="cells")
    table = dn.CustomGenerator(1, fn=np.ones((2, 1), int), start=0.25, name="table")
    asked = dn.CustomGenerator(1, fn=lambda t: np.ones((len(t), 1), int), start=0.25, stop=0.45, name="asked")
    modules = [cells, table, asked, *(dn.MCSynapse(g, cells.ampa, dn.All2All()) for g in (table, asked))]
    with pytest.warns(dn.RoundingWarning) as caught:
        net = network(modules)
    texts = sorted(str(w.message) for w in caught)
    assert [t.partition(" is not")[0] for t in texts] == [
        "asked: start = 0.25 ms",
        "asked: stop = 0.45 ms",
        "table: start = 0.25 ms",
    ]
    probes = [net.probe(g, "spikes") for g in (table, asked)]
    net.run(1.0)
    for probe in probes:
        np.testing.assert_allclose(probe.t, [0.3, 0.4])


@pytest.mark.filterwarnings("ignore::dendrion.ThresholdWarning")
@pytest.mark.filterwarnings("ignore::dendrion.TimeStepWarning")
@pytest.mark.parametrize(
    ("ms", "dt"),
    [(0.3, 0.1), (0.1 + 0.2, 0.1), (0.7, 0.1), (1.1, 0.025), (3.3, 0.3), (np.float32(1.1), 0.1), (2.0, 1 / 3)],
)
def test_multiples_do_not_warn(ms, dt, tmp_path):
    """Any warning would fail, because the tests turn warnings into errors."""
    cells, source = silent(ms), dn.SpikeGenerator(1, indices=[0], times=np.array([ms]), name="source")
    cells.ampa = dn.AMPA(2, g=1.0, t_decay=5.0, parent=cells)
    dn.MCConnSynapse(cells.ampa, cells.soma, parent=cells)
    syn = dn.MCSynapse(source, cells.ampa, dn.All2All(), delay=ms)
    net = dn.Network([cells, source, syn], dt=dt)
    v = net.probe(cells.soma, "V", every=float(ms))
    net.run(10.0, save_state=tmp_path / "run.state", save_every=float(ms))
    assert len(v) > 2


def test_a_loaded_model_warns(pair, tmp_path):
    cells, source = pair(1, name="cells"), dn.SpikeGenerator(1, indices=[0], times=[0.25], name="source")
    with pytest.warns(dn.RoundingWarning):
        net = network([cells, source, dn.MCSynapse(source, cells.ampa, dn.All2All())])
    net.save(tmp_path / "model.toml")
    with pytest.warns(dn.RoundingWarning, match=rf"source: times = 0\.25 ms {TAIL} 0\.3 ms"):
        dn.Network.load(tmp_path / "model.toml")
