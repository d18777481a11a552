"""Steps that are too long cause warnings, whose limits agree with simulations and with eigenvalues."""

import warnings

import dendrion as dn
import numpy as np
import pytest
from dendrion._checks._time_step import STABLE

ODE = dn.SolverMethodODE
#: Degree of the polynomial by which each method approximates exp(-z). A step is stable while it is within [-1, 1].
POLYNOMIALS = {ODE.EULER: 1, ODE.MIDPOINT: 2, ODE.HEUN2: 2, ODE.HEUN3: 3, ODE.RK4: 4}


def test_every_explicit_method_has_a_limit():
    stable_for_any_step = {ODE.EXP_EULER, ODE.IMPLICIT_EULER, ODE.CRANK_NICOLSON}
    assert set(ODE) - stable_for_any_step == set(POLYNOMIALS) == set(STABLE)


class Tree(dn.MCNeuron):
    """A soma and dendrites in a tree, with all parameters in absolute units."""

    def __init__(self, C, gL, g, parents=None, size=1, **kwargs):
        super().__init__(size, V_th=1e9, name="tree", **kwargs)
        membranes = zip(C, gL, strict=True)
        c, leak = next(membranes)
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=c, gL=leak)
        self.dends = [dn.Compartment(size, V_rest=-60.0, C=c, gL=leak) for c, leak in membranes]
        parts = [self.soma, *self.dends]
        parents = range(len(g)) if parents is None else parents
        self.axial = [dn.MCConn(parts[p], parts[k + 1], g[k]) for k, p in enumerate(parents)]


def rates(C, gL, g, parents=None):
    """Return the rates of a passive tree (1/ms) in ascending order: the eigenvalues of a dense matrix."""
    n = len(C)
    matrix = np.diag(np.asarray(gL, dtype=float))
    for k, p in enumerate(range(len(g)) if parents is None else parents):
        for a, b in ((p, k + 1), (k + 1, p)):
            matrix[a, a] += g[k]
            matrix[a, b] -= g[k]
    assert matrix.shape == (n, n)
    return np.sort(np.linalg.eigvals(matrix / np.asarray(C)[:, None]).real)


