"""Weights are drawn such that V fluctuates with a given mean and standard deviation."""

import dendrion as dn
import numpy as np
import pytest
from dendrion.init._response import Scratch

from .test_rates import Cell

RATES = {"source": 10.0, "inhibitory": 15.0}


class Current(dn.MCNeuron):
    """A leaky neuron with a current-based exponential synapse, as in the paper."""

    def __init__(self, size, **settings):
        super().__init__(size, V_th=-50.0, V_reset=-65.0, name="cell", **settings)
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=200.0, gL=10.0)
        self.input = dn.CurrentReceptor(size, t_decay=5.0)
        self.on = dn.MCConnSynapse(self.input, self.soma)


class Dendritic(dn.MCNeuron):
    def __init__(self, size):
        super().__init__(size, V_th=-50.0, V_reset=-65.0, name="cell")
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=200.0, gL=10.0)
        self.dend = dn.Compartment(size, V_rest=-65.0, C=100.0, gL=5.0)
        self.axial = dn.MCConn(self.soma, self.dend, 20.0)
        self.ampa = dn.AMPA(size, g=0.3, t_decay=3.0)
        self.nmda = dn.NMDA(size, g=0.2, t_rise=2.0, t_decay=50.0)
        self.on = [dn.MCConnSynapse(receptor, self.dend) for receptor in (self.ampa, self.nmda)]


def current(size=40, **settings):
    source = dn.PoissonGenerator(150, rate=10.0, name="source")
    cell = Current(size, **settings)
    synapse = dn.MCSynapse(source, cell.input, dn.FixedProb(0.5), name="input")
    return dn.Network([source, cell, synapse], dt=0.1, seed=1)


def balanced(size=20):
    source = dn.PoissonGenerator(150, rate=RATES["source"], name="source")
    inhibitory = dn.PoissonGenerator(50, rate=RATES["inhibitory"], name="inhibitory")
    cell = Cell(size, "cell")
    synapses = [
        dn.MCSynapse(source, cell.ampa, dn.All2All(), name="excitation"),
        dn.MCSynapse(inhibitory, cell.gaba, dn.All2All(), name="inhibition"),
    ]
    return dn.Network([source, inhibitory, cell, *synapses], dt=0.1, seed=1)


def dendritic(size=20):
    source = dn.PoissonGenerator(200, rate=10.0, name="source")
    cell = Dendritic(size)
    synapse = dn.MCSynapse(source, (cell.ampa, cell.nmda), dn.All2All(), name="input")
    return dn.Network([source, cell, synapse], dt=0.1, seed=1)


def fluctuations(net, duration=3000.0):
    """Return the mean of V, and the standard deviation over time, without a threshold."""
    net.set_parameters({"cell.V_th": 1e6})
    v = net.probe(net["cell"].soma, "V")
    net.run(duration)
    late = v.values[3000:]
    return late.mean(), np.sqrt(late.var(axis=0).mean())


def test_responses_of_a_leaky_neuron():
    """The measured integrals agree with their closed form."""
    net = current(2)
    found = Scratch(net, net["cell"], [net["input"]]).measure(np.zeros(1))
    tau_m, tau_s, C, gL = 20.0, 5.0, 200.0, 10.0
    factor = (tau_m * tau_s / (tau_m - tau_s) / C) ** 2
    square = factor * (tau_m / 2 + tau_s / 2 - 2 * tau_m * tau_s / (tau_m + tau_s))
    assert found.mean == pytest.approx(-65.0)
    np.testing.assert_allclose(found.area, tau_s / gL, rtol=0.02)
    np.testing.assert_allclose(found.square, square, rtol=0.02)


@pytest.mark.parametrize(("std", "xi"), [(5.0, 3.0), (7.0, 2.0), (4.0, 1.5)])
def test_current_based_synapses(std, xi):
    net = current()
    report = dn.init.fluctuation_driven(net, 10.0, std=std, xi=xi)
    assert report.distributions == {"input.w": "normal"}
    mean, spread = report.weights["input.w"]
    weights = net.parameters()["input.w"]
    assert weights.mean() == pytest.approx(mean, abs=0.1 * spread)
    assert weights.std() == pytest.approx(spread, rel=0.1)
    assert fluctuations(net) == pytest.approx((-50.0 - xi * std, std), abs=0.15 * std)


def test_excitation_and_inhibition():
    net = balanced()
    report = dn.init.fluctuation_driven(net, RATES, std=3.0, xi=2.0)
    assert set(report.distributions.values()) == {"exponential"}
    for key, (mean, spread) in report.weights.items():
        assert mean == spread
        assert net.parameters()[key].mean() == pytest.approx(mean, rel=0.1)
        assert net.parameters()[key].min() >= 0
    assert (report.mean["cell"], report.std["cell"]) == pytest.approx((-56.0, 3.0), abs=0.1)
    assert fluctuations(net) == pytest.approx((-56.0, 3.0), abs=0.6)


def test_inhibition_that_depolarizes_at_rest():
    net = balanced(4)
    net["cell"].gaba.E = -63.0
    report = dn.init.fluctuation_driven(net, RATES, std=2.0, xi=3.0)
    assert (report.mean["cell"], report.std["cell"]) == pytest.approx((-56.0, 2.0), abs=0.1)


class Own(dn.Receptor):
    """A receptor without a reversal potential."""

    equations = """
        I = -amplitude * s : pA
        ds/dt = -s / tau : 1
        on event: s += weight
        amplitude = 10 pA
        tau = 5 ms
    """


