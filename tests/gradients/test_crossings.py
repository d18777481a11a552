"""With ``reset=False``, the surrogate acts at the end of steps that begin at or below V_th."""

import dendrion as dn
import numpy as np
import pytest

DT = 0.1


class Leaky(dn.MCNeuron):
    def __init__(self, size, **options):
        options = {"surrogate_grad_fn": dn.FastSigmoid(0.5)} | options
        super().__init__(size, V_th=-50.0, reset=False, name="cell", **options)
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=200.0, gL=10.0, I_ext=600.0)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size", [5, 130, 600])
def test_one_step(dtype, size):
    start = np.resize([-53.0, -50.1, -50.0, -49.9, -40.0], size)
    cell = Leaky(size)
    net = dn.Network([cell], dt=DT, dtype=dtype)
    spikes, v = net.probe(cell, "spikes"), net.probe(cell.soma, "V")
    net.set_state({"cell/soma.V": start})
    run = net.run(DT, grad=True)
    found = run.backward({spikes: np.ones((1, size)), v: np.zeros((1, size))})
    decay = 1 - DT * 10.0 / 200.0
    end = -65.0 + (start + 65.0) * decay + DT * 600.0 / 200.0
    sigma = np.where(start <= -50.0, 1 / (1 + 0.5 * np.abs(end + 50.0)) ** 2, 0.0)
    rtol = 1e-9 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(found.states["cell/soma.V"], sigma * decay, rtol=rtol)
    assert found["cell.V_th"] == pytest.approx(-sigma.sum(), rel=rtol)
    np.testing.assert_array_equal(np.unique(spikes.i), np.flatnonzero((start <= -50.0) & (end > -50.0)))


class HH(dn.MCNeuron):
    def __init__(self, size, method):
        super().__init__(size, V_th=0.0, reset=False, name="hh", odemethod=method)
        self.soma = dn.LeakyIF(size, V_rest=-54.4, gL=300.0, C=1.0, length=30.0, diameter=30.0, I_ext=400.0)
        self.na = dn.channels.HHNa(size, self.soma)
        self.k = dn.channels.HHK(size, self.soma)


@pytest.mark.parametrize("method", list(dn.SolverMethodODE), ids=str)
def test_action_potentials_agree_with_finite_differences(method):
    """V is continuous, so gradients of V agree with finite differences."""
    cell = HH(2, method)
    net = dn.Network([cell], dt=0.025)
    v, spikes = net.probe(cell.soma, "V"), net.probe(cell, "spikes")
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(600, 2))
    found = net.run(15.0, grad=True).backward({v: weights})
    assert len(spikes) >= 2
    for key in ("hh/na.g", "hh/k.E", "hh/soma.gL", "hh/soma.I_ext"):
        value, sides = net.parameters()[key], []
        for h in (1e-5, -1e-5):
            net.set_parameters({key: value + h})
            net.reset()
            net.run(15.0)
            sides.append((weights * v.values).sum())
        net.set_parameters({key: value})
        assert np.sum(found[key]) == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-4), key
    # V_th affects only the spikes.
    assert found["hh.V_th"] == 0.0


def test_spikes_reach_weights_and_batches():
    """A loss beyond a synapse has gradients through the surrogate, and those of a batch are the samples' gradients."""
    cells = HH(3, dn.SolverMethodODE.EXP_EULER)
    target = Leaky(1)
    target.ampa = dn.AMPA(1, g=5.0, t_decay=2.0, parent=None)
    target.on = dn.MCConnSynapse(target.ampa, target.soma, parent=None)
    syn = dn.MCSynapse(cells, target.ampa, conn=np.full((3, 1), 0.5), delay=1.0, name="syn")
    net = dn.Network([cells, target, syn], dt=0.025)
    v = net.probe(target.soma, "V")
    run = net.run(15.0, grad=True)
    one = run.backward({v: np.ones((600, 1))})
    assert np.all(one["syn.w"] > 0.0)
    assert one["hh/soma.I_ext"] != 0.0
    net.reset()
    run = net.run(15.0, grad=True, batch=2)
    two = run.backward({v: np.ones((2, 600, 1))})
    np.testing.assert_allclose(two["syn.w"], 2 * one["syn.w"], rtol=1e-12)


def test_relative_surrogates_need_a_reset():
    cell = Leaky(1, surrogate_grad_fn=dn.FastSigmoid(5.0, relative=True))
    with pytest.raises(dn.ParameterError, match=r"surrogate relative = true: expected false, .*reset is false"):
        dn.Network([cell])
    with pytest.raises(dn.StructureError, match="is relative to V_th - V_reset"):
        cell.spike_derivative(-50.0)
