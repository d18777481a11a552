"""Current-based receptors, and weights of both signs."""

import re

import dendrion as dn
import numpy as np
import pytest
import scipy.sparse

DT = 0.1
FREE = {"V_th": 1e6}


class Cell(dn.MCNeuron):
    """A passive soma with a receptor."""

    def __init__(self, size=1, receptor=None, **settings):
        super().__init__(size, **{**FREE, "odemethod": dn.SolverMethodODE.EXP_EULER, "name": "cell", **settings})
        self.soma = dn.LeakyIF(size, V_rest=-65.0, gL=10.0, C=200.0)
        self.input = dn.CurrentReceptor(size, t_decay=5.0) if receptor is None else receptor(size)
        self.input_on = dn.MCConnSynapse(self.input, self.soma)


class Signed(dn.Receptor):
    """The current of a CurrentReceptor without a rise, in equations."""

    signed = True
    equations = """
    I = s * 1 pA             : pA
    ds/dt = -s/t_decay       : 1
    on event: s += weight
    t_decay = 5 ms (> 0)
    """


def driven(weight, receptor=None, dt=DT, times=(1.0,), conn=None, **options):
    cell = Cell(receptor=receptor)
    source = dn.SpikeGenerator(1, indices=[0] * len(times), times=list(times), name="source")
    conn = dn.All2All() if conn is None else conn
    synapse = dn.MCSynapse(source, cell.input, conn, weight=weight, name="syn", **options)
    return dn.Network([cell, source, synapse], dt=dt, seed=3)


def record(net, variable="I", duration=40.0):
    cell = net["cell"]
    probe = net.probe(cell.input if variable in ("I", "x") else cell.soma, variable)
    net.run(duration)
    return probe.values[:, 0], probe.t


