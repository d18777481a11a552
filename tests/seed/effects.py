"""What each parameter of the seed does: a check of its effect, by the equation it enters.

A check takes the name of a class, makes small networks in which only that parameter differs, and holds the difference
against the equation. Steps are of 0.1 ms by forward Euler unless it says otherwise..
"""

import dendrion as dn
import numpy as np
import pytest

DT = 0.1
CELLS = {"Compartment": dn.Compartment, "LeakyIF": dn.LeakyIF, "AMPA": dn.AMPA, "NMDA": dn.NMDA}
RECEPTORS = ("AMPA", "NMDA")


class Lab(dn.MCNeuron):
    """A soma and the module under test, coupled by so little that they do not feel each other."""

    def __init__(self, kind, size=1, coupling=1e-12, V_th=1e3, geometry=None, neuron=None, **given):
        super().__init__(size, V_th=V_th, name="lab", **(neuron or {}))
        if kind in RECEPTORS:
            given.setdefault("t_decay", 5.0)
        if kind == "LeakyIF":
            self.soma = self.part = dn.LeakyIF(size, **given)
        else:
            self.soma = dn.LeakyIF(size, V_rest=-60.0, **(geometry or {"gL": 1.0, "C": 10.0}))
            self.part = CELLS[kind](size, **given)
            self.axial = dn.MCConn(self.soma, self.part, coupling)


def first_step(kind, injected=0.0, lift=0.0, **given):
    """Return by how much V of the part changes in one step, with V lifted above V_rest and a current (pA)."""
    lab = Lab(kind, **given)
    dc = dn.DCGenerator(1, amplitude=injected, name="dc")
    net = dn.Network([lab, dc, dn.ConnGen(dc, lab.part)], dt=DT)
    key = f"{lab.part.path}.V"
    before = net.get_state()[key] + lift
    net.set_state({key: before})
    net.run(DT)
    return (net.get_state()[key] - before)[0]


# Membranes


def v_rest(kind):
    for value in (-70.0, -58.0):
        lab = Lab(kind, V_rest=value)
        net = dn.Network([lab], dt=DT)
        v = net.probe(lab.part, "V")
        net.run(5.0)
        np.testing.assert_allclose(v.values, value, atol=1e-8)


def g_l(kind):
    for value in (2.0, 6.0):
        np.testing.assert_allclose(first_step(kind, lift=10.0, gL=value, C=50.0), -DT * value * 10.0 / 50.0, rtol=1e-9)


def capacitance(kind):
    for value in (20.0, 80.0):
        np.testing.assert_allclose(first_step(kind, injected=30.0, gL=1e-9, C=value), DT * 30.0 / value, rtol=1e-6)


def geometry(name):
    def check(kind):
        for value in (10.0, 25.0):
            given = {"length": 40.0, "diameter": 2.0, name: value, "gL": 30.0, "C": 2.0}
            area = np.pi * given["length"] * given["diameter"]
            found = first_step(kind, injected=5.0, lift=3.0, **given)
            expected = DT * (5.0 - 30.0e-5 * area * 3.0) / (2.0e-2 * area)
            np.testing.assert_allclose(found, expected, rtol=1e-6)

    return check


def r_axial(kind):
    cylinder = {"length": 50.0, "diameter": 2.0, "gL": 40.0, "C": 1.0}

    class Cable(dn.MCNeuron):
        def __init__(self, value):
            super().__init__(1, V_th=1e3)
            extra = {"t_decay": 5.0} if kind in RECEPTORS else {}
            self.part = CELLS[kind](1, V_rest=-70.0, r_axial=value, **cylinder, **extra)
            other = dn.Compartment if kind == "LeakyIF" else dn.LeakyIF
            self.other = other(1, V_rest=-60.0, r_axial=100.0, **cylinder)
            self.axial = dn.MCConn(self.part, self.other)

    for value in (100.0, 300.0):
        cable = Cable(value)
        net = dn.Network([cable], dt=DT)
        # Of a receptor "I" is the receptor's; what leaves one compartment enters the other.
        current = net.probe(cable.other, "I")
        net.run(DT)
        resistance = sum(4 * r * 50.0 / (np.pi * 4.0) for r in (value, 100.0))
        np.testing.assert_allclose(current.values[0, 0], -2e5 / resistance * 10.0, rtol=1e-12)


