"""The sample times of signals of other packages are used or raise an error, but are never ignored."""

import dendrion as dn
import numpy as np
import pytest

WAVE = [10.0, 30.0, 20.0, 40.0]


@pytest.fixture
def pq():
    return pytest.importorskip("quantities")


@pytest.fixture
def neo():
    return pytest.importorskip("neo")


def cells():
    made = dn.MCNeuron(1, V_th=1e6)
    made.soma = dn.LeakyIF(1)
    return made


class TestNeo:
    def test_an_analog_signal_brings_its_interval_and_start(self, neo, pq):
        signal = neo.AnalogSignal(np.array(WAVE)[:, None] * 1e-3, "nA", sampling_rate=4 * pq.kHz, t_start=0.002 * pq.s)
        made = dn.CurrentGenerator(1, signal)
        assert (made.interval, made.start, made.waveform.tolist()) == (0.25, 2.0, [[w] for w in WAVE])
        plain = dn.CurrentGenerator(1, WAVE, start=2.0, interval=0.25)
        values = []
        for generator in (made, plain):
            neuron = cells()
            net = dn.Network([neuron, generator, dn.ConnGen(generator, neuron.soma)], dt=0.1)
            probe = net.probe(neuron.soma, "I")
            net.run(4.0)
            values.append(probe.values)
        np.testing.assert_array_equal(*values)
        assert values[0].any()

    def test_channels_are_outlets(self, neo, pq):
        signal = neo.AnalogSignal(np.arange(6.0).reshape(3, 2), "pA", sampling_period=500 * pq.us)
        made = dn.CurrentGenerator(2, signal)
        assert (made.interval, made.start, made.waveform.shape) == (0.5, 0.0, (3, 2))

    def test_times_that_contradict_each_other(self, neo, pq):
        signal = neo.AnalogSignal(WAVE, "pA", sampling_rate=1 * pq.kHz, t_start=5 * pq.ms)
        assert dn.CurrentGenerator(1, signal, start=5.0, interval=1.0).start == 5.0
        with pytest.raises(dn.ParameterError, match=r"start = 3 ms: the waveform begins at 5 ms; expected"):
            dn.CurrentGenerator(1, signal, start=3.0)
        with pytest.raises(dn.ParameterError, match=r"interval = 0\.5 ms: the waveform has a sample every 1 ms"):
            dn.CurrentGenerator(1, signal, interval=0.5)
        with pytest.raises(dn.ParameterError, match=r"stop = 4 ms: expected a time >= start \(5 ms\)"):
            dn.CurrentGenerator(1, signal, stop=4.0)
        before = neo.AnalogSignal(WAVE, "pA", sampling_rate=1 * pq.kHz, t_start=-2 * pq.ms)
        with pytest.raises(
            dn.ParameterError, match="the waveform begins at -2 ms; expected a waveform that begins at t >= 0"
        ):
            dn.CurrentGenerator(1, before)
        with pytest.raises(dn.ParameterError, match="got mV, expected pA"):
            dn.CurrentGenerator(1, neo.AnalogSignal(WAVE, "mV", sampling_rate=1 * pq.kHz))

    def test_irregular_signals(self, neo, pq):
        times = np.array([1.0, 1.5, 2.0, 2.5])
        regular = neo.IrregularlySampledSignal(times * pq.ms, WAVE, units="pA", time_units="ms")
        assert (dn.CurrentGenerator(1, regular).interval, dn.CurrentGenerator(1, regular).start) == (0.5, 1.0)
        times[2] = 2.2
        irregular = neo.IrregularlySampledSignal(times * pq.ms, WAVE, units="pA", time_units="ms")
        with pytest.raises(dn.ParameterError, match="requires equidistant samples"):
            dn.CurrentGenerator(1, irregular)

    def test_elsewhere_they_are_refused(self, neo, pq):
        rate = neo.AnalogSignal([10.0, 20.0], "Hz", sampling_rate=1 * pq.kHz)
        with pytest.raises(dn.ParameterError, match=r"rate = an AnalogSignal with a sample every 1 ms: this parameter"):
            dn.PoissonGenerator(2, rate=rate)
        with pytest.raises(dn.ParameterError, match="I_ext = an AnalogSignal"):
            dn.LeakyIF(2, I_ext=neo.AnalogSignal([10.0, 20.0], "pA", sampling_rate=1 * pq.kHz))
        # A Piecewise with the same times accepts the signal.
        table = dn.Piecewise(rate.times, rate)
        assert (table.times.tolist(), table.values.tolist()) == ([0.0, 1.0], [10.0, 20.0])
        with pytest.raises(dn.ParameterError, match="expected the same times, or values without times"):
            dn.Piecewise([0.0, 2.0], rate)

    def test_inputs_need_the_step_of_the_network(self, neo, pq):
        neuron, source = cells(), dn.CurrentGenerator(1, [0.0], name="source")
        net = dn.Network([neuron, source, dn.ConnGen(source, neuron.soma)], dt=0.1)
        probe = net.probe(neuron.soma, "I")
        fits = neo.AnalogSignal(WAVE, "pA", sampling_rate=10 * pq.kHz)
        net.run(0.4, inputs={source: fits})
        assert probe.values[:, 0].tolist() == WAVE
        later = neo.AnalogSignal(WAVE, "pA", sampling_rate=10 * pq.kHz, t_start=0.4 * pq.ms)
        net.run(0.4, inputs={source: later})
        for other in (
            neo.AnalogSignal(WAVE, "pA", sampling_rate=5 * pq.kHz),
            neo.AnalogSignal(WAVE, "pA", sampling_rate=10 * pq.kHz, t_start=3 * pq.ms),
        ):
            with pytest.raises(dn.ParameterError, match=r"source: input has a sample every .*; expected one every dt"):
                net.run(0.4, inputs={source: other})

    def test_times_of_spike_trains_are_absolute(self, neo, pq):
        train = neo.SpikeTrain([12.0, 15.0] * pq.ms, t_start=10 * pq.ms, t_stop=20 * pq.ms)
        assert dn.SpikeGenerator(1, [0, 0], train).times.tolist() == [12.0, 15.0]
        with pytest.raises(dn.ParameterError, match=r"times\[0\] = -2\.0: expected a finite time >= 0"):
            dn.SpikeGenerator(1, [0], neo.SpikeTrain([-2.0] * pq.ms, t_start=-5 * pq.ms, t_stop=20 * pq.ms))


