"""Networks are JAX functions that work with ``jit``, ``grad`` and ``value_and_grad``."""

import itertools

import dendrion as dn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dendrion.jax import function

from . import reference  # switches JAX to double precision
from .cells import DT, Made

STEPS = 100
assert reference


def test_a_jitted_training_step_runs_and_learns():
    made = Made(i_ext=10.0, V_th=0.0)
    f = function(made.net, STEPS * DT, [made.source], [made.v, made.spikes])
    params = {key: jnp.asarray(made.net.parameters()[key]) for key in ("w.w", "cell/dend.gL", "rec.w")}
    x = jnp.asarray(made.input(STEPS, batch=(3,), rate=0.1))

    def loss(params, x):
        v, spikes = f(params, x)
        return (jnp.mean(v) + 62.0) ** 2 + jnp.mean(spikes)

    step = jax.jit(jax.value_and_grad(loss))
    values = []
    for _ in range(15):
        value, gradient = step(params, x)
        values.append(float(value))
        params = jax.tree.map(lambda p, g: jnp.maximum(p - 0.1 * jnp.sign(g) * jnp.abs(p), 1e-3), params, gradient)
    assert all(later < earlier for earlier, later in itertools.pairwise(values))


def test_gradients_are_those_of_the_network():
    made = Made()
    f = function(made.net, STEPS * DT, [made.source], [made.v])
    x = made.input(STEPS)
    before = made.net.parameters()
    given = {"cell/soma.gL": before["cell/soma.gL"], "w_ampa.w": before["w_ampa.w"]}
    for g in (
        jax.grad(lambda p, x: f(p, x).sum(), argnums=(0, 1)),
        jax.jit(jax.grad(lambda p, x: f(p, x).sum(), (0, 1))),
    ):
        of_params, of_x = g(given, x)
        made.net.reset()
        run = made.net.run(STEPS * DT, grad=True, inputs={made.source: x})
        found = run.backward({made.v: np.ones((STEPS, made.n))})
        for key in given:
            np.testing.assert_array_equal(of_params[key], found[key])
        np.testing.assert_array_equal(of_x, found["source"])


def test_a_function_evaluated_many_times_before_its_reverse():
    made = Made()
    f = function(made.net, STEPS * DT, [made.source], [made.v])
    x, p = made.input(STEPS), {"cell/soma.gL": made.net.parameters()["cell/soma.gL"]}
    pulls = [jax.vjp(lambda p, k=k: f(p, k * x).sum(), p)[1] for k in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)]
    expected = [jax.grad(lambda p, k=k: f(p, k * x).sum())(p) for k in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)]
    for pull, e in zip(pulls, expected, strict=True):
        for _ in range(2):
            assert float(pull(1.0)[0]["cell/soma.gL"]) == float(e["cell/soma.gL"])


def test_errors():
    made = Made()
    f = function(made.net, STEPS * DT, [made.source], [made.v])
    with pytest.raises(dn.UnknownNameError, match=r"no parameter named 'cell/soma\.g'"):
        f({"cell/soma.g": 1.0}, made.input(STEPS))
    with pytest.raises(dn.ParameterError, match="expected 1, one for each generator"):
        f({})
    with pytest.raises(dn.ParameterError, match=r"source: input of shape \(3, 4\): expected shape \(100, 4\)"):
        f({}, np.zeros((3, 4)))


def test_the_duration_is_a_multiple_of_dt():
    made = Made()
    with pytest.raises(
        dn.ParameterError, match=r"duration = 0\.25: expected a multiple of dt = 0\.1 ms, such as 0\.2 or 0\.3"
    ):
        function(made.net, 0.25, [made.source], [made.v])
