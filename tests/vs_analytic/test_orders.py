"""The solvers have the documented order, stability and cost."""

import dendrion as dn
import numpy as np
import pytest

ODE = dn.SolverMethodODE
ORDERS = {
    ODE.EULER: 1,
    ODE.EXP_EULER: 1,
    ODE.MIDPOINT: 2,
    ODE.HEUN2: 2,
    ODE.HEUN3: 3,
    ODE.RK4: 4,
    ODE.IMPLICIT_EULER: 1,
    ODE.CRANK_NICOLSON: 2,
}
EXPLICIT = (ODE.EULER, ODE.MIDPOINT, ODE.HEUN2, ODE.HEUN3, ODE.RK4)
IMPLICIT = (ODE.IMPLICIT_EULER, ODE.CRANK_NICOLSON)


def test_every_method_is_here():
    assert set(ORDERS) == set(ODE)


class Bistable(dn.MCNeuron):
    """Three compartments with a strong NMDA receptor, whose block makes the equations nonlinear, without spikes."""

    def __init__(self, odemethod):
        super().__init__(1, V_th=1e3, odemethod=odemethod)
        self.soma = dn.LeakyIF(1, V_rest=-65.0, C=100.0, gL=8.0, I_ext=150.0)
        self.trunk = dn.Compartment(1, V_rest=-65.0, C=40.0, gL=3.0)
        self.tuft = dn.Compartment(1, V_rest=-65.0, C=30.0, gL=2.0)
        self.axial = dn.MCConn(self.soma, self.trunk, 6.0)
        self.distal = dn.MCConn(self.trunk, self.tuft, 4.0)
        self.nmda = dn.NMDA(1, g=6.0, t_rise=2.0, t_decay=40.0)
        self.nmda_on = dn.MCConnSynapse(self.nmda, self.tuft)
        self.gaba = dn.GABA(1, g=1.0, t_decay=8.0)
        self.gaba_on = dn.MCConnSynapse(self.gaba, self.trunk)


def end(method, dt, duration=25.6):
    """Return the final values of all potentials."""
    net = dn.Network([cell := Bistable(method)], dt=dt)
    net.set_state({f"{cell.path}/nmda.s": 2.0, f"{cell.path}/gaba.s": 1.5})
    net.run(duration)
    return np.array([value[0] for key, value in net.get_state().items() if key.endswith(".V")])


@pytest.fixture(scope="module")
def exact():
    return end(ODE.RK4, 0.0125)


@pytest.mark.parametrize("method", ODE)
def test_order(method, exact, report):
    steps = np.array([0.8, 0.4, 0.2, 0.1])
    errors = np.array([np.abs(end(method, dt) - exact).max() for dt in steps])
    orders = np.log2(errors[:-1] / errors[1:])
    measured = dict(zip(("at 0.4 ms", "at 0.2 ms", "at 0.1 ms"), orders, strict=True))
    report("order of the solvers (NMDA neuron)", method=method.name, expected=ORDERS[method], **measured)
    assert abs(orders[-1] - ORDERS[method]) < 0.25, (errors, orders)


def chain(method, n, dt, C=1.0, g=100.0, branch=False):
    """Return a network of a tree whose axial conductances are large relative to its capacitances."""

    class Chain(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=1e3, odemethod=method)
            self.soma = dn.LeakyIF(1, V_rest=-65.0, C=C, gL=0.1, I_ext=10.0)
            self.dends = [dn.Compartment(1, V_rest=-65.0, C=C, gL=0.1) for _ in range(n - 1)]
            all_ = [self.soma, *self.dends]
            mothers = [(i - 1) // 2 if branch else i - 1 for i in range(n)]
            self.axials = [dn.MCConn(all_[mothers[i]], all_[i], g) for i in range(1, n)]

    return dn.Network([Chain()], dt=dt)


@pytest.mark.filterwarnings("ignore::dendrion.TimeStepWarning")
@pytest.mark.parametrize("branch", [False, True])
@pytest.mark.parametrize("method", IMPLICIT)
def test_implicit_methods_stay_stable_where_euler_diverges(method, branch):
    # The fastest mode decays at a rate of about 4 g / C = 400 / ms, so explicit methods need dt < 0.005 ms.
    with pytest.raises(dn.DivergenceError):
        chain(ODE.EULER, 20, 0.1, branch=branch).run(100.0)
    net = chain(method, 20, 0.1, branch=branch)
    net.run(600.0)
    states = np.array([v[0] for v in net.get_state().values()])
    # In the steady state the leaks (20 x 0.1 nS) carry the injected current (10 pA), at nearly the same V everywhere.
    np.testing.assert_allclose(states.mean(), -65 + 10 / 2.0, atol=1e-6)


@pytest.mark.parametrize("method", IMPLICIT)
def test_implicit_step_solves_the_tree(method):
    """One step on a passive tree agrees with a dense solution of the same equations."""
    n, dt, g, c, g_l = 12, 0.5, 100.0, 1.0, 0.1
    net = chain(method, n, dt, branch=True)
    rng = np.random.default_rng(1)
    names = [k for k in net.get_state() if k.endswith(".V")]
    v = rng.uniform(-80, -50, n)
    net.set_state({k: x for k, x in zip(names, v, strict=True)})
    jacobian = -np.eye(n) * g_l / c
    for i in range(1, n):
        j = (i - 1) // 2
        for a, b in ((i, j), (j, i)):
            jacobian[a, a] -= g / c
            jacobian[a, b] += g / c
    f = jacobian @ v + (-65.0) * g_l / c
    f[0] += 10.0 / c
    theta = 1.0 if method is ODE.IMPLICIT_EULER else 0.5
    expected = v + np.linalg.solve(np.eye(n) - theta * dt * jacobian, dt * f)
    net.run(dt)
    found = np.array([net.get_state()[k][0] for k in names])
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("branch", [False, True])
@pytest.mark.parametrize("method", IMPLICIT)
def test_implicit_methods_cost_a_time_linear_in_compartments(method, branch):
    def operations(n):
        net = chain(method, n, 0.1, branch=branch)
        return len(net.program(net.modules[0]).splitlines())

    sizes = [operations(n) for n in (25, 50, 100)]
    assert abs((sizes[2] - sizes[1]) / 50 - (sizes[1] - sizes[0]) / 25) < 0.1, sizes
    assert sizes[2] < 10 * 100


@pytest.mark.parametrize("method", [*EXPLICIT, *IMPLICIT])
def test_methods_agree_in_single_precision(method, pair):
    traces = []
    for dtype in ("float32", "float64"):
        cells = pair(3, odemethod=method, V_th=1e3)
        net = dn.Network([cells], dt=0.1, dtype=dtype)
        net.set_state({f"{cells.path}/nmda.s": 1.0})
        v = net.probe(cells.dend, "V")
        net.run(40.0)
        traces.append(v.values)
    np.testing.assert_allclose(traces[0], traces[1], atol=2e-3)
