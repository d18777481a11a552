"""Gradients through spikes, delays and recurrent connections agree with JAX for the same equations."""

import dendrion as dn
import numpy as np
import pytest

from . import reference
from .cells import DT, Made

STEPS = 300


def own(x):
    """A custom surrogate that uses only operations of both NumPy and JAX arrays."""
    return 0.5 / (1.0 + (abs(x) / 0.8) ** 3)


def in_jax(surrogate):
    import jax.numpy as jnp

    def normal(x, mean, sigma):
        return jnp.exp(-0.5 * ((x - mean) / sigma) ** 2) / jnp.sqrt(2 * jnp.pi) / sigma

    match surrogate:
        case dn.Sigmoid(alpha=a):
            return lambda x: a / 4 / jnp.cosh(a * x / 2) ** 2
        case dn.FastSigmoid(alpha=a):
            return lambda x: 1 / (1 + a * jnp.abs(x)) ** 2
        case dn.ATan(alpha=a):
            return lambda x: 0.5 * a / (1 + (0.5 * jnp.pi * a * x) ** 2)
        case dn.Triangle(alpha=a):
            return lambda x: a * jnp.maximum(0, 1 - a * jnp.abs(x))
        case dn.Gaussian(sigma=s):
            return lambda x: normal(x, 0, s)
        case dn.MultiGaussian(sigma=s, h=h, s=k):
            return lambda x: (1 + h) * normal(x, 0, s) - h * (normal(x, s, k * s) + normal(x, -s, k * s))
        case dn.surrogate.Expression():
            return own
    return surrogate


CASES = [
    (dn.Sigmoid(1.0), {}),
    (dn.Sigmoid(), {}),
    (dn.FastSigmoid(0.8), {}),
    (dn.ATan(0.7), {}),
    (dn.Triangle(0.3), {}),
    (dn.Gaussian(2.0), {}),
    (dn.MultiGaussian(1.2, 0.2, 4.0), {}),
    (own, {}),
    (dn.Sigmoid(0.5), {"detach_reset": True}),
    (dn.Sigmoid(0.5), {"refractory": 1.2}),
    (dn.ATan(0.5), {"soft": True}),
    (dn.FastSigmoid(5.0, relative=True), {}),
    (dn.Sigmoid(6.0, relative=True), {"detach_reset": True}),
    (dn.MultiGaussian(0.1, relative=True), {"refractory": 1.2}),
    (dn.surrogate.Expression(own, relative=True), {}),
]


def differences(made, found, expected):
    """Return the largest error of each gradient, relative to the gradient's largest value."""
    worst = {}
    for key, gradient in found.items():
        reference_key = made.reference_key(key) if "." in key else "x"
        if reference_key in expected:
            exact = np.asarray(expected[reference_key])
            worst[key] = np.abs(gradient - exact).max() / max(np.abs(exact).max(), 1e-12)
    return worst


# With a steep surrogate, the derivative through the reset grows, and must grow as it does in JAX.
@pytest.mark.filterwarnings("ignore::dendrion.GradientWarning")
@pytest.mark.parametrize(("surrogate", "how"), CASES, ids=lambda v: repr(v) if v != own else "own")
def test_gradients_agree_with_jax(surrogate, how, report):
    settings, soft = {"detach_reset": False} | how, how.get("soft", False)
    if settings.pop("soft", False):
        settings |= {"V_reset": None, "V_th": 12.0}
    made = Made(surrogate_grad_fn=surrogate, **settings)
    if soft:
        # A spike subtracts V_th, which must be > 0, so all potentials are raised by 70 mV.
        moved = {"cell/soma.V_rest": 5.0, "cell/dend.V_rest": 4.0, "cell/nmda.E": 72.0, "cell/ampa.E": 69.0}
        made.net.set_parameters(moved)
        made.net.reset()
    x, cotangents = made.input(STEPS), made.cotangents(STEPS)
    run = made.net.run(STEPS * DT, grad=True, inputs={made.source: x})
    assert len(made.spikes) > 20
    found = run.backward(dict(zip(made.probes, cotangents, strict=True)))
    given = {made.reference_key(key): value for key, value in made.net.parameters().items()}
    given = {key: np.asarray(value) for key, value in given.items()}
    if soft:
        given["V_reset"] = np.asarray(0.0)
    refractory = round(how.get("refractory", 0.0) / DT)
    relative = getattr(surrogate, "relative", False)
    switches = {"soft": soft, "detach": how.get("detach_reset", False), "refractory": refractory, "relative": relative}
    settings = {"surrogate": in_jax(surrogate), "steps": STEPS, "dt": DT} | switches
    recorded = reference.simulate(given, x, made.delays, **settings)
    np.testing.assert_allclose(made.v.values, recorded[0], atol=1e-9)
    np.testing.assert_array_equal(made.spikes.dense(), np.asarray(recorded[2]) > 0)
    by_parameter, by_input = reference.gradient(given, x, made.delays, cotangents, **settings)
    worst = differences(made, found, {**by_parameter, "x": by_input})
    assert len(worst) > 25
    key = max(worst, key=worst.__getitem__)
    name = "own" if surrogate is own else repr(surrogate)
    report("Gradients against JAX", surrogate=name, how=how or "", spikes=len(made.spikes), worst=worst[key], of=key)
    assert worst[key] < 1e-8
