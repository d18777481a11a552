"""Noise has the right moments, autocorrelation and strong order, and independent streams."""

import dendrion as dn
import numpy as np
import pytest

SDE = dn.SolverMethodSDE
C, G_L, V_REST = 200.0, 10.0, -65.0
TAU = C / G_L


class Cell(dn.MCNeuron):
    """A neuron with one compartment that does not spike; ``noises`` creates its noise."""

    def __init__(self, size, noises, V_rest=V_REST, gL=G_L, **kwargs):
        super().__init__(size, V_th=1e6, name="cell", **kwargs)
        self.soma = dn.LeakyIF(size, V_rest=V_rest, C=C, gL=gL)
        self.noises = noises(self.soma)


def white(*sigmas):
    return lambda soma: [dn.WhiteNoise(soma, s) for s in sigmas]


def conductance(*pairs):
    return lambda soma: [dn.ConductanceNoise(soma, s, e) for s, e in pairs]


def record(cell, what, dt, duration, warm=0.0, every=None, **kwargs):
    net = dn.Network([cell], dt=dt, seed=kwargs.pop("seed", 3), **kwargs)
    net.run(warm)
    probe = net.probe(what, "V" if what is cell.soma else "I", every=every)
    net.run(duration)
    return probe.values


def autocorrelation(x, lag):
    """Return the correlation of samples ``lag`` rows apart, pooled over columns."""
    a, b = x[:-lag] - x.mean(), x[lag:] - x.mean()
    return (a * b).mean() / x.var()


def check_moments(report, name, x, mean, std, expected_correlation, lag):
    """Compare moments with theory. Samples are pooled over columns and over a few correlation times."""
    correlation = autocorrelation(x, lag)
    rows = {"mean": x.mean(), "expected mean": float(mean), "std": x.std(), "expected std": float(std)}
    rows |= {"autocorrelation": correlation, "expected": float(expected_correlation)}
    report("moments of the noises", noise=name, **{k: float(v) for k, v in rows.items()})
    # Columns are independent, but rows of a column are not, so the number of columns gives an upper bound on the error.
    error = 4 / np.sqrt(x.shape[1])
    assert abs(x.mean() - mean) < error * std
    assert abs(x.std() / std - 1) < error / np.sqrt(2)
    assert abs(correlation - expected_correlation) < error


def test_white_noise(report):
    sigma, dt = 60.0, 0.5
    v = record(cell := Cell(4000, white(sigma)), cell.soma, dt, 60.0, warm=120.0)
    # Euler's discrete process has this variance exactly; (sigma / C)^2 tau / 2 is its limit.
    std = sigma / C * np.sqrt(dt / (1 - (1 - dt / TAU) ** 2))
    check_moments(report, "white", v, V_REST, std, (1 - dt / TAU) ** 20, 20)


@pytest.mark.filterwarnings("ignore::dendrion.TimeStepWarning")
def test_ornstein_uhlenbeck_noise_is_exact_for_any_step(report):
    sigma, tau, mean = 30.0, 4.0, 12.0
    for dt in (0.1, 2.0, 8.0):
        cell = Cell(4000, lambda soma: [dn.OUNoise(soma, sigma, tau, mean)])
        i = record(cell, cell.noises[0], dt, 64.0, warm=80.0, every=max(dt, 2.0))
        lag = max(dt, 2.0)
        check_moments(report, f"OU, dt {dt} ms", i, mean, sigma, np.exp(-lag / tau), 1)


def test_ornstein_uhlenbeck_current_reaches_the_membrane(report):
    sigma, tau, mean = 30.0, 4.0, 12.0
    cell = Cell(4000, lambda soma: [dn.OUNoise(soma, sigma, tau, mean)])
    v = record(cell, cell.soma, 0.05, 40.0, warm=160.0, every=1.0)
    std = sigma / G_L * np.sqrt(tau / (tau + TAU))
    lag = 10
    slow, fast = np.exp(-lag / TAU), np.exp(-lag / tau)
    check_moments(report, "V under OU", v, V_REST + mean / G_L, std, (TAU * slow - tau * fast) / (TAU - tau), lag)


def test_noises_of_a_compartment_add_their_variances(report):
    sigmas = (30.0, 40.0)
    v = record(cell := Cell(4000, white(*sigmas)), cell.soma, 0.5, 60.0, warm=120.0)
    std = np.hypot(*sigmas) / C * np.sqrt(0.5 / (1 - (1 - 0.5 / TAU) ** 2))
    check_moments(report, "two white", v, V_REST, std, (1 - 0.5 / TAU) ** 20, 20)


