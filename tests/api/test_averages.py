"""A step takes the time average of currents, rates and probabilities, so that no charge is lost."""

import dendrion as dn
import numpy as np
import pytest

from .test_generators import counts, injected

DT = 0.1


def held(times, values, t):
    """Return the integral from 0 to ``t`` of a piecewise constant function."""
    ends = np.append(times[1:], np.inf)
    return np.clip(np.subtract.outer(t, times), 0, ends - times) @ values


def averages(integral, steps, dt=DT):
    return np.diff(integral(np.arange(steps + 1) * dt)) / dt


def current(generator, steps=50, dt=DT, dtype="float64", runs=(1.0,)):
    """Return the current in each step."""
    cells = dn.MCNeuron(generator.size, V_th=1e6, name="cells")
    cells.soma = dn.LeakyIF(generator.size)
    net = dn.Network([cells, generator, dn.ConnGen(generator, cells.soma)], dt=dt, dtype=dtype)
    probe = net.probe(cells.soma, "I")
    for part in np.diff(np.round(np.append(0.0, np.cumsum(runs)) * steps)):
        net.run(part * dt)
    return probe.values


def test_values_that_change_within_a_step():
    times = [1.0, 1.03, 1.06, 1.14]
    values = [10.0, 20.0, 30.0, 40.0]
    found = current(dn.DCGenerator(1, amplitude=dn.Piecewise(times, values)), 20)[:, 0]
    expected = np.array([0.0] * 10 + [0.3 * 10 + 0.3 * 20 + 0.4 * 30, 0.4 * 30 + 0.6 * 40] + [40.0] * 8)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("dt", [0.1, 0.025, 0.3])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 1e-5)])
def test_no_charge_is_lost_whatever_the_times(dt, dtype, tolerance):
    rng = np.random.default_rng(4)
    times = np.sort(rng.uniform(0, 40 * dt, 60))
    values = rng.normal(0, 100, (60, 3))
    found = current(dn.DCGenerator(3, amplitude=dn.Piecewise(times, values)), 50, dt, dtype, (0.3, 0.25, 0.45))
    expected = np.stack([averages(lambda t, v=v: held(times, v, t), 50, dt) for v in values.T], axis=1)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=100 * tolerance)


@pytest.mark.parametrize(("start", "stop"), [(0.53, 2.07), (0.5, 2.07), (0.53, 2.0), (1.12, 1.17), (0.1, np.inf)])
def test_start_and_stop_within_a_step(start, stop):
    ends = [t for t in (start, stop) if np.isfinite(t)]
    expected = averages(lambda t: held(np.array(ends), np.array([80.0, 0.0][: len(ends)]), t), 50)
    found = current(dn.DCGenerator(2, amplitude=80.0, start=start, stop=stop))
    np.testing.assert_allclose(found, np.stack([expected, expected], axis=1), atol=1e-9)
    wave = current(dn.CurrentGenerator(1, np.full(100, 80.0), start=start, stop=stop))[:, 0]
    np.testing.assert_allclose(wave, expected, atol=1e-9)
    constant = dn.Piecewise([0.0, start + 0.03], [80.0, 80.0])
    table = current(dn.DCGenerator(1, amplitude=constant, start=start, stop=stop))[:, 0]
    np.testing.assert_allclose(table, expected, atol=1e-9)


def test_a_waveform_that_starts_within_a_step_keeps_its_charge():
    wave = np.array([10.0, -30.0, 50.0])
    found = current(dn.CurrentGenerator(1, wave, start=0.225), 10)[:, 0]
    np.testing.assert_allclose(found[2:6], [7.5, -20.0, 30.0, 12.5], atol=1e-9)
    assert not found[:2].any()
    assert not found[6:].any()


