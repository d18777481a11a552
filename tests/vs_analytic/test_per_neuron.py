"""Parameters can differ between neurons, and can change between runs."""

import dendrion as dn
import numpy as np


class Point(dn.MCNeuron):
    """A soma with two receptors."""

    def __init__(self, size=3, g=1.0, w=1.0, I_ext=0.0, **kwargs):
        super().__init__(size, **{"V_th": 1e3, **kwargs}, name="point")
        self.soma = dn.LeakyIF(size, V_rest=-65.0, gL=5.0, C=100.0, I_ext=I_ext)
        self.ampa = dn.AMPA(size, g=g, w=w, t_decay=5.0)
        self.nmda = dn.NMDA(size, g=g, w=w, t_rise=5.0, t_decay=5.0, scale_g=True)
        self.on = [dn.MCConnSynapse(r, self.soma) for r in (self.ampa, self.nmda)]


def test_current_per_neuron_and_changed_between_runs():
    net = dn.Network([point := Point(I_ext=[0.0, 50.0, 100.0])], odemethod=dn.SolverMethodODE.EXP_EULER)
    v = np.full(3, -65.0)
    for current, duration in (([0.0, 50.0, 100.0], 10.0), (30.0, 7.0), ([-20.0, 0.0, 20.0], 13.0)):
        point.soma.I_ext = current
        net.run(duration)
        target = -65.0 + np.asarray(current) / 5.0
        v = target + (v - target) * np.exp(-duration * 5.0 / 100.0)
        np.testing.assert_allclose(net.get_state()["point/soma.V"], v, rtol=1e-12)


def test_conductance_and_weight_per_neuron():
    g, w = np.array([0.5, 1.0, 2.0]), np.array([1.0, 3.0, 0.0])
    net = dn.Network([point := Point(g=g, w=w)])
    net.set_state({"point/ampa.s": 0.5, "point/nmda.x": 0.25})
    ampa, nmda = net.probe(point.ampa, "I"), net.probe(point.nmda, "I")
    net.run(0.1)
    np.testing.assert_allclose(ampa.values[0], g * w * 0.5 * 65.0, rtol=1e-12)
    # With equal time constants, the peak of x is t_r / e, by which scale_g divides.
    block = 1 / (1 + np.exp(0.062 * 65.0) / 3.57)
    np.testing.assert_allclose(nmda.values[0], g * w * 0.25 * 65.0 * block * np.e / 5.0, rtol=1e-12)
    point.ampa.w = [0.0, 0.0, 4.0]
    net.reset()
    net.set_state({"point/ampa.s": 0.5})
    net.run(0.1)
    np.testing.assert_allclose(ampa.values[0], g * np.array([0.0, 0.0, 4.0]) * 0.5 * 65.0, rtol=1e-12)


def test_the_scaled_peak_is_one_at_equal_time_constants():
    point = Point()
    noise = dn.SpikeGenerator(1, [0], [0.0])
    net = dn.Network([point, noise, dn.MCSynapse(noise, point.nmda, dn.All2All())], dt=0.001)
    x = net.probe(point.nmda, "x", indices=[0])
    net.run(10.0)
    assert abs(x.values.max() * np.e / 5.0 - 1) < 1e-3
    assert abs(x.t[x.values.argmax()] - 5.0) < 0.01


def test_thresholds_and_resets_per_neuron():
    v_th = np.array([5.0, 10.0, 20.0])
    for v_reset in (None, np.array([-70.0, -60.0, -65.0])):
        net = dn.Network([Point(V_th=v_th, V_reset=v_reset)])
        before = np.array([12.0, 12.0, 12.0])
        net.set_state({"point/soma.V": before})
        net.run(0.1)
        after = before - 0.1 * 5.0 * (before + 65.0) / 100.0
        fired = after > v_th
        reset = after - v_th if v_reset is None else v_reset
        np.testing.assert_allclose(net.get_state()["point/soma.V"], np.where(fired, reset, after), rtol=1e-12)
        assert fired.tolist() == [True, True, False]