class TestXarray:
    @pytest.fixture
    def xr(self):
        return pytest.importorskip("xarray")

    @pytest.mark.parametrize(
        ("times", "units"),
        [
            ([1.0, 1.5, 2.0, 2.5], "ms"),
            ([0.001, 0.0015, 0.002, 0.0025], "s"),
            (np.array([1000, 1500, 2000, 2500]), "us"),
        ],
    )
    def test_a_time_coordinate_is_used(self, xr, times, units):
        signal = xr.DataArray(np.array(WAVE) * 1e-3, {"time": ("time", times, {"units": units})}, attrs={"units": "nA"})
        made = dn.CurrentGenerator(1, signal)
        assert (made.interval, made.start, made.waveform.tolist()) == (0.5, 1.0, WAVE)

    def test_time_deltas(self, xr):
        times = np.arange(4) * np.timedelta64(250, "us")
        made = dn.CurrentGenerator(1, xr.DataArray(WAVE, {"x": times}, dims="x"))
        assert (made.interval, made.start) == (0.25, 0.0)

    def test_what_is_unclear_is_refused(self, xr):
        with pytest.raises(dn.ParameterError, match="its coordinate 'time' has no unit of time"):
            dn.CurrentGenerator(1, xr.DataArray(WAVE, {"time": [0.0, 1.0, 2.0, 3.0]}, dims="time"))
        time = ("time", [0.0, 1.0], {"units": "ms"})
        with pytest.raises(dn.ParameterError, match="is axis 1; expected time as the first axis"):
            dn.CurrentGenerator(2, xr.DataArray(np.ones((2, 2)), {"time": time}, dims=("neuron", "time")))
        with pytest.raises(
            dn.ParameterError, match="a DataArray with a sample every 1 ms: this parameter does not accept signals"
        ):
            dn.LeakyIF(2, V_rest=xr.DataArray([-65.0, -70.0], {"time": time}, dims="time"))
        with pytest.raises(dn.ParameterError, match="its units attribute is 'quux'"):
            dn.LeakyIF(2, V_rest=xr.DataArray([-65.0, -70.0], dims="neuron", attrs={"units": "quux"}))

    def test_the_unit_of_an_attribute_is_used(self, xr):
        held = xr.DataArray([-0.065, -0.07], dims="neuron", attrs={"units": "V"})
        assert dn.LeakyIF(2, V_rest=held).V_rest.tolist() == [-65.0, -70.0]
        with pytest.raises(dn.ParameterError, match="got V, expected pA"):
            dn.LeakyIF(2, I_ext=held)

    def test_recordings_of_ones_own(self, xr):
        neuron = cells()
        net = dn.Network([neuron], dt=0.1)
        current = net.probe(neuron.soma, "I", every=0.5)
        net.run(2.0)
        assert dn.CurrentGenerator(1, current.to_xarray()).interval == 0.5
        pytest.importorskip("pandas")
        assert dn.CurrentGenerator(1, current.to_pandas()).interval == 0.5
        assert xr is not None