def test_the_current_jumps_by_the_weight_and_does_not_depend_on_v():
    for weight in (120.0, -120.0):
        net = driven(weight)
        current, times = record(net)
        expected = np.where(times > 1.0, weight * np.exp(-(times - 1.0 - DT) / 5.0), 0.0)
        np.testing.assert_allclose(current, expected, rtol=1e-9, atol=1e-12)
    down, up, twice = (record(driven(w), "V")[0] + 65.0 for w in (-500.0, 500.0, 1000.0))
    np.testing.assert_allclose(down, -up, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(twice, 2 * up, rtol=1e-9, atol=1e-9)
    assert down.min() < -3.0


@pytest.mark.parametrize("t_rise", [0.5, 4.999, 5.0, 12.0])
def test_with_a_rise_the_peak_is_the_weight(t_rise):
    net = driven(-80.0, lambda n: dn.CurrentReceptor(n, t_rise=t_rise, t_decay=5.0), dt=0.01)
    current, times = record(net, duration=150.0)
    np.testing.assert_allclose(current.min(), -80.0, rtol=2e-3)
    d = (5.0 - t_rise) / t_rise
    c = t_rise * np.exp(-np.log1p(d) / d) if d else t_rise / np.e
    np.testing.assert_allclose(current.sum() * 0.01, -80.0 * t_rise * 5.0 / c, rtol=5e-3)
    assert times[-1] > 100.0


def test_own_equations_with_signed_are_the_same_current():
    built_in, own = record(driven(-30.0)), record(driven(-30.0, Signed))
    np.testing.assert_allclose(own[0], built_in[0], rtol=1e-12, atol=1e-15)
    assert Signed.signed is True
    assert dn.CurrentReceptor.signed is True
    assert dn.AMPA.signed is dn.Receptor.signed is False


@pytest.mark.parametrize("receptor", [lambda *a, **k: dn.CurrentReceptor(*a, t_decay=5.0, **k), Signed])
def test_detailed_cells_have_current_based_receptors(receptor):
    tree = dn.Morphology.from_sections([30.0, 200.0], [20.0, 2.0], [-1, 0], ["soma", "apical"])

    class Detailed(dn.CableNeuron):
        def __init__(self):
            super().__init__(2, tree, cv=dn.PerSection(3), V_rest=-65.0, V_th=1e6, name="cells")
            self.input = receptor(self, at=[dn.Location(1, 0.5), dn.Location(1, 1.0)])

    found = []
    for sign in (1.0, -1.0):
        cells, source = Detailed(), dn.SpikeGenerator(3, indices=[0, 1, 2], times=[1.0, 3.0, 4.0], name="source")
        weights = np.random.default_rng(0).normal(0.0, 60.0, (3, 4)) * sign
        synapse = dn.MCSynapse(source, cells.input, weights, delay=0.5, name="syn")
        net = dn.Network([cells, source, synapse], dt=0.025)
        v, current = net.probe(cells.at("soma"), "V"), net.probe(cells.input, "I")
        run = net.run(20.0, grad=True)
        gradient = run.backward({v: np.ones_like(v.values)})["syn.w"]
        # The cell is linear, so the gradient is the same at all weights.
        found.append((v.values + 65.0, current.values, gradient))
        np.testing.assert_allclose(np.vdot(gradient, weights), (v.values + 65.0).sum(), rtol=1e-9)
    np.testing.assert_allclose(found[0][0], -found[1][0], atol=1e-9)
    np.testing.assert_allclose(found[0][1], -found[1][1], atol=1e-9)
    np.testing.assert_allclose(found[0][2], found[1][2], rtol=1e-9)
    assert found[0][1].min() < 0 < found[0][1].max()


def test_receptors_on_detailed_cells_need_no_parameters():
    class Fixed(dn.Receptor):
        signed = True
        equations = """
        I = s * 1 pA             : pA
        ds/dt = -s/(5 ms)        : 1
        on event: s += weight
        """

    tree = dn.Morphology.from_sections([30.0, 200.0], [20.0, 2.0], [-1, 0], ["soma", "apical"])
    cells = dn.CableNeuron(1, tree, cv=dn.PerSection(3), V_rest=-65.0, V_th=1e6, name="cells")
    cells.input = Fixed(cells, at=dn.Location(1, 0.5))
    source = dn.SpikeGenerator(1, indices=[0], times=[1.0])
    net = dn.Network([cells, source, dn.MCSynapse(source, cells.input, dn.All2All(), weight=-100.0)])
    net.run(10.0)
    assert cells.V.min() < -65.5


def test_drawn_weights_are_not_cut():
    cell, source = Cell(200), dn.PoissonGenerator(50, rate=10.0)
    synapse = dn.MCSynapse(source, cell.input, dn.FixedProb(0.5), weight=dn.Normal(0.0, 10.0))
    net = dn.Network([cell, source, synapse], dt=DT, seed=2)
    w = synapse.w
    assert abs(w.mean()) < 0.5
    assert 9.5 < w.std() < 10.5
    assert (w < 0).mean() > 0.45
    assert net.parameters()[f"{synapse.path}.w"].min() == w.min()


def test_matrices_functions_and_assignments_may_be_negative():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(4, 3))
    sparse = scipy.sparse.csr_array(np.where(rng.random((4, 3)) < 0.7, table, 0.0))
    pre, post = sparse.nonzero()
    explicit = dn.CustomConn(pre, post, sparse.data)
    for conn, stored in ((table, table.ravel()), (sparse, sparse.data), (explicit, sparse.data)):
        cell, source = Cell(3), dn.PoissonGenerator(4, rate=10.0)
        synapse = dn.MCSynapse(source, cell.input, conn)
        net = dn.Network([cell, source, synapse], dt=DT)
        np.testing.assert_array_equal(np.ravel(synapse.w), stored)
        synapse.w = -synapse.w
        np.testing.assert_array_equal(np.ravel(synapse.w), -stored)
        key = f"{synapse.path}.w"
        net.set_parameters({key: -2.5})
        np.testing.assert_array_equal(synapse.w, -2.5)
    cell, source = Cell(3), dn.PoissonGenerator(4, rate=10.0)
    synapse = dn.MCSynapse(source, cell.input, dn.All2All(), weight=lambda pre, post: -1.0 - pre - post)
    net = dn.Network([cell, source, synapse], dt=DT)
    assert synapse.w.max() == -1.0
    assert len(net.modules) == 3


def test_several_receptors_share_negative_weights_if_all_accept_them():
    class Two(Cell):
        def __init__(self, second):
            super().__init__(2)
            self.other = second(2)
            self.other_on = dn.MCConnSynapse(self.other, self.soma)

    cell, source = Two(Signed), dn.PoissonGenerator(3, rate=10.0)
    dn.MCSynapse(source, (cell.input, cell.other), dn.All2All(), weight=-1.0)
    cell = Two(lambda n: dn.AMPA(n, t_decay=2.0))
    with pytest.raises(dn.ConnectivityError, match=r"weight = -1.0: expected a finite number >= 0; .*CurrentReceptor"):
        dn.MCSynapse(source, (cell.input, cell.other), dn.All2All(), weight=-1.0)


