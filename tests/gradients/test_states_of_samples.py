"""The states of each sample of a batch can be read, set, carried over and differentiated."""

import dendrion as dn
import numpy as np
import pytest

from .cells import DT, Made

STEPS = 60


def test_they_have_the_shape_of_the_batch():
    made = Made()
    assert made.net.get_state()["cell/soma.V"].shape == (made.n,)
    made.net.run(STEPS * DT, batch=3, inputs={made.source: made.input(STEPS, batch=(3,))})
    state = made.net.get_state()
    assert {value.shape for value in state.values()} == {(3, made.n)}
    alone = Made()
    alone.net.run(STEPS * DT, inputs={alone.source: made.input(STEPS, batch=(3,))[2]})
    for key, value in alone.net.get_state().items():
        np.testing.assert_array_equal(state[key][2], value)


def test_setting_them_makes_a_batch():
    made, batch = Made(), 3
    start = np.linspace(-70.0, -55.0, batch * made.n).reshape(batch, made.n)
    x = made.input(STEPS, batch=(batch,))
    made.net.set_state({"cell/soma.V": start, "cell/dend.V": -60.0})
    np.testing.assert_array_equal(made.net.get_state()["cell/soma.V"], start)
    made.net.run(STEPS * DT, batch=batch, inputs={made.source: x})
    for k in range(batch):
        alone = Made()
        alone.net.set_state({"cell/soma.V": start[k], "cell/dend.V": -60.0})
        alone.net.run(STEPS * DT, inputs={alone.source: x[k]})
        np.testing.assert_array_equal(made.v.values[k], alone.v.values)
    made.net.reset()
    assert made.net.get_state()["cell/soma.V"].shape == (made.n,)


def test_states_carry_over_to_another_network():
    made, other = Made(V_th=100.0), Made(V_th=100.0)
    made.net.run(STEPS * DT, batch=2, inputs={made.source: made.input(STEPS, batch=(2,))})
    other.net.set_state(made.net.get_state())
    for key, value in made.net.get_state().items():
        np.testing.assert_array_equal(other.net.get_state()[key], value)


def test_gradients_are_of_each_sample():
    made = Made(V_th=100.0)
    start = np.linspace(-70.0, -55.0, 3 * made.n).reshape(3, made.n)
    x = made.input(STEPS, batch=(3,))

    def loss(start, grad=False):
        made.net.reset()
        made.net.set_state({"cell/soma.V": start})
        run = made.net.run(STEPS * DT, batch=3, inputs={made.source: x}, grad=grad)
        value = np.square(made.v.values).sum()
        return run.backward({made.v: 2 * made.v.values}).states["cell/soma.V"] if grad else value

    found = loss(start, grad=True)
    assert found.shape == start.shape
    h = 1e-4
    for at in ((0, 0), (1, 3), (2, 4)):
        step = np.zeros_like(start)
        step[at] = h
        assert found[at] == pytest.approx((loss(start + step) - loss(start - step)) / (2 * h), rel=1e-6)


def test_wrong_shapes_change_nothing():
    made = Made()
    n, net = made.n, made.net
    before = net.get_state()
    for value, match in (
        (
            np.zeros(n + 1),
            r"shape \(6,\): expected a number, an array of shape \(5,\), or one of shape \(batch, 5\) for a batch",
        ),
        (
            np.zeros((2, n + 1)),
            r"shape \(2, 6\): expected a number, an array of shape \(5,\), or one of shape \(2, 5\)",
        ),
        (np.zeros((2, 1, n)), r"shape \(2, 1, 5\)"),
        (np.full((2, n), np.nan), r"cell/soma\.V = nan: expected a finite number"),
    ):
        with pytest.raises(dn.ParameterError, match=match):
            net.set_state({"cell/dend.V": -50.0, "cell/soma.V": value})
    with pytest.raises(
        dn.ParameterError, match=r"\(3, 5\): expected a number, an array of shape \(5,\), or one of shape \(2, 5\)"
    ):
        net.set_state({"cell/dend.V": np.zeros((2, n)), "cell/soma.V": np.zeros((3, n))})
    for key, value in before.items():
        np.testing.assert_array_equal(net.get_state()[key], value)
    net.set_state({"cell/soma.V": np.full((2, n), -60.0)})
    with pytest.raises(dn.ParameterError, match=r"of shape \(2, 5\) for a batch"):
        net.set_state({"cell/soma.V": np.zeros((3, n))})
    with pytest.raises(dn.ParameterError, match="batch = 3"):
        net.run(1.0, batch=3)
    with pytest.raises(dn.ParameterError, match="batch = None"):
        net.run(1.0)