def test_conductance_noise_is_geometric_brownian_motion(report):
    """With E = V_rest, ln|V - E| is a Brownian motion with drift -(gL/C + s^2/2), s = sigma/C."""
    sigma, dt, t = 40.0, 0.02, 10.0
    s = sigma / C
    cell = Cell(4000, conductance((sigma, 0.0)), V_rest=0.0)
    net = dn.Network([cell], dt=dt, seed=5)
    net.set_state({"cell/soma.V": -50.0})
    net.run(t)
    x = np.log(-net.get_state()["cell/soma.V"] / 50.0)
    drift, std = -(G_L / C + s**2 / 2) * t, s * np.sqrt(t)
    report(
        "moments of the noises",
        noise="ln V under conductance noise",
        **{"mean": float(x.mean()), "expected mean": drift, "std": float(x.std()), "expected std": float(std)},
    )
    assert abs(x.mean() - drift) < 4 * std / np.sqrt(4000) + 0.01
    assert abs(x.std() / std - 1) < 4 / np.sqrt(8000) + 0.01


def normals(size, dt, steps):
    """Return the normal numbers of the noise on ``cell/soma``, which white noise adds to V."""
    v = record(cell := Cell(size, white(C), gL=1e-9, V_rest=0.0), cell.soma, dt, (steps + 1) * dt)
    return np.diff(v, axis=0) / np.sqrt(dt)


def strong_errors(noises, method, exact, dts, duration=4.0, size=2000):
    """Return the mean error at the end against ``exact(increments of W, dt)``."""
    errors = []
    for dt in dts:
        steps = round(duration / dt)
        w = np.sqrt(dt) * normals(size, dt, steps)
        net = dn.Network([Cell(size, noises, V_rest=0.0, sdemethod=method)], dt=dt, seed=3)
        net.set_state({"cell/soma.V": -50.0})
        net.run(duration)
        errors.append(np.abs(net.get_state()["cell/soma.V"] - exact(w, dt)).mean())
    return np.array(errors)


def geometric(sigma):
    """Return the exact solution for noise with a single reversal potential, which is V_rest."""
    s = sigma / C
    return lambda w, dt: -50.0 * np.exp(-(G_L / C + s**2 / 2) * len(w) * dt - s * w.sum(axis=0))


def fine(pairs, parts=64):
    """Return the solution by Milstein's method on a path that is refined by Brownian bridges."""

    def solve(w, dt):
        rng, h = np.random.default_rng(0), dt / parts
        v = np.full(w.shape[1], -50.0)
        for increment in w:
            z = rng.standard_normal((parts, len(v))) * np.sqrt(h)
            for dw in z - z.mean(axis=0) + increment / parts:
                squares = [((s / C) * (e - v)) ** 2 for s, e in pairs]
                slope = sum(-2 * (s / C) ** 2 * (e - v) for s, e in pairs)
                v = v - h * G_L / C * v + np.sqrt(sum(squares)) * dw + 0.25 * slope * (dw**2 - h)
        return v

    return solve


CASES = {
    "one conductance": (((100.0, 0.0),), geometric(100.0)),
    "two of one reversal": (((60.0, 0.0), (80.0, 0.0)), None),
    "two of different reversals": (((60.0, 0.0), (80.0, -120.0)), fine(((60.0, 0.0), (80.0, -120.0)))),
}


@pytest.mark.parametrize(("method", "expected"), [(SDE.EULER_MARUYAMA, 0.5), (SDE.MILSTEIN, 1.0)])
@pytest.mark.parametrize("case", CASES)
def test_strong_order(case, method, expected, report):
    pairs, exact = CASES[case]
    if exact is None:
        # Of the amplitude, |V - E| times a constant, the sign differs from that of one noise below E.
        exact = geometric(np.hypot(*(s for s, _ in pairs)))
    dts = np.array([0.2, 0.1, 0.05, 0.025])
    errors = strong_errors(conductance(*pairs), method, exact, dts)
    order = np.polyfit(np.log(dts), np.log(errors), 1)[0]
    report("strong order", noise=case, method=method.name, expected=expected, measured=float(order))
    assert abs(order - expected) < 0.15, errors


