"""Every assignment to an attribute of a public object affects the simulation or raises one of Dendrion's errors."""

import copy
import inspect
import warnings

import dendrion as dn
import numpy as np
import pytest


class Everything(dn.MCNeuron):
    """A neuron with every kind of module that neurons can have."""

    def __init__(self, size=2):
        super().__init__(size, V_th=-40.0, V_reset=-60.0, name="cell")
        self.soma = dn.AdEx(size, V_rest=-65.0, C=200.0, gL=10.0)
        self.dend = dn.Compartment(size, V_rest=-65.0, C=50.0, gL=2.5)
        self.dends = [dn.Compartment(size, C=50.0, gL=2.0)]
        self.couplings = {"dend": dn.MCConn(self.soma, self.dend, 5.0), "0": dn.MCConn(self.soma, self.dends[0], 5.0)}
        self.ampa = dn.AMPA(size, t_decay=2.0, t_rise=0.5)
        self.nmda = dn.NMDA(size, t_decay=50.0)
        self.gaba = dn.GABA(size, t_decay=5.0)
        self.input = dn.CurrentReceptor(size, t_decay=5.0)
        receptors = (self.ampa, self.nmda, self.gaba, self.input)
        self.on = [dn.MCConnSynapse(receptor, self.dend) for receptor in receptors]
        self.channel = dn.channels.KM.absolute(size, on=self.soma, g=1.0)
        self.spike = dn.DendriticSpike(size, on=self.dend, g_rise=1.0, g_fall=1.0)
        self.white = dn.WhiteNoise(self.soma, 1.0)
        self.ou = dn.OUNoise(self.soma, 1.0, 5.0)
        self.conductance = dn.ConductanceNoise(self.dend, 0.1)


class Detailed(dn.CableNeuron):
    """Detailed cells with every kind of mechanism."""

    def __init__(self, size=2):
        tree = dn.Morphology.ball_and_stick(100.0, 2.0)
        super().__init__(size, tree, cv=dn.PerSection(3), V_rest=-65.0, V_init=-64.0, name="detailed")
        self.na = dn.channels.HHNa(self, on="soma")
        self.ih = dn.channels.Ih(self, on="apical", g=0.1)
        self.calcium = dn.Ion(self, "Ca", inside=1e-4, outside=2.0, reversal="nernst")
        self.ampa = dn.AMPA(self, at=[tree.at(1, 0.5), tree.at(1, 0.9)], t_decay=2.0)
        self.clamp = dn.VoltageClamp(self.at(tree.at(1, 1.0)), -50.0, r_series=10.0)


def modules():
    cell, detailed = Everything(), Detailed()
    poisson = dn.PoissonGenerator(2, 10.0, name="poisson")
    made = [
        cell,
        detailed,
        poisson,
        dn.BernoulliGenerator(2, prob=0.1, name="bernoulli"),
        dn.SpikeGenerator(2, [0], [1.0], name="given"),
        dn.CustomGenerator(2, fn=np.zeros((3, 2), dtype=int), name="custom"),
        dn.DCGenerator(1, 5.0, name="dc"),
        dn.CurrentGenerator(1, np.ones(5), name="current"),
        dn.MCSynapse(poisson, cell.ampa, dn.All2All(), name="syn", plasticity=dn.STDP()),
        dn.MCSynapse(poisson, cell.nmda, np.ones((2, 2)), name="dense"),
    ]
    currents = [m for m in made if isinstance(m, dn.DCGenerator)]
    made.append(dn.MCSynapse(poisson, detailed.ampa, dn.FixedIndegree(1), name="onto"))
    made += [dn.ConnGen(currents[0], cell.soma, name="inject"), dn.ConnGen(currents[0], detailed.at("soma"), name="at")]
    return made


def parts_of(made):
    return [part for module in made for part in module.modules()]


def public_names(thing):
    found = set(dir(thing)) | set(thing.__dict__)
    arguments = {n for c in type(thing).__mro__ if "__init__" in vars(c) for n in inspect.signature(c).parameters}
    return sorted(n for n in found | (arguments - {"args", "kwargs", "given"}) if not n.startswith("_"))