HINT = "; for inhibition, connect positive weights to a GABA receptor, or use a CurrentReceptor, whose weights may be "


@pytest.mark.parametrize("receptor", [lambda n: dn.AMPA(n, t_decay=2.0), lambda n: dn.GABA(n, t_decay=2.0)])
def test_other_receptors_refuse_negative_weights(receptor):
    cell, source = Cell(2, receptor), dn.PoissonGenerator(3, rate=10.0)
    table = np.ones((3, 2))
    table[1, 0] = -2.0
    for conn, options in (
        (dn.All2All(), {"weight": -1.0}),
        (dn.All2All(), {"weight": table}),
        (table, {}),
        (scipy.sparse.csr_array(table), {}),
        (dn.CustomConn([1], [0], [-2.0]), {}),
    ):
        with pytest.raises(dn.ConnectivityError, match=re.escape(HINT)):
            dn.MCSynapse(source, cell.input, conn, **options)
    drawn = dn.MCSynapse(source, cell.input, dn.All2All(), weight=dn.Normal(0.0, 1.0))
    with pytest.raises(dn.ConnectivityError, match="expected a finite number >= 0.*" + re.escape(HINT)):
        dn.Network([cell, source, drawn], dt=DT)
    cell = Cell(2, receptor)
    computed = dn.MCSynapse(source, cell.input, dn.All2All(), weight=lambda pre, post: -1.0 * (pre + 1))
    with pytest.raises(dn.ConnectivityError, match=re.escape(HINT)):
        dn.Network([cell, source, computed], dt=DT)
    cell = Cell(2, receptor)
    synapse = dn.MCSynapse(source, cell.input, dn.All2All())
    net = dn.Network([cell, source, synapse], dt=DT)
    with pytest.raises(dn.ParameterError, match=re.escape(HINT)):
        synapse.w = -1.0
    with pytest.raises(dn.ParameterError, match=re.escape(HINT)):
        net.set_parameters({f"{synapse.path}.w": np.full(6, -1.0)})


def test_infinite_weights_are_refused():
    cell, source = Cell(2), dn.PoissonGenerator(3, rate=10.0)
    for bad in (np.inf, -np.inf, np.nan):
        with pytest.raises(dn.ConnectivityError, match=rf"weight = {bad}: expected a finite number \(pA\)$"):
            dn.MCSynapse(source, cell.input, dn.All2All(), weight=bad)
        with pytest.raises(dn.ConnectivityError, match=r"expected a finite weight \(pA\)$"):
            dn.MCSynapse(source, cell.input, np.full((3, 2), bad))


def test_mistakes_in_the_class_have_messages():
    with pytest.raises(dn.ParameterTypeError, match="Bad: signed = 'yes': expected True or False"):
        type("Bad", (dn.Receptor,), {"equations": Signed.equations, "signed": "yes"})
    with pytest.raises(dn.StructureError, match="Bad: signed = True: the sign of the weights of a built-in receptor"):
        type("Bad", (dn.AMPA,), {"signed": True})
    with pytest.raises(dn.StructureError, match="scale_g = True would have no effect"):
        dn.CurrentReceptor(1, t_decay=2.0).scale_g = True
    with pytest.raises(dn.AssignmentError, match="signed"):
        dn.AMPA(1, t_decay=2.0).signed = True
    with pytest.raises(dn.ParameterError, match="t_decay = None: expected a time constant > 0"):
        dn.CurrentReceptor(1)
    with pytest.raises(dn.ParameterError, match="t_rise = -1: expected a finite number > 0"):
        dn.CurrentReceptor(1, t_rise=-1.0, t_decay=2.0)


def network(**plasticity):
    """Two populations with weights of both signs, delays, and a rise in one of the receptors."""
    rng = np.random.default_rng(5)
    source = dn.PoissonGenerator(6, rate=150.0, name="source")
    a = Cell(4, lambda n: dn.CurrentReceptor(n, t_rise=1.5, t_decay=6.0), V_th=-52.0, V_reset=-65.0, name="a")
    b = Cell(3, Signed, V_th=-52.0, V_reset=-65.0, name="b")
    modules = [
        source,
        a,
        b,
        dn.MCSynapse(source, a.input, rng.normal(60.0, 60.0, (6, 4)), name="into", **plasticity),
        dn.MCSynapse(a, b.input, rng.normal(20.0, 60.0, (4, 3)), delay=dn.Uniform(0.5, 3.0), name="ab"),
        dn.MCSynapse(b, a.input, dn.FixedProb(0.8), weight=dn.Normal(-10.0, 20.0), delay=1.0, name="ba"),
    ]
    net = dn.Network(modules, dt=DT, seed=9)
    return net, [net.probe(a.soma, "V"), net.probe(b.soma, "V"), net.probe(b, "spikes")]


