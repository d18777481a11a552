"""Mistakes raise Dendrion's own errors, not errors that Python or NumPy happens to raise first."""

import dendrion as dn
import numpy as np
import pytest

SURROGATE = "\ud800"


def cells(size=2, name="cells"):
    population = dn.MCNeuron(size, V_th=-50.0, V_reset=-60.0, name=name)
    population.soma = dn.LeakyIF(size)
    return population


@pytest.fixture
def net():
    return dn.Network([cells()])


def cyclic():
    found = [1.0]
    found.append(found)
    return found


def deep():
    found = [1.0]
    for _ in range(3000):
        found = [found]
    return found


@pytest.mark.parametrize("dtype", ["fp32", "float16", None, int, cyclic(), 3, SURROGATE, object()])
def test_types_of_numbers(dtype):
    with pytest.raises(dn.ParameterError, match=r"dtype = .*: expected 'float64' or 'float32'"):
        dn.Network([cells()], dtype=dtype)


@pytest.mark.parametrize("value", [cyclic(), deep(), [[1.0], [1.0, 2.0]], {}, np.timedelta64(1, "s"), [None], "1"])
def test_what_is_no_number(value, net):
    for make in (
        lambda: dn.LeakyIF(2, gL=value),
        lambda: dn.DCGenerator(2, amplitude=value),
        lambda: dn.Piecewise([0.0], value),
        lambda: dn.CurrentGenerator(waveform=value),
        lambda: dn.SpikeGenerator(2, value, [0.0]),
        lambda: dn.CustomConn(value, [0]),
        lambda: dn.CustomGenerator(2, fn=value),
        lambda: dn.MCNeuron(2, dendritic_delay=value),
        lambda: dn.STDP(tau_plus=value),
        lambda: dn.Constant(value),
        lambda: dn.FixedProb(value),
        lambda: dn.FixedIndegree(value),
        lambda: dn.Sigmoid(value),
        lambda: dn.Sigmoid()(value),
        lambda: dn.MCNeuron(value),
        lambda: dn.Network([cells()], dt=value),
        lambda: dn.Network([cells()], seed=value),
        lambda: net.run(value),
        lambda: net.set_state({"cells/soma.V": value}),
        lambda: net.set_parameters({"cells/soma.gL": value}),
        lambda: net.probe(net["cells"].soma, "V", indices=value),
        lambda: dn.optim.SGD(net, lr=value),
    ):
        with pytest.raises(dn.DendrionError):
            make()


@pytest.mark.parametrize("value", [10**400, -(10**400), 10**5000, -(10**5000), 2**64], ids=range(5))
def test_integers_beyond_those_of_the_machine(value, net):
    for make in (
        lambda: dn.MCNeuron(value),
        lambda: dn.MCNeuron(pid=value),
        lambda: dn.MCNeuron(neuron_start_id=value),
        lambda: dn.FixedIndegree(value),
        lambda: dn.FixedTotal(value),
        lambda: dn.CustomConn([0], [value]),
        lambda: dn.Network([cells()], seed=value),
        lambda: dn.Network([cells()], threads=value),
        lambda: net.run(1.0, batch=value),
        lambda: net.reset(seed=value),
        lambda: net.run(1.0, save_every=value),
    ):
        with pytest.raises(dn.DendrionError):
            make()


def test_owners_in_a_circle():
    a, b = dn.Module(name="a"), dn.Module(name="b")
    a.b = b
    with pytest.raises(dn.StructureError, match=r"a/b: cannot own <Module a>, which owns it"):
        b.a = a
    with pytest.raises(dn.StructureError, match="cannot own"):
        b.list = [a]
    assert "a" not in b.__dict__
    assert "list" not in b.__dict__
    b._a = a
    assert (a.path, b.path) == ("a", "a/b")
    assert [m.path for m in a.modules()] == ["a", "a/b"]
    held = dn.Module(name="held")
    held.loop = held
    assert held.path == "held"


def texts(depth):
    found = ["x"]
    for _ in range(depth):
        found = [found]
    return found


def loop():
    found = ["x"]
    found.append(found)
    return found


@pytest.mark.parametrize("make", [loop, lambda: texts(3000), lambda: {"inner": loop()}])
def test_containers_in_a_circle(make):
    module = dn.Module(name="a")
    with pytest.raises(dn.StructureError, match=r"a\.data = .*: contains itself or is nested"):
        module.data = make()
    module._data = make()
    module.items = [dn.Module(name="b")]
    with pytest.raises(dn.StructureError, match="contains itself"):
        module.items.append(module.items)
    assert len(module.items) == 1