#: Values that are tried for every attribute.
UNKNOWN = ("I_inj", "taum", "Vrest")
VALUES = (0.75, -50.0, 3, True, None, "rk4", [1.0, 2.0], dn.Sigmoid(2.0), dn.ATan())


def snapshot(net):
    """Return everything that the engine reports about a network."""
    numbers = {**net.state_dict(), **net.get_state()}
    learning = {
        m.path: net._sim.is_learning(m.path) for m in net.modules if isinstance(m, dn.MCSynapse) and m.plasticity
    }
    selected = [sorted(net.decomposition), [p.area_name for p in net.populations]]
    return {k: v.tolist() for k, v in numbers.items()}, learning, selected


@pytest.mark.filterwarnings("ignore::dendrion.RoundingWarning")
@pytest.mark.filterwarnings("ignore::dendrion.UnitWarning")
def test_every_assignment_to_a_module_of_a_network_acts_or_raises():
    made = modules()
    net = dn.Network(made)
    tried = 0
    for part in parts_of(made):
        for name in [*public_names(part), *UNKNOWN]:
            for value in VALUES:
                before, read = snapshot(net), getattr(part, name, None)
                try:
                    setattr(part, name, value)
                except dn.DendrionError:
                    assert snapshot(net) == before
                    continue
                tried += 1
                if name in UNKNOWN:
                    # Users may store values that are not numbers under new names.
                    assert part.__dict__.pop(name) is value
                    assert not isinstance(value, (int, float, list))
                    continue
                if name == "training":
                    assert part.training is value
                    continue
                same = read is value or np.array_equal(np.asarray(read, dtype=object), np.asarray(value, dtype=object))
                uniform = np.ndim(read) and np.all(np.asarray(read) == value)
                assert same or uniform or snapshot(net) != before, f"{part!r}.{name} = {value!r} does nothing"
    assert tried > 100


@pytest.mark.filterwarnings("ignore::dendrion.RoundingWarning")
def test_every_assignment_before_the_network_is_built_acts_or_raises():
    """An assignment acts if the module and the network that is built from it have the new value."""
    made, acted = modules(), 0
    for k in range(len(parts_of(made))):
        part = parts_of(made)[k]
        for name in [*public_names(part), *UNKNOWN]:
            for value in VALUES:
                before = part._values.get(name)
                try:
                    setattr(part, name, value)
                except dn.DendrionError:
                    continue
                acted += 1
                if callable(value) and name in ("w", "weight"):
                    continue
                found = getattr(part, name)
                found = getattr(found, "value", found)
                assert name in part._values or name in part.__dict__ or name in ("weight", "delay"), f"{part}.{name}"
                assert found is value or np.array_equal(found, value) or np.all(found == value), f"{part}.{name}"
                if before is not None and isinstance(value, float):
                    check_built(made, f"{part.path}.{name}", value)
                # Make new modules for the next assignment: they are in no network and have other values.
                made = modules()
                part = parts_of(made)[k]
    assert acted > 100


def check_built(made, key, value):
    try:
        built = built_of(made)
    except dn.DendrionError:
        return
    assert key not in built or np.all(built[key] == value), key


def built_of(made):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dn.Network(made).state_dict()


VALUE_OBJECTS = [
    dn.Constant(1.0),
    dn.Uniform(0.0, 1.0),
    dn.Normal(1.0, 0.1),
    dn.LogNormal(0.0, 1.0),
    dn.Truncated(dn.Normal(1.0, 0.1)),
    dn.All2All(),
    dn.One2One(),
    dn.FixedIndegree(3),
    dn.FixedOutdegree(3),
    dn.FixedTotal(3),
    dn.FixedProb(0.1),
    dn.CustomConn([0], [1], [2.0]),
    dn.STDP(),
    dn.TripletSTDP(),
    dn.TsodyksMarkram(),
    dn.Sigmoid(),
    dn.FastSigmoid(),
    dn.ATan(),
    dn.Triangle(),
    dn.EventProp(),
    dn.Gaussian(),
    dn.MultiGaussian(),
    dn.Piecewise([0.0], [1.0]),
    dn.Morphology.cable(100.0, 1.0),
    dn.Region("apical", distance=(0.0, 100.0)),
    dn.Location(0, 0.5),
    dn.MaxLength(10.0),
    dn.PerSection(3),
    dn.DLambda(0.1),
    Detailed().at("soma"),
    dn.VarManager(),
    dn.VarManager()["params"],
]


