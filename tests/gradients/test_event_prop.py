"""EventProp: gradients of spike times.

The reference is a loop over steps in NumPy in which the fraction θ of each spike may move: a small change of θ moves
the reset and the arrival of the spike by linear interpolation. Its central differences are the gradient.
"""

import dendrion as dn
import numpy as np
import pytest

DT, STEPS, N = 0.1, 900, 4


class Adapting(dn.Soma):
    equations = """
    I = -a : pA
    da/dt = -a/tau_a : pA
    on spike: a += b
    tau_a = 60 ms (> 0)
    b = 30 pA
    """


class Cell(dn.MCNeuron):
    def __init__(self, size, **settings):
        settings = {"V_th": -50.0, "V_reset": -60.0, "odemethod": "euler"} | settings
        super().__init__(size, surrogate_grad_fn=dn.EventProp(), name="cell", **settings)
        self.soma = Adapting(size, V_rest=-65.0, C=200.0, gL=10.0, I_ext=np.linspace(200.0, 320.0, size))
        self.ampa = dn.AMPA(size, g=1.0, w=1.0, t_decay=4.0, E=0.0)
        self.on = dn.MCConnSynapse(self.ampa, self.soma)


def network(threads=1, **settings):
    rng = np.random.default_rng(3)
    cell = Cell(N, **settings)
    weights, delays = rng.uniform(0.2, 1.0, (N, N)), rng.integers(1, 30, (N, N))
    syn = dn.MCSynapse(cell, cell.ampa, conn=weights, delay=delays * DT, name="syn")
    net = dn.Network([cell, syn], dt=DT, threads=threads)
    return net, weights, delays


def reference(p, delays, spikes, theta_0, cotangents, *, reset, detach):
    """Return the loss for parameters ``p``, the spikes and the fractions θ. Spikes occur in the given steps."""
    by_v, by_spikes = cotangents
    V, a, x = np.full(N, p["V_rest"]), np.zeros(N), np.zeros(N)
    arriving = np.zeros((STEPS + 40, N))
    theta, fired = np.zeros((STEPS, N)), np.zeros((STEPS, N), bool)
    loss = 0.0

    def slope(V, a, x):
        return (-p["gL"] * (V - p["V_rest"]) - a + x * (0.0 - V) + p["I_ext"]) / p["C"]

    for n in range(STEPS):
        loss += by_v[n] @ V
        V1, a1, x1 = V + DT * slope(V, a, x), a - DT * a / p["tau_a"], x - DT * x / p["t_decay"]
        above = V1 - p["V_th"] > 0.0
        now = above if reset else above & (V - p["V_th"] <= 0.0)
        now = now if spikes is None else spikes[n]
        fired[n] = now
        theta[n] = np.where(now, (p["V_th"] - V) / (V1 - V), 0.0)
        moved = np.zeros(N) if theta_0 is None else np.where(now, theta[n] - theta_0[n], 0.0)
        later = by_spikes[n + 1] - by_spikes[n] if n + 1 < STEPS else by_spikes[n] - by_spikes[n - 1]
        loss += (now * (by_spikes[n] + moved * later)).sum()
        a_new = a1 + p["b"]
        V_new = p["V_reset"] - (0.0 if detach else moved) * DT * slope(p["V_reset"], a_new, x1)
        a_new = a_new + moved * ((a1 - a) + DT * a_new / p["tau_a"])
        if not reset:
            # The derivative of V reads a, which the spike sets.
            V_new = V1 + moved * DT * (slope(V1, a1, x1) - slope(V1, a1 + p["b"], x1))
        V, a, x = np.where(now, V_new, V1), np.where(now, a_new, a1), x1 + arriving[n]
        for i in np.flatnonzero(now):
            for j in range(N):
                arriving[n + delays[i, j], j] += p["w"][i, j] * (1.0 - moved[i])
                arriving[n + delays[i, j] + 1, j] += p["w"][i, j] * moved[i]
    return loss, fired, theta