@pytest.mark.parametrize("noisy", [np.cumsum(np.full(30, DT)), np.float32(np.arange(1, 31) * DT)])
def test_multiples_of_dt_are_not_averaged(noisy):
    values = np.random.default_rng(1).normal(0, 100, 30)
    exact = current(dn.DCGenerator(1, amplitude=dn.Piecewise(np.arange(1, 31) * DT, values)))
    np.testing.assert_array_equal(exact[1:31, 0], values)
    found = current(dn.DCGenerator(1, amplitude=dn.Piecewise(noisy, values)))
    np.testing.assert_array_equal(found, exact)


@pytest.mark.parametrize(
    ("make", "name", "level"), [(dn.PoissonGenerator, "rate", 4000.0), (dn.BernoulliGenerator, "prob", 0.4)]
)
def test_rates_and_probabilities(pair, make, name, level):
    n = 4000
    table = dn.Piecewise([0.0, 0.43, 0.47, 1.0], np.array([1.0, 0.0, 0.5, 1.0]) * level)
    found = counts(pair, make(n, **{name: table}, start=0.13, stop=1.36), 2.0).mean(axis=1)
    share = np.zeros(20)
    share[1:14] = [0.7, 1, 1, 0.3 + 0.15, *[0.5] * 5, 1, 1, 1, 0.6]
    expected = share * (level * DT * 1e-3 if name == "rate" else level)
    assert np.abs(found[:20] - expected).max() < 5 * np.sqrt(0.4 / n)
    assert not found[:1].any()
    assert not found[14:].any()


def test_sources_keep_their_spikes_where_the_rate_does_not_change(pair):
    """Steps before the one in which the generator is switched off draw the same numbers."""
    early, late = (counts(pair, dn.PoissonGenerator(50, rate=500.0, stop=s, rng_col="a"), 4.0) for s in (2.06, 3.0))
    np.testing.assert_array_equal(early[:20], late[:20])
    assert not early[21:].any()


def interpolated(wave, interval, start, stop, steps, dt=DT):
    """Return averages over steps of the linear interpolation, computed from its exact integral."""
    knots = start + interval * np.arange(len(wave))
    area = np.append(0.0, np.cumsum(0.5 * interval * (wave[1:] + wave[:-1])))

    def integral(t):
        t = np.clip(t, start, min(stop, knots[-1]))
        k = np.minimum(((t - start) / interval).astype(int), len(wave) - 2)
        d = t - knots[k]
        return area[k] + d * wave[k] + 0.5 * d**2 * (wave[k + 1] - wave[k]) / interval

    return averages(integral, steps, dt)


@pytest.mark.parametrize("interval", [0.1, 0.05, 0.013, 0.25, 1.0, 3.7])
@pytest.mark.parametrize(("start", "stop"), [(0.0, np.inf), (0.5, 3.5), (0.37, 2.222)])
def test_samples_with_an_interval(interval, start, stop):
    wave = np.random.default_rng(3).normal(0, 100, (40, 2))
    found = current(dn.CurrentGenerator(2, wave, start, stop, interval=interval), runs=(0.5, 0.5))
    for column in range(2):
        expected = interpolated(wave[:, column], interval, start, stop, 50)
        np.testing.assert_allclose(found[:, column], expected, rtol=1e-9, atol=1e-8)


def test_the_current_ends_with_the_last_sample():
    found = current(dn.CurrentGenerator(1, [100.0, 100.0, 100.0], interval=1.0), 40)[:, 0]
    np.testing.assert_allclose(found, [100.0] * 20 + [0.0] * 20, rtol=1e-12)
    # Without an interval, each step uses one of the same samples.
    found = current(dn.CurrentGenerator(1, [100.0, 100.0, 100.0]), 40)[:, 0]
    np.testing.assert_array_equal(found, [100.0] * 3 + [0.0] * 37)