@pytest.mark.parametrize("thing", VALUE_OBJECTS, ids=lambda thing: type(thing).__name__)
def test_value_objects_are_fixed(thing):
    before = repr(thing)
    for name in [*(n for n in {*dir(thing), *thing.__dict__} if not n.startswith("_")), "sigmaa"]:
        with pytest.raises(dn.AssignmentError, match=rf"{type(thing).__name__}\.{name} = 3"):
            setattr(thing, name, 3)
    for value in thing.__dict__.values():
        assert not (isinstance(value, np.ndarray) and value.flags.writeable)
        assert not isinstance(value, (list, dict)) or type(thing) is dn.VarManager
    assert repr(thing) == before
    assert repr(copy.deepcopy(thing)) == before


def test_every_public_class_is_covered():
    made = modules()
    covered = {type(m) for m in parts_of(made)} | {type(t) for t in VALUE_OBJECTS}
    bases = {c for known in covered for c in known.__mro__}
    elsewhere = {dn.Network, dn.Recording, dn.SpikeRecording, dn.Run, dn.Gradients, dn.Connections, dn.Mismatch}
    elsewhere |= {dn.Filtered}
    library = {dn.AdaptiveIF, dn.CadIF, dn.Izhikevich, dn.DecayingDendriticSpike}
    classes = {getattr(dn, name) for name in dn.__all__ if inspect.isclass(getattr(dn, name))}
    classes = {c for c in classes if not issubclass(c, (Exception, Warning)) and not hasattr(c, "__members__")}
    assert classes - covered - bases - elsewhere - library == set()


@pytest.mark.parametrize("built", [False, True])
def test_a_passive_compartment_takes_a_current(built):
    cell = Everything()
    if not built:
        cell.dend.I_ext = [0.0, 500.0]
    net = dn.Network([cell])
    if built:
        cell.dend.I_ext = [0.0, 500.0]
    v, i = net.probe(cell.dend, "V"), net.probe(cell.dend, "I")
    net.run(5.0)
    assert (v.values[-1, 1] - v.values[-1, 0]) > 20.0
    assert (i.values[0, 1] - i.values[0, 0]) == pytest.approx(500.0)


def test_the_current_of_a_passive_compartment_is_that_of_a_generator():
    def trace(with_generator):
        cell = dn.MCNeuron(1, V_th=50.0, V_reset=0.0, name="cell")
        cell.soma, cell.dend = dn.LeakyIF(1), dn.Compartment(1, I_ext=0.0 if with_generator else 20.0)
        cell.axial = dn.MCConn(cell.soma, cell.dend, 2.0)
        made = [cell]
        if with_generator:
            made += [dc := dn.DCGenerator(1, 20.0), dn.ConnGen(dc, cell.dend)]
        net = dn.Network(made)
        v = net.probe(cell.soma, "V")
        net.run(30.0)
        return v.values

    np.testing.assert_allclose(trace(False), trace(True), rtol=1e-12)


@pytest.mark.parametrize("method", list(dn.SolverMethodODE))
def test_the_gradient_with_respect_to_the_current_of_a_passive_compartment(method):
    cell = dn.MCNeuron(1, V_th=50.0, V_reset=0.0, name="cell", odemethod=method)
    cell.soma, cell.dend = dn.LeakyIF(1), dn.Compartment(1, I_ext=20.0, length=50.0, diameter=2.0, gL=40.0, C=1.0)
    cell.axial = dn.MCConn(cell.soma, cell.dend, 0.2)
    net = dn.Network([cell])
    v, i = net.probe(cell.soma, "V"), net.probe(cell.dend, "I")

    def loss(current):
        net.reset()
        cell.dend.I_ext = current
        run = net.run(5.0, grad=True)
        gradient = run.backward({v: np.ones((50, 1)), i: np.full((50, 1), 0.5)}, wrt=["cell/dend.I_ext"])
        return float(v.values.sum() + 0.5 * i.values.sum()), float(gradient["cell/dend.I_ext"])

    step = 0.01
    finite = (loss(20.0 + step)[0] - loss(20.0 - step)[0]) / (2 * step)
    assert loss(20.0)[1] == pytest.approx(finite, rel=1e-6)