class TestPandas:
    @pytest.fixture
    def pd(self):
        return pytest.importorskip("pandas")

    def test_an_index_of_times_is_used(self, pd):
        made = dn.CurrentGenerator(1, pd.Series(WAVE, index=pd.to_timedelta([1, 1.5, 2, 2.5], unit="ms")))
        assert (made.interval, made.start, made.waveform.tolist()) == (0.5, 1.0, WAVE)
        named = pd.Series(WAVE, index=pd.Index([0.0, 0.002, 0.004, 0.006], name="time (s)"))
        assert dn.CurrentGenerator(1, named).interval == 2.0
        dates = pd.Series(WAVE, index=pd.date_range("2026-01-01", periods=4, freq="1ms"))
        assert (dn.CurrentGenerator(1, dates).interval, dn.CurrentGenerator(1, dates).start) == (1.0, 0.0)
        frame = pd.DataFrame({"a": WAVE, "b": WAVE}, index=pd.to_timedelta([0, 1, 2, 3], unit="ms"))
        assert dn.CurrentGenerator(2, frame).waveform.shape == (4, 2)

    def test_plain_tables_are_numbers(self, pd):
        assert dn.CurrentGenerator(1, pd.Series(WAVE)).interval is None
        assert dn.LeakyIF(2, V_rest=pd.Series([-65.0, -70.0], index=["a", "b"])).V_rest.tolist() == [-65.0, -70.0]
        assert dn.LeakyIF(2, V_rest=pd.Series([-65.0, -70.0], index=[0.5, 1.0])).V_rest.tolist() == [-65.0, -70.0]

    def test_what_is_unclear_is_refused(self, pd):
        with pytest.raises(
            dn.ParameterError, match=r"the index of a Series is not 0, 1, 2, \.\.\.; expected an index named"
        ):
            dn.CurrentGenerator(1, pd.Series(WAVE, index=[0.0, 0.5, 1.0, 1.5]))
        with pytest.raises(dn.ParameterError, match="its index has no unit of time"):
            dn.CurrentGenerator(1, pd.Series(WAVE, index=pd.Index([0.0, 0.5, 1.0, 1.5], name="t")))
        with pytest.raises(dn.ParameterError, match="this parameter does not accept signals"):
            dn.LeakyIF(2, V_rest=pd.Series([-65.0, -70.0], index=pd.to_timedelta([0, 1], unit="ms")))


def test_intervals_are_quantities(pq):
    assert dn.CurrentGenerator(1, WAVE, interval=50 * pq.us).interval == 0.05
    with pytest.raises(dn.ParameterError, match="interval = 5 mV: got mV, expected ms"):
        dn.CurrentGenerator(1, WAVE, interval=5 * pq.mV)
