"""A model with quantities is bit-identical to the same model with plain numbers."""

import dendrion as dn
import numpy as np
import pytest


class KA(dn.Channel):
    equations = """
    I = g * n * (E - V)                                  : pA
    dn/dt = (1/(1 + exp(-(V - Vn)/k)) - n) * rate        : 1
    g : nS (>= 0)
    E = -90 mV; Vn = -30 mV; k = 8 mV; rate = 0.5 /ms
    """


class Cell(dn.MCNeuron):
    def __init__(self, size, v):
        potentials = {"V_th": v(-47.5, "mV"), "V_reset": v(-53.3, "mV")}
        times = {"refractory": v(2.1, "ms"), "stdp_tau": v(21.0, "ms"), "tau_triplet": v(99.0, "ms")}
        super().__init__(size, **potentials, **times)
        membrane = {"V_rest": v(-65.1, "mV"), "r_axial": v(120.0, "ohm*cm")}
        membrane |= {"gL": v(41.3, "uS/cm**2"), "C": v(1.1, "uF/cm**2")}
        self.soma = dn.AdEx(
            size,
            **membrane,
            length=v(30.1, "um"),
            diameter=v(np.array([19.7, 20.3]), "um"),
            I_ext=v(33.3, "pA"),
            Vt=v(-50.7, "mV"),
            DeltaT=v(2.3, "mV"),
            tau_w=v(144.4, "ms"),
            a=v(4.1, "nS"),
            b=v(80.6, "pA"),
        )
        frozen = {"diameter": v(1.3, "um"), "area_factor": v(1.7, "")}
        self.dend = dn.Compartment(size, **membrane, length=v(150.0, "um"), diameter=1.0, frozen_params=frozen)
        self.apical = dn.Compartment(size, V_rest=v(-65.2, "mV"), gL=v(2.7, "nS"), C=v(57.7, "pF"))
        self.axial = dn.MCConn(self.soma, self.dend)
        self.axial2 = dn.MCConn(self.dend, self.apical, g=v(10.7, "nS"))
        self.nmda = dn.NMDA(
            size,
            g=v(0.37, "nS"),
            w=v(1.3, ""),
            t_rise=v(2.1, "ms"),
            t_decay=v(49.9, "ms"),
            E=v(1.1, "mV"),
            Mg=v(1.03, "mM"),
            alpha=v(0.063, "1/mV"),
            beta=v(3.58, "mM"),
            gamma=v(0.3, "mV"),
        )
        self.on_dend = dn.MCConnSynapse(self.nmda, self.dend)
        self.ka = KA(size, self.dend, g=v(5.3, "nS"), E=v(-91.0, "mV"), rate=v(0.51, "1/ms"))
        self.ih = dn.channels.Ih(size, self.soma, g=v(0.013, "mS/cm**2"))
        self.cat = dn.channels.CaT(size, self.soma, g=v(0.41, "mS/cm**2"), Vx=v(2.3, "mV"))
        self.ca = dn.channels.CaPool(size, self.soma, depth=v(0.13, "um"), Ca_rest=v(0.00011, "mM"))
        self.white = dn.WhiteNoise(self.soma, sigma=v(3.3, "pA*ms**0.5"))
        self.ou = dn.OUNoise(self.soma, sigma=v(60.1, "pA"), tau=v(5.3, "ms"), mean=v(100.1, "pA"))
        self.shot = dn.ConductanceNoise(self.soma, sigma=v(0.21, "nS*ms**0.5"), E=v(0.7, "mV"))