def told(*modules, **settings):
    """Return the warnings that building a network emits."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        dn.Network(modules, **settings)
    assert all(w.category is dn.TimeStepWarning for w in found)
    return [str(w.message) for w in found]


def limit(order):
    """Return the z at which |1 - z + z^2/2 - ...| becomes 1 again, found by bisection."""
    terms = [(-1.0) ** k / np.prod(np.arange(1, k + 1)) for k in range(order + 1)]
    low, high = 1.0, 4.0
    for _ in range(60):
        z = (low + high) / 2
        low, high = (z, high) if abs(np.polyval(terms[::-1], z)) <= 1 else (low, z)
    return low


@pytest.mark.parametrize("method", POLYNOMIALS)
def test_from_nine_tenths_of_the_stable_step_on(method):
    C, gL, g = [100.0, 2.0, 1.0], [5.0, 0.1, 0.05], [10.0, 8.0]
    tau = 1.0 / rates(C, gL, g)[-1]
    stable = limit(POLYNOMIALS[method]) * tau
    assert told(Tree(C, gL, g), dt=0.899 * stable, odemethod=method) == []
    (coarse,) = told(Tree(C, gL, g), dt=0.901 * stable, odemethod=method)
    assert coarse.startswith(
        f"tree/dends/0: dt = {0.901 * stable:g} ms is too long for {method.name}, which is at the edge"
    )
    assert f"the shortest time constant is {tau:.3g} ms (of the membrane with its couplings)" in coarse
    assert f"steps longer than {stable:.3g} ms are unstable (shorter steps too when synapses open)" in coarse
    assert coarse.endswith("or odemethod=SolverMethodODE.CRANK_NICOLSON")
    # The limit in the message is correct: a run with a longer step diverges, and one with a shorter step does not.
    for dt, unstable in ((0.99 * stable, False), (1.01 * stable, True)):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            net = dn.Network([Tree(C, gL, g)], dt=dt, odemethod=method)
        assert ("which is unstable there" in str(found[0].message)) is unstable
        net.run(1_000 * dt)
        calm = max(abs(v[0]) for v in net.get_state().values()) < 70.0
        if unstable:
            with pytest.raises(dn.DivergenceError):
                net.run(200_000 * dt)
        else:
            assert calm


def test_the_step_that_is_advised_is_not_warned_of():
    C, gL, g = [100.0, 2.0, 1.0], [5.0, 0.1, 0.05], [10.0, 8.0]
    for method, dt in ((ODE.EULER, 0.3), (ODE.RK4, 0.3), (ODE.EXP_EULER, 8.0)):
        strong = [40.0 * x for x in g] if method is ODE.EXP_EULER else g
        cell = [100.0, 100.0, 100.0] if method is ODE.EXP_EULER else C
        (text,) = told(Tree(cell, gL, strong), dt=dt, odemethod=method)
        advised = float(text.split("expected dt <= ")[1].split(" ms")[0])
        assert told(Tree(cell, gL, strong), dt=advised, odemethod=method) == []
        more = 1.2 if method is ODE.EXP_EULER else 1.9
        assert told(Tree(cell, gL, strong), dt=more * advised, odemethod=method) != []


@pytest.mark.parametrize("method", [ODE.IMPLICIT_EULER, ODE.CRANK_NICOLSON])
def test_methods_that_are_stable_for_any_step(method, pair):
    assert told(Tree([100.0, 1e-3], [5.0, 1e-4], [50.0]), dt=1.0, odemethod=method) == []
    assert told(pair(1, rise=0.01), dt=1.0, odemethod=method) == []


def test_large_random_trees():
    rng = np.random.default_rng(7)
    for size in (2, 9, 40, 700):
        parents = [int(rng.integers(0, k + 1)) for k in range(size - 1)]
        C, gL, g = 10 ** rng.uniform(0, 2, size), rng.uniform(0.1, 1, size), 10 ** rng.uniform(0, 2, size - 1)
        tau = 1.0 / rates(C, gL, g, parents)[-1]
        assert told(Tree(C, gL, g, parents), dt=1.79 * tau) == []
        # With more than 200 compartments the rate may be slightly underestimated, but never overestimated.
        near = 1.82 if size < 200 else 1.85
        (text,) = told(Tree(C, gL, g, parents), dt=near * tau)
        found = float(text.split("time constant is ")[1].split(" ms")[0])
        assert 0.994 * tau <= found <= (1.006 if size < 200 else 1.02) * tau


def test_the_fastest_of_many_neurons_counts():
    C = np.full(5_000, 20.0)
    C[4_321] = 0.42
    C, gL, g = [100.0, C], [5.0, 0.1], [8.0]
    tau = 1.0 / rates([100.0, 0.42], gL, g)[-1]
    (text,) = told(Tree(C, gL, g, size=5_000), dt=0.1)
    assert text.startswith("tree/dends/0: dt = 0.1 ms is too long for EULER, which is at the edge of stability there")
    assert f"the shortest time constant is {tau:.3g} ms" in text
    C[1][4_321] = 20.0
    assert told(Tree(C, gL, g, size=5_000), dt=0.1) == []


def test_geometry():
    wide = {"V_rest": -65.0, "gL": 50.0, "C": 1.0, "length": 60.0, "diameter": 4.0, "r_axial": 150.0}
    thin = {
        "V_rest": -65.0,
        "gL": 40.0,
        "C": 0.7,
        "length": 20.0,
        "diameter": 1.5,
        "r_axial": 100.0,
        "area_factor": 1.5,
    }

    def cell():
        made = dn.MCNeuron(1, V_th=1e9, name="cell")
        made.soma, made.dend = dn.LeakyIF(1, **wide), dn.Compartment(1, **thin)
        made.axial = dn.MCConn(made.soma, made.dend)
        return made

    area = np.pi * np.array([60.0 * 4.0, 20.0 * 1.5 * 1.5])  # um2
    resistance = 4e4 * np.array([150.0, 100.0]) * [60.0, 20.0] / (np.pi * np.array([4.0, 1.5]) ** 2)  # ohm
    tau = 1.0 / rates(area * [1.0, 0.7] * 1e-2, area * [50, 40] * 1e-5, [2e9 / resistance.sum()])[-1]
    assert told(cell(), dt=1.79 * tau) == []
    (text,) = told(cell(), dt=1.82 * tau)
    assert f"cell/dend: dt = {1.82 * tau:g} ms is too long" in text
    assert f"constant is {tau:.3g} ms" in text


def test_gates(pair):
    assert told(pair(1, rise=0.1), dt=0.1) == []
    (text,) = told(pair(2, rise=[0.4, 0.04]), dt=0.1)
    assert text == (
        "pair/ampa: dt = 0.1 ms is too long for EULER, which is unstable there: the shortest time constant is 0.04 ms "
        "(t_rise), and steps longer than 0.08 ms are unstable; expected dt <= 0.04 ms, or "
        "odemethod=SolverMethodODE.CRANK_NICOLSON"
    )


def test_time_constants_of_equations():
    class Slow(dn.Channel):
        equations = """
        I = g * n * k * (E - V)                : pA
        dn/dt = (1 - n) / tau_n                : 1
        dk/dt = -k/tau_k + n/(1 ms)            : 1
        g = 1 nS; E = -90 mV; tau_n = 0.5 ms; tau_k = 0.052 ms; wait = 0.1 ms
        on V >= E and not refractory:
            refractory for wait
        """

    cell = dn.MCNeuron(1, V_th=1e9, name="cell")
    cell.soma = dn.LeakyIF(1, V_rest=-65.0, C=100.0, gL=5.0)
    cell.slow = Slow(1, on=cell.soma)
    (text,) = told(cell, dt=0.1)
    assert text.startswith("cell/slow: dt = 0.1 ms is too long for EULER, which is at the edge of stability there")
    assert "time constant is 0.052 ms (tau_k)" in text


def test_a_soma_with_its_own_equation_has_no_leak():
    cell = dn.MCNeuron(1, V_th=35.0, V_reset=-50.0, name="cell")
    # gL, which this soma does not use, would give a time constant of 0.01 ms.
    cell.soma = dn.Izhikevich(1, V_rest=-60.0, C=100.0, gL=1e4)
    assert told(cell, dt=0.1) == []


# Exponential Euler, which is stable, but inaccurate if compartments are strongly coupled


def test_the_slowness_of_exponential_euler():
    C, gL, g, dt = [100.0, 80.0, 90.0], [5.0, 4.0, 4.5], [300.0, 400.0], 0.2
    (text,) = told(Tree(C, gL, g), dt=dt, odemethod=ODE.EXP_EULER)
    said = float(text.split("is ")[2].split(" %")[0]) / 100
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = dn.Network([tree := Tree(C, gL, g)], dt=dt, odemethod=ODE.EXP_EULER)
    net.set_state({key: -50.0 for key in net.get_state()})
    for part in (tree.soma, *tree.dends):
        part.V_rest = -65.0
    v = net.probe(tree.soma, "V")
    net.run(60.0)
    decay = np.log((v.values[100, 0] + 65.0) / (v.values[250, 0] + 65.0))
    tau = 150 * dt / decay
    assert tau / 20.0 - 1 == pytest.approx(said, abs=0.02)
    assert said > 0.25
    # A small dendrite that is as strongly coupled to a large soma causes no error.
    assert told(Tree([100.0, 0.5], [5.0, 0.02], [40.0]), dt=0.2, odemethod=ODE.EXP_EULER) == []


def test_short_receptors_with_exponential_euler(pair):
    def charge(method, dt, **taus):
        """Return the sum of the gate over time after a spike (ms), to which the total conductance is proportional."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cells, spike = pair(1, **taus), dn.SpikeGenerator(1, [0], [1.0])
            net = dn.Network([cells, spike, dn.ConnGen(spike, cells.ampa)], dt=dt, odemethod=method)
        x = net.probe(cells.ampa, "x")
        net.run(50.0)
        return x.values.sum() * dt

    def made(rise, decay):
        cells = pair(1, rise=rise)
        cells.ampa.t_decay = decay
        return cells

    # The gate itself is exact, so a short rise alone causes no error.
    assert told(pair(1, rise=0.15), dt=0.1, odemethod=ODE.EXP_EULER) == []
    ratio = charge(ODE.EXP_EULER, 0.1, rise=0.15) / charge(ODE.RK4, 0.005, rise=0.15)
    assert ratio == pytest.approx(1.0, abs=0.01)
    # The whole time course falls between two steps.
    (text,) = told(made(0.05, 0.05), dt=0.1, odemethod=ODE.EXP_EULER)
    assert text.startswith(
        "pair/ampa: t_rise = 0.05 ms and t_decay = 0.05 ms are too short for EXP_EULER with dt = 0.1 ms: a spike opens "
        "28 % too little conductance, because most of it falls between two steps; expected dt <= 0.0"
    )
    n = np.arange(1000)
    assert 1 - 0.1 * (0.1 * n * np.exp(-2 * n)).sum() / 0.05**2 == pytest.approx(0.28, abs=0.005)
    assert told(made(0.07, 0.07), dt=0.1, odemethod=ODE.EXP_EULER) == []


