"""Checks of the effects of the parameters of neurons. See ``effects.py``."""

import dendrion as dn
import numpy as np

from .connections import Wired
from .effects import DT, Lab


def spiking(V_th=-50.0, V_reset=-65.0, duration=30.0, **given):
    """Return recordings of a neuron with a strong input current."""

    class Cell(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=V_th, V_reset=V_reset, name="cell", **given)
            self.soma = dn.LeakyIF(1, V_rest=-65.0, gL=5.0, C=100.0, I_ext=300.0)

    net = dn.Network([cell := Cell()], dt=DT)
    spikes, v = net.probe(cell, "spikes"), net.probe(cell.soma, "V")
    net.run(duration)
    return spikes, v.values[:, 0], net, cell


def v_th(_):
    for value in (-50.0, -55.0):
        spikes, v, *_ = spiking(V_th=value)
        step = round(spikes.t[0] / DT)
        # dV/dt is 3 mV/ms minus the leak, and the spike is in the first step whose result is above the threshold.
        assert v[: step + 1].max() <= value
        assert v[step] + DT * (300.0 - 5.0 * (v[step] + 65.0)) / 100.0 > value


def v_reset(_):
    for value in (-65.0, -60.0):
        spikes, v, *_ = spiking(V_reset=value)
        assert v[round(spikes.t[0] / DT) + 1] == value
    soft = dn.MCNeuron(V_th=10.0, V_reset=None)
    assert soft.V_reset is None
    _, _, net, _ = spiking(V_th=10.0, V_reset=None, duration=0.0)
    net.set_state({"cell/soma.V": 12.0})
    net.run(DT)
    after = 12.0 + DT * (300.0 - 5.0 * 77.0) / 100.0 - 10.0
    np.testing.assert_allclose(net.get_state()["cell/soma.V"], [after])


class Learner(dn.MCNeuron):
    """A neuron that spikes when its current has a pulse."""

    def __init__(self, **given):
        super().__init__(1, V_th=-60.0, V_reset=-70.0, **given)
        self.soma = dn.LeakyIF(1, V_rest=-70.0, C=1.0, gL=1.0)
        self.ampa = dn.AMPA(1, g=0.0, t_decay=1.0)
        self.on = dn.MCConnSynapse(self.ampa, self.soma)


def learnt(rule, pre, post, delay=1.0, **given):
    """Return the weight after spikes of the source and the neuron in these steps."""
    cell, wave = Learner(**given), np.zeros(1000)
    wave[post] = 1000.0
    source = dn.SpikeGenerator(1, np.zeros(len(pre), dtype=int), DT * np.asarray(pre))
    drive = dn.CurrentGenerator(1, wave)
    syn = dn.MCSynapse(source, cell.ampa, np.ones((1, 1)), delay=delay, plasticity=rule)
    net = dn.Network([cell, source, drive, dn.ConnGen(drive, cell.soma), syn], dt=DT)
    net.run(100.0)
    return syn.w.item()


def stdp_tau(_):
    rule = dn.STDP(mu_minus=0.0, w_max=2.0)
    for value in (10.0, 40.0):
        # The neuron's spike in step 100 reaches the synapse in step 110, 19 ms before the source's spike in step 300.
        found = learnt(rule, [300], [100], dendritic_delay=10, stdp_tau=value)
        np.testing.assert_allclose(found, 1 - 2.0 * 0.01 * np.exp(-19.0 / value), rtol=1e-12)


def tau_triplet(_):
    rule = dn.TripletSTDP(A_plus=0.0, A_minus=0.0, A_plus_triplet=0.1, A_minus_triplet=0.0, tau_plus=20.0)
    for value in (50.0, 200.0):
        # The source spikes at 10 ms. The neuron's spikes at 5 and 30 ms reach the synapse 1 ms later, so the slow trace
        # has decayed for 25 ms and the fast one for 21 ms.
        found = learnt(rule, [100, 900], [50, 300], dendritic_delay=10, tau_triplet=value)
        np.testing.assert_allclose(found, 1 + 0.1 * np.exp(-21.0 / 20.0) * np.exp(-25.0 / value), rtol=1e-12)