def i_ext(kind):
    for value in (0.0, 25.0):
        np.testing.assert_allclose(first_step(kind, I_ext=value, C=40.0), DT * value / 40.0, rtol=1e-12, atol=1e-12)


# Receptors


def probed(kind, variable, state, duration=DT, **given):
    """Return a variable of a receptor at 0 and after ``duration``, from V = -60 and the given gates."""
    lab = Lab(kind, V_rest=-60.0, **given)
    net = dn.Network([lab], dt=DT)
    net.set_state({f"{lab.part.path}.{k}": v for k, v in state.items()})
    probe = net.probe(lab.part, variable)
    net.run(duration + DT)
    return probe.values[[0, -1], 0]


def block(V=-60.0, Mg=1.0, gamma=0.0, alpha=0.062, beta=3.57):
    return 1 / (1 + Mg * np.exp(-alpha * (V + gamma)) / beta)


def conductance(name):
    def check(kind):
        for value in (0.5, 3.0):
            b = block() if kind == "NMDA" else 1.0
            lab_current = probed(kind, "I", {"s": 0.25}, **{name: value})[0]
            np.testing.assert_allclose(lab_current, value * 0.25 * 60.0 * b, rtol=1e-9)

    return check


def magnesium(name, values):
    def check(kind):
        for value in values:
            np.testing.assert_allclose(probed(kind, "B", {}, **{name: value})[0], block(**{name: value}), rtol=1e-12)

    return check


def t_decay(kind):
    for value in (2.0, 20.0):
        found = probed(kind, "s", {"s": 1.0}, t_decay=value)
        np.testing.assert_allclose(found, [1.0, 1 - DT / value], rtol=1e-12)


def t_rise(kind):
    for value in (1.0, 4.0):
        s = probed(kind, "s", {"s": 1.0}, t_rise=value)
        x = probed(kind, "x", {"s": 1.0, "x": 0.5}, t_rise=value, t_decay=10.0)
        np.testing.assert_allclose(s[1], 1 - DT / value, rtol=1e-12)
        np.testing.assert_allclose(x[1], 0.5 * (1 - DT / 10.0) + DT, rtol=1e-12)
    np.testing.assert_allclose(probed(kind, "x", {"s": 1.0})[0], 1.0)  # Without a rise x is s.


def scale_g(kind):
    for rise, decay in ((1.0, 10.0), (4.0, 4.0), (4.0, 4.0 + 1e-9), (7.0, 3.0)):
        ratio = 1.0
        for scaled, power in ((True, 1), (False, -1)):
            current = probed(kind, "I", {"x": 0.5}, t_rise=rise, t_decay=decay, scale_g=scaled)[0]
            ratio *= current**power
        d = (decay - rise) / rise
        peak = rise * np.exp(-np.log1p(d) / d) if abs(d) > 1e-6 else rise / np.e
        np.testing.assert_allclose(ratio, 1 / peak, rtol=1e-6)


# What all modules have


def size(kind):
    for value in (1, 3):
        if kind == "MCNeuron":
            module = dn.MCNeuron(value)
        else:
            module = CELLS[kind](value, **({"t_decay": 5.0} if kind in RECEPTORS else {}))
        assert module.size == value
        lab = Lab("LeakyIF" if kind == "MCNeuron" else kind, size=value)
        net = dn.Network([lab], dt=DT)
        v = net.probe(lab.part, "V")
        net.run(DT)
        assert v.values.shape == (1, value)


def make(kind, **given):
    """Return a module of any class of the seed, alone."""
    lab, noise, dc = Lab("Compartment"), dn.PoissonGenerator(1), dn.DCGenerator(1, amplitude=1.0)
    receptor = dn.AMPA(1, t_decay=5.0)
    ends = {
        "MCConn": (lab.soma, lab.part, 2.0),
        "MCConnSynapse": (receptor, lab.part),
        "MCSynapse": (noise, receptor, np.ones((1, 1))),
        "ConnGen": (dc, lab.part),
    }.get(kind, (1,))
    if kind in RECEPTORS:
        given.setdefault("t_decay", 5.0)
    return getattr(dn, kind)(*ends, **given)