def test_methods_are_one_for_additive_noise():
    a, b = (record(c := Cell(5, white(50.0), sdemethod=m), c.soma, 0.1, 20.0) for m in SDE)
    np.testing.assert_array_equal(a, b)
    assert SDE.MISLTEAIN is SDE.MILSTEIN


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_streams_do_not_depend_on_threads_or_cuts(dtype):
    def traces(threads, cuts):
        cell = Cell(700, lambda soma: [dn.WhiteNoise(soma, 50.0), dn.OUNoise(soma, 5.0, 3.0)])
        net = dn.Network([cell], dt=0.1, seed=9, threads=threads, dtype=dtype)
        v = net.probe(cell.soma, "V")
        for cut in cuts:
            net.run(cut)
        return v.values

    once = traces(1, [20.0])
    for threads, cuts in ((2, [20.0]), (4, [0.3, 6.5, 13.2]), (1, [10.1, 9.9])):
        np.testing.assert_array_equal(traces(threads, cuts), once)
    assert len(np.unique(once[-1])) > 600


@pytest.mark.filterwarnings("ignore::dendrion.TimeStepWarning", "ignore::dendrion.UnitWarning")
def test_streams_are_independent():
    """Streams of different neurons, compartments and seeds are independent."""

    class Two(dn.MCNeuron):
        def __init__(self):
            super().__init__(500, V_th=1e6)
            self.soma = dn.LeakyIF(500, C=C, gL=G_L)
            self.dend = dn.Compartment(500, C=C, gL=G_L)
            self.axial = dn.MCConn(self.soma, self.dend, 1e-9)
            self.noises = [dn.OUNoise(c, 1.0, 1e-3) for c in (self.soma, self.dend)]

    tables = []
    for seed in (1, 2):
        net = dn.Network([two := Two()], dt=0.1, seed=seed)
        probes = [net.probe(n, "I") for n in two.noises]
        net.run(20.1)
        tables += [p.values[1:] for p in probes]
    # With 200 x 500 independent numbers, correlations are about 1/316, also between neighbouring neurons and steps.
    one = tables[0]
    others = [*tables[1:], np.roll(one, 1, axis=0), np.roll(one, 1, axis=1)]
    assert all(abs((one * x).mean()) < 4.5 / 316 for x in others)
    assert abs(one.std() - 1) < 0.01


def test_reset_draws_the_same_numbers():
    cell = Cell(3, white(50.0))
    net = dn.Network([cell], dt=0.1)
    net.run(5.0)
    first = net.get_state()["cell/soma.V"]
    net.reset()
    net.run(5.0)
    np.testing.assert_array_equal(net.get_state()["cell/soma.V"], first)


def test_noise_is_attached_where_it_says():
    cell = Cell(2, white())
    noise = dn.OUNoise(cell.soma, [1.0, 2.0], 5.0, name="late")
    assert noise.parent is cell
    assert noise.path == "cell/late"
    net = dn.Network([cell])
    np.testing.assert_array_equal(net.parameters()["cell/late.sigma"], [1.0, 2.0])
    noise.sigma = 0.0
    net.run(5.0)
    np.testing.assert_array_equal(net.get_state()["cell/late.I"], [0.0, 0.0])


def test_bad_noise(pair):
    cell = Cell(2, white())
    with pytest.raises(dn.ParameterTypeError, match=r"WhiteNoise: on = 3: expected the Compartment on which it acts"):
        dn.WhiteNoise(3, 1.0)
    with pytest.raises(dn.ParameterError, match=r"sigma = -1: expected a finite number >= 0 \(pA ms\^1/2\)"):
        dn.WhiteNoise(cell.soma, -1.0)
    with pytest.raises(dn.ParameterError, match=r"tau = 0: expected a finite number > 0 \(ms\)"):
        dn.OUNoise(cell.soma, 1.0, 0.0)
    with pytest.raises(
        dn.ParameterError, match=r"sigma = array of length 3: expected a number or an array of length 2"
    ):
        dn.ConductanceNoise(cell.soma, [1.0, 2.0, 3.0])
    cells = pair(1)
    dn.WhiteNoise(cells.ampa, 1.0, name="lost")
    with pytest.raises(
        dn.StructureError, match=r"pair/lost: acts on .*; expected a compartment of pair that has its own membrane"
    ):
        dn.Network([cells])