def dendritic_delay(_):
    rule = dn.STDP(mu_minus=0.0, w_max=2.0)
    for value in (2, 10, np.array([7]), lambda n: np.full(n, 4), dn.Constant(5)):
        steps = value if isinstance(value, int) else {np.ndarray: 7, dn.Constant: 5}.get(type(value), 4)
        gap = DT * ((300 + 10 - steps) - (100 + steps))
        found = learnt(rule, [300], [100], dendritic_delay=value, stdp_tau=20.0)
        np.testing.assert_allclose(found, 1 - 2.0 * 0.01 * np.exp(-gap / 20.0), rtol=1e-12)


def area_name(_):
    a, b = Lab("LeakyIF", neuron={"area_name": "CA1"}), Wired(area_name="CA3")
    net = dn.Network([a, b])
    assert net.select(area_name="CA1") == [a]
    assert net.select(area_name="CA3") == [b]
    assert "CA1" in repr(net)


def pid(_):
    a, b = Lab("LeakyIF", neuron={"pid": 2}), Wired()
    net = dn.Network([a, b])
    assert net.decomposition == {0: (b,), 2: (a,)}
    assert net.select(pid=2) == [a]


def number(_):
    a, b = Lab("LeakyIF", neuron={"id": 5}), Wired()
    net = dn.Network([a, b])
    assert net.select(id=5) == [a]
    assert net.select(id=0) == [b]


def neuron_start_id(_):
    for value in (1, 40):
        spikes, *_ = spiking(neuron_start_id=value)
        assert len(spikes) > 0
        assert set(spikes.gid) == {value}


def odemethod(_):
    ends = {m: spiking(V_th=1e3, odemethod=m, duration=20.0)[1][-1] for m in dn.SolverMethodODE}
    exact = -65.0 + 60.0 * (1 - np.exp(-19.9 / 20.0))
    errors = {m: abs(v - exact) for m, v in ends.items()}
    m = dn.SolverMethodODE
    assert errors[m.RK4] < errors[m.HEUN3] < errors[m.HEUN2] < errors[m.EULER]
    assert errors[m.CRANK_NICOLSON] < errors[m.IMPLICIT_EULER]
    assert errors[m.EXP_EULER] < 1e-9
    np.testing.assert_allclose(errors[m.MIDPOINT], errors[m.HEUN2], rtol=1e-6)  # The methods are equal for linear f.
    assert ends[m.EULER] > exact > ends[m.IMPLICIT_EULER]


def sdemethod(_):
    def after(method):
        class Noisy(dn.MCNeuron):
            def __init__(self):
                super().__init__(50, V_th=1e3, sdemethod=method, name="noisy")
                self.soma = dn.LeakyIF(50, V_rest=0.0, gL=1e-9, C=100.0)
                self.noise = dn.ConductanceNoise(self.soma, 30.0, E=0.0)

        net = dn.Network([Noisy()], dt=DT, seed=1)
        net.set_state({"noisy/soma.V": -50.0})
        net.run(DT)
        return net.get_state()["noisy/soma.V"]

    milstein, euler = after(dn.SolverMethodSDE.MISLTEAIN), after(dn.SolverMethodSDE.EULER_MARUYAMA)
    s = 0.3
    xi = (euler + 50.0) / (s * np.sqrt(DT) * 50.0)
    np.testing.assert_allclose(milstein - euler, -50.0 * 0.5 * s**2 * DT * (xi**2 - 1), rtol=1e-6, atol=1e-9)


def surrogate_grad_fn(_):
    v = np.array([-52.0, -50.0, -49.0])
    for alpha in (4.0, 0.5):
        s = 1 / (1 + np.exp(-alpha * (v + 50.0)))
        cell = dn.MCNeuron(V_th=-50.0, surrogate_grad_fn=dn.Sigmoid(alpha))
        np.testing.assert_allclose(cell.spike_derivative(v), alpha * s * (1 - s))
    own = dn.MCNeuron(V_th=-50.0, surrogate_grad_fn=lambda above: np.maximum(0.0, 1 - np.abs(above)))
    np.testing.assert_array_equal(own.spike_derivative(v), [0.0, 1.0, 0.0])