def test_an_attached_receptor_takes_no_membrane_parameters():
    for name in ("I_ext", "gL"):
        cell = Everything()
        setattr(cell.ampa, name, 5.0)
        with pytest.raises(
            dn.StructureError, match=rf"cell/ampa: {name} would have no effect, because the receptor is"
        ):
            dn.Network([cell])


def test_states_are_attributes_of_a_built_network():
    cell = Everything()
    with pytest.raises(dn.AssignmentError, match=r"cell/soma\.V = -50.*: V has no value before .*set V_rest"):
        cell.soma.V = -50.0
    with pytest.raises(AttributeError, match=r"cell/soma\.V: has no value before the network is built"):
        _ = cell.soma.V
    net = dn.Network([cell])
    cell.soma.V = -50.0
    cell.dend.V = [-60.0, -55.0]
    cell.ampa.s = 0.5
    cell.channel.p = [0.1, 0.2]
    cell.ou.I = 3.0
    cell.soma.V -= 1.0
    state = net.get_state()
    assert state["cell/soma.V"].tolist() == cell.soma.V.tolist() == [-51.0, -51.0]
    assert state["cell/dend.V"].tolist() == [-60.0, -55.0]
    assert state["cell/ampa.s"].tolist() == [0.5, 0.5]
    assert state["cell/channel.p"].tolist() == [0.1, 0.2]
    assert state["cell/ou.I"].tolist() == [3.0, 3.0]
    assert "V" in dir(cell.soma)
    for wrong in ("x", [1.0, 2.0, 3.0], None, np.nan):
        with pytest.raises(dn.DendrionError, match=r"cell/soma\.V|cell/soma: V"):
            cell.soma.V = wrong
    with pytest.raises(dn.AssignmentError, match=r"cell/soma\.I = 3: I is computed from the states"):
        cell.soma.I = 3


def test_weights_and_delays_of_a_synapse():
    cell, source = Everything(), dn.PoissonGenerator(2, 100.0)
    syn = dn.MCSynapse(source, cell.ampa, dn.All2All(), name="syn", delay=1.0)
    syn.delay, syn.weight = 2.0, 0.5
    assert syn.delay == 2.0
    with pytest.raises(dn.ConnectivityError, match=r"syn: delay = -1"):
        syn.delay = -1.0
    with pytest.raises(dn.AssignmentError, match=r"syn\.conn = .*: conn is an argument of MCSynapse"):
        syn.conn = dn.One2One()
    net = dn.Network([cell, source, syn])
    np.testing.assert_array_equal(syn.delay, np.full(4, 2.0))
    syn.weight = 0.0
    assert net.parameters()["syn.w"].tolist() == [0.0] * 4
    syn.w = [1.0, 2.0, 3.0, 4.0]
    syn.w *= 2.0
    assert net.parameters()["syn.w"].tolist() == syn.weight.tolist() == [2.0, 4.0, 6.0, 8.0]
    with pytest.raises(dn.AssignmentError, match=r"syn\.delay = 5: delays are fixed once the network is built"):
        syn.delay = 5
    with pytest.raises(ValueError, match="read-only"):
        syn.connections.weight[0] = 3.0


