"""With ``reset=False``, spikes are the upward crossings of V_th in the recorded V, however the network runs."""

import dendrion as dn
import numpy as np
import pytest

DT = 0.025
METHODS = list(dn.SolverMethodODE)


class HH(dn.MCNeuron):
    """A neuron with Hodgkin-Huxley channels on the soma and AMPA receptors on a dendrite."""

    def __init__(self, size=4, **options):
        super().__init__(size, **({"V_th": 0.0, "reset": False, "name": "hh"} | options))
        self.soma = dn.LeakyIF(size, V_rest=-54.4, gL=300.0, C=1.0, length=30.0, diameter=30.0, r_axial=100.0)
        self.na = dn.channels.HHNa(size, self.soma)
        self.k = dn.channels.HHK(size, self.soma)
        self.dend = dn.Compartment(size, V_rest=-65.0, gL=100.0, C=1.0, length=100.0, diameter=2.0, r_axial=100.0)
        self.axial = dn.MCConn(self.soma, self.dend)
        self.ampa = dn.AMPA(size, g=5.0, t_decay=2.0)
        self.ampa_on = dn.MCConnSynapse(self.ampa, self.dend)


def network(size=4, threads=None, dtype="float64", **options):
    cells = HH(size, **options)
    cells.soma.I_ext = np.linspace(0.0, 600.0, size)
    source = dn.PoissonGenerator(20, rate=50.0, name="source")
    given = dn.MCSynapse(source, cells.ampa, conn=np.full((20, size), 0.5), delay=0.5, name="given")
    rec = dn.MCSynapse(cells, cells.ampa, conn=np.full((size, size), 0.2), delay=1.0, name="rec")
    net = dn.Network([cells, source, given, rec], dt=DT, seed=3, threads=threads, dtype=dtype)
    return net, cells, net.probe(cells.soma, "V"), net.probe(cells, "spikes")


def crossings(v, last, threshold=0.0):
    """Return the step and neuron of upward crossings, from V at the beginning of each step and after the last one."""
    v = np.vstack([v.values, last])
    return np.argwhere((v[:-1] <= threshold) & (v[1:] > threshold))


def found(net, cells, v, spikes, **how):
    expected = crossings(v, net.get_state()["hh/soma.V"], **how)
    steps = np.rint(np.asarray(spikes.t) / DT).astype(int)
    order = np.lexsort((spikes.i, steps))
    return np.stack([steps, spikes.i], axis=1)[order], expected


