"""Rules create the requested degrees, totals, autapses and multapses, identically for any number of threads."""

import dendrion as dn
import numpy as np
import pytest
import scipy.sparse as sp


def table(pair, conn, n_pre=40, n_post=60, threads=1, seed=5, dtype="float64", **kwargs):
    """Return the connections from a generator to a population."""
    cells, source = pair(n_post), dn.PoissonGenerator(n_pre)
    syn = dn.MCSynapse(source, cells.ampa, conn, name="syn", **kwargs)
    net = dn.Network([cells, source, syn], seed=seed, threads=threads, dtype=dtype)
    return net._connections(syn)


def among(pair, conn, n=50, **kwargs):
    """Return the connections among the neurons of a population."""
    cells = pair(n)
    syn = dn.MCSynapse(cells, cells.ampa, conn, name="syn", **kwargs)
    net = dn.Network([cells, syn], seed=5)
    return net._connections(syn)


def pairs(connections):
    return list(zip(connections.pre.tolist(), connections.post.tolist(), strict=True))


def test_outdegree(pair):
    found = table(pair, dn.FixedOutdegree(7))
    np.testing.assert_array_equal(np.bincount(found.pre), np.full(40, 7))
    assert len(set(pairs(found))) == 280
    many = table(pair, dn.FixedOutdegree(90, multi_conn=True))
    np.testing.assert_array_equal(np.bincount(many.pre), np.full(40, 90))
    assert len(set(pairs(many))) < 3600
    np.testing.assert_array_equal(table(pair, dn.FixedOutdegree(60)).post, np.tile(np.arange(60), 40))


def test_total(pair):
    found = table(pair, dn.FixedTotal(500))
    assert len(found.pre) == len(set(pairs(found))) == 500
    many = table(pair, dn.FixedTotal(5000, multi_conn=True))
    assert len(many.pre) == 5000
    assert len(set(pairs(many))) < 2400
    assert len(table(pair, dn.FixedTotal(0)).pre) == 0


@pytest.mark.parametrize("multi_conn", [False, True])
@pytest.mark.parametrize("rule", [dn.FixedIndegree, dn.FixedOutdegree, dn.FixedTotal])
def test_autapses(pair, rule, multi_conn):
    n = 45 if rule is not dn.FixedTotal else 2300
    without = among(pair, rule(n, multi_conn=multi_conn, autapses=False))
    assert (without.pre != without.post).all()
    assert len(without.pre) == (50 * 45 if rule is not dn.FixedTotal else 2300)
    assert (np.diff(among(pair, rule(n, multi_conn=multi_conn)).pre) >= 0).all()
    assert (np.equal(*among(pair, rule(n, multi_conn=multi_conn))[:2])).any()


def test_autapses_of_the_other_rules(pair):
    for rule, count in ((dn.All2All(autapses=False), 2450), (dn.All2All(), 2500), (dn.FixedProb(1.0), 2500)):
        assert len(among(pair, rule).pre) == count
    without = among(pair, dn.FixedProb(1.0, autapses=False))
    assert len(without.pre) == 2450
    # Between different populations there are no autapses to leave out.
    assert len(table(pair, dn.All2All(autapses=False)).pre) == 2400