def gradient(generator, steps=60, batch=None, memory=2**30, dtype="float64", key="wave"):
    cells = dn.MCNeuron(2, V_th=1e6, name="cells")
    cells.soma = dn.LeakyIF(2, gL=[5.0, 9.0], C=60.0)
    net = dn.Network([cells, generator, dn.ConnGen(generator, cells.soma)], dt=DT, dtype=dtype)
    v = net.probe(cells.soma, "V")
    run = net.run(steps * DT, grad=True, batch=batch, memory=memory)
    cotangent = np.random.default_rng(9).normal(size=run.values(v).shape)
    return run.backward({v: cotangent}, wrt=[key])[key]


def resampled(interval, start, samples, steps=60):
    """Return the matrix that maps samples to steps."""
    return np.stack([interpolated(row, interval, start, np.inf, steps) for row in np.eye(samples)], axis=1)


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("interval", [0.1, 0.03, 0.7])
def test_gradients_pass_through_the_interpolation(size, interval):
    samples = 30
    wave = np.random.default_rng(2).normal(0, 100, (samples, 2) if size == 2 else samples)
    matrix = resampled(interval, 0.23, samples)
    step = gradient(dn.CurrentGenerator(size, matrix @ wave, name="wave"))
    found = gradient(dn.CurrentGenerator(size, wave, 0.23, interval=interval, name="wave"))
    assert found.shape == wave.shape
    assert np.abs(found).max() > 0
    np.testing.assert_allclose(found, matrix.T @ step, rtol=1e-8, atol=1e-12)
    again = gradient(dn.CurrentGenerator(size, wave, 0.23, interval=interval, name="wave"), memory=1)
    np.testing.assert_array_equal(found, again)
    batch = gradient(dn.CurrentGenerator(size, wave, 0.23, interval=interval, name="wave"), batch=3)
    assert batch.shape == wave.shape


def test_gradients_of_amplitudes_that_change_within_a_step():
    times = np.array([0.0, 1.03, 1.06, 1.14, 4.0])
    made = dn.DCGenerator(1, amplitude=dn.Piecewise(times, np.arange(5.0)), start=0.26, name="dc")
    found = gradient(made, key="dc.amplitude")
    step = gradient(dn.CurrentGenerator(1, np.zeros(60), name="wave"))
    on = np.append([0.26], times[1:])
    columns = [averages(lambda t, row=row: held(on, row, t), 60) for row in np.eye(5)]
    matrix = np.stack(columns, axis=1)
    np.testing.assert_allclose(found, matrix.T @ step, rtol=1e-8, atol=1e-12)


def made(seed=1):
    rng = np.random.default_rng(0)
    cells = dn.MCNeuron(3, V_th=1e6, name="cells")
    cells.soma = dn.LeakyIF(3)
    cells.gate = dn.AMPA(3, t_decay=2.0)
    cells.on = dn.MCConnSynapse(cells.gate, cells.soma)
    wave = dn.CurrentGenerator(3, rng.normal(0, 50, (20, 3)), 0.33, 7.77, interval=0.47, name="wave")
    dc = dn.DCGenerator(1, amplitude=dn.Piecewise([0.07, 3.33], [10.0, 20.0]), start=0.13, name="dc")
    noise = dn.PoissonGenerator(3, rate=dn.Piecewise([0.21, 4.44], [500.0, 900.0]), stop=8.88, name="noise")
    ons = [dn.ConnGen(g, on) for g, on in ((wave, cells.soma), (dc, cells.soma), (noise, cells.gate))]
    net = dn.Network([cells, wave, dc, noise, *ons], dt=DT, seed=seed)
    return net, net.probe(cells.soma, "V")


def test_states_continue_within_the_table(tmp_path):
    whole, v = made()
    whole.run(10.0)
    begun, _ = made()
    begun.run(3.3)
    begun.save_state(tmp_path / "state")
    net, rest = made()
    net.load_state(tmp_path / "state")
    net.run(6.7)
    np.testing.assert_array_equal(rest.values, v.values[33:])
    batch, several = made()
    batch.run(4.2, batch=2)
    batch.run(5.8, batch=2)
    np.testing.assert_array_equal(several.values[0], v.values)