KEYS = {
    "cell/soma.gL": "gL",
    "cell/soma.C": "C",
    "cell/soma.I_ext": "I_ext",
    "cell/soma.b": "b",
    "cell/soma.tau_a": "tau_a",
    "cell.V_th": "V_th",
    "cell.V_reset": "V_reset",
    "cell/ampa.t_decay": "t_decay",
    "syn.w": "w",
}


@pytest.mark.parametrize("settings", [{}, {"detach_reset": True}, {"reset": False, "V_th": -51.0}], ids=str)
@pytest.mark.parametrize("threads", [1, 3])
def test_gradients_are_those_of_moving_spikes(settings, threads):
    options = {"reset": True} | settings
    if not options["reset"]:
        options["V_reset"] = None
    net, weights, delays = network(threads, **options)
    cell = net.populations[0]
    v, spikes = net.probe(cell.soma, "V"), net.probe(cell, "spikes")
    rng = np.random.default_rng(7)
    by_v, by_spikes = rng.normal(size=(STEPS, N)), rng.normal(size=(STEPS, N))
    found = net.run(STEPS * DT, grad=True).backward({v: by_v, spikes: by_spikes})
    values = {"V_rest": -65.0, "V_reset": -60.0, "w": weights}
    for key, name in KEYS.items():
        if key in net.parameters() and name != "w":
            values[name] = net.parameters()[key]
    how = {"reset": options["reset"], "detach": options.get("detach_reset", False)}
    _, fired, theta = reference(values, delays, None, None, (by_v, by_spikes), **how)
    assert fired.sum() >= 4
    table = np.zeros((STEPS, N), bool)
    table[np.rint(spikes.t / DT).astype(int), spikes.i] = True
    assert np.array_equal(table, fired)

    def difference(name, at):
        sides = []
        for sign in (1.0, -1.0):
            h = 1e-6 * max(1.0, abs(np.asarray(values[name]).flat[0]))
            changed = np.array(values[name], dtype=float)
            changed[at] += sign * h
            sides.append(reference(values | {name: changed}, delays, fired, theta, (by_v, by_spikes), **how)[0])
        return (sides[0] - sides[1]) / (2 * h)

    for key, name in KEYS.items():
        if key not in net.parameters():
            continue
        of = np.asarray(found[key], dtype=float)
        of = of.reshape(np.shape(values[name]))
        expected = np.empty(np.shape(values[name]))
        for at in np.ndindex(expected.shape):
            expected[at] = difference(name, at)
        np.testing.assert_allclose(of, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max(), err_msg=key)


class Leaky(dn.MCNeuron):
    def __init__(self, size=1, **settings):
        super().__init__(size, V_th=-50.0, V_reset=-60.0, surrogate_grad_fn=dn.EventProp(), name="cell", **settings)
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=200.0, gL=10.0, I_ext=250.0)


def times(current, V_th=-50.0, V_reset=-60.0, count=5):
    """Return the times of the spikes of a leaky integrate-and-fire neuron (ms)."""
    tau, V_inf = 20.0, -65.0 + current / 10.0
    first, interval = (tau * np.log((V_inf - V) / (V_inf - V_th)) for V in (-65.0, V_reset))
    return first + interval * np.arange(count)


def test_the_error_for_a_leaky_neuron_is_proportional_to_dt():
    """The sum of the times of five spikes has known derivatives."""
    count, h = 5, 1e-5
    exact = {
        "cell/soma.I_ext": (times(250.0 + h).sum() - times(250.0 - h).sum()) / (2 * h),
        "cell.V_th": (times(250.0, -50.0 + h).sum() - times(250.0, -50.0 - h).sum()) / (2 * h),
        "cell.V_reset": (times(250.0, V_reset=-60.0 + h).sum() - times(250.0, V_reset=-60.0 - h).sum()) / (2 * h),
    }
    errors, steps = [], (0.2, 0.1, 0.05, 0.025)
    for dt in steps:
        net = dn.Network([Leaky()], dt=dt)
        spikes = net.probe(net.populations[0], "spikes")
        duration = 0.5 * (times(250.0, count=6)[-2:].sum())
        run = net.run(dt * round(duration / dt), grad=True)
        assert len(spikes) == count
        of_time = dt * np.arange(round(duration / dt))[:, None]
        found = run.backward({spikes: of_time})
        errors.append([abs(np.ravel(found[key])[0] / value - 1.0) for key, value in exact.items()])
    # The error depends on where the spikes lie within their steps, and is at most proportional to dt.
    assert (np.array(errors) < 0.2 * np.array(steps)[:, None]).all(), errors


