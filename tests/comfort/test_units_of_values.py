"""Values that seem to be in another unit cause one warning per parameter; plausible values cause none."""

import re
import warnings

import dendrion as dn
import numpy as np
import pytest

GEOMETRY = {"length": 100.0, "diameter": 2.0}


def cell(soma=None, **given):
    made = dn.MCNeuron(2, name="cell", **{"V_th": -50.0, "V_reset": -60.0, **given})
    made.soma = soma or dn.LeakyIF(2, V_rest=-65.0, C=200.0, gL=10.0)
    return made


def on_soma(make, soma=None, calcium=False):
    made = cell(soma or (dn.LeakyIF(2, C=1.0, gL=40.0, **GEOMETRY) if calcium else None))
    made.part = make(made.soma)
    if calcium:
        made.cal = dn.channels.CaL(2, on=made.soma)
    return [made]


def receptor(cls, **given):
    made = cell()
    made.part = cls(2, **{"t_decay": 5.0, **given})
    made.on = dn.MCConnSynapse(made.part, made.soma)
    return [made]


def dendrite(**given):
    made = cell()
    made.part = dn.Compartment(2, **{"V_rest": -65.0, **given})
    made.axial = dn.MCConn(made.soma, made.part, 5.0)
    return [made]


def synapse(**given):
    made = receptor(dn.AMPA)
    noise = dn.PoissonGenerator(2, 10.0)
    return [*made, noise, dn.MCSynapse(noise, made[0].part, dn.All2All(), name="syn", **given)]


def soma(cls, **given):
    return [cell(cls(2, **{"V_rest": -65.0, "C": 200.0, "gL": 10.0, **given}))]


