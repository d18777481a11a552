"""A quantity with the wrong dimension raises an error that names its unit and the expected unit."""

import dendrion as dn
import numpy as np
import pytest

NUMBER = "a pure number"


class KA(dn.Channel):
    equations = """
    I = g * (E - V) : pA
    g = 5 mS/cm2 * area; E = -90 mV; k : 1/mV/ms
    """


class Named(dn.MCNeuron):
    def __init__(self, **given):
        super().__init__(1, V_th=1.0, name="cell")
        self.soma = dn.LeakyIF(1, gL=10.0, C=200.0)
        self.dend = dn.Compartment(1, gL=10.0, C=200.0, length=None)
        self.ampa = dn.AMPA(1, t_decay=2.0)
        self.on = dn.MCConnSynapse(self.ampa, self.soma)
        self.axial = dn.MCConn(self.soma, self.dend, g=1.0)


#: Uses of a quantity with the wrong dimension, and the expected message for each.
MODULES = {
    "V_rest": (lambda q: dn.Compartment(V_rest=q(5, "nS")), "Compartment: V_rest = 5 nS: got nS, expected mV"),
    "length": (lambda q: dn.Compartment(length=q(5, "mV")), "Compartment: length = 5 mV: got mV, expected um"),
    "r_axial": (lambda q: dn.Compartment(r_axial=q(5, "mV")), "Compartment: r_axial = 5 mV: got mV, expected ohm cm"),
    "area_factor": (
        lambda q: dn.Compartment(area_factor=q(5, "mV")),
        f"Compartment: area_factor = 5 mV: got mV, expected {NUMBER}",
    ),
    "I_ext": (lambda q: dn.LeakyIF(I_ext=q(5, "mV")), "LeakyIF: I_ext = 5 mV: got mV, expected pA"),
    "pure": (lambda q: dn.LeakyIF(I_ext=q(5, "")), f"LeakyIF: I_ext = 5: got {NUMBER}, expected pA"),
    "array": (
        lambda q: dn.LeakyIF(2, I_ext=q(np.array([1.0, 2.0]), "mV")),
        "LeakyIF: I_ext = array of shape (2,) in mV: got mV, expected pA",
    ),
    "list": (
        lambda q: dn.LeakyIF(2, I_ext=[1.0, q(2.0, "mV")]),
        "LeakyIF: I_ext[1] = 2 mV: got mV, expected pA",
    ),
    "frozen": (
        lambda q: dn.LeakyIF(frozen_params={"I_ext": q(5, "mV")}),
        "LeakyIF: I_ext = 5 mV: got mV, expected pA",
    ),
    "receptor g": (lambda q: dn.AMPA(t_decay=2.0, g=q(5, "mV")), "AMPA: g = 5 mV: got mV, expected nS"),
    "receptor w": (lambda q: dn.GABA(t_decay=2.0, w=q(5, "nS")), f"GABA: w = 5 nS: got nS, expected {NUMBER}"),
    "t_decay": (lambda q: dn.AMPA(t_decay=q(5, "mV")), "AMPA: t_decay = 5 mV: got mV, expected ms"),
    "alpha": (lambda q: dn.NMDA(t_decay=2.0, alpha=q(5, "mV")), "NMDA: alpha = 5 mV: got mV, expected 1/mV"),
    "Mg": (lambda q: dn.NMDA(t_decay=2.0, Mg=q(5, "mV")), "NMDA: Mg = 5 mV: got mV, expected mM"),
    "V_th": (lambda q: dn.MCNeuron(V_th=q(5, "ms")), "MCNeuron: V_th = 5 ms: got ms, expected mV"),
    "refractory": (lambda q: dn.MCNeuron(refractory=q(5, "mV")), "MCNeuron: refractory = 5 mV: got mV, expected ms"),
    "dendritic_delay": (
        lambda q: dn.MCNeuron(dendritic_delay=q(5, "ms")),
        f"MCNeuron: dendritic_delay = 5 ms: got ms, expected {NUMBER}",
    ),
    "coupling": (
        lambda q: dn.MCConn(dn.Compartment(), dn.Compartment(), g=q(5, "uS/cm**2")),
        "MCConn: g = 5 uS/cm2: got uS/cm2, expected nS",
    ),
    "white noise": (
        lambda q: dn.WhiteNoise(dn.Compartment(), sigma=q(5, "pA")),
        "WhiteNoise: sigma = 5 pA: got pA, expected pA ms^1/2",
    ),
    "OU noise": (
        lambda q: dn.OUNoise(dn.Compartment(), sigma=q(5, "pA"), tau=q(5, "Hz")),
        "OUNoise: tau = 5 Hz: got Hz, expected ms",
    ),
    "conductance noise": (
        lambda q: dn.ConductanceNoise(dn.Compartment(), sigma=q(5, "nS")),
        "ConductanceNoise: sigma = 5 nS: got nS, expected nS ms^1/2",
    ),
    "channel": (lambda q: dn.channels.KA(g=q(5, "nS")), "KA: g = 5 nS: got nS, expected mS/cm2"),
    "absolute channel": (
        lambda q: dn.channels.KA.absolute(g=q(5, "uS/cm**2")),
        "KA.absolute: g = 5 uS/cm2: got uS/cm2, expected nS",
    ),
    "written": (lambda q: KA(k=q(5, "1/mV")), "KA: k = 5 1/mV: got 1/mV, expected 1/mV/ms"),
    "soma": (lambda q: dn.Izhikevich(a=q(5, "ms")), "Izhikevich: a = 5 ms: got ms, expected 1/ms"),
    "rate": (lambda q: dn.PoissonGenerator(rate=q(5, "ms")), "PoissonGenerator: rate = 5 ms: got ms, expected Hz"),
    "start": (lambda q: dn.PoissonGenerator(start=q(5, "mV")), "PoissonGenerator: start = 5 mV: got mV, expected ms"),
    "stop": (lambda q: dn.DCGenerator(stop=q(5, "Hz")), "DCGenerator: stop = 5 Hz: got Hz, expected ms"),
    "prob": (
        lambda q: dn.BernoulliGenerator(prob=q(5, "Hz")),
        f"BernoulliGenerator: prob = 5 Hz: got Hz, expected {NUMBER}",
    ),
    "amplitude": (lambda q: dn.DCGenerator(amplitude=q(5, "mV")), "DCGenerator: amplitude = 5 mV: got mV, expected pA"),
    "times": (
        lambda q: dn.SpikeGenerator(1, [0], q(np.array([1.0]), "mV")),
        "SpikeGenerator: times = array of shape (1,) in mV: got mV, expected ms",
    ),
    "sources": (
        lambda q: dn.SpikeGenerator(1, q(np.array([0]), "ms"), [1.0]),
        f"SpikeGenerator: indices = array of shape (1,) in ms: got ms, expected {NUMBER}",
    ),
    "waveform": (
        lambda q: dn.CurrentGenerator(1, q(np.zeros((4, 1)), "mV")),
        "CurrentGenerator: waveform = array of shape (4, 1) in mV: got mV, expected pA",
    ),
    "table of spikes": (
        lambda q: dn.CustomGenerator(1, fn=q(np.zeros((4, 1)), "ms")),
        f"CustomGenerator: fn = array of shape (4, 1) in ms: got ms, expected {NUMBER}",
    ),
    "piecewise times": (
        lambda q: dn.Piecewise(q(np.array([1.0]), "mV"), [1.0]),
        "Piecewise: times = array of shape (1,) in mV: got mV, expected ms",
    ),
    "piecewise values": (
        lambda q: dn.Piecewise([1.0], q(np.array([1.0]), "nS")),
        f"Piecewise: values = array of shape (1,) in nS: got nS, expected Hz, pA, mV or {NUMBER}",
    ),
    "piecewise rate": (
        lambda q: dn.PoissonGenerator(rate=dn.Piecewise([1.0], q(np.array([1.0]), "pA"))),
        "PoissonGenerator: rate = Piecewise(1 value from 1 ms on): got pA, expected Hz",
    ),
    "piecewise probability": (
        lambda q: dn.BernoulliGenerator(prob=dn.Piecewise([1.0], q(np.array([1.0]), "Hz"))),
        f"BernoulliGenerator: prob = Piecewise(1 value from 1 ms on): got Hz, expected {NUMBER}",
    ),
    "piecewise call": (
        lambda q: dn.Piecewise([1.0], [1.0])(q(1, "mV")),
        "Piecewise: t = 1 mV: got mV, expected ms",
    ),
    "plasticity": (lambda q: dn.STDP(tau_plus=q(5, "mV")), "STDP: tau_plus = 5 mV: got mV, expected ms"),
    "learning rate": (lambda q: dn.STDP(lambda_=q(5, "ms")), f"STDP: lambda_ = 5 ms: got ms, expected {NUMBER}"),
    "surrogate": (lambda q: dn.Sigmoid(q(5, "mV")), "Sigmoid: alpha = 5 mV: got mV, expected 1/mV"),
    "surrogate width": (
        lambda q: dn.MultiGaussian(sigma=q(5, "ms")),
        "MultiGaussian: sigma = 5 ms: got ms, expected mV",
    ),
    "surrogate call": (
        lambda q: dn.Sigmoid()(q(5, "ms")),
        "Sigmoid: V - V_th = 5 ms: got ms, expected mV",
    ),
    "spike derivative": (
        lambda q: dn.MCNeuron().spike_derivative(q(5, "ms")),
        "MCNeuron: V = 5 ms: got ms, expected mV",
    ),
    "drawn": (
        lambda q: dn.Normal(q(5, "mV"), 1.0),
        f"Normal: mean = 5 mV: got mV, expected ms, pA or {NUMBER}",
    ),
    "drawn of two": (
        lambda q: dn.Normal(q(5, "ms"), q(1, "")),
        f"Normal: std = 1: got {NUMBER}, expected ms",
    ),
    "logarithm": (
        lambda q: dn.LogNormal(q(5, "ms"), 1.0),
        f"LogNormal: mean = 5 ms: got ms, expected {NUMBER}",
    ),
    "truncated": (
        lambda q: dn.Truncated(dn.Normal(q(5, "ms"), 1.0), low=q(1, "")),
        f"Truncated: low = 1: got {NUMBER}, expected ms",
    ),
    "drawn steps": (
        lambda q: dn.MCNeuron(dendritic_delay=dn.Uniform(q(1, "ms"), 5.0)),
        f"MCNeuron: dendritic_delay = Uniform(low=1, high=5): got ms, expected {NUMBER}",
    ),
    "probability of a rule": (lambda q: dn.FixedProb(q(1, "Hz")), f"FixedProb: prob = 1 Hz: got Hz, expected {NUMBER}"),
    "weights of a list": (
        lambda q: dn.CustomConn([0], [0], q(np.array([1.0]), "nS")),
        f"CustomConn: w = array of shape (1,) in nS: got nS, expected pA or {NUMBER}",
    ),
    "ends of a list": (
        lambda q: dn.CustomConn(q(np.array([0]), "ms"), [0]),
        f"CustomConn: pre = array of shape (1,) in ms: got ms, expected {NUMBER}",
    ),
}


