"""Gradients of losses that depend on the state at the end of a run agree with central differences."""

import dendrion as dn
import numpy as np
import pytest


class Flat(dn.MCNeuron):
    def __init__(self, method):
        super().__init__(3, V_th=500.0, name="cell", odemethod=method)
        self.soma = dn.LeakyIF(3, V_rest=-65.0, C=100.0, gL=6.0)
        self.dend = dn.Compartment(3, V_rest=-66.0, C=40.0, gL=3.0)
        self.axial = dn.MCConn(self.soma, self.dend, 8.0)
        self.syn = dn.NMDA(3, g=2.0, t_rise=1.5, t_decay=20.0)
        self.on = dn.MCConnSynapse(self.syn, self.dend)


class Detailed(dn.CableNeuron):
    def __init__(self):
        tree = dn.Morphology.from_sections([30.0, 200.0], [20.0, 2.0], [-1, 0], ["soma", "apical"])
        super().__init__(2, tree, cv=dn.PerSection(3), V_rest=-65.0, V_th=500.0, name="cell")
        self.na = dn.channels.HHNa(self, on="soma", g=20.0)
        self.ih = dn.channels.Ih(self, on="apical", g=0.2)
        self.syn = dn.AMPA(self, at=[dn.Location(1, 0.5), dn.Location(1, 1.0)], g=1.0, t_decay=2.0)


METHODS = [dn.SolverMethodODE[name] for name in ("EULER", "EXP_EULER", "RK4", "CRANK_NICOLSON")]
KINDS = {method.name: lambda method=method: Flat(method) for method in METHODS} | {"detailed": Detailed}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", [None, 2])
def test_final_states(kind, batch):
    cell, source = KINDS[kind](), dn.PoissonGenerator(4, rate=200.0, name="source")
    rng = np.random.default_rng(1)
    synapse = dn.MCSynapse(source, cell.syn, rng.random((4, cell.syn.size)), delay=1.0, name="syn")
    net = dn.Network([cell, source, synapse], dt=0.025 if kind == "detailed" else 0.1, seed=2)
    net.run(0.1)
    weights = {key: rng.normal(size=np.shape(value)) for key, value in net.get_state().items()}
    if batch:
        weights = {key: rng.normal(size=(batch, *w.shape)) for key, w in weights.items()}

    def loss(**how):
        net.reset()
        run = net.run(8.0, batch=batch, **how)
        return sum(np.vdot(weights[key], value) for key, value in net.get_state().items()), run

    keys = ["syn.w", "cell.gL" if kind == "detailed" else "cell/dend.gL", "cell/syn.t_decay"]
    _, run = loss(grad=True)
    found = run.backward({}, wrt=keys, final=weights)
    assert set(found.states) == set(weights)
    for key in keys:
        start = np.array(net.parameters()[key], dtype=float)
        direction = rng.random(size=start.shape) * np.abs(start)
        sides = []
        for h in (1e-4, -1e-4):
            net.set_parameters({key: start + h * direction})
            sides.append(loss()[0])
        net.set_parameters({key: start})
        np.testing.assert_allclose(np.vdot(found[key], direction), (sides[0] - sides[1]) / 2e-4, rtol=1e-6)


def test_final_states_and_recordings_add_up():
    cell, source = Flat(METHODS[0]), dn.PoissonGenerator(4, rate=200.0, name="source")
    net = dn.Network([cell, source, dn.MCSynapse(source, cell.syn, dn.All2All(), name="syn")])
    probe = net.probe(cell.soma, "V")
    found = []
    for recorded, final in ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0)):
        net.reset()
        run = net.run(5.0, grad=True)
        given = {probe: np.full_like(probe.values, recorded)}
        found.append(run.backward(given, wrt=["syn.w"], final={"cell/soma.V": np.full(3, final)})["syn.w"])
    np.testing.assert_allclose(found[0] + found[1], found[2], rtol=1e-12)


def test_mistakes_are_explained():
    cell, source = Flat(METHODS[0]), dn.PoissonGenerator(4, rate=200.0, name="source")
    net = dn.Network([cell, source, dn.MCSynapse(source, cell.syn, dn.All2All(), name="syn")])
    run = net.run(5.0, grad=True)
    with pytest.raises(dn.UnknownNameError, match=r"backward: no state named 'cell/soma\.W'"):
        run.backward({}, final={"cell/soma.W": np.ones(3)})
    with pytest.raises(dn.ParameterError, match=r"final: cell/soma\.V of shape \(2,\): expected shape \(3,\)"):
        run.backward({}, final={"cell/soma.V": np.ones(2)})
    with pytest.raises(dn.ParameterError, match=r"cotangent of cell/soma\.V = inf: expected a finite number"):
        run.backward({}, final={"cell/soma.V": [1.0, np.inf, 1.0]})
    assert np.isfinite(run.backward({}, final={"cell/soma.V": np.ones(3)})["syn.w"]).all()


def test_filtered_spikes_need_valid_times():
    cell = Flat(METHODS[0])
    net = dn.Network([cell])
    spikes = net.probe(cell, "spikes")
    assert repr(dn.Filtered(spikes, 5.0, tau_rise=1.0)) == "Filtered(cell.spikes, tau=5, tau_rise=1)"
    for given, message in (
        ({"tau": 0.0}, "tau = 0.0: expected a finite time > 0"),
        ({"tau": 5.0, "tau_rise": 6.0}, "tau_rise = 6: expected a time < tau = 5"),
        ({"tau": 5.0, "every": 0.0}, "every = 0.0: expected at least half a step"),
    ):
        with pytest.raises(dn.ParameterError, match=message):
            dn.Filtered(spikes, **given)
    with pytest.raises(dn.AssignmentError, match="create a new Filtered"):
        dn.Filtered(spikes, 5.0).tau = 6.0
