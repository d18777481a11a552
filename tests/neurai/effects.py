"""Checks of the effect of each NeurAI parameter, based on the equation that contains it.

A check takes the name of a class, builds small networks that differ only in this parameter, and compares the difference
with the equation. Unless a check states otherwise, it uses forward Euler with steps of 0.1 ms.
"""

import dendrion as dn
import numpy as np
import pytest

DT = 0.1
CELLS = {"Compartment": dn.Compartment, "LeakyIF": dn.LeakyIF, "AMPA": dn.AMPA, "NMDA": dn.NMDA}
RECEPTORS = ("AMPA", "NMDA")


class Lab(dn.MCNeuron):
    """A soma and the module under test, coupled so weakly that they do not affect each other."""

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
    """Return the change of V in one step, with V raised above V_rest by ``lift`` (mV) and a current (pA)."""
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
        # "I" of a receptor is its own current, so record the other end, which receives what leaves this one.
        current = net.probe(cable.other, "I")
        net.run(DT)
        resistance = sum(4 * r * 50.0 / (np.pi * 4.0) for r in (value, 100.0))
        np.testing.assert_allclose(current.values[0, 0], -2e5 / resistance * 10.0, rtol=1e-12)


def i_ext(kind):
    for value in (0.0, 25.0):
        np.testing.assert_allclose(first_step(kind, I_ext=value, C=40.0), DT * value / 40.0, rtol=1e-12, atol=1e-12)


# Receptors


def probed(kind, variable, state, duration=DT, **given):
    """Return a variable of a receptor at t = 0 and after ``duration``, starting from V = -60 mV and these gates."""
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
    np.testing.assert_allclose(probed(kind, "x", {"s": 1.0})[0], 1.0)  # Without a rise, x equals s.


def scale_g(kind):
    for rise, decay in ((1.0, 10.0), (4.0, 4.0), (4.0, 4.0 + 1e-9), (7.0, 3.0)):
        ratio = 1.0
        for scaled, power in ((True, 1), (False, -1)):
            current = probed(kind, "I", {"x": 0.5}, t_rise=rise, t_decay=decay, scale_g=scaled)[0]
            ratio *= current**power
        d = (decay - rise) / rise
        peak = rise * np.exp(-np.log1p(d) / d) if abs(d) > 1e-6 else rise / np.e
        np.testing.assert_allclose(ratio, 1 / peak, rtol=1e-6)


# Parameters of all modules


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
    """Return a single module of a NeurAI class."""
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
        # These modules have no parameters that could be frozen.
        with pytest.raises(dn.UnknownNameError, match="frozen_params: no parameter named 'g'"):
            make(kind, frozen_params={"g": 1.0})
        return
    ((key, value),) = FROZEN[kind].items()
    module = make(kind, frozen_params=FROZEN[kind])
    assert np.all(getattr(module, key) == value)
    assert f"{module.path}.{key}" not in module.parameters()
    assert f"{module.path}.{key}" in make(kind).parameters()