@pytest.mark.parametrize("case", MODULES)
def test_by_modules(case, q):
    make, message = MODULES[case]
    with pytest.raises(dn.ParameterError) as error:
        make(q)
    assert str(error.value) == message


def _synapse(q, **given):
    conn = given.pop("conn", dn.All2All())
    cell, generator = Named(), dn.PoissonGenerator(2)
    return dn.Network([cell, generator, dn.MCSynapse(generator, cell.ampa, conn, name="syn", **given)])


SYNAPSES = {
    "weight": ({"weight": (5, "nS")}, f"syn: weight = 5 nS: got nS, expected {NUMBER}"),
    "delay": ({"delay": (5, "Hz")}, "syn: delay = 5 Hz: got Hz, expected ms"),
    "pure delay": ({"delay": (5, "")}, f"syn: delay = 5: got {NUMBER}, expected ms"),
    "matrix": (
        {"conn": (np.ones((2, 1)), "nS")},
        f"syn: conn = array of shape (2, 1) in nS: got nS, expected {NUMBER}",
    ),
}


@pytest.mark.parametrize("case", SYNAPSES)
def test_by_connections(case, q):
    given, message = SYNAPSES[case]
    with pytest.raises(dn.ParameterError) as error:
        _synapse(q, **{name: q(*value) for name, value in given.items()})
    assert str(error.value).replace("MCSynapse", "syn") == message