class WithDendrite(dn.MCNeuron):
    def __init__(self, method):
        super().__init__(1, V_th=-50.0, V_reset=-60.0, surrogate_grad_fn=dn.EventProp(), odemethod=method, name="cell")
        self.soma = dn.LeakyIF(1, V_rest=-65.0, C=200.0, gL=10.0, I_ext=600.0)
        self.dend = dn.Compartment(1, V_rest=-65.0, C=50.0, gL=2.5)
        self.axial = dn.MCConn(self.soma, self.dend, 15.0)


def times_with_dendrite(count, I_ext=600.0, C_dend=50.0, g=15.0, V_th=-50.0):
    """Return the times of the spikes of a neuron with a dendrite (ms), from the exact solution between spikes."""
    rates = np.array([[-(10.0 + g) / 200.0, g / 200.0], [g / C_dend, -(2.5 + g) / C_dend]])
    V_inf = -np.linalg.solve(rates, [(10.0 * -65.0 + I_ext) / 200.0, 2.5 * -65.0 / C_dend])
    values, vectors = np.linalg.eig(rates)
    V, t, found = np.array([-65.0, -65.0]), 0.0, []
    for _ in range(count):
        scale = np.linalg.solve(vectors, V - V_inf)
        early, late = 0.0, 20.0
        for _ in range(60):
            middle = (early + late) / 2
            is_early = (V_inf + vectors @ (np.exp(values * middle) * scale))[0] < V_th
            early, late = (middle, late) if is_early else (early, middle)
        V = V_inf + vectors @ (np.exp(values * early) * scale)
        V[0], t = -60.0, t + early
        found.append(t)
    return np.array(found)


@pytest.mark.parametrize("method", ["euler", "exp_euler", "implicit_euler"])
def test_dendrites_follow_the_reset_of_the_soma(method):
    """A later reset of the soma lets more current flow into the dendrite, which advances the following spikes."""
    count, h, dt = 4, 1e-4, 0.0125
    net = dn.Network([WithDendrite(method)], dt=dt)
    spikes = net.probe(net.populations[0], "spikes")
    steps = round(times_with_dendrite(count + 1)[-2:].mean() / dt)
    run = net.run(steps * dt, grad=True)
    assert len(spikes) == count
    found = run.backward({spikes: dt * np.arange(steps)[:, None]})
    given = {"cell/soma.I_ext": ("I_ext", 600.0), "cell/dend.C": ("C_dend", 50.0)}
    for key, (name, value) in (given | {"cell/axial.g": ("g", 15.0), "cell.V_th": ("V_th", -50.0)}).items():
        late, early = (times_with_dendrite(count, **{name: value + side}).sum() for side in (h, -h))
        np.testing.assert_allclose(found[key], (late - early) / (2 * h), rtol=0.03, err_msg=key)