def network(v):
    cells = Cell(2, v)
    times = {"start": v(1.1, "ms"), "stop": v(80.0, "ms")}
    poisson = dn.PoissonGenerator(30, rate=v(37.0, "Hz"), **times)
    steps = dn.PoissonGenerator(5, rate=dn.Piecewise(v(np.array([0.0, 10.3]), "ms"), v(np.array([7.0, 300.0]), "Hz")))
    bernoulli = dn.BernoulliGenerator(3, prob=v(0.013, ""))
    given = dn.SpikeGenerator(2, indices=[0, 1], times=v(np.array([3.3, 7.1]), "ms"))
    dc = dn.DCGenerator(1, amplitude=v(12.3, "pA"), start=v(5.0, "ms"))
    ramp = dn.CurrentGenerator(1, waveform=v(np.linspace(0.1, 9.7, 50), "pA"))
    rule = dn.STDP(lambda_=v(0.013, ""), tau_plus=v(17.1, "ms"), w_max=v(3.0, ""))
    drawn = dn.Truncated(dn.Normal(v(1.5, "ms"), v(0.3, "ms")), low=v(0.2, "ms"))
    to = cells.nmda
    modules = [
        cells,
        *(poisson, steps, bernoulli, given, dc, ramp),
        dn.MCSynapse(poisson, to, dn.FixedProb(v(0.6, "")), weight=v(0.31, ""), delay=drawn, plasticity=rule),
        dn.MCSynapse(steps, to, dn.All2All(), weight=dn.Uniform(v(0.1, ""), v(0.7, "")), delay=v(0.3, "ms")),
        dn.MCSynapse(bernoulli, to, v(np.full((3, 2), 0.21), ""), delay=lambda pre, post: v(0.1 + 0.3 * pre, "ms")),
        dn.MCSynapse(given, to, dn.CustomConn([0, 1], [1, 0], w=v(np.array([0.3, 0.7]), "")), delay=dn.Constant(0.5)),
        dn.ConnGen(dc, cells.soma),
        dn.ConnGen(ramp, cells.apical),
    ]
    net = dn.Network(modules, dt=v(0.1, "ms"), seed=5)
    probe = net.probe(cells.soma, "V", every=v(0.3, "ms"))
    net.run(v(40.0, "ms"))
    net.set_parameters({"cell/soma.I_ext": v(np.array([31.7, 47.1]), "pA"), "cell/dend.gL": v(38.3, "uS/cm**2")})
    net.set_state({"cell/soma.V": v(-60.3, "mV"), "cell/soma.w": v(1.7, "pA"), "cell/ou.I": v(71.3, "pA")})
    cells.soma.V_rest = v(-66.7, "mV")
    cells.soma.gL = v(40.7, "uS/cm**2")
    net.run(v(40.0, "ms"))
    return net, probe


def plain(number, unit):
    return number


def test_parameters_states_and_potentials(q):
    net, probe = network(q)
    expected, reference = network(plain)
    found, wanted = net.state_dict(), expected.state_dict()
    assert found.keys() == wanted.keys()
    assert {key: value.tolist() for key, value in found.items()} == {key: v.tolist() for key, v in wanted.items()}
    assert np.array_equal(probe.t, reference.t)
    assert np.array_equal(probe.values, reference.values)
    assert np.ptp(probe.values) > 1.0


def test_state_dict_of_quantities(q):
    net, _ = network(plain)
    values = net.state_dict()
    net.load_state_dict({**values, "cell/dend.V_rest": q(-71.3, "mV"), "cell/nmda.alpha": q(0.071, "1/mV")})
    assert net.parameters()["cell/dend.V_rest"] == -71.3
    assert net.parameters()["cell/nmda.alpha"] == 0.071


def test_stand_ins_of_generators(q):
    net, _ = network(plain)
    ramp = next(m for m in net.modules if isinstance(m, dn.CurrentGenerator))
    given = np.full((10, 1), 3.3)
    ends = []
    for value in (given, q(given, "pA")):
        net.reset()
        net.run(1.0, inputs={ramp: value})
        ends.append(net.get_state()["cell/apical.V"].tolist())
    assert ends[0] == ends[1]


def test_a_table_of_piecewise_values(q):
    times, values = [0.0, 5.0], np.array([7.0, 300.0])
    generator = dn.PoissonGenerator(5, rate=dn.Piecewise(times, values))
    generator.rate = q(values / 1000, "kHz")
    assert generator.rate.tolist() == [7.0, 300.0]
    net = dn.Network([generator])
    net.set_parameters({"poissongenerator.rate": q(2 * values, "Hz")})
    assert generator.rate.tolist() == [14.0, 600.0]
    assert generator._piecewise is not None


def test_bounds_of_an_optimizer(q):
    net, _ = network(plain)
    key, low, high = "cell/apical.C", q(0.01, "nF"), q(60.0, "pF")
    optimizer = dn.optim.SGD(net, 1.0, train=[key], bounds={key: (low, high)})
    for slope, expected in ((-1e9, 60.0), (1e9, 10.0)):
        optimizer.step({key: np.array(slope)})
        assert net.parameters()[key] == expected


def test_a_function_of_jax(q):
    pytest.importorskip("jax")
    import dendrion.jax

    net, probe = network(plain)
    run = dendrion.jax.function(net, q(2.0, "ms"), outputs=[probe])
    given, plainly = {"cell/apical.C": q(0.05, "nF")}, {"cell/apical.C": 50.0}
    assert np.array_equal(run(given), run(plainly))
    with pytest.raises(dn.ParameterError, match=r"cell/apical\.C = 5 mV: got mV, expected pF without length"):
        run({"cell/apical.C": q(5, "mV")})