#: Modules, and the text of the warning for each.
ODD = [
    ([cell(V_th=-0.05)], r"cell: V_th = -0.05 seems to be in volts; Dendrion expects mV \(did you mean -50 mV\?\)"),
    ([cell(V_th=np.array([-0.05, -0.045]))], r"cell: V_th = -0.05 to -0.045 .*in volts; .*mean -50 to -45 mV"),
    ([cell(V_th=np.array([-50.0, -0.045]))], r"cell: V_th = -50 to -0.045 seems to be in volts"),
    ([cell(V_reset=-0.06)], r"cell: V_reset = -0.06 seems to be in volts"),
    ([cell(V_reset=-60000.0)], r"cell: V_reset = -60000 seems to be in microvolts; .*mean -60 mV\?\)"),
    ([cell(V_spike=0.03, spike_width=1.0)], r"cell: V_spike = 0.03 seems to be in volts"),
    ([cell(refractory=0.002)], r"cell: refractory = 0.002 seems to be in seconds; .*mean 2 ms\?\)"),
    ([cell(stdp_tau=0.02)], r"cell: stdp_tau = 0.02 seems to be in seconds"),
    (soma(dn.LeakyIF, V_rest=-0.065), r"cell/soma: V_rest = -0.065 seems to be in volts"),
    (soma(dn.LeakyIF, C=2e-10), r"cell/soma: C = 2e-10 seems to be in farads; .*mean 200 pF\?\)"),
    (soma(dn.LeakyIF, gL=1e-8), r"cell/soma: gL = 1e-08 seems to be in siemens; .*mean 10 nS\?\)"),
    (soma(dn.LeakyIF, I_ext=3e-10), r"cell/soma: I_ext = 3e-10 seems to be in amperes; .*mean 300 pA\?\)"),
    (dendrite(I_ext=np.full(2, 3e-10)), r"cell/part: I_ext = 3e-10 seems to be in amperes"),
    (dendrite(C=200.0, gL=10.0, **GEOMETRY), r"cell/part: C = 200 seems to be in pF; with length .*uF/cm2"),
    (dendrite(C=1e-6, gL=40.0, **GEOMETRY), r"cell/part: C = 1e-06 seems to be in F/cm2; .*mean 1 uF"),
    (dendrite(C=0.01, gL=40.0, **GEOMETRY), r"cell/part: C = 0.01 seems to be in F/m2; .*mean 1 uF/cm2"),
    (dendrite(C=1.0, gL=3e-4, **GEOMETRY), r"cell/part: gL = 0.0003 seems to be in S/cm2; .* uS/cm2.*mean 300 uS"),
    (dendrite(C=1.0, gL=0.04, **GEOMETRY), r"cell/part: gL = 0.04 seems to be in mS/cm2; .*mean 40 uS"),
    (dendrite(C=1.0, gL=40.0, length=1e-4, diameter=2.0), r"cell/part: length = 0.0001 seems to be in metres or"),
    (dendrite(C=1.0, gL=40.0, length=100.0, diameter=2e-6), r"cell/part: diameter = 2e-06 seems to be in metres"),
    (dendrite(C=1.0, gL=40.0, r_axial=1.5, **GEOMETRY), r"cell/part: r_axial = 1.5 .*in ohm m; .*mean 150 ohm cm"),
    (receptor(dn.AMPA, g=1e-9), r"cell/part: g = 1e-09 seems to be in siemens"),
    (
        receptor(dn.AMPA, t_decay=0.002),
        r"cell/part: t_decay = 0.002 seems to be in seconds; Dendrion expects ms \(did you mean 2 ms\?\)",
    ),
    (receptor(dn.GABA, t_decay=0.01), r"cell/part: t_decay = 0.01 seems to be in seconds"),
    (receptor(dn.NMDA, t_decay=0.1), r"cell/part: t_decay = 0.1 seems to be in seconds"),
    (receptor(dn.AMPA, t_rise=0.0005), r"cell/part: t_rise = 0.0005 seems to be in seconds"),
    (receptor(dn.GABA, E=-0.08), r"cell/part: E = -0.08 seems to be in volts"),
    (receptor(dn.NMDA, beta=3570.0), r"cell/part: beta = 3570 seems to be in micromolar; .* mM.*mean 3.57 mM\?\)"),
    (receptor(dn.NMDA, Mg=1000.0), r"cell/part: Mg = 1000 seems to be in micromolar; .*mean 1 mM\?\)"),
    (receptor(dn.NMDA, alpha=62.0), r"cell/part: alpha = 62 seems to be in 1/V; .*mean 0.062 1/mV\?\)"),
    (soma(dn.AdEx, Vt=-0.0504), r"cell/soma: Vt = -0.0504 seems to be in volts"),
    (soma(dn.AdEx, DeltaT=0.002), r"cell/soma: DeltaT = 0.002 seems to be in volts; .*mean 2 mV\?\)"),
    (soma(dn.AdEx, DeltaT=0.01), r"cell/soma: DeltaT = 0.01 seems to be in volts; .*mean 10 mV\?\)"),
    (soma(dn.AdEx, tau_w=0.144), r"cell/soma: tau_w = 0.144 seems to be in seconds; .*mean 144 ms\?\)"),
    (soma(dn.AdEx, a=4e-9), r"cell/soma: a = 4e-09 seems to be in siemens"),
    (soma(dn.AdEx, b=8.05e-11), r"cell/soma: b = 8.05e-11 seems to be in amperes; .*mean 80.5 pA\?\)"),
    (on_soma(lambda s: dn.channels.KM.absolute(2, on=s, g=1e-9)), r"cell/part: g = 1e-09 seems to be in siemens"),
    (on_soma(lambda s: dn.channels.KM.absolute(2, on=s, g=1.0, E=-0.09)), r"cell/part: E = -0.09 seems to be in volts"),
    (
        on_soma(lambda s: dn.channels.KM(2, on=s, g=3e4), dn.LeakyIF(2, C=1.0, gL=40.0, **GEOMETRY)),
        r"cell/part: g = 30000 seems to be in uS/cm2; Dendrion expects mS/cm2 \(did you mean 30 mS/cm2\?\)",
    ),
    (
        on_soma(lambda s: dn.channels.CaPool(2, on=s, Ca_rest=0.1), calcium=True),
        r"cell/part: Ca_rest = 0.1 seems to be in micromolar; Dendrion expects mM \(did you mean 0.0001 mM\?\)",
    ),
    (on_soma(lambda s: dn.OUNoise(s, 1e-10, 5.0)), r"cell/part: sigma = 1e-10 seems to be in amperes"),
    (on_soma(lambda s: dn.OUNoise(s, 10.0, 0.005)), r"cell/part: tau = 0.005 seems to be in seconds"),
    (on_soma(lambda s: dn.ConductanceNoise(s, 1.0, E=-0.08)), r"cell/part: E = -0.08 seems to be in volts"),
    (
        synapse(weight=1e-9),
        r"syn: w = 1e-09 seems to be in siemens; Dendrion expects a factor for the receptor's conductance",
    ),
    (synapse(weight=np.full(4, 1e-9)), r"syn: w = 1e-09 seems to be in siemens"),
    (synapse(delay=0.0015), r"syn: delay = 0.0015 seems to be in seconds"),
    (synapse(delay=dn.Uniform(0.001, 0.002)), r"syn: delay = 0.002 seems to be in seconds"),
    (synapse(plasticity=dn.STDP(tau_plus=0.02)), r"syn: tau_plus = 0.02 seems to be in seconds"),
    ([dn.DCGenerator(1, 5e-10, name="dc")], r"dc: amplitude = 5e-10 seems to be in amperes"),
    ([dn.CurrentGenerator(1, np.full(9, 5e-10), name="wave")], r"wave: waveform = 5e-10 seems to be in amperes"),
    ([dn.PoissonGenerator(1, 5e-4, name="noise")], r"noise: rate = 0.0005 seems to be in spikes per ms"),
]


