"""Custom surrogates can be functions or texts, which are equivalent."""

import dendrion as dn
import numpy as np
import pytest
from dendrion import _core
from dendrion.surrogate import Expression

X = np.array([-30.0, -1.5, -0.2, 0.0, 0.3, 1.0, 8.0])

#: Functions, and the texts that result from tracing them.
TRACED = {
    "1 / (1 + abs(x))^2": lambda x: 1 / (1 + abs(x)) ** 2,
    "0.5": lambda x: 0.5,
    "exp(-abs(x)) * 0.5": lambda x: np.exp(-np.abs(x)) * 0.5,
    "y1 = abs(x)\nwhere(y1 < 1, 1 - y1, 0)": lambda x: np.where(abs(x) < 1, 1 - abs(x), 0.0),
    "where(abs(x) <= 1, 1, 0) * 0.5": lambda x: (abs(x) <= 1) * 0.5,
    "where(x > -1 and x < 1, 0.5, 0)": lambda x: np.where((x > -1) & (x < 1), 0.5, 0.0),
    "where(not (x >= 0 and x <= 0), 1, 2)": lambda x: np.where(x, 1.0, 2.0),
    "where(not x > 0 or x > 5, 1, 0)": lambda x: np.where(~(x > 0) | (x > 5), 1.0, 0.0),
    "clip(1 - abs(x), 0, 0.5)": lambda x: np.clip(1 - abs(x), 0, 0.5),
    "max(min(x, 1), -1)": lambda x: np.maximum(np.minimum(x, 1), -1),
    "y1 = abs(x)\n-expm1(-y1) - log1p(y1) / 1e20": lambda x: -np.expm1(-abs(x)) - np.log1p(abs(x)) / 1e20,
    "y1 = exp(x)\ny2 = 1 + y1\ny1 / (y2 * y2)": lambda x: np.exp(x) / np.square(1 + np.exp(x)),
}


@pytest.mark.parametrize("text", TRACED)
def test_functions_become_texts(text):
    traced = Expression(TRACED[text])
    assert traced.text == text
    np.testing.assert_allclose(traced(X), TRACED[text](X) * np.ones(len(X)), rtol=1e-14)


def test_texts_and_functions_are_the_same():
    written = Expression("1 / (1 + abs(x))^2")
    assert written == Expression(lambda x: 1 / (1 + abs(x)) ** 2)
    assert hash(written) == hash(Expression("1 / (1 + abs(x))^2"))
    assert written != Expression("1 / (1 + abs(x))")
    assert eval(repr(written), {"Expression": Expression}) == written
    assert Expression("a = 2; y = a*x; 1/(1 + y*y)")(1.0) == 0.2


def squares(times):
    def function(x):
        for _ in range(times):
            x = x * x
        return 1 / (1 + x)

    return function


def test_what_is_used_twice_is_written_once():
    expression = Expression(squares(15))
    assert len(expression.text) < 500
    np.testing.assert_allclose(expression([0.0, 0.9999, 1.0, 2.0]), [1.0, 1 / (1 + 0.9999**32768), 0.5, 0.0], rtol=1e-9)


@pytest.mark.parametrize("function", [squares(15), squares(60)])
def test_repeated_squares_have_gradients(function):
    cell = dn.MCNeuron(1, V_th=-50.0, V_reset=-60.0, surrogate_grad_fn=function, name="cell")
    cell.soma = dn.LeakyIF(1, V_rest=-65.0, C=200.0, gL=10.0, I_ext=180.0)
    net = dn.Network([cell], dt=0.1)
    spikes = net.probe(cell, "spikes")
    net.set_state({"cell/soma.V": -50.1})
    gradient = net.run(0.1, grad=True).backward({spikes: np.ones((1, 1))})
    assert gradient["cell.V_th"] == pytest.approx(-1.0, rel=1e-6)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: 1.0 if x > 0 else 0.0, r"np\.where"),
        (lambda x: np.minimum(x, np.inf), "inf in an expression; expected a finite number"),
        (lambda x: x + "1", "'1' in an expression; expected a number"),
        (lambda x: np.sin(x), "sin"),
        (lambda x: abs(x) if isinstance(x, np.ndarray) else x, "not a single expression"),
        (lambda x: None, "None in an expression"),
        (lambda x: x / 0, "division by 0"),
    ],
)
def test_what_cannot_be_traced_is_explained(function, message):
    with np.errstate(all="ignore"), pytest.raises(dn.ParameterError, match=f"tracing it failed: .*{message}"):
        Expression(function)


def test_errors_in_texts_show_the_place():
    with pytest.raises(dn.EquationError, match=r"Expression: function: .*line 1, column 12: unknown name 'V'"):
        Expression("1/(1 + abs(V))")


def test_texts_that_cannot_be_encoded_are_refused():
    with pytest.raises(dn.EquationError, match=r"function = .*: expected text that can be encoded in UTF-8"):
        Expression("a\udcff")


def test_older_files_with_postfix_order_are_read(tmp_path):
    path = tmp_path / "older.toml"
    path.write_text(
        'dendrion = 1\n[populations.cell]\nV_th = -50\nV_reset = -60\ncompartments.soma = { kind = "LeakyIF" }\n'
        'surrogate = { postfix = [1, 1, "x", "abs", "add", 2, "pow", "div"], relative = true }\n'
    )
    found = dn.Network.load(path).populations[0].surrogate_grad_fn
    assert found == Expression("1 / (1 + abs(x))^2", relative=True)


@pytest.mark.parametrize("kind", [dn.Sigmoid, dn.FastSigmoid, dn.ATan, dn.Triangle, dn.Gaussian, dn.MultiGaussian])
def test_defaults_are_those_of_the_texts(kind):
    assert list(kind()._spec()) == _core.Surrogate(kind.__name__, [], False).numbers
