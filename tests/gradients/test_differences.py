"""Gradients of all recordings, with respect to inputs, waveforms and initial states, agree with differences."""

import dendrion as dn
import numpy as np
import pytest

DT, STEPS, N = 0.1, 60, 3


class Cell(dn.MCNeuron):
    def __init__(self, size, **settings):
        super().__init__(size, V_th=200.0, V_reset=-60.0, name="cell", **settings)
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=100.0, gL=6.0)
        self.dend = dn.Compartment(size, V_rest=[-66.0, -64.0, -65.0], C=40.0, gL=3.0)
        self.axial = dn.MCConn(self.soma, self.dend, 8.0)
        self.nmda = dn.NMDA(size, g=2.0, t_rise=1.5, t_decay=20.0)
        self.ampa = dn.AMPA(size, g=2.0, t_decay=2.0)
        self.gaba = dn.GABA(size, g=1.0, t_decay=5.0)
        self.on = [dn.MCConnSynapse(r, self.dend) for r in (self.nmda, self.ampa, self.gaba)]


class Made:
    """A cell with three input currents and a generator whose connections are sparse or drive two receptors at once."""

    def __init__(self, method=dn.SolverMethodODE.EULER, wave=None, steps=None, amplitude=30.0):
        rng = np.random.default_rng(1)
        self.cell = Cell(N, odemethod=method)
        waves = rng.normal(0, 40, (STEPS - 10, N)), rng.normal(0, 40, 20)
        self.wave = dn.CurrentGenerator(N, waves[0] if wave is None else wave, name="wave")
        self.one = dn.CurrentGenerator(1, waves[1] if steps is None else steps, start=1.0, name="one")
        self.table = dn.Piecewise([0.5, 2.0, 4.0], [[5.0, 6.0, 7.0], [-20.0, 0.0, 30.0], [1.0, 2.0, 3.0]])
        self.piecewise = dn.DCGenerator(N, amplitude=self.table, stop=5.0, name="piecewise")
        self.shared = dn.DCGenerator(1, amplitude=amplitude, start=2.0, name="shared")
        self.source = dn.PoissonGenerator(5, rate=100.0, name="source")
        both = dn.MCSynapse(
            self.source, (self.cell.nmda, self.cell.ampa), conn=rng.uniform(0.1, 1.0, (5, N)), delay=0.4, name="both"
        )
        sparse = np.where(rng.random((5, N)) < 0.4, rng.uniform(0.1, 1.0, (5, N)), 0.0)
        import scipy.sparse

        some = dn.MCSynapse(self.source, self.cell.gaba, conn=scipy.sparse.csr_array(sparse), delay=1.0, name="some")
        currents = [(self.wave, "dend"), (self.one, "soma"), (self.piecewise, "soma"), (self.shared, "dend")]
        onto = [dn.ConnGen(g, getattr(self.cell, part)) for g, part in currents]
        generators = [g for g, _ in currents]
        self.net = dn.Network([self.cell, *generators, *onto, self.source, both, some], dt=DT, seed=4)
        probes = [
            (self.cell.soma, "V", None, None),
            (self.cell.dend, "V", 0.5, [2, 0]),
            (self.cell.dend, "V", None, None),
            (self.cell.dend, "I", None, None),
            (self.cell.nmda, "I", 0.3, None),
            (self.cell.nmda, "B", None, [1]),
            (self.cell.ampa, "I", None, None),
            (self.cell.nmda, "x", None, None),
        ]
        self.probes = [self.net.probe(m, name, every=e, indices=i) for m, name, e, i in probes]

    def weights(self, batch=()):
        rng = np.random.default_rng(9)
        scale = {"V": 1.0, "I": 0.05, "B": 100.0, "x": 1.0}
        shapes = [(*batch, -(-STEPS // p._every), p._columns) for p in self.probes]
        return [rng.normal(size=s) * scale[p._name[-1]] for p, s in zip(self.probes, shapes, strict=True)]

    def loss(self, **how):
        self.net.run(STEPS * DT, **how)
        batch = (how["batch"],) if "batch" in how else ()
        return sum(np.vdot(p.values, w) for p, w in zip(self.probes, self.weights(batch), strict=True))

    def gradient(self, **how):
        run = self.net.run(STEPS * DT, grad=True, **how)
        batch = (how["batch"],) if "batch" in how else ()
        return run.backward(dict(zip(self.probes, self.weights(batch), strict=True)))


def central(f, h):
    return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)


def bumped(array, at, h):
    out = np.array(array, dtype=float)
    out[at] += h
    return out


METHODS = [dn.SolverMethodODE[name] for name in ("EULER", "EXP_EULER", "RK4", "CRANK_NICOLSON")]


@pytest.mark.parametrize("method", METHODS)
def test_waveforms_and_amplitudes(method):
    base = Made(method)
    found = base.gradient()
    for key, where, build in (
        ("wave", (7, 1), lambda w: Made(method, wave=w)),
        ("wave", (49, 2), lambda w: Made(method, wave=w)),
        ("one", (3,), lambda w: Made(method, steps=w)),
    ):
        wave = getattr(base, key).waveform
        assert found[key].shape == wave.shape
        expected = central(lambda h: build(bumped(wave, where, h)).loss(), 1.0)  # noqa: B023
        assert found[key][where] == pytest.approx(expected, rel=1e-8)

    def of_table(h, where):
        made = Made(method)
        made.net.set_parameters({"piecewise.amplitude": bumped(made.table.values, where, h)})
        return made.loss()

    assert found["piecewise.amplitude"].shape == (3, 3)
    for where in ((0, 1), (1, 2), (2, 0)):
        expected = central(lambda h: of_table(h, where), 1.0)  # noqa: B023
        assert found["piecewise.amplitude"][where] == pytest.approx(expected, rel=1e-8)
    expected = central(lambda h: Made(method, amplitude=30.0 + h).loss(), 1.0)
    assert found["shared.amplitude"] == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_weights_sparse_and_shared_by_two_receptors(method):
    found = Made(method).gradient()
    assert found["both.w"].shape == (5, N)
    assert found["some.w"].ndim == 1
    for key, where in (("both.w", (2, 1)), ("both.w", (4, 2)), ("some.w", (1,))):

        def of(h, key=key, where=where):
            made = Made(method)
            made.net.set_parameters({key: bumped(made.net.parameters()[key], where, h)})
            return made.loss()

        assert found[key][where] == pytest.approx(central(of, 1e-2), rel=1e-7, abs=1e-9)


def test_initial_states():
    found = Made().gradient()
    for key in ("cell/dend.V", "cell/soma.V", "cell/nmda.s", "cell/nmda.x"):

        def of(h, key=key):
            made = Made()
            made.net.set_state({key: bumped(made.net.get_state()[key], 1, h)})
            return made.loss()

        assert found.states[key][1] == pytest.approx(central(of, 1e-2), rel=1e-7)
    # The gradient with respect to V_rest includes the initial state, unless the state was set.
    made = Made()
    made.net.set_state({"cell/soma.V": -65.0})
    without = made.gradient()
    gap = found["cell/soma.V_rest"] - without["cell/soma.V_rest"]
    assert gap == pytest.approx(found.states["cell/soma.V"].sum(), rel=1e-9)
    np.testing.assert_array_equal(found["cell/dend.V_rest"], without["cell/dend.V_rest"])


def test_runs_that_go_on_begin_from_the_state_there_is():
    made = Made()
    made.net.run(2.0)
    begun = made.net.get_state()
    run = made.net.run(3.0, grad=True)
    recorded = run.values(made.probes[0])
    assert recorded.shape == (30, N)
    np.testing.assert_array_equal(recorded, made.probes[0].values[20:])
    found = run.backward({made.probes[0]: np.ones((30, N))})

    def of(h):
        other = Made()
        other.net.run(2.0)
        other.net.set_state({"cell/dend.V": bumped(begun["cell/dend.V"], 2, h)})
        other.net.run(3.0)
        return other.probes[0].values[20:].sum()

    assert found.states["cell/dend.V"][2] == pytest.approx(central(of, 1e-2), rel=1e-8)


@pytest.mark.parametrize("batch", [None, 2])
def test_inputs_in_place_of_generators(batch):
    made, lead = Made(), () if batch is None else (batch,)
    rng = np.random.default_rng(3)
    given = {
        made.source: (rng.random((*lead, STEPS, 5)) < 0.1) * rng.uniform(0.5, 1.5, (*lead, STEPS, 5)),
        made.wave: rng.normal(0, 30, (*lead, STEPS, N)),
        made.shared: rng.normal(0, 30, (*lead, STEPS, 1)),
    }
    how = {} if batch is None else {"batch": batch}
    found = made.gradient(inputs=given, **how)
    for generator, column in ((made.source, 3), (made.wave, 1), (made.shared, 0)):
        where = (*((1,) if lead else ()), 11, column)
        assert found[generator.path].shape == given[generator].shape

        def of(h, generator=generator, where=where):
            other = Made()
            same = {getattr(other, g.path): x for g, x in given.items()}
            same[getattr(other, generator.path)] = bumped(given[generator], where, h)
            return other.loss(inputs=same, **how)

        assert found[generator.path][where] == pytest.approx(central(of, 1e-2), rel=1e-7)
    assert (found["shared.amplitude"] == 0).all()


def test_a_run_of_no_steps():
    made = Made()
    run = made.net.run(0.0, grad=True)
    found = run.backward({made.probes[0]: np.zeros((0, N))})
    assert all((np.asarray(g) == 0).all() for g in found.values())