def test_texts_without_utf_8(net, tmp_path):
    for make in (
        lambda: dn.Module(name=SURROGATE),
        lambda: setattr(dn.Module(name="a"), SURROGATE, dn.Module()),
        lambda: dn.PoissonGenerator(rng_col=SURROGATE),
        lambda: dn.MCNeuron(area_name=SURROGATE),
        lambda: net.set_parameters({SURROGATE: 1.0}),
        lambda: net.set_state({SURROGATE: 1.0}),
        lambda: net.probe(net["cells"].soma, SURROGATE),
        lambda: net[SURROGATE],
        lambda: net.select(**{SURROGATE: 1}),
        lambda: net.save(f"{tmp_path}/{SURROGATE}.json"),
        lambda: net.save_state(f"{tmp_path}/{SURROGATE}"),
        lambda: net.load_state(f"{tmp_path}/{SURROGATE}"),
        lambda: dn.Network.load(f"{tmp_path}/{SURROGATE}.json"),
        lambda: dn.load_recording(f"{tmp_path}/{SURROGATE}"),
        lambda: net.save_state(f"{tmp_path}/\0"),
        lambda: net.save(""),
        lambda: dn.nmodl.load(SURROGATE),
        lambda: dn.nmodl.loads(SURROGATE),
        lambda: type("Mine", (dn.Channel,), {"equations": f"I = g : pA # {SURROGATE}"}),
        lambda: dn.LeakyIF(**{SURROGATE: 1.0}),
        lambda: dn.Network([cells()], odemethod=SURROGATE),
    ):
        with pytest.raises(dn.DendrionError):
            make()
    for thing in (net, net["cells"], dn.channels):
        with pytest.raises(AttributeError):
            getattr(thing, SURROGATE)


@pytest.mark.parametrize("path", [3, None, [], object(), 1.5])
def test_paths(path, net):
    for make in (net.save, net.save_state, net.load_state, dn.Network.load, dn.load_recording, dn.nmodl.load):
        with pytest.raises(dn.ParameterTypeError, match="expected the name of a file"):
            make(path)


def test_indices_of_what_has_none(net):
    v, spikes = net.probe(net["cells"].soma, "V"), net.probe(net["cells"], "spikes")
    for index in (0, -1, slice(None), "V"):
        with pytest.raises(dn.ParameterTypeError, match=r"cells/soma\.V: a Recording cannot be indexed; use its"):
            v[index]
        with pytest.raises(dn.ParameterTypeError, match=r"cells\.spikes: a SpikeRecording cannot be indexed"):
            spikes[index]
    with pytest.raises(dn.ParameterTypeError, match="is not a sequence"):
        list(v)
    for key in ([], {}, 3, None):
        with pytest.raises(dn.UnknownNameError):
            net[key]
        with pytest.raises(dn.UnknownNameError):
            net["cells"].variables[key]
        with pytest.raises(dn.UnknownNameError):
            net["cells"].variables["params"][key]


@pytest.mark.parametrize("value", [np.zeros(2), np.ones((2, 2)), [], 3, "yes"])
def test_what_is_neither_true_nor_false(value, net):
    for make in (
        lambda: dn.CustomConn([0], [0], multi_conn=value),
        lambda: dn.CustomConn([0], [0], autapses=value),
        lambda: dn.All2All(value),
        lambda: net.run(1.0, grad=value),
        lambda: dn.optim.SGD(net, lr=0.1, relative=value),
    ):
        with pytest.raises(dn.ParameterTypeError, match="expected True or False"):
            make()
    with pytest.raises(dn.ParameterTypeError, match="frozen_params"):
        dn.LeakyIF(2, frozen_params=value)


@pytest.mark.parametrize("function", ["", "y", "x +", "x > 0", "y = x", "x * 2 mV", "dx/dt = x", ["x", "abs"], 3, None])
def test_what_is_no_expression(function):
    with pytest.raises(dn.DendrionError, match="Expression: function"):
        dn.surrogate.Expression(function)


def test_what_the_fuzzer_found(net):
    sparse = pytest.importorskip("scipy.sparse")
    generator = dn.PoissonGenerator()
    for make in (
        lambda: setattr(generator, "rng_col", 0.0),
        lambda: dn.optim.Adam(net, betas=np.array(1.0)),
        lambda: dn.optim.Adam(net, train=sparse.coo_matrix((2, 2))),
        lambda: dn.optim.Adam(net).step({10**5000: 1.0}),
        lambda: dn.Network(np.array(1.0)),
        lambda: dn.Network(sparse.coo_matrix((2, 2))),
        lambda: dn.Network([cells(), dn.CustomGenerator(2, start=1e308, fn=np.eye(2, dtype=int))], dt=1e-3),
        lambda: net.select(name=np.zeros(2)),
        lambda: net.probe(net["cells"], "spikes").save("x.npz", overwrite=np.zeros(2)),
    ):
        with pytest.raises(dn.DendrionError):
            make()


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no")


def test_values_that_cannot_be_printed():
    with pytest.raises(dn.ParameterTypeError, match="gL = <Unprintable>: expected"):
        dn.LeakyIF(gL=Unprintable())
    with pytest.raises(dn.ParameterError, match="size = <an integer of 16610 bits>: expected"):
        dn.LeakyIF(10**5000)


def test_warnings_about_odd_values_do_not_overflow():
    noise = dn.PoissonGenerator(2, rate=1.0)
    population = cells()
    population.ampa = dn.AMPA(2, t_decay=1e-320, g=1e308)
    population.on = dn.MCConnSynapse(population.ampa, population.soma)
    with np.errstate(all="raise"), pytest.warns(dn.ModelWarning):
        dn.Network([population, noise, dn.MCSynapse(noise, population.ampa, dn.All2All())])