def parent(kind):
    owner = dn.Module(name="owner")
    assert make(kind, parent=owner).parent is owner
    assert make(kind, parent=None).parent is None
    assert make(kind, parent=owner, name="x").path == "owner/x"
    manager = dn.VarManager()
    module = make(kind, parent=manager)
    assert module.variables is manager
    assert module.parent is None

    class Holder(dn.Module):
        def __init__(self):
            super().__init__()
            make(kind, name="within")

    assert "within" in [m.name for m in Holder().children()]


def name(kind):
    assert make(kind, name="cortex").path == "cortex"
    assert make(kind).path == kind.lower()


FROZEN = {
    "Compartment": {"gL": 7.0},
    "LeakyIF": {"I_ext": 7.0},
    "AMPA": {"g": 7.0},
    "NMDA": {"Mg": 7.0},
    "MCConn": {"g": 7.0},
    "MCSynapse": {"w": 7.0},
    "MCNeuron": {"V_th": 7.0},
}


def frozen_params(kind):
    if kind not in FROZEN:
        # These have no parameters, so that there is nothing to freeze.
        with pytest.raises(dn.UnknownNameError, match="frozen_params: no parameter named 'g'"):
            make(kind, frozen_params={"g": 1.0})
        return
    ((key, value),) = FROZEN[kind].items()
    module = make(kind, frozen_params=FROZEN[kind])
    assert np.all(getattr(module, key) == value)
    assert f"{module.path}.{key}" not in module.parameters()
    assert f"{module.path}.{key}" in make(kind).parameters()


# Connections


class Wired(dn.MCNeuron):
    """A soma and two dendrites, with receptors to be attached."""

    def __init__(self, ends=("soma", "a"), g=2.0, receptor="first", on="a", **given):
        super().__init__(2, V_th=1e3, name="wired", **given)
        self.soma = dn.LeakyIF(2, V_rest=-60.0, gL=1.0, C=10.0)
        self.a = dn.Compartment(2, V_rest=-70.0, gL=1.0, C=10.0)
        self.b = dn.Compartment(2, V_rest=-80.0, gL=1.0, C=10.0)
        self.tested = dn.MCConn(getattr(self, ends[0]), getattr(self, ends[1]), g)
        rest = next(n for n in ("soma", "a", "b") if n not in ends)
        self.other = dn.MCConn(self.soma if rest != "soma" else self.a, getattr(self, rest), 1e-12)
        self.first, self.second = dn.AMPA(2, g=1.0, t_decay=5.0), dn.AMPA(2, g=1.0, t_decay=5.0)
        chosen = getattr(self, receptor)
        self.on = dn.MCConnSynapse(chosen, getattr(self, on))
        self.rest = dn.MCConnSynapse(self.second if receptor == "first" else self.first, self.soma)


def currents(cell, *extra, state=None):
    """Return the currents into soma, a and b of neuron 0 at t = 0."""
    net = dn.Network([cell, *extra], dt=DT)
    net.set_state(state or {})
    probes = [net.probe(c, "I") for c in (cell.soma, cell.a, cell.b)]
    net.run(DT)
    return np.round([p.values[0, 0] for p in probes], 9).tolist()


def coupled_ends(_):
    assert currents(Wired(("soma", "a"))) == [-20.0, 20.0, 0.0]
    assert currents(Wired(("soma", "b"))) == [-40.0, 0.0, 40.0]
    assert currents(Wired(("a", "b"))) == [0.0, -20.0, 20.0]
    assert currents(Wired(("b", "a"))) == [0.0, -20.0, 20.0]


def coupling(_):
    assert currents(Wired(g=3.0)) == [-30.0, 30.0, 0.0]
    assert currents(Wired(g=0.5)) == [-5.0, 5.0, 0.0]


def attached(_):
    gates = {"wired/first.s": 1.0}
    assert currents(Wired(g=1e-12, receptor="first", on="a"), state=gates) == [0.0, 70.0, 0.0]
    assert currents(Wired(g=1e-12, receptor="first", on="b"), state=gates) == [0.0, 0.0, 80.0]
    assert currents(Wired(g=1e-12, receptor="second", on="a"), state=gates) == [60.0, 0.0, 0.0]


