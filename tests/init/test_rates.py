"""Weights are scaled until populations fire at given rates."""

import dendrion as dn
import numpy as np
import pytest


class Cell(dn.MCNeuron):
    def __init__(self, size, name):
        super().__init__(size, V_th=-50.0, V_reset=-60.0, refractory=2.0, name=name)
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=200.0, gL=10.0)
        self.dend = dn.Compartment(size, V_rest=-65.0, C=50.0, gL=2.5)
        self.axial = dn.MCConn(self.soma, self.dend, 15.0)
        self.ampa = dn.AMPA(size, g=0.5, t_decay=5.0)
        self.on_dend = dn.MCConnSynapse(self.ampa, self.dend)
        self.gaba = dn.GABA(size, g=0.5, t_decay=5.0, E=-75.0)
        self.on_soma = dn.MCConnSynapse(self.gaba, self.soma)


def chain(weight=0.3, recurrent=0.1):
    """Return a network of two layers, in which the second inhibits itself."""
    source = dn.PoissonGenerator(40, rate=20.0, name="source")
    first, second = Cell(20, "first"), Cell(10, "second")
    full = dn.All2All()
    parts = [
        dn.MCSynapse(first, second.ampa, full, weight=weight, name="forward"),
        dn.MCSynapse(source, first.ampa, full, weight=weight, name="input"),
        dn.MCSynapse(second, second.gaba, full, weight=recurrent, delay=1.0, name="inhibition"),
    ]
    # The second layer comes first in the network, so the search has to find the order of the layers.
    return dn.Network([second, first, source, *parts], dt=0.1, seed=4)


def rates(net, duration=1000.0):
    probes = [net.probe(net[path], "spikes") for path in ("first", "second")]
    net.reset()
    net.run(duration)
    return [len(p) / p.size / duration * 1000.0 for p in probes]


@pytest.mark.parametrize("weight", [0.01, 0.3, 20.0])
def test_a_chain(weight):
    net = chain(weight)
    before = net.parameters()
    report = dn.init.to_rate(net, {"second": 5.0, net["first"]: 10.0})
    assert net.t == 0.0
    assert rates(net) == pytest.approx([10.0, 5.0], rel=0.1)
    assert list(report.rates) == ["first", "second"]
    assert report.keys == {"first": ["input.w"], "second": ["forward.w"]}
    after = net.parameters()
    for path, (key,) in report.keys.items():
        np.testing.assert_allclose(after[key], report.factors[path] * before[key])
    np.testing.assert_array_equal(after["inhibition.w"], before["inhibition.w"])
    assert "first: " in repr(report)
    assert net.noise_seed == 4


def test_it_is_deterministic_and_leaves_no_probe():
    reports = []
    for _ in range(2):
        net = chain()
        reports.append(dn.init.to_rate(net, 8.0, duration=500.0))
        assert net.recordings == {}
    assert reports[0] == reports[1]


def test_recurrent_excitation():
    source, cell = dn.PoissonGenerator(30, rate=20.0, name="source"), Cell(30, "cell")
    given = dn.MCSynapse(source, cell.ampa, dn.All2All(), weight=0.2, name="given")
    rec = dn.MCSynapse(cell, cell.ampa, dn.FixedProb(0.2), weight=0.2, delay=1.0, name="rec")
    net = dn.Network([cell, source, given, rec], dt=0.1, seed=1)
    report = dn.init.to_rate(net, 6.0)
    assert report.keys == {"cell": ["given.w", "rec.w"]}
    assert report.rates["cell"] == pytest.approx(6.0, rel=0.1)


def test_other_parameters_can_be_scaled():
    cell = Cell(2, "cell")
    cell.soma.I_ext = 50.0
    net = dn.Network([cell], dt=0.1)
    report = dn.init.to_rate(net, 20.0, scale={"cell": "cell/soma.I_ext"}, tolerance=0.02)
    assert report.rates["cell"] == pytest.approx(20.0, rel=0.02)
    assert net["cell"].soma.I_ext > 100.0


def test_a_parameter_may_be_selected_twice():
    report = dn.init.to_rate(chain(), {"first": 10.0}, scale={"first": ["input.w", "input.*"]})
    assert report.keys["first"].count("input.w") == 1


def test_inputs_and_batches():
    net = chain()
    x = np.random.default_rng(0).poisson(0.004, (3, 5000, 40))
    report = dn.init.to_rate(net, {"first": 12.0}, duration=500.0, inputs={net["source"]: x}, batch=3)
    spikes = net.probe(net["first"], "spikes")
    net.run(500.0, batch=3, inputs={net["source"]: x})
    assert len(spikes) / 20 / 3 / 0.5 == report.rates["first"] == pytest.approx(12.0, rel=0.1)


def test_targets_that_cannot_be_reached():
    net = chain()
    before = net.parameters()
    with pytest.raises(dn.RunError, match=r"first: fires at .* Hz with the largest permitted factor, 2, on input\.w"):
        dn.init.to_rate(net, {"first": 300.0}, bounds=(0.5, 2.0), duration=200.0)
    for key, value in net.parameters().items():
        np.testing.assert_array_equal(value, before[key])
    assert net.recordings == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rates": 0.0}, r"rates = 0\.0: expected a rate > 0 \(Hz\)"),
        ({"rates": {}}, "expected at least one rate"),
        ({"rates": {"frst": 1.0}}, "no population or generator named 'frst'; did you mean 'first'"),
        ({"rates": {"source": 1.0}}, "no population or generator named 'source'"),
        ({"rates": {3: 1.0}}, "3: expected one of second, first"),
        ({"rates": {"first": "high"}}, "first = 'high': expected a rate"),
        ({"duration": 0.0}, r"duration = 0\.0: expected a time > 0"),
        ({"duration": 1e-15}, r"duration = 1e-15: expected at least one step, 0\.1 ms"),
        ({"scale": {"first": []}}, "scale: first: expected at least one parameter"),
        ({"bounds": (2.0, 3.0)}, r"bounds = \(2\.0, 3\.0\): expected finite numbers with 0 < low <= 1 <= high"),
        ({"bounds": 3.0}, r"bounds = 3\.0: expected the smallest and the largest factor"),
        ({"tolerance": -1.0}, r"tolerance = -1\.0"),
        ({"scale": {"first": "*.xyz"}}, r"scale: '\*\.xyz' matches no parameter"),
        ({"scale": {"first": "input.w", "second": "input.w"}}, r"input\.w: is scaled for two populations"),
        ({"scale": "input.w"}, "scale = 'input.w': expected a dict from populations to parameters"),
        ({"scale": {"first": "first/soma.I_ext"}}, r"first/soma\.I_ext: are 0, so scaling them has no effect"),
    ],
)
def test_arguments_that_are_refused(arguments, message):
    with pytest.raises(dn.DendrionError, match=message):
        dn.init.to_rate(chain(), **({"rates": 5.0} | arguments))


def test_more_that_is_refused():
    with pytest.raises(dn.ParameterTypeError, match="to_rate: net = 3: expected a Network"):
        dn.init.to_rate(3, 5.0)
    net = dn.Network([Cell(2, "cell")])
    with pytest.raises(dn.StructureError, match="cell: no excitatory connections onto this population"):
        dn.init.to_rate(net, 5.0)
