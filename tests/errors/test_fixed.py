"""Attributes that cannot change after building are read-only, and the error suggests an alternative."""

import dendrion as dn
import numpy as np
import pytest


@pytest.fixture
def net(pair):
    return dn.Network([pair(1, name="cells")], dt=0.1, seed=3)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("dt", 0.05, r"network\.dt = 0\.05: the time step .* fixed; create a new Network with dt=0\.05"),
        ("seed", 4, r"network\.seed = 4: the seed .* fixed; create a new Network with seed=4"),
        ("dtype", "float32", r"network\.dtype = 'float32': .* fixed; create a new Network with dtype='float32'"),
        ("threads", 2, r"network\.threads = 2: .* fixed; create a new Network with threads=2"),
        ("odemethod", dn.SolverMethodODE.RK4, r"network\.odemethod = .* create a new Network with odemethod="),
        ("sdemethod", None, r"network\.sdemethod = None: .* create a new Network with sdemethod=None"),
        ("modules", (), r"network\.modules = \(\): the modules of a built network are fixed; create a new Network"),
        ("populations", (), r"network\.populations = \(\): the modules of a built network are fixed"),
        ("duration", 500.0, r"network\.duration = 500\.0: .* pass the time to simulate to net\.run\(\)"),
        ("t", 5.0, r"network\.t = 5\.0: is read-only; net\.run\(\) advances the time"),
        ("recordings", {}, r"network\.recordings = \{\}: is read-only; net\.probe\(\) adds a recording"),
        ("training", False, r"network\.training = False: is read-only; net\.train\(\) and net\.eval\(\)"),
        ("info", {}, r"network\.info = \{\}: is read-only"),
        ("run", None, r"network\.run = None: is read-only"),
    ],
)
def test_settings_of_a_network_are_read_only(net, name, value, message):
    before = (net.dt, net.seed, net.dtype, net.modules, net.duration, net.t)
    with pytest.raises(dn.AssignmentError, match=message):
        setattr(net, name, value)
    assert (net.dt, net.seed, net.dtype, net.modules, net.duration, net.t) == before


@pytest.mark.parametrize(("name", "meant"), [("sede", "seed"), ("Dt", "dt"), ("d_t", "dt"), ("probes", "probe")])
def test_a_misspelt_attribute_of_a_network_is_an_error(net, name, meant):
    with pytest.raises(dn.AssignmentError, match=rf"a Network has no attribute '{name}'; did you mean '{meant}'\?"):
        setattr(net, name, 1)
    assert not hasattr(net, name)


def test_no_attribute_can_be_added_to_a_network_or_deleted_from_it(net):
    with pytest.raises(dn.AssignmentError, match=r"a Network has no attribute 'my_notes', and none can be added"):
        net.my_notes = "mine"
    with pytest.raises(dn.AssignmentError, match=r"network\.dt: the attribute cannot be deleted"):
        del net.dt


def test_the_error_is_an_attribute_error_too(net):
    assert issubclass(dn.AssignmentError, dn.StructureError)
    with pytest.raises(AttributeError, match="the seed"):
        net.seed = 1


def test_recordings_of_a_network_are_not_changed_through_their_dict(net):
    v = net.probe(net.populations[0].soma, "V")
    for change in (
        lambda: net.recordings.__setitem__("more", v),
        lambda: net.recordings.__delitem__(v.name),
        lambda: net.recordings.pop(v.name),
        lambda: net.recordings.update(more=v),
        lambda: net.recordings.clear(),
    ):
        with pytest.raises(dn.AssignmentError, match=r"this dict is a copy, .*net\.remove\(recording\) removes one"):
            change()
    assert net.recordings == {v.name: v}


def test_a_subclass_of_a_network_may_have_attributes_of_its_own(pair):
    class Model(dn.Network):
        def __init__(self):
            self.scale = 2.0
            self.cells = pair(1, name="cells")
            super().__init__([self.cells])
            self.v = self.probe(self.cells.soma, "V")

    model = Model()
    model.scale = 3.0
    model.note = "mine"
    del model.note
    assert (model.scale, model.v.name) == (3.0, "cells/soma.V")
    for name, message in (("dt", "create a new Network with dt=0.2"), ("sede", "did you mean 'seed'")):
        with pytest.raises(dn.AssignmentError, match=message):
            setattr(model, name, 0.2)


def test_runs_are_read_only(net):
    run = net.run(1.0, grad=True)
    for name in ("steps", "batch", "net", "values"):
        with pytest.raises(dn.AssignmentError, match=rf"Run\.{name} = 5: a run is read-only; call net\.run"):
            setattr(run, name, 5)
    with pytest.raises(dn.AssignmentError, match=r"a Run has no attribute 'stepz'; did you mean 'steps'"):
        run.stepz = 5


def test_recordings_are_read_only(net, tmp_path):
    cells = net.populations[0]
    v, spikes = net.probe(cells.soma, "V"), net.probe(cells, "spikes")
    net.run(1.0)
    v.save(tmp_path / "v.npz")
    for recording in (v, dn.load_recording(tmp_path / "v.npz")):
        for name in ("dt", "unit", "t", "gid", "name"):
            with pytest.raises(dn.AssignmentError, match=rf"cells/soma\.V\.{name} = .*: recordings are read-only"):
                setattr(recording, name, np.ones(3))
        with pytest.raises(dn.AssignmentError, match=r"values = array of shape \(3,\): .*recording\.values\.copy\(\)"):
            recording.values = np.ones(3)
    with pytest.raises(dn.AssignmentError, match=r"cells\.spikes\.t = 1: recordings are read-only"):
        spikes.t = 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("surrogate_grad_fn", dn.ATan()), ("detach_reset", False), ("id", 7), ("neuron_start_id", 9)],
)
def test_settings_of_a_population_are_fixed_in_a_network(net, name, value):
    with pytest.raises(dn.StructureError, match=rf"cells: {name} is fixed once the network is built"):
        setattr(net.populations[0], name, value)


def test_settings_that_were_none_are_fixed_in_a_network(pair):
    cells, noise = pair(1, name="cells"), dn.PoissonGenerator(1, name="noise")
    syn = dn.MCSynapse(noise, cells.ampa, dn.All2All(), name="syn")
    net = dn.Network([cells, noise, syn])
    with pytest.raises(dn.StructureError, match=r"noise: rng_col is fixed"):
        noise.rng_col = "shared"
    with pytest.raises(dn.StructureError, match=r"syn: plasticity is fixed"):
        syn.plasticity = dn.STDP()
    del net


def test_assigning_training_switches_learning(pair):
    cells, noise = pair(1, name="cells"), dn.PoissonGenerator(1, rate=200.0, name="noise")
    syn = dn.MCSynapse(noise, cells.ampa, dn.All2All(), plasticity=dn.STDP(), delay=1.0, name="syn")
    net = dn.Network([cells, noise, syn])
    syn.training = False
    assert (syn.training, net._sim.is_learning("syn")) == (False, False)
    syn.training = True
    assert (syn.training, net._sim.is_learning("syn")) == (True, True)


@pytest.mark.parametrize("value", [dn.STDP(), 3.0, [dn.AMPA(1, t_decay=2.0)]])
def test_plasticity_is_fixed_even_where_there_was_none(pair, value):
    cells, noise = pair(1, name="cells"), dn.PoissonGenerator(1, name="noise")
    syn = dn.MCSynapse(noise, cells.ampa, dn.All2All(), name="syn")
    with pytest.raises(dn.AssignmentError, match=r"syn: plasticity cannot be changed after construction"):
        syn.plasticity = value
    syn.plasticity = None