def arrivals(pre, post, conn):
    """Return what is in both receptors' gates after spikes of both generators at t = 0."""
    cell = Wired()
    noise = {n: dn.SpikeGenerator(2, k, t, name=n) for n, k, t in (("one", [0], [0.0]), ("both", [0, 1], [0.0, 0.0]))}
    syn = dn.MCSynapse(noise[pre], getattr(cell, post), conn)
    net = dn.Network([cell, *noise.values(), syn], dt=DT)
    net.run(DT)
    return [net.get_state()[f"wired/{r}.s"].tolist() for r in ("first", "second")]


def synapse_pre(_):
    w = np.array([[1.0, 2.0], [4.0, 8.0]])
    assert arrivals("one", "first", w) == [[1.0, 2.0], [0.0, 0.0]]
    assert arrivals("both", "first", w) == [[5.0, 10.0], [0.0, 0.0]]


def synapse_post(_):
    assert arrivals("one", "second", np.ones((2, 2))) == [[0.0, 0.0], [1.0, 1.0]]
    assert arrivals("one", "first", np.ones((2, 2))) == [[1.0, 1.0], [0.0, 0.0]]


def synapse_conn(_):
    assert arrivals("both", "first", np.array([[0.0, 3.0], [0.5, 0.0]])) == [[0.5, 3.0], [0.0, 0.0]]
    assert arrivals("both", "first", dn.One2One()) == [[1.0, 1.0], [0.0, 0.0]]
    assert arrivals("one", "first", dn.One2One()) == [[1.0, 0.0], [0.0, 0.0]]


def injected(_):
    for amplitude, where, expected in ((5.0, "a", [0, 5, 0]), (5.0, "b", [0, 0, 5]), (9.0, "a", [0, 9, 0])):
        cell, dc = Wired(g=1e-12), dn.DCGenerator(1, amplitude=amplitude)
        assert currents(cell, dc, dn.ConnGen(dc, getattr(cell, where))) == expected
    cell, spikes = Wired(), dn.SpikeGenerator(2, [1], [0.0])
    net = dn.Network([cell, spikes, dn.ConnGen(spikes, cell.first)], dt=DT)
    net.run(DT)
    assert net.get_state()["wired/first.s"].tolist() == [0.0, 1.0]


# Neurons


def spiking(V_th=-50.0, V_reset=-65.0, duration=30.0, **given):
    """Return recordings of a neuron under a strong current."""

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
        # dV/dt = 3 mV/ms less the leak: the spike is in the first step whose result is above the threshold.
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
    """A neuron that spikes where its current has a pulse."""

    def __init__(self, **given):
        super().__init__(1, V_th=-60.0, V_reset=-70.0, **given)
        self.soma = dn.LeakyIF(1, V_rest=-70.0, C=1.0, gL=1.0)
        self.ampa = dn.AMPA(1, g=0.0, t_decay=1.0)
        self.on = dn.MCConnSynapse(self.ampa, self.soma)


def learnt(rule, pre, post, delay=1.0, **given):
    """Return the weight after spikes of the source and the neuron at these steps."""
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
        # The neuron's spike at step 100 reaches the synapse at 110, the source's at 300: 19 ms later.
        found = learnt(rule, [300], [100], dendritic_delay=10, stdp_tau=value)
        np.testing.assert_allclose(found, 1 - 2.0 * 0.01 * np.exp(-19.0 / value), rtol=1e-12)


def tau_triplet(_):
    rule = dn.TripletSTDP(A_plus=0.0, A_minus=0.0, A_plus_triplet=0.1, A_minus_triplet=0.0, tau_plus=20.0)
    for value in (50.0, 200.0):
        # Source at 10 ms; neuron at 5 and 30 ms, 1 ms later at the synapse: slow trace of 25 ms, fast one of 21 ms.
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
    np.testing.assert_allclose(errors[m.MIDPOINT], errors[m.HEUN2], rtol=1e-6)  # One polynomial, where f is linear.
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
