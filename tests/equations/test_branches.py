"""A branch of `where`, `if`, `min`, `max` or `clip` that is not taken does not influence values or gradients.

Each case contains the same quantity q twice: once with a branch that is infinite, NaN or infinitely steep where it is
not taken, and once as the tangent at the point at which the test runs. Values and gradients must agree.
"""

import os
import subprocess
import sys
from pathlib import Path

import dendrion as dn
import numpy as np
import pytest

# Some of the currents are steep on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::dendrion.TimeStepWarning")

METHODS = list(dn.SolverMethodODE)
V0 = -60.0
#: x is exactly 0 at V0, for any order of the operations.
X = "_x = (V + 60 mV)/(8 mV)"


def case(q, tangent, *more):
    return "\n".join([X, *more, f"q = {q} : 1"]), "\n".join([X, f"q = {tangent} : 1"])


CASES = {
    "a trap function": case("where(abs(_x) > 1e-6, _x/(1 - exp(-_x)), 1 + _x/2)", "1 + _x/2"),
    "a trap function, if": case("_x/(1 - exp(-_x)) if abs(_x) > 1e-6 else 1 + _x/2", "1 + _x/2"),
    "a trap function, expm1": case("where(abs(_x) < 1e-6, 1 - _x/2, _x/expm1(_x))", "1 - _x/2"),
    "two trap functions in a ratio": case(
        "_a/(_a + _b)",
        "0.5 + _x/4",
        "_a = where(abs(_x) > 1e-6, _x/(1 - exp(-_x)), 1 + _x/2)",
        "_b = where(abs(_x) > 1e-7, -_x/(1 - exp(_x)), 1 - _x/2)",
    ),
    "a root at its end": case("where(V > -60 mV, sqrt((V + 60 mV)/(1 mV)), 0)", "1e-300*_x"),
    "a root below its end": case("where(V >= -50 mV, sqrt((V + 50 mV)/(1 mV)), 2*_x)", "2*_x"),
    "a root of max": case("sqrt(max(_x, 0))", "1e-300*_x"),
    "a root of max, other order": case("sqrt(max(-1, _x - 5) + 1)", "1e-300*_x"),
    "a root of clip": case("sqrt(clip(_x - 3, 0, 1)) + _x", "_x"),
    "a logarithm of min": case("log(min(_x + 2, 1)) + exp(_x)", "1 + _x"),
    "nested": case(
        "where(_x > -1, where(_x > 1, log(_x), where(_x < 0, sqrt(-_x), 3*_x)), 1/_x)",
        "3*_x",
    ),
    "shared between sides": case(
        "where(_x > 0, _u, _x) + where(_x > 1, _u*_u, 2*_x)",
        "3*_x",
        "_u = 1/_x",
    ),
    "shared between sides, a root": case(
        "where(_x > 0, _u, 0) + where(_x > 1, 2*_u, 0) + _x",
        "_x",
        "_u = sqrt(_x)",
    ),
    "shared with the outside": case(
        "_u + where(_x > 0, log(_u), 0) + where(_x < 0, 1/_u, 0)",
        "_x",
        "_u = 0 + _x",
    ),
    "and, or, not": case(
        "where(_x > 0 and 1/_x > 1, log(_x), _x) + where(not (_x > 0 or _x < 0), _x, 1/_x)",
        "2*_x",
    ),
    "an overflow": case("where(_x > 1, exp(1e4*(_x + 1)), _x) + where(_x < -1, exp(-1e4*(_x - 1)), 0)", "_x"),
    "an overflow in a quotient": case("where(_x < -1, exp(1e5*(1 + _x))/exp(1e5*(1 + _x)), 1 - _x)", "1 - _x"),
    "powers": case("where(_x > 0, _x**-0.5, 1) * where(_x > 0, log(_x), _x) + (_x + 1)**2.5", "1 + 3.5*_x"),
    "a power of 0": case("where(_x > 0, _x**0.5, 0) + 0*_x + (1 + _x)**0", "1 + 1e-300*_x"),
    "a steep power": case("where(_x > 0, _x**0.3, 0) + max(_x, 0)**0.3 + _x", "_x"),
    "a logarithm": case(
        "where(_x > 0, _x*log(_x), 0) + where(_x > 0, log10(_x), _x) + where(_x > 0, log1p(-1 - _x), 0)", "_x"
    ),
    "a time constant": case("where(_x > 0, 1/(exp(_x) - 1), exp(_x))", "1 + _x"),
    "exprel": case("where(_x < -5, exprel(-200*(_x - 10))/exprel(-300*(_x - 10)), exprel(_x))", "1 + _x/2"),
    "tanh of an infinity": case("where(_x > 0, tanh(1/_x)*log(_x), tanh(_x))", "_x"),
}

