"""The JAX functions of networks are pure: their results depend only on their arguments."""

import dendrion as dn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dendrion.jax import function

from . import reference  # switches JAX to double precision
from .cells import DT, Made

STEPS = 60
assert reference
GL = "cell/soma.gL"


class Noisy(dn.MCNeuron):
    def __init__(self):
        super().__init__(2, V_th=-50.0, V_reset=-60.0, name="cell")
        self.soma = dn.LeakyIF(2, V_rest=-65.0, C=20.0, gL=1.0)
        self.noise = dn.WhiteNoise(self.soma, sigma=5.0)


@pytest.fixture
def noisy():
    net = dn.Network([Noisy()], dt=DT, seed=4)
    v = net.probe(net["cell/soma"], "V")
    return net, v, function(net, STEPS * DT, [], [v])


def test_parameters_left_out_are_those_of_when_it_was_made():
    made = Made()
    x = made.input(STEPS)
    f = function(made.net, STEPS * DT, [made.source], [made.v])
    g = function(made.net, STEPS * DT, [made.source], [made.v])
    gl = made.net.parameters()[GL]
    empty, expected = f({}, x), f({GL: gl}, x)
    np.testing.assert_array_equal(empty, expected)
    changed = g({GL: 2 * gl, "w.w": 3 * made.weights["w"]}, x)
    assert not np.array_equal(changed, expected)
    np.testing.assert_array_equal(f({}, x), expected)
    made.net.set_parameters({GL: 3 * gl, "w.w": 0.0 * made.weights["w"], "cell.V_th": 10.0})
    made.cell.soma.I_ext = 500.0
    np.testing.assert_array_equal(f({}, x), expected)
    np.testing.assert_array_equal(f({GL: gl}, x), expected)
    np.testing.assert_array_equal(jax.jit(f)({}, x), expected)


def test_a_piecewise_rate_is_kept_too():
    cell, rate = Noisy(), dn.Piecewise([0.0, 2.0], [2000.0, 100.0])
    cell.ampa = dn.AMPA(2, g=1.0, t_decay=2.0)
    cell.on = dn.MCConnSynapse(cell.ampa, cell.soma)
    source = dn.PoissonGenerator(3, rate=rate, name="source")
    net = dn.Network([cell, source, dn.MCSynapse(source, cell.ampa, conn=np.ones((3, 2)))], dt=DT)
    f = function(net, STEPS * DT, [], [net.probe(cell.soma, "V")])
    expected = f({})
    # An array with this shape keeps the times.
    source.rate = [100.0, 4000.0]
    np.testing.assert_array_equal(f({}), expected)
    assert list(source.rate) == [2000.0, 100.0]
    source.rate = 50.0
    with pytest.raises(jax.errors.JaxRuntimeError, match=r"source\.rate: was a Piecewise when .* was created"):
        f({})


def test_a_pull_back_that_runs_again_has_its_own_parameters():
    made = Made()
    x, gl = made.input(STEPS), made.net.parameters()[GL]
    f = function(made.net, STEPS * DT, [made.source], [made.v])

    def gradient(params):
        return jax.grad(lambda p: f(p, x).sum())(params)

    expected = gradient({GL: gl})
    _, pull = jax.vjp(lambda p: f(p, x).sum(), {GL: gl})
    for _ in range(3):
        # Each of these calls would change the values of omitted arguments if the function were not pure.
        gradient({GL: 2 * gl, "w.w": 2 * made.weights["w"], "cell/dend.gL": 1.0})
        made.net.set_parameters({"cell/dend.gL": 77.0})
        np.testing.assert_array_equal(pull(1.0)[0][GL], expected[GL])


def test_remat_vmap_and_jit():
    made = Made()
    f = function(made.net, STEPS * DT, [made.source], [made.v])
    gl, xs = made.net.parameters()[GL], jnp.asarray(made.input(STEPS, batch=(6,)))

    def loss(p, x):
        return jnp.square(f({GL: p}, x)).sum()

    each = [jax.grad(loss)(gl, x) for x in xs]
    np.testing.assert_array_equal(jax.grad(jax.checkpoint(loss))(gl, xs[0]), each[0])
    np.testing.assert_array_equal(jax.vmap(jax.grad(loss), in_axes=(None, 0))(gl, xs), jnp.stack(each))
    np.testing.assert_array_equal(jax.jit(jax.vmap(jax.grad(loss), in_axes=(None, 0)))(gl, xs), jnp.stack(each))
    scales = jnp.asarray([1.0, 1.2, 0.8])
    scaled = jax.vmap(jax.grad(lambda k: loss(k * gl, xs[0])))(scales)
    np.testing.assert_array_equal(scaled, [jax.grad(lambda k: loss(k * gl, xs[0]))(k) for k in scales])
    jacobian = jax.jacrev(lambda p: f({GL: p}, xs[0])[-1])(gl)
    np.testing.assert_allclose(jacobian.sum(0), jax.grad(lambda p: f({GL: p}, xs[0])[-1].sum())(gl), rtol=1e-12)