@pytest.mark.parametrize(
    "rule",
    [
        dn.FixedIndegree(30),
        dn.FixedIndegree(30, multi_conn=True),
        dn.FixedOutdegree(200),
        dn.FixedOutdegree(200, multi_conn=True),
        dn.FixedTotal(60_000),
        dn.FixedTotal(60_000, multi_conn=True),
        dn.FixedProb(0.1),
    ],
)
def test_partners_are_drawn_evenly_and_alike_for_any_threads(pair, rule):
    found = table(pair, rule, 300, 2000)
    for threads, dtype in ((2, "float64"), (4, "float64"), (1, "float32")):
        other = table(pair, rule, 300, 2000, threads=threads, dtype=dtype)
        np.testing.assert_array_equal(other.pre, found.pre)
        np.testing.assert_array_equal(other.post, found.post)
    assert (table(pair, rule, 300, 2000, seed=6).post[:100] != found.post[:100]).any()
    n, p = len(found.pre), len(found.pre) / 6e5
    for counts in (np.bincount(found.pre, minlength=300), np.bincount(found.post, minlength=2000)):
        # For binomial counts, chi-square is about the number of counts. With a fixed degree it is 0.
        chi = ((counts - n / counts.size) ** 2).sum() / (n / counts.size * (1 - p))
        assert chi == 0 or abs(chi - counts.size) < 5 * np.sqrt(2 * counts.size)
    # Sources and targets are independent: a quarter of all pairs has a quarter of the connections.
    quarter = ((found.pre < 150) & (found.post < 1000)).sum()
    assert abs(quarter - n / 4) < 5 * np.sqrt(n * 3 / 16)


def test_initial_weights_and_delays_are_drawn(pair):
    rule = dn.FixedIndegree(150, multi_conn=True)
    for initializer, mean, std in (
        (dn.Uniform(1.0, 3.0), 2.0, 2 / np.sqrt(12)),
        (dn.Normal(5.0, 0.5), 5.0, 0.5),
        (dn.LogNormal(0.5, 0.25), np.exp(0.5 + 0.25**2 / 2), np.exp(0.5 + 0.25**2 / 2) * np.sqrt(np.expm1(0.25**2))),
        (dn.Truncated(dn.Normal(0.0, 1.0), low=0.0), np.sqrt(2 / np.pi), np.sqrt(1 - 2 / np.pi)),
        (dn.Constant(2.5), 2.5, 0.0),
    ):
        w = table(pair, rule, 40, 300, weight=initializer).weight
        error = 4.5 / np.sqrt(len(w))
        assert abs(w.mean() - mean) <= error * std
        assert abs(w.std() - std) <= 1.5 * error * std
        ms = table(pair, rule, 40, 300, delay=initializer).delay
        assert abs(ms.mean() - mean) <= error * np.hypot(std, 0.03) + 0.01 * (mean < 1)
        np.testing.assert_allclose(ms / 0.1, np.round(ms / 0.1), atol=1e-9)
    w = table(pair, rule, 40, 300, weight=dn.Truncated(dn.Normal(1.0, 1.0), 0.5, 1.25)).weight
    assert w.min() >= 0.5
    assert w.max() <= 1.25
    # Several connections of a pair have different weights.
    assert len(np.unique(w)) == len(w)


def test_drawn_numbers_do_not_depend_on_threads_or_shards(pair):
    given = {"weight": dn.Normal(5.0, 0.5), "delay": dn.Uniform(0.1, 3.0)}
    rule = dn.FixedTotal(20_000, multi_conn=True)
    one = table(pair, rule, 40, 3000, **given)
    for other in (
        table(pair, rule, 40, 3000, threads=3, **given),
        table(pair, rule, 40, 3000, dtype="float32", **given),
    ):
        np.testing.assert_array_equal(other.delay, one.delay)
        np.testing.assert_allclose(other.weight, one.weight, rtol=1e-7)
    assert abs(np.corrcoef(one.weight, one.delay)[0, 1]) < 0.04


def test_functions_of_pre_and_post(pair):
    asked = []

    def weight(pre, post):
        asked.append((pre, post))
        return 0.1 * pre + post

    found = table(pair, dn.FixedProb(0.3), weight=weight, delay=lambda pre, post: 0.1 * (1 + (pre + post) % 9))
    np.testing.assert_array_equal(asked[0][0], found.pre)
    np.testing.assert_array_equal(asked[0][1], found.post)
    np.testing.assert_allclose(found.weight, 0.1 * found.pre + found.post)
    np.testing.assert_allclose(found.delay, 0.1 * (1 + (found.pre + found.post) % 9))
    np.testing.assert_allclose(table(pair, dn.FixedTotal(9), weight=lambda pre, post: 2.0).weight, 2.0)


