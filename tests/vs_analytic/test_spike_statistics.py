"""Generated spikes agree with the theory of their processes."""

import dendrion as dn
import numpy as np
import pytest


def spikes(*generators, duration=1000.0, dt=0.1, seed=2, probe=0, **kwargs):
    net = dn.Network(generators, dt=dt, seed=seed, **kwargs)
    probes = [net.probe(g, "spikes") for g in generators]
    net.run(duration)
    return probes[probe] if len(probes) == 1 else probes


def intervals(recording, size):
    """Return the intervals of all sources, in steps."""
    order = np.lexsort((recording.t, recording.i))
    t, i = np.rint(recording.t[order] / 0.1), recording.i[order]
    return np.diff(t)[np.diff(i) == 0]


def test_poisson(report):
    rate, size, window = 40.0, 500, 100
    counts = spikes(dn.PoissonGenerator(size, rate=rate)).counts()
    n = counts.reshape(-1, window, size).sum(axis=1)
    mean = rate * window * 1e-4
    fano = n.var() / n.mean()
    report(
        "spike statistics",
        process="Poisson",
        rate=counts.mean() * 1e4,
        expected_rate=rate,
        fano=fano,
        expected_fano=1.0,
    )
    assert abs(n.mean() - mean) < 4 * np.sqrt(mean / n.size)
    assert abs(fano - 1) < 4 * np.sqrt(2 / n.size)
    # Counts in neighbouring windows and of neighbouring sources are uncorrelated.
    for a, b in ((n[1:], n[:-1]), (n[:, 1:], n[:, :-1])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4.5 / np.sqrt(a.size)


def test_poisson_intervals_are_exponential():
    rate, size = 100.0, 400
    gaps = np.sort(intervals(spikes(dn.PoissonGenerator(size, rate=rate)), size))
    # Steps between spikes are differences of two rounded times, so their distribution is accurate to within a step.
    gaps = gaps + np.random.default_rng(0).uniform(-0.5, 0.5, gaps.size)
    gaps = np.sort(gaps[gaps > 2])
    cdf = 1 - np.exp(-(gaps - 2) * rate * 1e-4)
    distance = np.abs(cdf - (np.arange(gaps.size) + 0.5) / gaps.size).max()
    assert distance < 1.63 / np.sqrt(gaps.size) + 0.003


def test_poisson_of_many_spikes_per_step():
    counts = spikes(dn.PoissonGenerator(300, rate=25_000.0), duration=100.0).counts()
    assert counts.max() > 6
    assert abs(counts.mean() - 2.5) < 4 * np.sqrt(2.5 / counts.size)
    assert abs(counts.var() / counts.mean() - 1) < 4 * np.sqrt(2 / counts.size)


def test_bernoulli(report):
    prob, size = 0.02, 500
    recording = spikes(dn.BernoulliGenerator(size, prob=prob))
    counts = recording.counts()
    assert counts.max() == 1
    n = counts.reshape(-1, 100, size).sum(axis=1)
    fano = n.var() / n.mean()
    rates = {"rate": counts.mean(), "expected_rate": prob, "fano": fano, "expected_fano": 1 - prob}
    report("spike statistics", process="Bernoulli (per step)", **rates)
    assert abs(counts.mean() - prob) < 4 * np.sqrt(prob * (1 - prob) / counts.size)
    assert abs(fano / (1 - prob) - 1) < 4 * np.sqrt(2 / n.size)
    gaps = intervals(recording, size)
    found = np.bincount(gaps.astype(int), minlength=40)[1:40]
    expected = gaps.size * prob * (1 - prob) ** np.arange(39)
    # Long intervals do not fit into the simulated time, so short ones are slightly more common.
    chi = ((found - expected * found.sum() / expected.sum()) ** 2 / expected).sum()
    assert chi < 39 + 5 * np.sqrt(78)


@pytest.mark.parametrize("make", [dn.PoissonGenerator, dn.BernoulliGenerator])
def test_generators_are_independent_unless_they_share_a_stream(make):
    given = {"rate": 200.0} if make is dn.PoissonGenerator else {"prob": 0.02}
    names = ("a", "b", "c", "d")
    generators = [make(200, name=n, rng_col=None if n < "c" else "shared", **given) for n in names]
    tables = [r.counts() for r in spikes(*generators)]
    n = [t.reshape(-1, 50, 200).sum(axis=1).ravel() for t in tables]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert abs(np.corrcoef(n[a], n[b])[0, 1]) < 4.5 / np.sqrt(n[a].size)
    np.testing.assert_array_equal(tables[2], tables[3])
    again = spikes(make(200, name="another", rng_col="shared", **given)).counts()
    np.testing.assert_array_equal(again, tables[2])
    assert (spikes(make(200, name="a", rng_col="other", **given)).counts() != tables[2]).any()


@pytest.mark.parametrize("make", [dn.PoissonGenerator, dn.BernoulliGenerator])
def test_piecewise(make):
    """The rates in each segment are right, per source and for all sources."""
    scale, name = (1e4, "rate") if make is dn.PoissonGenerator else (1.0, "prob")
    times = [50.0, 300.0, 700.0]
    for levels in (np.array([0.01, 0.002, 0.03]), np.array([[0.01, 0.0], [0.002, 0.02], [0.03, 0.001]]).repeat(150, 1)):
        given = dn.Piecewise(times, scale * levels)
        counts = spikes(make(300, **{name: given})).counts()
        assert counts[:500].sum() == 0
        edges = [500, 3000, 7000, 10_000]
        for k, (a, b) in enumerate(zip(edges, [*edges[1:], None], strict=False)):
            if b is None:
                break
            for half in (slice(0, 150), slice(150, 300)):
                part, p = counts[a:b, half], np.broadcast_to(levels[k], 300)[half][0]
                assert abs(part.mean() - p) <= 4 * np.sqrt(p / part.size)
        np.testing.assert_allclose(given([0.0, 49.9, 50.0, 299.9, 1e9])[[2, 3, 4]], scale * levels[[0, 0, 2]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: dn.PoissonGenerator(5000, rate=dn.Piecewise([0.0, 3.3, 7.0], [300.0, 0.0, 100.0])),
        lambda: dn.BernoulliGenerator(5000, prob=dn.Piecewise([1.0, 3.3], [0.01, 0.3]), start=0.5, stop=8.0),
        lambda: dn.CustomGenerator(50, fn=lambda t: (np.sin(np.outer(t, np.arange(50))) > 0.9) * 2, start=0.3),
    ],
)
def test_spikes_do_not_depend_on_threads_or_cuts(pair, make, dtype):
    def run(threads, cuts):
        source, cells = make(), pair(300)
        syn = dn.MCSynapse(source, cells.ampa, dn.FixedIndegree(10), weight=0.2)
        net = dn.Network([source, cells, syn], seed=1, threads=threads, dtype=dtype)
        sent, gate = net.probe(source, "spikes"), net.probe(cells.ampa, "s")
        for cut in cuts:
            net.run(cut)
        return sent.t, sent.i, gate.values

    expected = run(1, [10.0])
    assert len(expected[0]) > 100
    for threads, cuts in ((2, [10.0]), (4, [0.1, 3.2, 0.5, 6.2]), (1, [0.3] * 33 + [0.1])):
        for a, b in zip(run(threads, cuts), expected, strict=True):
            np.testing.assert_array_equal(a, b)