def test_by_connections_that_are_drawn_or_computed(q):
    with pytest.raises(dn.ParameterError, match=rf"weight = Normal\(mean=1, std=0\.1\): got ms, expected {NUMBER}$"):
        _synapse(q, weight=dn.Normal(q(1, "ms"), 0.1))
    with pytest.raises(dn.ParameterError, match=rf"delay = Constant\(value=1\): got {NUMBER}, expected ms$"):
        _synapse(q, delay=dn.Constant(q(1, "")))
    with pytest.raises(dn.ParameterError, match=r"delay: <lambda>\(pre, post\) = array .* in mV: got mV, expected ms$"):
        _synapse(q, delay=lambda pre, post: q(1.0 + pre, "mV"))


def _net():
    cell = Named()
    dc = dn.DCGenerator(1, amplitude=1.0, name="dc")
    return dn.Network([cell, dc, dn.ConnGen(dc, cell.soma)], dt=0.1), cell


NETWORKS = {
    "dt": (lambda net, cell, q: dn.Network([Named()], dt=q(5, "Hz")), "network: dt = 5 Hz: got Hz, expected ms"),
    "duration": (lambda net, cell, q: net.run(q(5, "mV")), "network: duration = 5 mV: got mV, expected ms"),
    "every": (
        lambda net, cell, q: net.probe(cell.soma, "V", every=q(5, "mV")),
        "network: every = 5 mV: got mV, expected ms",
    ),
    "indices": (
        lambda net, cell, q: net.probe(cell.soma, "V", indices=q(np.array([0]), "ms")),
        f"cell/soma: indices = array of shape (1,) in ms: got ms, expected {NUMBER}",
    ),
    "attribute": (
        lambda net, cell, q: setattr(cell.soma, "I_ext", q(5, "mV")),
        "cell/soma: I_ext = 5 mV: got mV, expected pA",
    ),
    "set_parameters": (
        lambda net, cell, q: net.set_parameters({"cell/soma.I_ext": q(5, "mV")}),
        "cell/soma.I_ext = 5 mV: got mV, expected pA",
    ),
    "set_parameters of a generator": (
        lambda net, cell, q: net.set_parameters({"dc.amplitude": q(5, "mV")}),
        "dc: amplitude = 5 mV: got mV, expected pA",
    ),
    "load_state_dict": (
        lambda net, cell, q: net.load_state_dict({**net.state_dict(), "cell/ampa.g": q(5, "mV")}),
        "cell/ampa.g = 5 mV: got mV, expected nS",
    ),
    "set_state": (
        lambda net, cell, q: net.set_state({"cell/soma.V": q(5, "nS")}),
        "cell/soma.V = 5 nS: got nS, expected mV",
    ),
    "set_state of a gate": (
        lambda net, cell, q: net.set_state({"cell/ampa.s": q(5, "nS")}),
        f"cell/ampa.s = 5 nS: got nS, expected {NUMBER}",
    ),
    "inputs": (
        lambda net, cell, q: net.run(0.1, inputs={net.modules[1]: q(np.ones((1, 1)), "mV")}),
        "dc: input = array of shape (1, 1) in mV: got mV, expected pA",
    ),
    "bounds": (
        lambda net, cell, q: dn.optim.SGD(net, 0.1, bounds={"cell/soma.gL": (q(1, "mV"), None)}),
        "SGD: bounds: cell/soma.gL = 1 mV: got mV, expected nS without length and diameter",
    ),
}


