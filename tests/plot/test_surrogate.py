"""Surrogate derivatives are drawn as functions of V - V_th."""

import dendrion as dn
import numpy as np
import pytest


def test_each_is_a_line_of_its_equation():
    ax = dn.plot.surrogate([dn.Sigmoid(2.0), dn.Triangle(), dn.FastSigmoid()])
    x = ax.lines[0].get_xdata()
    assert (x[0], x[-1]) == (-5.0, 5.0)
    s = 1 / (1 + np.exp(-2 * x))
    for line, y in zip(ax.lines, (2 * s * (1 - s), np.maximum(0, 1 - abs(x)), 1 / (1 + abs(x)) ** 2), strict=True):
        assert np.allclose(line.get_ydata(), y)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["Sigmoid(2)", "Triangle", "FastSigmoid"]
    assert ax.get_xlabel().endswith("(mV)")
    assert ax.get_ylabel().endswith("(1/mV)")


def test_the_peak_is_drawn_however_narrow():
    ax = dn.plot.surrogate(dn.Triangle(50.0), limits=(-7.0, 5.0))
    assert ax.lines[0].get_ydata().max() == 50.0
    assert ax.get_xlim() == (-7.0, 5.0)


def test_neurons_and_functions_have_theirs_drawn(pair):
    cells = pair(2, surrogate_grad_fn=dn.Gaussian(1.0))

    def mine(x):
        return 1 / (1 + x**2)

    ax = dn.plot.surrogate({"cells": cells, "mine": mine})
    x = ax.lines[0].get_xdata()
    assert np.allclose(ax.lines[0].get_ydata(), np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi))
    assert np.allclose(ax.lines[1].get_ydata(), 1 / (1 + x**2))
    assert dn.plot.surrogate([mine, dn.ATan()]).get_legend().get_texts()[0].get_text() == "mine"


@pytest.mark.parametrize(
    ("given", "options", "error", "message"),
    [
        ("sigmoid", {}, dn.ParameterTypeError, "surrogates = 'sigmoid': expected a Surrogate"),
        ([], {}, dn.ParameterError, "empty; expected a Surrogate"),
        (
            dn.ATan(),
            {"limits": (1.0, -1.0)},
            dn.ParameterError,
            r"limits = \(1.0, -1.0\): expected two ascending numbers",
        ),
        ({"bad": lambda x: x[:3]}, {}, dn.ParameterError, r"bad: returned shape \(3,\)"),
        ({"bad": lambda x: x.nothing}, {}, dn.ParameterError, "bad: raised AttributeError"),
    ],
)
def test_what_is_no_derivative_is_refused(given, options, error, message):
    with pytest.raises(error, match=f"plot.surrogate: .*{message}"):
        dn.plot.surrogate(given, **options)