CHANNEL = """
I = g * m * (E - V)              : pA
dm/dt = (q + p - m)/(2 ms)       : 1
m(0) = q
g = 3 nS
E = -60 mV
p = 0.1
"""


def made(text, method=dn.SolverMethodODE.EULER, dtype="float64", **parameters):
    """Return a network of one cell with a channel whose equations contain the text, and probes of V, m and q."""
    channel = type("Written", (dn.Channel,), {"equations": CHANNEL + text})

    class Cell(dn.MCNeuron):
        def __init__(self):
            super().__init__(2, V_th=100.0, V_reset=-70.0, name="cell", odemethod=method)
            self.soma = dn.LeakyIF(2, V_rest=V0, C=100.0, gL=6.0)
            self.dend = dn.Compartment(2, V_rest=V0, C=40.0, gL=3.0)
            self.axial = dn.MCConn(self.soma, self.dend, 8.0)
            self.at = channel(2, self.dend, **parameters)

    cell = Cell()
    net = dn.Network([cell], dt=0.1, dtype=dtype)
    return net, [net.probe(cell.dend, "V"), net.probe(cell.at, "m"), net.probe(cell.at, "q")]


def gradients(text, *how, **parameters):
    """Return the recordings of 2 ms and the gradients of a loss that depends on them."""
    net, probes = made(text, *how, **parameters)
    run = net.run(2.0, grad=True)
    rng = np.random.default_rng(3)
    # V depends on q through m, and the loss depends on q directly as well.
    given = {p: rng.normal(size=p.values.shape) for p in probes}
    return [p.values.copy() for p in probes], run.backward(given)


def same(one, other, tolerance):
    values, grads = one
    expected, wanted = other
    for v, e in zip(values, expected, strict=True):
        np.testing.assert_allclose(v, e, rtol=tolerance, atol=tolerance)
    for key, w in [*((k, wanted[k]) for k in wanted if k in grads), *wanted.states.items()]:
        g = grads.states[key] if key in wanted.states else grads[key]
        np.testing.assert_allclose(g, w, rtol=100 * tolerance, atol=100 * tolerance, err_msg=key)


@pytest.mark.parametrize("name", CASES)
def test_a_side_that_is_not_taken_has_no_influence(name):
    text, tangent = CASES[name]
    for method in METHODS:
        same(gradients(text, method), gradients(tangent, method), 1e-12)
    for method in (dn.SolverMethodODE.EXP_EULER, dn.SolverMethodODE.CRANK_NICOLSON):
        same(gradients(text, method, "float32"), gradients(tangent, method, "float32"), 1e-5)