@pytest.mark.parametrize("method", ["implicit_euler", "crank_nicolson"])
def test_crossings_of_detailed_cells(method):
    """The time of a crossing is differentiated exactly: its fraction θ of the step has central differences."""
    tree = dn.Morphology.cable(length=200.0, diameter=2.0)
    options = {"cv": dn.PerSection(5), "V_th": -60.0, "odemethod": method, "C": 1.0, "gL": 50.0, "r_axial": 100.0}
    cells = dn.CableNeuron(3, tree, V_rest=-70.0, surrogate_grad_fn=dn.EventProp(), name="cells", **options)
    step = dn.DCGenerator(3, amplitude=np.array([30.0, 40.0, 5.0]), name="step")
    root = cells.at(tree.at(section=0, x=0.0))  # spikes are detected here
    net = dn.Network([cells, step, dn.ConnGen(step, root)], dt=0.1)
    v, spikes = net.probe(root, "V"), net.probe(cells, "spikes")
    given = 0.1 * np.arange(200)[:, None] * np.ones((200, 3))
    found = net.run(20.0, grad=True).backward({spikes: given})
    assert set(spikes.i) == {0, 1}
    steps = np.rint(spikes.t / 0.1).astype(int)

    def loss():
        """Return the sum of the interpolated times."""
        at = v.values[:, spikes_i]
        before, after = at[steps, [0, 1]], at[steps + 1, [0, 1]]
        return 0.1 * ((-60.0 - before) / (after - before)).sum()

    spikes_i = np.array(spikes.i)
    for key in ("cells.gL", "cells.C", "cells.r_axial"):
        value, sides = net.parameters()[key], []
        for sign in (1.0, -1.0):
            net.set_parameters({key: value * (1 + sign * 1e-5)})
            net.reset()
            net.run(20.0)
            sides.append(loss())
        net.set_parameters({key: value})
        expected = (sides[0] - sides[1]) / (2e-5 * np.mean(value))
        np.testing.assert_allclose(np.sum(found[key]), expected, rtol=1e-6, err_msg=key)


def test_silent_neurons_and_spike_counts_have_no_gradient():
    net = dn.Network([Leaky(2)], dt=0.1)
    net.set_parameters({"cell/soma.I_ext": np.array([100.0, 250.0])})
    cell = net.populations[0]
    spikes = net.probe(cell, "spikes")
    run = net.run(100.0, grad=True)
    assert set(spikes.i) == {1}
    found = run.backward({spikes: 0.1 * np.arange(1000)[:, None] * np.ones((1, 2))})
    assert found["cell/soma.I_ext"][0] == 0.0
    assert found["cell/soma.I_ext"][1] < 0.0
    net.reset()
    found = net.run(100.0, grad=True).backward({spikes: np.ones((1000, 2))})
    np.testing.assert_array_equal(found["cell/soma.I_ext"], 0.0)


def test_samples_of_a_batch_and_cuts_of_memory_do_not_change_the_gradient():
    def gradient(**options):
        net, _, _ = network()
        cell = net.populations[0]
        spikes = net.probe(cell, "spikes")
        given = np.random.default_rng(1).normal(size=(STEPS, N))
        if "batch" in options:
            given = np.broadcast_to(given, (options["batch"], STEPS, N))
        return net.run(STEPS * DT, grad=True, **options).backward({spikes: given})

    one, cut, several = gradient(), gradient(memory=2e4), gradient(batch=2)
    for key in ("syn.w", "cell/soma.gL"):
        np.testing.assert_array_equal(one[key], cut[key])
        np.testing.assert_allclose(several[key], 2.0 * np.asarray(one[key]), rtol=1e-12)


def test_files(tmp_path):
    net, _, _ = network()
    net.save(tmp_path / "model.toml")
    again = dn.Network.load(tmp_path / "model.toml")
    assert again.populations[0].surrogate_grad_fn == dn.EventProp()
    assert again.populations[0].detach_reset is False
    assert repr(dn.EventProp()) == "EventProp()"
    assert dn.EventProp() != dn.Sigmoid()


def test_it_is_not_a_function():
    cell = Leaky()
    with pytest.raises(dn.ParameterTypeError, match="EventProp: differentiates spike times, so it has no"):
        dn.EventProp()(0.0)
    with pytest.raises(dn.ParameterTypeError, match="EventProp: differentiates spike times"):
        cell.spike_derivative(-50.0)
    for item in (dn.EventProp(), cell):
        with pytest.raises(dn.ParameterTypeError, match="EventProp: differentiates spike times"):
            dn.plot.surrogate(item)


def test_detailed_cells_have_no_reset():
    tree = dn.Morphology.cable(length=100.0, diameter=2.0)
    cell = dn.CableNeuron(1, tree, cv=dn.PerSection(3), surrogate_grad_fn=dn.EventProp(), V_reset=-60.0, reset=True)
    with pytest.raises(dn.ParameterError, match="surrogate = EventProp: expected EventProp with reset=false"):
        dn.Network([cell])