def test_noise_that_is_held_for_a_step():
    tau, dt, sigma, size = 0.05, 0.2, 3.0, 2_000

    def noisy(tau):
        cell = dn.MCNeuron(size, V_th=1e9, name="cell", odemethod=ODE.CRANK_NICOLSON)
        cell.soma = dn.LeakyIF(size, V_rest=-65.0, C=100.0, gL=5.0)
        cell.noise = dn.OUNoise(cell.soma, sigma=sigma, tau=tau)
        return cell

    assert told(noisy(0.12), dt=dt) == []
    assert len(told(noisy(0.11), dt=dt)) == 1
    (text,) = told(cell := noisy(tau), dt=dt)
    assert text.startswith("cell/noise: tau = 0.05 ms is shorter than dt = 0.2 ms")
    said = float(text.split("fluctuations is ")[1].split(" times")[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = dn.Network([cell := noisy(tau)], dt=dt, seed=1)
    current = net.probe(cell.noise, "I")
    net.run(80.0)
    # The mean over T of a process with correlation time tau has the variance 2 sigma^2 tau / T.
    variance = current.values[100:].mean(axis=0).var()
    assert variance / (2 * sigma**2 * tau / 60.0) == pytest.approx(said, rel=0.1)


# States whose rate depends on V, and gates that alternate in sign with forward Euler


def clamped(g):
    """Return a cell with a channel that acts like a voltage clamp."""

    class Clamp(dn.Channel):
        equations = "I = g * (E - V) : pA; g = 1 nS; E = -60 mV"

    cell = dn.MCNeuron(1, V_th=1e9, reset=False, name="cell")
    cell.soma = dn.LeakyIF(1, V_rest=-65.0, C=100.0, gL=5.0)
    cell.clamp = Clamp(1, on=cell.soma, g=g)
    return cell


@pytest.mark.parametrize("method", POLYNOMIALS)
def test_a_channel_makes_a_membrane_fast(method):
    stable = limit(POLYNOMIALS[method]) * 100.0 / 5005.0
    assert told(clamped(5000.0), dt=0.89 * stable, odemethod=method) == []
    (text,) = told(clamped(5000.0), dt=1.01 * stable, odemethod=method)
    assert text.startswith(f"cell/soma: dt = {1.01 * stable:g} ms is too long for {method.name}, which is unstable")
    assert "time constant is 0.02 ms (of V at V = " in text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = dn.Network([clamped(5000.0)], dt=1.01 * stable, odemethod=method)
    with pytest.raises(dn.DivergenceError):
        net.run(200_000 * net.dt)


def gated(tau_at_zero):
    """Return a cell with a gate that is fast at 0 mV and slow at rest."""

    class Gate(dn.Channel):
        equations = """
        I = g * n * (E - V)                                  : pA
        dn/dt = (1 - n) / (tau + 5 ms / (1 + exp((V + 20 mV)/(2 mV)))) : 1
        g = 0.1 nS; E = -90 mV; tau = 1 ms
        """

    cell = dn.MCNeuron(1, V_th=1e9, name="cell")
    cell.soma = dn.LeakyIF(1, V_rest=-65.0, C=100.0, gL=5.0)
    cell.gate = Gate(1, on=cell.soma, tau=tau_at_zero)
    return cell


def test_time_constants_that_depend_on_v():
    assert told(gated(0.15), dt=0.1) == []
    (text,) = told(gated(0.04), dt=0.1)
    assert text.startswith("cell/gate: dt = 0.1 ms is too long for EULER, which is unstable there")
    assert "time constant is 0.04 ms (of n at V = 40 mV)" in text
    for method in (ODE.EXP_EULER, ODE.IMPLICIT_EULER, ODE.CRANK_NICOLSON):
        assert told(gated(0.04), dt=0.1, odemethod=method) == []


def test_gates_that_change_their_sign(pair):
    cells = pair(1, rise=0.5)
    cells.ampa.t_decay = 0.07
    (text,) = told(cells, dt=0.1)
    assert text == (
        "pair/ampa: dt = 0.1 ms is too long for EULER: it exceeds the time constant of 0.07 ms (t_decay), so a "
        "decaying state would change its sign at every step; expected dt <= 0.07 ms, or "
        "odemethod=SolverMethodODE.CRANK_NICOLSON"
    )
    cells = pair(1, rise=0.5)
    cells.ampa.t_decay = 0.07
    assert told(cells, dt=0.07) == []
    cells = pair(1, rise=0.5)
    cells.ampa.t_decay = 0.07
    # Methods of even order preserve the sign.
    assert told(cells, dt=0.1, odemethod=ODE.RK4) == []
    assert "V = " in told(gated(0.08), dt=0.1)[0]


@pytest.mark.parametrize("method", list(ODE))
def test_hodgkin_huxley_cells_are_not_warned_of(method):
    cell = dn.MCNeuron(1, V_th=-20.0, reset=False, name="cell")
    cell.soma = dn.LeakyIF(1, V_rest=-54.4, C=1.0, gL=300.0, length=30.0, diameter=30.0)
    cell.na, cell.k = dn.channels.HHNa(1, on=cell.soma), dn.channels.HHK(1, on=cell.soma)
    assert told(cell, dt=0.01, odemethod=method) == []


def test_a_time_constant_of_0_is_not_compared_with_the_step():
    class Leak(dn.Channel):
        equations = """
        I = g * m * (E - V) : pA
        dm/dt = -m / tau : 1
        g = 1 nS; E = -70 mV; tau = 5 ms
        """

    cell = Tree([100.0], [5.0], [])
    cell.leak = Leak(1, on=cell.soma, tau=-0.0)
    dn.Network([cell])
