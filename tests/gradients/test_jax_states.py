"""Functions that return their state and continue from it have the outputs and gradients of one call."""

import dendrion as dn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dendrion.jax import State, function

from . import reference  # switches JAX to double precision
from .cells import DT, Made

PIECE = 30
assert reference


def functions(pieces):
    made = Made(i_ext=10.0, V_th=-55.0)
    spikes = made.net.probe(made.cell, "spikes")
    outputs = [made.v, spikes, dn.Filtered(spikes, 5.0, tau_rise=1.0, every=0.3)]
    return made, function(made.net, pieces * PIECE * DT, [made.source], outputs)


def weighted(outputs):
    rng = np.random.default_rng(4)
    return sum((jnp.asarray(rng.random(o.shape)) * o).sum() for o in outputs)


def in_pieces(f, params, x, state):
    found = []
    for k in range(3):
        out, state = f(params, x[:, k * PIECE : (k + 1) * PIECE], state)
        found.append(out)
    return [jnp.concatenate([out[k] for out in found], axis=1) for k in range(3)], state


def test_pieces_are_one_call():
    made, whole = functions(3)
    other, f = functions(1)
    x = jnp.asarray(made.input(3 * PIECE, batch=(2,), rate=0.2))
    params = {
        key: jnp.asarray(made.net.parameters()[key]) for key in ("w.w", "rec.w", "cell/dend.gL", "cell/soma.V_rest")
    }
    expected = whole(params, x)
    found, state = in_pieces(f, params, x, f.initial_state(2))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(state.step) == 3 * PIECE
    assert expected[1].sum() > 3

    def loss(params, x):
        return weighted(whole(params, x))

    def loss_in_pieces(params, x):
        return weighted(in_pieces(f, params, x, f.initial_state(2))[0])

    of_whole = jax.grad(loss, argnums=(0, 1))(params, x)
    for gradient in (jax.grad(loss_in_pieces, (0, 1)), jax.jit(jax.grad(loss_in_pieces, (0, 1)))):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9), gradient(params, x), of_whole)
    assert other is not made


def test_states_can_be_stopped_replaced_and_scanned():
    _, f = functions(1)
    made, _ = functions(1)
    x = jnp.asarray(made.input(3 * PIECE, batch=(2,), rate=0.2)).reshape(2, 3, PIECE, -1).swapaxes(0, 1)
    params = {"w.w": jnp.asarray(made.net.parameters()["w.w"])}
    # After a first call, the structure of the state no longer changes.
    _, state = f(params, x[0], f.initial_state(2, seed=3))
    final, outs = jax.lax.scan(lambda state, x: f(params, x, state)[::-1], state, x[1:])
    expected = [f(params, x[1], state)]
    expected.append(f(params, x[2], expected[0][1]))
    np.testing.assert_array_equal(outs[0][1], expected[1][0][0])
    assert isinstance(final, State)

    def loss(v):
        out, _ = f(params, x[0], f.initial_state(2).replace({"cell/soma.V": v}))
        return out[0].sum()

    v = jnp.full(final["cell/soma.V"].shape[1:], -60.0)
    assert (jax.grad(loss)(v) != 0).all()

    def stopped(params):
        _, state = f(params, x[0], f.initial_state(2))
        return weighted(f({}, x[1], jax.lax.stop_gradient(state))[0])

    assert (jax.grad(stopped)(params)["w.w"] == 0).all()


def test_mistakes_are_explained():
    made, f = functions(1)
    x = jnp.asarray(made.input(PIECE, batch=(2,)))
    with pytest.raises(dn.ParameterError, match="state with batch = None, but inputs with batch = 2"):
        f({}, x, f.initial_state())
    with pytest.raises(dn.ParameterError, match="got a State twice"):
        f({}, x, f.initial_state(2), state=f.initial_state(2))
    with pytest.raises(dn.UnknownNameError, match=r"no entry named 'cell/soma\.W'"):
        f.initial_state(2).replace({"cell/soma.W": 0.0})
    odd = function(made.net, 7 * DT, [made.source], [dn.Filtered(made.spikes, 5.0, every=0.3)])
    with pytest.raises(dn.ParameterError, match=r"a sample every 3 steps: expected a divisor of the 7 steps"):
        odd({}, x[:, :7], odd.initial_state(2))
