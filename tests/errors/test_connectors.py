"""Invalid rules, initializers and users' functions raise errors."""

import dendrion as dn
import numpy as np
import pytest


def build(pair, conn, n_pre=2, n_post=3, **kwargs):
    cells, noise = pair(n_post, name="cells"), dn.PoissonGenerator(n_pre)
    return dn.Network([cells, noise, dn.MCSynapse(noise, cells.ampa, conn, name="syn", **kwargs)])


def test_numbers_of_rules(pair):
    for rule, name in ((dn.FixedOutdegree, "degree"), (dn.FixedTotal, "n")):
        for wrong in (-1, 2.5, True, "many"):
            with pytest.raises(
                dn.ParameterError, match=rf"{rule.__name__}: {name} = .*: expected an integer (>= 0|from 0 to)"
            ):
                rule(wrong)
    with pytest.raises(
        dn.ConnectivityError, match=r"syn: degree = 4: expected at most 3, the number of targets, or allow multiple"
    ):
        build(pair, dn.FixedOutdegree(4))
    with pytest.raises(
        dn.ConnectivityError, match=r"syn: n = 7: expected at most 6, the number of pairs, or allow multiple"
    ):
        build(pair, dn.FixedTotal(7))
    cells = pair(1, name="cells")
    lonely = dn.MCSynapse(cells, cells.ampa, dn.FixedTotal(1, multi_conn=True, autapses=False), name="syn")
    with pytest.raises(dn.ConnectivityError, match=r"syn: n = 1: expected at most 0, the number of pairs$"):
        dn.Network([cells, lonely])


def test_initializers():
    with pytest.raises(dn.ParameterError, match=r"Normal: std = -1: expected a finite number >= 0"):
        dn.Normal(0.0, -1.0)
    with pytest.raises(dn.ParameterError, match=r"Uniform: high = 1: expected a number >= low \(2\)"):
        dn.Uniform(2.0, 1.0)
    with pytest.raises(dn.ParameterError, match=r"LogNormal: mean = nan: expected a finite number"):
        dn.LogNormal(np.nan, 1.0)
    with pytest.raises(dn.ParameterTypeError, match=r"Normal: mean = '1': expected a number"):
        dn.Normal("1", 1.0)
    with pytest.raises(dn.ParameterTypeError, match=r"Truncated: of = 3: expected an Initializer"):
        dn.Truncated(3, 0.0)


def test_flags_and_bounds():
    for rule in (dn.FixedIndegree, dn.FixedOutdegree, dn.FixedTotal):
        with pytest.raises(
            dn.ParameterTypeError, match=rf"{rule.__name__}: multi_conn = 'yes': expected True or False"
        ):
            rule(3, multi_conn="yes")
    with pytest.raises(dn.ParameterTypeError, match=r"All2All: autapses = 1: expected True or False"):
        dn.All2All(autapses=1)
    with pytest.raises(dn.ParameterError, match=r"Truncated: low = nan: expected a number"):
        dn.Truncated(dn.Normal(0.0, 1.0), np.nan)
    assert dn.Truncated(dn.Normal(0.0, 1.0)).low == 0.0


def test_draws_that_make_no_sense(pair):
    with pytest.raises(
        dn.ConnectivityError,
        match=r"syn: weight: Normal drew -.* for the connection 0 -> \d+: expected a finite number >= 0; Truncated",
    ):
        build(pair, dn.All2All(), 20, 20, weight=dn.Normal(0.0, 1.0))
    with pytest.raises(dn.ConnectivityError, match=r"syn: delay: Uniform drew .*: expected a delay from 0 ms to 6553"):
        build(pair, dn.All2All(), 20, 20, delay=dn.Uniform(0.0, 1e6))
    with pytest.raises(
        dn.ParameterError, match=r"Truncated: low, high = 50, 51: expected bounds that contain at least one of"
    ):
        build(pair, dn.All2All(), weight=dn.Truncated(dn.Normal(0.0, 1.0), 50.0, 51.0))
    cells = pair(20, name="cells")
    syn = dn.MCSynapse(cells, cells.ampa, dn.All2All(), delay=dn.Uniform(0.0, 1.0), name="syn")
    with pytest.raises(
        dn.ConnectivityError, match=r"syn: delay: Uniform drew 0\.0.*Truncated\(Uniform.*low=0.1\) redraws"
    ):
        dn.Network([cells, syn])


def test_functions_of_the_users(pair):
    def raises(pre, post):
        raise ZeroDivisionError("oh")

    def short(pre, post):
        return np.ones(len(pre) - 1)

    def text(pre, post):
        return "heavy"

    def negative(pre, post):
        return np.where(post == 2, -1.0, 1.0)

    for name, function, message in (
        ("weight", raises, r"syn: weight: raises\(pre, post\) raised ZeroDivisionError\('oh'\)"),
        (
            "weight",
            short,
            r"syn: weight: short\(pre, post\) of shape \(5,\): expected shape \(6,\), with one number per",
        ),
        ("delay", text, r"syn: delay: text\(pre, post\) = 'heavy': expected one number per connection \(6"),
        ("weight", negative, r"negative\(pre, post\): at \(0, 2\) = -1.0: expected a finite number >= 0"),
        ("delay", negative, r"negative\(pre, post\): at \(0, 2\) = -1.0: expected a finite number >= 0 \(ms\)"),
    ):
        with pytest.raises(dn.DendrionError, match=message) as caught:
            build(pair, dn.All2All(), **{name: function})
        assert isinstance(caught.value.__cause__, ZeroDivisionError) == (function is raises)


def test_weights_before_they_are_drawn(pair):
    cells, noise = pair(3), dn.PoissonGenerator(2)
    syn = dn.MCSynapse(noise, cells.ampa, dn.All2All(), weight=dn.Uniform(0.0, 1.0), name="syn")
    with pytest.raises(dn.RunError, match=r"syn: w: Uniform\(low=0, high=1\) is drawn when the network is built"):
        syn.w  # noqa: B018


def test_given_connections(pair):
    with pytest.raises(
        dn.ConnectivityError, match=r"CustomConn: pre, post and w have shapes \(2,\), \(3,\); expected equal len"
    ):
        dn.CustomConn([0, 1], [0, 1, 2])
    with pytest.raises(dn.ParameterTypeError, match=r"CustomConn: pre = \[0.5\]: expected integers"):
        dn.CustomConn([0.5], [1])
    with pytest.raises(dn.ParameterError, match=r"CustomConn: post\[1\] = -1: expected an integer from 0 to"):
        dn.CustomConn([0, 1], [1, -1])
    with pytest.raises(dn.ConnectivityError, match=r"CustomConn: indptr: expected ascending numbers from 0 to 2"):
        dn.CustomConn.from_csr([0, 1, 1], [0, 1])
    with pytest.raises(dn.ConnectivityError, match=r"syn: conn: post\[1\] = 3: expected an integer below 3"):
        build(pair, dn.CustomConn([0, 1], [0, 3]))
    with pytest.raises(dn.ConnectivityError, match=r"syn: conn.w of \(1, 2\) = -1.0: expected a finite weight >= 0"):
        build(pair, dn.CustomConn([0, 1], [0, 2], [1.0, -1.0]))
    with pytest.raises(dn.ConnectivityError, match=r"weight = 1.0: expected None, because conn already has weights"):
        build(pair, dn.CustomConn([0, 1], [0, 2], [1.0, 1.0]), weight=1.0)