def test_every_form_of_given_connections(pair):
    rng = np.random.default_rng(3)
    dense = np.where(rng.random((40, 60)) < 0.2, rng.random((40, 60)), 0.0)
    csr, csc = sp.csr_matrix(dense), sp.csc_matrix(dense)
    order = rng.permutation(csr.nnz)
    coo = csr.tocoo()
    for conn in (
        csr,
        dn.CustomConn(coo.row[order], coo.col[order], coo.data[order]),
        dn.CustomConn.from_matrix(dense),
        *(dn.CustomConn.from_matrix(sparse) for sparse in (csr, csc, coo, sp.csr_array(dense))),
        dn.CustomConn.from_csr(csr.indptr, csr.indices, csr.data),
        dn.CustomConn.from_csc(csc.indptr, csc.indices, csc.data),
    ):
        found = table(pair, conn)
        np.testing.assert_array_equal(found.pre, coo.row)
        np.testing.assert_array_equal(found.post, coo.col)
        np.testing.assert_array_equal(found.weight, coo.data)


def test_duplicates_stay_or_are_summed(pair):
    given = ([1, 0, 1, 1], [2, 2, 2, 0], [1.0, 2.0, 3.0, 4.0])
    found = table(pair, dn.CustomConn(*given), 3, 3)
    assert pairs(found) == [(0, 2), (1, 0), (1, 2), (1, 2)]
    np.testing.assert_array_equal(found.weight, [2, 4, 1, 3])
    found = table(pair, dn.CustomConn(*given, multi_conn=False), 3, 3)
    assert pairs(found) == [(0, 2), (1, 0), (1, 2)]
    np.testing.assert_array_equal(found.weight, [2, 4, 4])
    found = table(pair, dn.CustomConn(*given[:2], multi_conn=False), 3, 3, weight=0.5)
    np.testing.assert_array_equal(found.weight, [0.5] * 3)


def test_given_autapses_can_be_left_out(pair):
    conn = dn.CustomConn([0, 1, 2, 2], [0, 2, 2, 1], autapses=False)
    assert pairs(among(pair, conn, 3)) == [(1, 2), (2, 1)]
    assert len(table(pair, conn, 3, 3).pre) == 4


def test_delays_off_the_grid_are_rounded_with_a_warning(pair):
    message = (
        r"syn: 2 of 3 values of delay are not multiples of dt = 0.1 ms and are rounded; the largest change is from "
        r"delay\[\d\] = 1.64 ms to 1.6 ms"
    )
    for delay in (np.array([1.0, 1.51, 1.64]), lambda pre, post: np.array([1.0, 1.51, 1.64])[pre]):
        with pytest.warns(dn.DelayWarning, match=message) as caught:
            found = table(pair, dn.One2One(), 3, 3, delay=delay)
        np.testing.assert_allclose(found.delay, [1.0, 1.5, 1.6])
        assert len(caught) == 1
        assert caught[0].filename == __file__
    table(pair, dn.One2One(), 3, 3, delay=0.1 * 3)
    table(pair, dn.One2One(), 3, 3, delay=dn.Uniform(0.1, 0.33))


def test_a_drawn_dendritic_delay(pair):
    cells, source = pair(400, dendritic_delay=dn.Uniform(1.0, 5.0)), dn.PoissonGenerator(1)
    steps = [cells._dendritic_steps(seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(steps[0], steps[1])
    assert (steps[0] != steps[2]).any()
    assert set(steps[0]) == {1, 2, 3, 4, 5}
    syn = dn.MCSynapse(source, cells.ampa, dn.All2All(), delay=0.5, plasticity=dn.STDP())
    dn.Network([cells, source, syn], seed=1)