@pytest.mark.parametrize("case", NETWORKS)
def test_by_networks(case, q):
    act, message = NETWORKS[case]
    net, cell = _net()
    with pytest.raises(dn.ParameterError) as error:
        act(net, cell, q)
    assert str(error.value) == message
    assert net.parameters()["cell/soma.I_ext"] == 0.0


def test_no_part_of_a_refused_set_is_set(q):
    net, cell = _net()
    with pytest.raises(dn.ParameterError, match="got mV, expected nS"):
        net.set_parameters({"cell/soma.I_ext": q(5, "pA"), "cell/ampa.g": q(5, "mV")})
    assert cell.soma.I_ext == 0.0


def test_an_unknown_key_is_called_unknown(q):
    net, _ = _net()
    with pytest.raises(dn.UnknownNameError, match=r"no parameter named 'cell/soma\.I_exd'; did you mean"):
        net.set_parameters({"cell/soma.I_exd": q(5, "pA")})
    with pytest.raises(dn.UnknownNameError, match=r"no state named 'cell/soma\.U'"):
        net.set_state({"cell/soma.U": q(5, "mV")})


def test_cotangents_have_no_units(q):
    net, cell = _net()
    probe = net.probe(cell.soma, "V")
    run = net.run(0.2, grad=True)
    with pytest.raises(dn.ParameterError, match=rf"cotangent of cell/soma\.V = .* in mV: got mV, expected {NUMBER}"):
        run.backward({probe: q(np.ones((2, 1)), "mV")})


def test_the_rule_of_a_synapse(q):
    cell, generator = Named(), dn.PoissonGenerator(2)
    syn = dn.MCSynapse(generator, cell.ampa, dn.All2All(), delay=1.0, plasticity=dn.STDP(), name="syn")
    with pytest.raises(dn.ParameterError, match=r"^syn: tau_plus = 5 mV: got mV, expected ms$"):
        syn.tau_plus = q(5, "mV")
    syn.tau_plus = q(0.03, "second")
    assert syn.tau_plus == 30.0


def test_whole_numbers_are_no_quantities(q):
    with pytest.raises(dn.ParameterTypeError, match=r"size = .*expected an integer >= 1"):
        dn.Compartment(q(3, "ms"))
    with pytest.raises(dn.ParameterTypeError, match=r"seed = .*expected an integer >= 0"):
        dn.Network([Named()], seed=q(3, "ms"))