def test_inhibition_without_a_reversal_potential():
    source = dn.PoissonGenerator(100, rate=10.0, name="source")
    cell = Cell(4, "cell")
    cell.own = Own(4)
    cell.own_on = dn.MCConnSynapse(cell.own, cell.soma)
    synapses = [dn.MCSynapse(source, r, dn.All2All(), name=n) for r, n in ((cell.ampa, "plus"), (cell.own, "minus"))]
    net = dn.Network([source, cell, *synapses], dt=0.1, seed=1)
    report = dn.init.fluctuation_driven(net, 10.0, std=3.0, xi=2.0)
    assert set(report.distributions.values()) == {"exponential"}
    assert (report.mean["cell"], report.std["cell"]) == pytest.approx((-56.0, 3.0), abs=0.1)


def test_receptors_on_a_dendrite():
    net = dendritic()
    report = dn.init.fluctuation_driven(net, 10.0, std=2.0, xi=3.0)
    assert report.distributions == {"input.w": "gamma"}
    assert "cell: V = -5" in repr(report)
    assert fluctuations(net) == pytest.approx((-56.0, 2.0), abs=0.7)


def test_it_is_deterministic_and_changes_only_weights():
    one, two, three = balanced(4), balanced(4), balanced(4)
    before = one.state_dict()
    for net, seed in ((one, 0), (two, 0), (three, 1)):
        net.run(5.0)
        dn.init.fluctuation_driven(net, RATES, std=3.0, xi=2.0, seed=seed)
        assert net.t == 5.0
        assert net.recordings == {}
    for key, value in one.state_dict().items():
        np.testing.assert_array_equal(two.state_dict()[key], value)
        assert np.array_equal(before[key], value) is not key.endswith("tion.w")
    assert not np.array_equal(one.state_dict()["excitation.w"], three.state_dict()["excitation.w"])


def test_tied_weights():
    source = dn.PoissonGenerator(150, rate=10.0, name="source")
    cell = Cell(20, "cell")
    pair = [dn.MCSynapse(source, r, dn.All2All(), name=n) for r, n in ((cell.ampa, "one"), (cell.gaba, "two"))]
    net = dn.Network([source, cell, *pair], dt=0.1)
    net.tie(["one.w", "two.w"])
    with pytest.raises(dn.StructureError, match=r"one\.w: is tied to two\.w, .* call net\.untie first"):
        dn.init.fluctuation_driven(net, 10.0, std=4.0)


def test_noise_and_frozen_thresholds():
    net = current(3, frozen_params={"V_th": -50.0})
    quiet = dn.init.fluctuation_driven(net, 10.0, std=4.0, xi=2.0)

    class Noisy(Current):
        def __init__(self, size):
            super().__init__(size)
            self.noise = dn.WhiteNoise(self.soma, sigma=50.0)

    source, cell = dn.PoissonGenerator(150, rate=10.0, name="source"), Noisy(3)
    synapse = dn.MCSynapse(source, cell.input, dn.FixedProb(0.5), name="input")
    noisy = dn.Network([source, cell, synapse], dt=0.1, seed=1)
    assert dn.init.fluctuation_driven(noisy, 10.0, std=4.0, xi=2.0).weights == quiet.weights
    assert cell.noise.sigma == 50.0


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (balanced, {"std": 1.0}, r"std = 1 mV with a mean of -51 mV: the excitatory synapses alone cause"),
        (dendritic, {"std": 0.1, "xi": 30.0}, "the weights alone cause a standard deviation of at least"),
        (dendritic, {"xi": 10.0}, "the mean is below the resting potential, but weights must not be negative"),
        (balanced, {"rates": {"source": 1.0}}, r"rates: inhibitory is missing; expected its rate \(Hz\)"),
        (balanced, {"rates": {"sorce": 1.0}}, "no population or generator named 'sorce'; did you mean 'source'"),
        (balanced, {"std": 0.0}, r"std = 0\.0: expected a standard deviation > 0 \(mV\)"),
        (balanced, {"xi": "x"}, "xi = 'x': expected a number > 0"),
        (balanced, {"populations": 3}, "populations = 3: expected a list of populations"),
        (balanced, {"populations": ["source"]}, "expected populations of class MCNeuron"),
    ],
)
def test_what_is_refused(make, arguments, message):
    net = make(2)
    before = net.state_dict()
    with pytest.raises(dn.DendrionError, match=message):
        dn.init.fluctuation_driven(net, **({"rates": 10.0, "std": 3.0} | arguments))
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[key])


def test_networks_that_are_refused():
    cell, source, current = Cell(2, "cell"), dn.PoissonGenerator(2, 1.0), dn.DCGenerator(2, amplitude=1.0)
    synapse = dn.MCSynapse(source, cell.ampa, dn.All2All(), plasticity=dn.TsodyksMarkram())
    net = dn.Network([cell, source, synapse])
    with pytest.raises(dn.StructureError, match="has short-term plasticity, which changes the effect of spikes"):
        dn.init.fluctuation_driven(net, 10.0, std=3.0)
    cell, source = Cell(2, "cell"), dn.PoissonGenerator(2, 1.0)
    parts = [dn.MCSynapse(source, cell.ampa, dn.All2All()), dn.ConnGen(current, cell.soma)]
    with pytest.raises(dn.StructureError, match="is an input of cell besides its synapses"):
        dn.init.fluctuation_driven(dn.Network([cell, source, current, *parts]), 10.0, std=3.0)
    with pytest.raises(dn.StructureError, match="no population has synapses"):
        dn.init.fluctuation_driven(dn.Network([Cell(2, "cell")]), 10.0, std=3.0)