def looks(modules, **given):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", dn.UnitWarning)
        net = dn.Network(modules, **given)
    return [str(w.message) for w in found], net


@pytest.mark.parametrize(("modules", "message"), ODD, ids=[m[:40] for _, m in ODD])
def test_an_odd_value_is_warned_of(modules, message):
    found, _ = looks(modules)
    assert len(found) == 1
    assert re.match(message, found[0]), found[0]


def test_a_step_in_seconds():
    found, _ = looks([cell()], dt=1e-4)
    assert found == ["network: dt = 0.0001 ms seems to be in seconds; Dendrion expects ms (did you mean dt=0.1?)"]
    assert looks([cell()], dt=0.001)[0] == []


PLAUSIBLE = [
    [cell(V_th=1.0, V_reset=0.0)],
    [cell(V_th=1e6)],
    [cell(V_th=np.array([0.5, 1.0]), V_reset=0.0)],
    [cell(refractory=0.5)],
    soma(dn.LeakyIF, V_rest=0.0, C=1.0, gL=0.05),
    soma(dn.LeakyIF, I_ext=np.array([0.0, 1e-9, 100.0][1:])),
    soma(dn.AdEx, DeltaT=0.5, tau_w=20.0, a=0.0, b=0.0),
    dendrite(C=10.0, gL=1000.0, length=0.5, diameter=0.1, r_axial=35.4),
    dendrite(C=0.01, gL=0.001),
    receptor(dn.AMPA, g=1e-4, t_decay=0.5, t_rise=0.05),
    receptor(dn.NMDA, Mg=0.001, t_decay=20.0),
    synapse(weight=np.array([0.0, 1e-9, 0.5, 1.0])),
    synapse(delay=0.1, plasticity=dn.STDP(tau_plus=5.0)),
    [dn.PoissonGenerator(1, 0.01)],
    [dn.PoissonGenerator(1, 1e6)],
    on_soma(lambda s: dn.channels.KM.absolute(2, on=s, g=0.001)),
]