def test_a_state_of_another_interval_is_refused(tmp_path):
    def network(interval):
        cells = dn.MCNeuron(3, V_th=1e6, name="cells")
        cells.soma = dn.LeakyIF(3)
        wave = dn.CurrentGenerator(3, np.ones(9), interval=interval, name="wave")
        return dn.Network([cells, wave, dn.ConnGen(wave, cells.soma)], dt=DT)

    network(0.2).run(1.0).save_state(tmp_path / "state")
    network(0.2).load_state(tmp_path / "state")
    for other, words in ((0.25, r"0\.25 ms"), (None, "step")):
        with pytest.raises(dn.StateError, match=rf"wave: .*per 0\.2 ms in the file, .*per {words} here"):
            network(other).load_state(tmp_path / "state")


@pytest.mark.parametrize("suffix", ["json", "toml"])
def test_model_files_keep_the_interval(tmp_path, suffix):
    net, v = made()
    net.save(tmp_path / f"model.{suffix}")
    loaded = dn.Network.load(tmp_path / f"model.{suffix}")
    assert loaded["wave"].interval == 0.47
    w = loaded.probe(loaded["cells/soma"], "V")
    net.run(10.0)
    loaded.run(10.0)
    np.testing.assert_array_equal(w.values, v.values)


def test_setting_values_keeps_start_and_stop():
    dc = dn.DCGenerator(1, amplitude=dn.Piecewise([0.0, 1.55], [10.0, 20.0]), start=0.25)
    cells = dn.MCNeuron(1, V_th=1e6)
    cells.soma = dn.LeakyIF(1)
    net = dn.Network([cells, dc, dn.ConnGen(dc, cells.soma)], dt=DT)
    current = net.probe(cells.soma, "I")
    net.run(2.0)
    np.testing.assert_allclose(current.values[[1, 2, 15, 16], 0], [0.0, 5.0, 15.0, 20.0], atol=1e-9)
    dc.amplitude = [40.0, 60.0]
    net.reset()
    net.run(2.0)
    np.testing.assert_allclose(current.values[[1, 2, 15, 16], 0], [0.0, 20.0, 50.0, 60.0], atol=1e-9)
    dc.amplitude = 8.0
    net.reset()
    net.run(2.0)
    np.testing.assert_allclose(current.values[[1, 2, 15, 16], 0], [0.0, 4.0, 8.0, 8.0], atol=1e-9)


@pytest.mark.parametrize(
    ("interval", "message"),
    [
        (0.0, r"interval = 0\.0: expected a finite time > 0 \(ms\)"),
        (-1, r"interval = -1: expected a finite time > 0 \(ms\)"),
        (np.inf, "interval = inf: expected a finite"),
        (np.nan, "interval = nan: expected a finite"),
        ("1", "interval = '1': expected a time > 0"),
        (True, "interval = True: expected a time > 0"),
        ([0.1, 0.1], "interval = .*: expected a time > 0"),
    ],
)
def test_intervals_that_are_refused(interval, message):
    with pytest.raises((dn.ParameterError, dn.ParameterTypeError), match=message):
        dn.CurrentGenerator(1, [1.0, 2.0], interval=interval)


def test_an_interval_needs_samples_and_stays():
    for wave in ([], [1.0], [[1.0]]):
        with pytest.raises(dn.ParameterError, match="expected at least 2 samples"):
            dn.CurrentGenerator(1, wave, interval=0.5)
    made = dn.CurrentGenerator(1, [1.0, 2.0])
    assert made.interval is None
    with pytest.raises(dn.StructureError, match="interval cannot change"):
        made.interval = 0.5


def test_waveforms_and_tables_agree_where_both_say_the_same():
    assert (
        injected(dn.CurrentGenerator(3, [5.0, 6.0]))
        == injected(dn.DCGenerator(3, amplitude=dn.Piecewise([0.0, 0.1, 0.2], [5.0, 6.0, 0.0])))
    ).all()