@pytest.mark.parametrize("built", [False, True])
def test_a_parameter_of_another_module_is_named(built):
    cell = Everything()
    net = dn.Network([cell]) if built else None
    for module, name, home in (
        (cell.soma, "V_th", "AdEx has no parameter or state 'V_th'; these have one: cell, cell/spike$"),
        (cell, "I_ext", r"no parameter or state 'I_ext'; these have one: cell/soma, cell/dend, cell/dends/0, .*"),
        (cell, "DeltaT", "no parameter or state 'DeltaT'; cell/soma has one$"),
        (cell, "V", "no parameter or state 'V'; these have one: cell/soma, cell/dend"),
        (cell.dend, "t_decay", "no parameter or state 't_decay'; these have one: cell/ampa, cell/nmda, cell/gaba"),
    ):
        with pytest.raises(dn.AssignmentError, match=home):
            setattr(module, name, 3.0)
    del net


def test_lists_and_dicts_of_modules():
    cell = Everything()
    cell.dends.append(dn.Compartment(2, C=50.0, gL=2.0))
    cell.couplings["1"] = dn.MCConn(cell.soma, cell.dends[1], 5.0)
    assert [m.path for m in cell.modules() if m.path.endswith("s/1")] == ["cell/dends/1", "cell/couplings/1"]
    removed = cell.dends.pop()
    del cell.couplings["1"]
    assert removed.parent is None
    cell.dends.insert(0, removed)
    assert [d.path for d in cell.dends] == ["cell/dends/0", "cell/dends/1"]
    first = cell.dends[0]
    cell.dends.reverse()
    assert (cell.dends[1], [d.path for d in cell.dends]) == (first, ["cell/dends/0", "cell/dends/1"])
    cell.dends.sort(key=lambda d: d is not first)
    assert (cell.dends[0], [d.path for d in cell.dends]) == (first, ["cell/dends/0", "cell/dends/1"])
    cell.couplings.update(new=dn.MCConn(cell.soma, removed, 5.0))
    twin = copy.deepcopy(cell)
    assert [d.parent for d in twin.dends] == [twin, twin]
    net = dn.Network([cell])
    assert {"cell/dends/0.V", "cell/dends/1.V"} < set(net.get_state())
    for change in (
        lambda: cell.dends.append(dn.Compartment(2)),
        lambda: cell.dends.clear(),
        lambda: cell.dends.__setitem__(0, dn.Compartment(2)),
        lambda: cell.couplings.pop("dend"),
        lambda: cell.dends.reverse(),
        lambda: cell.dends.sort(key=id),
        lambda: cell.dends.__imul__(0),
        lambda: setattr(cell, "dends", []),
        lambda: delattr(cell, "dends"),
        lambda: delattr(cell.soma, "gL"),
    ):
        with pytest.raises(dn.AssignmentError, match=r"cell"):
            change()
    assert len(cell.dends) == 2
    twin.dends.clear()
    assert not [m for m in twin.modules() if m.path.startswith("cell/dends")]
    with pytest.raises(dn.ParameterTypeError, match=r"cell\.more = set of modules: expected a list, tuple or dict"):
        twin.more = {dn.Compartment(2)}


def test_optimizers_check_what_is_assigned():
    cell = Everything()
    net = dn.Network([cell])
    adam = dn.optim.Adam(net, 0.1, train=["cell/soma.gL"])
    adam.lr, adam.betas = 0.01, (0.5, 0.9)
    adam.step({"cell/soma.gL": np.float64(1.0)})
    assert cell.soma.gL == pytest.approx(10.0 - 0.01)
    for name, value in (("lr", -1), ("lr", "x"), ("betas", 3), ("betas", (0.5, 2)), ("eps", 0), ("net", net)):
        with pytest.raises(dn.DendrionError, match=rf"{name}"):
            setattr(adam, name, value)
    with pytest.raises(dn.AssignmentError, match=r"Adam\.learning_rate = 0.9: Adam has no attribute 'learning_rate'"):
        adam.learning_rate = 0.9


def test_arrays_of_generators_are_read_only():
    current = dn.CurrentGenerator(1, np.ones(5))
    spikes = dn.SpikeGenerator(2, [0, 1], [1.0, 2.0])
    piecewise = dn.PoissonGenerator(2, dn.Piecewise([0.0, 5.0], [10.0, 20.0]))
    for array in (current.waveform, spikes.times, spikes.indices, piecewise.rate):
        with pytest.raises(dn.AssignmentError, match="copy of the values"):
            array[0] = 9