@pytest.mark.parametrize("rise", [None, 1.5, 5.0])
def test_gradients_agree_with_differences(rise):
    rng = np.random.default_rng(1)
    cell = Cell(3, lambda n: dn.CurrentReceptor(n, t_rise=rise, t_decay=[5.0, 5.0, 4.0]))
    source = dn.PoissonGenerator(4, rate=200.0)
    synapse = dn.MCSynapse(source, cell.input, rng.normal(0.0, 50.0, (4, 3)), delay=0.5, name="syn")
    net = dn.Network([cell, source, synapse], dt=DT, seed=4)
    probe = net.probe(cell.soma, "V")
    weight = rng.normal(size=(200, 3))

    def loss(**how):
        net.reset()
        run = net.run(20.0, **how)
        return (probe.values * weight).sum(), run

    keys = ["syn.w", "cell/input.t_decay"] + (["cell/input.t_rise"] if rise else [])
    _, run = loss(grad=True)
    found = run.backward({probe: weight}, wrt=keys)
    for key in keys:
        start = np.array(net.parameters()[key], dtype=float)
        direction = rng.normal(size=start.shape)
        ends = []
        for h in (1e-4, -1e-4):
            net.set_parameters({key: start + h * direction})
            ends.append(loss()[0])
        net.set_parameters({key: start})
        np.testing.assert_allclose(np.vdot(found[key], direction), (ends[0] - ends[1]) / 2e-4, rtol=1e-6)


def test_batches_and_spikes_in_gradients():
    net, probes = network()
    run = net.run(30.0, batch=3, grad=True)
    found = run.backward({probes[1]: np.ones_like(probes[1].values)})
    assert all(np.isfinite(found[key]).all() for key in ("into.w", "ab.w", "ba.w"))
    assert np.any(found["into.w"])


def test_models_and_states_keep_negative_weights(tmp_path):
    net, probes = network()
    net.run(20.0)
    net.save(tmp_path / "model.toml")
    again = dn.Network.load(tmp_path / "model.toml")
    assert again["b/input"].signed
    for key in ("into.w", "ab.w", "ba.w"):
        np.testing.assert_array_equal(again.parameters()[key], net.parameters()[key])
    net.save_state(tmp_path / "state")
    net.run(20.0)
    other, others = network()
    other.load_state(tmp_path / "state")
    other.run(20.0)
    np.testing.assert_array_equal(others[0].values[-200:], probes[0].values[-200:])


def test_states_of_receptors_with_another_sign_are_refused(tmp_path):
    class Unsigned(dn.Receptor):
        equations = Signed.equations

    first = driven(3.0, Signed)
    first.save_state(tmp_path / "state")
    with pytest.raises(dn.StateError, match="signed"):
        driven(3.0, Unsigned).load_state(tmp_path / "state")


def test_short_term_plasticity_scales_negative_weights():
    rule = dn.TsodyksMarkram(U=0.5, tau_rec=100.0)
    times = (1.0, 6.0, 11.0)
    down, up = (record(driven(w, times=times, plasticity=rule))[0] for w in (-40.0, 40.0))
    np.testing.assert_array_equal(down, -up)
    assert -26.0 < down.min() < -18.0


@pytest.mark.parametrize("rule", [dn.STDP, dn.TripletSTDP])
def test_plastic_weights_stay_within_signed_bounds(rule):
    fast = {"lambda_": 0.4} if rule is dn.STDP else {"A_minus": 30.0, "A_plus": 30.0}
    net, _ = network(plasticity=rule(w_min=-200.0, w_max=220.0, **fast))
    before = net["into"].w.copy()
    net.run(500.0)
    after = net["into"].w
    assert (after != before).all()
    assert after.min() >= -200.0
    assert after.max() <= 220.0
    assert after.min() < -50.0


