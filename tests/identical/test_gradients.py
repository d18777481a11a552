"""Gradients are bit-identical for any number of threads, any memory limit, and with or without a batch."""

import dendrion as dn
import numpy as np
import pytest

from ..gradients.cells import DT, Cell, Made

STEPS = 500


def gradients(threads=None, memory=2**30, n=5, **settings):
    # A wide and low surrogate, because gradients through hundreds of spikes would otherwise overflow.
    surrogate = dn.Triangle(0.1)
    made = Made(threads=threads, n=n, m=6, strength=1.0 / n, surrogate_grad_fn=surrogate, detach_reset=True, **settings)
    run = made.net.run(STEPS * DT, grad=True, memory=memory, inputs={made.source: made.input(STEPS)})
    assert len(made.spikes) > 0
    return run.backward(dict(zip(made.probes, made.cotangents(STEPS), strict=True)))


def assert_same(a, b):
    assert list(a) == list(b)
    for key in a:
        np.testing.assert_array_equal(a[key], b[key], err_msg=key)
    for key in a.states:
        np.testing.assert_array_equal(a.states[key], b.states[key], err_msg=key)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_threads_change_nothing(dtype):
    one = gradients(1, n=300, dtype=dtype)
    for threads in (2, 4):
        assert_same(one, gradients(threads, n=300, dtype=dtype))


@pytest.mark.parametrize("method", [dn.SolverMethodODE.EULER, dn.SolverMethodODE.CRANK_NICOLSON])
def test_memory_changes_nothing(method):
    whole = gradients(odemethod=method)
    # One level of checkpoints, two levels, and the plan that needs the least memory.
    for memory in (200_000, 40_000, 1):
        assert_same(whole, gradients(memory=memory, odemethod=method))
    assert_same(whole, gradients(threads=3, memory=40_000, odemethod=method))


def test_random_input_and_noise_are_drawn_again_the_same():
    def gradient(memory):
        cell = Cell(4, V_th=-58.0, V_reset=-62.0, surrogate_grad_fn=dn.ATan(0.5), name="cell")
        noise = dn.WhiteNoise(cell.soma, sigma=30.0), dn.OUNoise(cell.dend, sigma=20.0, tau=5.0)
        source = dn.PoissonGenerator(6, rate=150.0, name="source")
        synapse = dn.MCSynapse(source, cell.nmda, conn=np.full((6, 4), 0.2), delay=0.4, name="synapse")
        assert all(n.parent is cell for n in noise)
        net = dn.Network([cell, source, synapse], dt=DT, seed=2)
        v = net.probe(cell.soma, "V")
        run = net.run(STEPS * DT, grad=True, memory=memory)
        return run.backward({v: np.ones((STEPS, 4))})

    assert_same(gradient(2**30), gradient(20_000))


def test_a_batch_is_a_loop_over_samples():
    made = Made(strength=0.3)
    x, cotangents = made.input(STEPS, batch=(3,)), made.cotangents(STEPS, batch=(3,))
    run = made.net.run(STEPS * DT, grad=True, batch=3, inputs={made.source: x})
    together = run.backward(dict(zip(made.probes, cotangents, strict=True)))
    v, spikes = made.v.values, made.spikes.counts()
    assert v.shape == (3, STEPS, made.n)
    total: dict[str, np.ndarray] = {}
    for b in range(3):
        made.net.reset()
        run = made.net.run(STEPS * DT, grad=True, inputs={made.source: x[b]})
        np.testing.assert_array_equal(made.v.values, v[b])
        np.testing.assert_array_equal(made.spikes.counts(), spikes[b])
        alone = run.backward({p: c[b] for p, c in zip(made.probes, cotangents, strict=True)})
        np.testing.assert_array_equal(alone.pop("source"), together["source"][b])
        for key, value in alone.states.items():
            np.testing.assert_array_equal(value, together.states[key][b])
        total = {key: total[key] + value if total else value for key, value in alone.items()}
    for key, value in total.items():
        np.testing.assert_array_equal(value, together[key], err_msg=key)


def test_a_gradient_changes_nothing_in_the_run():
    plain, traced = Made(strength=0.3), Made(strength=0.3)
    for made in (plain, traced):
        made.net.run(10.0)
    plain.net.run(STEPS * DT)
    run = traced.net.run(STEPS * DT, grad=True, memory=30_000)
    np.testing.assert_array_equal(plain.v.values, traced.v.values)
    run.backward({traced.v: np.ones(run.values(traced.v).shape)})
    for made in (plain, traced):
        made.net.run(20.0)
    np.testing.assert_array_equal(plain.v.values, traced.v.values)
    np.testing.assert_array_equal(plain.spikes.dense(), traced.spikes.dense())


def test_samples_of_a_batch_draw_random_numbers_of_their_own_and_go_on():
    whole, parts = Made(strength=0.3), Made(strength=0.3)
    whole.net.run(30.0, batch=4)
    parts.net.run(10.0, batch=4)
    parts.net.run(20.0, batch=4)
    np.testing.assert_array_equal(whole.v.values, parts.v.values)
    assert len({v.tobytes() for v in whole.v.values}) == 4
    alone = Made(strength=0.3)
    alone.net.run(30.0)
    np.testing.assert_array_equal(alone.v.values, whole.v.values[0])