#: A safe denominator: c, or 1 if c is 0. The results with c = 0 (and 4 in the second neuron) must be the same.
C = "_c = c if c > 0 else 1"
PARAMETERS = {
    "a quotient": "where(c > 0, 1/c, 0) + _x",
    "a quotient of V": "where(c > 0, (V + 50 mV)/(c*1 mV), 2) + _x",
    "a condition of V": "where(V > -20 mV, (V + 20 mV)/(c*1 mV), _x)",
    "a condition of V and c": "where(c > 0 and V > -70 mV, log(c)*exp(_x/c), _x)",
    "a root and a logarithm": "where(c > 0, sqrt(c - 1)*log(c)/c, _x)",
    "nested": "where(c > 0, where(c > 2, (1 - 1/c)**0.5, 1/(c - 4)), where(c < 0, 1/c, 3*_x))",
    "if and else": "(log(c) if c > 0 else _x) + (1/c**2 if c > 1 else 1/(4 - c))",
    "a maximum": "max(sqrt(max(c, 0)) - 1, 0) + _x",
    "a power": "where(c > 0, c**-1.5, _x) + max(c, 0)**0.5",
    "0 to a power": "_x + 0*c",
    "exprel": "where(c > 0, 1/exprel(-c), 1) + where(c < 1, 0*_x, _x/(1 - exp(-c)))",
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_at_which_a_side_is_infinite(name):
    """One neuron takes one branch, and the other neuron takes the other branch."""
    q = PARAMETERS[name]
    for method in METHODS:
        for dtype in ("float64", "float32"):
            text = "\n".join([X, C, "c = 0", f"q = {q} : 1"])
            net, probes = made(text, method, dtype, c=[0.0, 4.0])
            run = net.run(2.0, grad=True)
            grads = run.backward({p: np.ones(p.values.shape) for p in probes})
            assert all(np.isfinite(p.values).all() for p in probes)
            # Each neuron has the same gradient as it has alone.
            for k, c in enumerate((0.0, 4.0)):
                alone, probes_alone = made(text, method, dtype, c=[c, c])
                run = alone.run(2.0, grad=True)
                expected = run.backward({p: np.ones(p.values.shape) for p in probes_alone})
                np.testing.assert_array_equal(grads["cell/at.c"][k], expected["cell/at.c"][k])


def difference(text, c, h=1e-3, **how):
    """Return the gradient with respect to c, and its central difference of fourth order."""

    def loss(c):
        net, probes = made(text, c=c, **how)
        net.run(2.0)
        return sum(p.values.sum() for p in probes)

    net, probes = made(text, c=c, **how)
    run = net.run(2.0, grad=True)
    grad = run.backward({p: np.ones(p.values.shape) for p in probes})["cell/at.c"]
    return grad, (8 * (loss(c + h) - loss(c - h)) - (loss(c + 2 * h) - loss(c - 2 * h))) / (12 * h)


@pytest.mark.parametrize("method", [dn.SolverMethodODE.EULER, dn.SolverMethodODE.EXP_EULER])
@pytest.mark.parametrize(
    "q",
    [
        "c/(1 - exp(-c)) if abs(c) > 1e-6 else 1 + c/2",
        "where(abs(c - _x) > 1e-6, (c - _x)/(1 - exp(_x - c)), 1 + (c - _x)/2)",
        "where(abs(c) > 1e-6, sin_c/c, 1)",
        "_x*where(abs(c) > 1e-6, c/expm1(c), 1 - c/2)",
        "where(c > -10, c, sqrt(-10 - c))",
        "exp(where(c > 1, log(c - 1), c))",
        "tanh(c)*where(c > 2, log(c - 2), 1/(c - 3))",
    ],
)
def test_parameters_against_differences(q, method):
    # An odd and smooth function replaces sin(c).
    text = "\n".join([X, "c = 0", "sin_c = tanh(c) : 1", f"q = {q} : 1"])
    grad, expected = difference(text, 0.0, method=method)
    assert grad == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_initial_values():
    text = "\n".join(
        [
            X,
            "c = 0",
            "q = _x + r + s : 1",
            "dr/dt = (_x - r)/(5 ms) : 1",
            "r(0) = where(c > 0, log(c)/c, 2 + c)",
            "ds/dt = -s/(3 ms) : 1",
            "s(0) = where(V > -60 mV, sqrt((V + 60 mV)/(1 mV)), 1)*(1/c if c > 0 else 3*_x)",
        ]
    )
    safe = "\n".join(
        [
            X,
            "c = 0",
            "q = _x + r + s : 1",
            "dr/dt = (_x - r)/(5 ms) : 1",
            "r(0) = 2 + c",
            "ds/dt = -s/(3 ms) : 1",
            "s(0) = 3*_x",
        ]
    )
    same(gradients(text), gradients(safe), 1e-12)


def test_events():
    """If an event does not occur, its assignments and its condition have no influence."""
    text = "\n".join([X, "q = _x + n : 1", "dn/dt = (_x - n)/(5 ms) : 1", "on spike: n += where(_x > 0, 1/_x, 1)"])
    safe = "\n".join([X, "q = _x + n : 1", "dn/dt = (_x - n)/(5 ms) : 1", "on spike: n += 1"])
    same(gradients(text), gradients(safe), 1e-12)
    # Without a spike, the value that it would set is infinite or NaN.
    for value in ("n + 1/_x", "sqrt(_x - 1)", "n + log(_x)*0.1"):
        text = "\n".join([X, "q = _x + n : 1", "dn/dt = (_x - n)/(5 ms) : 1", f"on spike: n = {value}"])
        safe = "\n".join([X, "q = _x + n : 1", "dn/dt = (_x - n)/(5 ms) : 1"])
        same(gradients(text), gradients(safe), 1e-12)


SUBPROCESS = """
import sys
sys.path.insert(0, sys.argv[1])
import test_branches as t
for name, (text, tangent) in t.CASES.items():
    t.same(t.gradients(text), t.gradients(tangent), 1e-12)
"""


def test_without_machine_code():
    """The interpreter, and its vectors without fused multiply-add, give the same results."""
    here = str(Path(__file__).parent)
    env = os.environ | {"DENDRION_LEVEL": "baseline"}
    subprocess.run([sys.executable, "-c", SUBPROCESS, here], env=env, check=True)


TRAP = """
NEURON {
    SUFFIX trap
    NONSPECIFIC_CURRENT i
    RANGE g, a, b
}
UNITS { (mV) = (millivolt) (mA) = (milliamp) (S) = (siemens) }
PARAMETER { g = 1e-4 (S/cm2) }
ASSIGNED { v (mV) i (mA/cm2) a (/ms) b (/ms) }
STATE { m }
BREAKPOINT {
    SOLVE states METHOD cnexp
    i = g*m*(v + 60)
}
INITIAL { rates(v) m = a/(a + b) }
DERIVATIVE states { rates(v) m' = a*(1 - m) - b*m }
FUNCTION trap(x, y) {
    if (fabs(x/y) < 1e-6) {
        trap = y*(1 - x/y/2)
    } else {
        trap = x/(exp(x/y) - 1)
    }
}
PROCEDURE rates(v) {
    a = 0.1*trap(-(v + 60), 10)
    if (v == -60) { b = 0.4 + 0.02*(v + 60) } else { b = 0.04*(v + 60)/(1 - exp(-(v + 60)/10)) }
}
"""


@pytest.mark.parametrize("method", [dn.SolverMethodODE.EXP_EULER, dn.SolverMethodODE.RK4])
def test_guarded_rates_of_nmodl(tmp_path, method):
    """At the voltage where both rates are 0/0, gradients agree with differences."""
    path = tmp_path / "trap.mod"
    path.write_text(TRAP)
    trap = dn.nmodl.load(path)

    class Cell(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=100.0, V_reset=-70.0, name="cell", odemethod=method)
            self.soma = dn.LeakyIF(1, V_rest=V0, C=1.0, gL=50.0, length=20.0, diameter=20.0)
            self.trap = trap(1, self.soma)

    def ran(v_rest, grad):
        cell = Cell()
        net = dn.Network([cell], dt=0.1)
        probes = [net.probe(cell.trap, "m"), net.probe(cell.soma, "V")]
        net.set_parameters({"cell/soma.V_rest": v_rest})
        net.reset()
        run = net.run(3.0, grad=grad)
        return probes, run

    def loss(v_rest):
        return sum(p.values.sum() for p in ran(v_rest, False)[0])

    probes, run = ran(V0, True)
    grads = run.backward({p: np.ones(p.values.shape) for p in probes})
    h = 1e-2
    expected = (8 * (loss(V0 + h) - loss(V0 - h)) - (loss(V0 + 2 * h) - loss(V0 - 2 * h))) / (12 * h)
    assert grads["cell/soma.V_rest"] == pytest.approx(expected, rel=1e-6)
    assert all(np.isfinite(g).all() for g in grads.values())