@pytest.mark.parametrize("modules", PLAUSIBLE, ids=range(len(PLAUSIBLE)))
def test_a_plausible_value_is_not(modules):
    assert looks(modules)[0] == []


def test_users_equations_may_have_small_slopes():
    class Own(dn.Channel):
        equations = "I = g * (E - V) / (1 + exp(-(V - Vh)/k)) : pA\ng = 1 nS\nE = -90 mV\nVh = -30 mV\nk = 5 mV"

    assert looks(on_soma(lambda s: Own(2, on=s, k=0.1)))[0] == []
    for name, value, unit in (("Vh", -0.03, "volts"), ("g", 1e-9, "siemens")):
        (found,) = looks(on_soma(lambda s, n=name, v=value: Own(2, on=s, **{n: v})))[0]
        assert found.startswith(f"cell/part: {name} = {value:g} seems to be in {unit}")


def test_once_per_parameter_and_after_building_too():
    made = cell(V_th=-0.05)
    found, net = looks([made])
    with warnings.catch_warnings():
        warnings.simplefilter("error", dn.UnitWarning)
        made.V_th = -0.051
        made.soma.C = 100.0
        with pytest.raises(dn.UnitWarning, match=r"cell/soma: C = 1e-10 seems to be in farads"):
            made.soma.C = 1e-10
        warnings.filterwarnings("ignore", category=dn.UnitWarning)
        made.soma.gL = 1e-8
    assert len(found) == 1
    assert isinstance(net, dn.Network)


def test_values_that_are_set_by_key():
    net = looks([made := cell()])[1]
    for change in (net.set_parameters, lambda values: net.load_state_dict({**net.state_dict(), **values})):
        made.__dict__["_odd_units"].clear()
        with pytest.warns(dn.UnitWarning, match=r"cell: V_th = -0\.05 seems to be in volts") as found:
            change({"cell.V_th": -0.05})
        assert (len(found), found[0].filename) == (1, __file__)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            change({"cell.V_th": -50.0, "cell/soma.C": 150.0})


def test_potentials_that_are_set():
    net = looks([made := cell()])[1]
    for change in (
        lambda: net.set_state({"cell/soma.V": [-0.065, -0.06]}),
        lambda: setattr(made.soma, "V", [-0.065, -0.06]),
    ):
        with pytest.warns(
            dn.UnitWarning, match=r"cell/soma: V = -0\.065 to -0\.06 seems to be in volts; .*mean -65 to -60 mV"
        ):
            change()
    near_zero = cell(dn.LeakyIF(2, V_rest=0.0), V_th=1.0, V_reset=0.0)
    other = dn.Network([near_zero])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.set_state({"cell/soma.V": -65.0})
        other.set_state({"cell/soma.V": -0.065})


def test_quantities_are_not_looked_at():
    pint = pytest.importorskip("pint")
    unit = pint.UnitRegistry()
    made = cell(dn.LeakyIF(2, V_rest=-65 * unit.mV, C=1e-19 * unit.farad, gL=10 * unit.nS), V_th=0.05 * unit.mV)
    made.soma.I_ext = 1e-9 * unit.pA
    wave = dn.CurrentGenerator(1, np.full(3, 1e-9) * unit.pA)
    found, net = looks([made, wave], dt=1e-4 * unit.ms)
    assert found == []
    made.soma.I_ext = 1e-8 * unit.pA
    with pytest.warns(dn.UnitWarning, match=r"cell/soma: I_ext = 1e-08"):
        made.soma.I_ext = 1e-8
    assert isinstance(net, dn.Network)


def test_capacitances_may_differ_between_neurons():
    cell = dn.MCNeuron(2, V_th=-50.0, V_reset=-60.0)
    soma = dn.LeakyIF(2, C=[1.0, 1.2], gL=30.0, length=20.0, diameter=20.0, parent=cell, name="soma")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dn.Network([cell], dt=0.1)
    assert soma.C.tolist() == [1.0, 1.2]