def test_relative_weights_have_the_dynamics_of_nest():
    """A weight between w_min and w_max changes like a weight between 0 and the difference."""

    def weights(low, high, start):
        class Driven(dn.MCNeuron):
            def __init__(self):
                super().__init__(1, V_th=-50.0, V_reset=-65.0, name="cell")
                self.soma = dn.LeakyIF(1, V_rest=-65.0, I_ext=80.0)
                # The input has almost no effect on V, so the spikes are the same for all weights.
                self.input = dn.CurrentReceptor(1, t_decay=5.0)
                self.input_on = dn.MCConnSynapse(self.input, self.soma)

        cell, source = Driven(), dn.PoissonGenerator(1, rate=60.0, name="source")
        rule = dn.STDP(w_min=low, w_max=high, lambda_=0.1)
        synapse = dn.MCSynapse(source, cell.input, dn.All2All(), weight=start, plasticity=rule, name="syn")
        cell.odemethod = dn.SolverMethodODE.EXP_EULER
        net = dn.Network([cell, source, synapse], dt=DT, seed=6)
        probe = net.probe(synapse, "w")
        net.run(400.0)
        assert probe.unit == "pA"
        return probe.values[:, 0]

    relative = weights(0.0, 1e-3, 5e-4)
    shifted = weights(-1e-3, 0.0, -5e-4)
    assert np.ptp(relative) > 1e-5
    np.testing.assert_allclose(shifted + 1e-3, relative, rtol=1e-9)


def test_bounds_of_plastic_weights_are_checked():
    with pytest.raises(dn.ParameterError, match=r"STDP: w_max = 1.0: expected a finite number > w_min = 2"):
        dn.STDP(w_min=2.0, w_max=1.0)
    with pytest.raises(dn.ParameterError, match=r"TripletSTDP: w_max = -1.0: expected a finite number > w_min = 0"):
        dn.TripletSTDP(w_max=-1.0)
    rule = dn.STDP(w_min=-1.0)
    with pytest.raises(dn.ParameterError, match=r"syn: w_min = -1: .*>= 0; for inhibition"):
        driven(1.0, lambda n: dn.AMPA(n, t_decay=2.0), plasticity=rule)
    with pytest.raises(dn.ConnectivityError, match=r"syn: w = -3: expected at least w_min = -1"):
        driven(-3.0, plasticity=rule)
    net = driven(-0.5, plasticity=dn.STDP(w_min=-1.0, w_max=1.0))
    with pytest.raises(dn.ParameterError, match=r"syn: w = -3: expected at least w_min = -1"):
        net.set_parameters({"syn.w": -3.0})
    with pytest.raises(dn.ParameterError, match=r"syn: w_min = 0: expected at most the smallest weight, -0.5"):
        net.set_parameters({"syn.w_min": 0.0})
    with pytest.raises(dn.ParameterError, match=r"syn: w_max = -0.7: expected at least the largest weight, -0.5"):
        net.set_parameters({"syn.w_max": -0.7})
    # Values that are set together are checked together.
    net.set_parameters({"syn.w": -3.0, "syn.w_min": -4.0, "syn.w_max": -2.0})
    assert net["syn"].w_max == -2.0


def test_optimizers_do_not_project_signed_weights():
    net, probes = network()
    for optimizer in (dn.optim.SGD(net, 1.0, train=["into.w"]), dn.optim.Adam(net, 5.0, train=["into.w"])):
        before = net["into"].w.copy()
        optimizer.step({"into.w": np.full((6, 4), 1000.0)})
        assert (net["into"].w < before).all()
    assert (net["into"].w < 0).any()
    assert len(probes) == 3


def test_weights_are_in_pa():
    cell, source = Cell(2), dn.PoissonGenerator(2, rate=10.0)
    synapse = dn.MCSynapse(source, cell.input, dn.All2All(), weight=-3.0)
    assert synapse._unit_of("w") == "pA"
    with pytest.warns(dn.UnitWarning, match=r"w = -5e-11 seems to be in amperes"):
        dn.Network([cell, source, dn.MCSynapse(source, cell.input, dn.All2All(), weight=-5e-11)], dt=DT)


def test_images_of_weights_with_both_signs_have_diverging_colours():
    pytest.importorskip("matplotlib")
    table = np.array([[1.0, -3.0], [0.0, 2.0]])
    ax = dn.plot.weights(table)
    (image,) = ax.images
    assert image.get_clim() == (-3.0, 3.0)
    assert image.get_cmap().name == "RdBu_r"
    net = driven(-4.0)
    ax = dn.plot.weights(net["syn"])
    assert ax.get_xlabel() == "weight (pA)"