def test_derivatives_that_there_are_not():
    made = Made()
    x = made.input(STEPS)
    f = function(made.net, STEPS * DT, [made.source], [made.v])

    def loss(k):
        return f({}, k * x).sum()

    for second in (jax.grad(jax.grad(loss)), jax.hessian(loss), jax.jit(jax.grad(jax.grad(loss)))):
        with pytest.raises(dn.RunError, match="second derivatives and forward mode are not available"):
            second(1.0)
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(loss, (1.0,), (1.0,))


def test_noise_follows_the_seed(noisy):
    net, v, f = noisy
    default = f({})
    np.testing.assert_array_equal(f({}), default)
    np.testing.assert_array_equal(f({}, seed=4), default)
    five = f({}, seed=5)
    assert not np.array_equal(five, default)
    np.testing.assert_array_equal(f({}), default)
    net.reset(seed=5)
    net.run(STEPS * DT)
    np.testing.assert_array_equal(v.values, five)
    # Later changes to the network do not affect the function.
    np.testing.assert_array_equal(f({}), default)
    seeded = jax.jit(lambda seed: f({}, seed=seed))
    np.testing.assert_array_equal(seeded(5), five)
    np.testing.assert_array_equal(seeded(jnp.int32(5)), five)
    np.testing.assert_array_equal(f({}, seed=2**64 - 1), f({}, seed=np.uint64(2**64 - 1)))


def test_keys_are_seeds(noisy):
    _, _, f = noisy
    for make in (jax.random.key, jax.random.PRNGKey):
        keys = jax.random.split(make(0), 3)
        each = [f({}, seed=key) for key in keys]
        assert not np.array_equal(each[0], each[1])
        np.testing.assert_array_equal(each[0], f({}, seed=keys[0]))
        np.testing.assert_array_equal(jax.vmap(lambda key: f({}, seed=key))(keys), jnp.stack(each))
    assert f({}, seed=jax.random.key(0, impl="rbg")).shape == each[0].shape


def test_the_reverse_has_the_noise_of_its_call(noisy):
    net, _, f = noisy
    gl = net.parameters()[GL]

    def loss(p, seed):
        return jnp.square(f({GL: p}, seed=seed)).sum()

    expected = [jax.grad(loss)(gl, seed) for seed in (1, 2)]
    _, pull = jax.vjp(lambda p: loss(p, 1), gl)
    loss(gl, 2)
    for _ in range(2):
        np.testing.assert_array_equal(pull(1.0)[0], expected[0])
    assert not np.array_equal(expected[0], expected[1])


def test_wrong_seeds(noisy):
    _, _, f = noisy
    for bad, error in ((-1, dn.ParameterError), (2**64, dn.ParameterError), (1.5, dn.ParameterTypeError)):
        with pytest.raises(error, match="seed"):
            f({}, seed=bad)


def test_initial_states_of_each_sample_have_gradients():
    made = Made(V_th=100.0)
    f = function(made.net, STEPS * DT, [made.source], [made.v])
    x = made.input(STEPS, batch=(3,))
    start = np.linspace(-70.0, -55.0, 3 * made.n).reshape(3, made.n)

    def loss(start, x):
        return jnp.square(f({}, x, state={"cell/soma.V": start})).sum()

    assert np.array_equal(f({}, x, state={"cell/soma.V": start})[:, 0], start)
    found = jax.jit(jax.grad(loss))(start, x)
    assert found.shape == start.shape
    for k in range(3):
        np.testing.assert_allclose(found[k], jax.grad(loss)(start[k], x[k]), rtol=1e-12)
    one = jax.grad(loss)(start[0], x)
    np.testing.assert_allclose(one, jax.grad(loss)(np.tile(start[0], (3, 1)), x).sum(0), rtol=1e-12)
    with pytest.raises(dn.ParameterError, match="expected a batch size of 3"):
        f({}, x, state={"cell/soma.V": start[:2]})