@pytest.mark.parametrize("method", METHODS, ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_solver_counts_action_potentials(method, dtype):
    net, *rest = network(dtype=dtype, odemethod=method)
    net.run(50.0)
    got, expected = found(net, *rest)
    assert len(expected) > 5
    offset = got[0, 0] - expected[0, 0]
    np.testing.assert_array_equal(got - [offset, 0], expected)
    # There are far fewer spikes than steps with V above the threshold.
    assert len(got) < (rest[1].values > 0.0).sum() / 5


def test_constant_current_gives_as_many_spikes_as_action_potentials():
    cells = HH(1)
    cells.soma.I_ext = 300.0
    net = dn.Network([cells], dt=DT)
    v, spikes = net.probe(cells.soma, "V"), net.probe(cells, "spikes")
    net.run(200.0)
    assert len(spikes) == len(crossings(v, net.get_state()["hh/soma.V"])) > 10


@pytest.mark.parametrize("size", [1, 3, 130, 300])
def test_blocks_threads_and_cuts_change_nothing(size):
    net, _, _, spikes = network(size)
    net.run(30.0)
    whole = np.stack([spikes.t, spikes.i])
    assert whole.shape[1] > 1
    for threads in (1, 2):
        other, *_, again = network(size, threads=threads)
        for part in (7.3, 12.7, 10.0):
            other.run(part)
        np.testing.assert_array_equal(np.stack([again.t, again.i]), whole)
        np.testing.assert_array_equal(other.get_state()["hh/soma.V"], net.get_state()["hh/soma.V"])


def test_the_first_step_compares_with_the_initial_v():
    class Passive(dn.MCNeuron):
        def __init__(self, start, size=1):
            super().__init__(size, V_th=-60.0, reset=False, name="cell")
            self.soma = dn.LeakyIF(size, V_rest=start, C=10.0, gL=1.0, I_ext=300.0)

    for start, expected in ((-61.0, 1), (-60.0, 1), (-59.0, 0)):
        cell = Passive(start)
        if start > -60.0:
            cell.soma.I_ext = 0.0
        net = dn.Network([cell], dt=0.1)
        spikes = net.probe(cell, "spikes")
        net.run(2.0)
        assert len(spikes) == expected
        # After set_state, crossings are counted from the new V.
        net.set_state({"cell/soma.V": np.array([-70.0])})
        cell.soma.I_ext = 300.0
        net.run(5.0)
        assert len(spikes) == expected + 1


def test_no_refractory_time_is_needed():
    """A potential that crosses the threshold in every other step spikes in every other step."""

    class Passive(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=-60.0, reset=False, name="cell")
            self.soma = dn.LeakyIF(1, V_rest=-60.0, C=1.0, gL=0.001)

    cell = Passive()
    wave = dn.CurrentGenerator(1, np.tile([10.0, -10.0], 50), name="wave")
    net = dn.Network([cell, wave, dn.ConnGen(wave, cell.soma)], dt=0.1)
    spikes = net.probe(cell, "spikes")
    net.run(10.0)
    assert len(spikes) == 50


def test_states_go_on_bit_for_bit(tmp_path):
    net, *_, spikes = network()
    net.run(20.0)
    net.save_state(tmp_path / "state")
    net.run(20.0)
    other, *_, again = network()
    other.load_state(tmp_path / "state")
    other.run(20.0)
    late = np.asarray(spikes.t) > 20.0
    np.testing.assert_array_equal(np.asarray(spikes.t)[late], again.t)
    for key, value in net.get_state().items():
        np.testing.assert_array_equal(value, other.get_state()[key])


def test_a_state_of_neurons_that_are_reset_is_refused(tmp_path):
    class Cell(dn.MCNeuron):
        def __init__(self, **options):
            super().__init__(1, V_th=-50.0, name="cell", **options)
            self.soma = dn.LeakyIF(1, V_rest=-65.0, C=10.0, gL=1.0)

    dn.Network([Cell(V_reset=-60.0)], dt=0.1).save_state(tmp_path / "state")
    with pytest.raises(dn.StateError, match=r"hard reset in the file, .*no reset here"):
        dn.Network([Cell(reset=False)], dt=0.1).load_state(tmp_path / "state")


def test_model_files_keep_it(tmp_path):
    net, *_, spikes = network()
    net.run(20.0)
    for name in ("model.json", "model.toml"):
        net.reset()
        net.save(tmp_path / name)
        loaded = dn.Network.load(tmp_path / name)
        cells = loaded["hh"]
        assert cells.reset is False
        assert cells.V_reset is None
        again = loaded.probe(cells, "spikes")
        loaded.run(20.0)
        net.run(20.0)
        np.testing.assert_array_equal(again.t, spikes.t)
        np.testing.assert_array_equal(again.i, spikes.i)
    path = tmp_path / "wrong.toml"
    for line, what in (
        ("V_reset = -60", "V_reset = -60: expected no value, because reset is false"),
        ('V_reset = "soft"', "V_reset = soft: expected no value, because reset is false"),
        ("refractory = 2", "refractory = 2: expected 0, because reset is false"),
    ):
        path.write_text(
            f"dendrion = 1\n[populations.cell]\nreset = false\nV_th = 5\n{line}\n"
            '[populations.cell.compartments.soma]\nkind = "LeakyIF"\n'
        )
        with pytest.raises(dn.ModelFileError, match=what):
            dn.Network.load(path)


def test_stdp_pairs_with_crossings_only():
    """Each crossing potentiates according to the trace of one early spike of the source, as the rule predicts."""
    cells = HH(1)
    source = dn.SpikeGenerator(1, np.zeros(1, int), np.array([5.0]), name="source")
    rule = dn.STDP(lambda_=0.01, alpha=0.0, mu_plus=0.0, tau_plus=30.0, w_max=1.0)
    syn = dn.MCSynapse(source, cells.ampa, conn=np.full((1, 1), 1e-3), delay=1.0, name="syn", plasticity=rule)
    cells.soma.I_ext = 300.0
    net = dn.Network([cells, source, syn], dt=DT)
    spikes = net.probe(cells, "spikes")
    net.run(100.0)
    late = np.asarray(spikes.t)[np.asarray(spikes.t) > 6.0]
    assert len(late) > 3
    # The source's spike reaches the synapse after 0.975 ms, and the neuron's spikes after 0.025 ms (one step).
    grown = 0.01 * np.exp(-(late + 0.025 - 5.975) / 30.0).sum()
    assert np.ravel(syn.connections.weight) == pytest.approx([1e-3 + grown], rel=1e-9)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"V_reset": -65.0}, "V_reset"),
        ({"V_reset": 0.0}, "V_reset"),
        ({"refractory": 2.0}, "refractory"),
        ({"V_spike": 20.0, "spike_width": 1.0}, "V_spike"),
    ],
)
def test_what_a_reset_needs_is_refused(options, name):
    with pytest.raises(
        dn.ParameterError, match=f"{name} = .*with reset=False a spike leaves V unchanged; remove {name}"
    ):
        dn.MCNeuron(1, V_th=0.0, reset=False, parent=None, **options)
    cells = HH(1)
    with pytest.raises(dn.DendrionError, match="with reset=False a spike leaves V unchanged"):
        setattr(cells, name, options[name] or 1.0)
    assert cells.V_reset is None
    assert cells.refractory == 0.0


def test_it_is_fixed_and_a_flag():
    with pytest.raises(dn.ParameterTypeError, match="reset = 0: expected True or False"):
        dn.MCNeuron(1, reset=0, parent=None)
    cells = HH(1)
    net = dn.Network([cells], dt=DT)
    assert "hh.V_reset" not in net.parameters()
    with pytest.raises(dn.StructureError, match="reset cannot be changed after construction; create a new HH"):
        cells.reset = True


class Resetting(dn.Soma):
    """A soma whose equations reset V themselves."""

    equations = "on spike: V = -58 mV\nI = 0 pA : pA"


def test_equations_that_reset_v_are_refused():
    cell = dn.MCNeuron(1, V_th=-50.0, reset=False, name="cell", parent=None)
    cell.soma = Resetting(1, V_rest=-65.0, C=200.0, gL=10.0, parent=None)
    with pytest.raises(dn.StructureError, match="cell/soma: sets V on a spike, but reset is false"):
        dn.Network([cell])
