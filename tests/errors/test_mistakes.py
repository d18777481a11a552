"""For likely mistakes of users, the message names the module and the probable intention."""

import re

import dendrion as dn
import numpy as np
import pytest


class Cell(dn.MCNeuron):
    def __init__(self, size=3, **given):
        super().__init__(size, V_th=-40.0, V_reset=-60.0, name="cell", **given)
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=200.0, gL=10.0)
        self.dend = dn.Compartment(size, V_rest=-65.0, C=50.0, gL=2.5)
        self.axial = dn.MCConn(self.soma, self.dend, 5.0)
        self.ampa, self.gaba = dn.AMPA(size, t_decay=2.0), dn.GABA(size, t_decay=5.0)
        self.on = [dn.MCConnSynapse(receptor, self.dend) for receptor in (self.ampa, self.gaba)]


def source():
    return dn.PoissonGenerator(3, name="source")


def synapse(conn=None, **given):
    return dn.MCSynapse(source(), Cell().ampa, dn.All2All() if conn is None else conn, name="syn", **given)


def built(**given):
    cell = Cell()
    made = [cell, noise := source(), dn.MCSynapse(noise, cell.ampa, dn.All2All(), name="syn", **given)]
    return cell, dn.Network(made)


def with_channel(equations):
    cell = Cell()
    cell.channel = type("Own", (dn.Channel,), {"equations": equations})(3, on=cell.soma)
    return cell, dn.Network([cell])


GABA = r"; for inhibition, connect positive weights to a GABA receptor"
RECEPTORS = r"expected a receptor, such as .*; the receptors of cell are cell/ampa, cell/gaba$"
COMPARTMENTS = r"; the compartments of cell are cell/soma, cell/dend"

MISTAKES = {
    "negative weight": (lambda: synapse(weight=-1.0), r"syn: weight = -1.0: .*" + GABA),
    "negative weights": (lambda: synapse(weight=[1.0] * 8 + [-1.0]), r"syn: weight\[8\] = -1.0: .*" + GABA),
    "negative matrix": (lambda: synapse(-np.ones((3, 3))), r"syn: conn\[0, 0\] = -1.0: .*" + GABA),
    "negative draws": (lambda: built(weight=dn.Normal(-1.0, 0.1)), r"syn: weight: Normal drew -.*" + GABA),
    "negative function": (lambda: built(weight=lambda pre, post: -1.0 - pre), r"syn: weight: .* = -1.0: .*" + GABA),
    "negative assigned": (lambda: setattr(synapse(), "weight", -1.0), r"syn: w = -1.0: .*" + GABA),
    "negative set": (lambda: built()[1].set_parameters({"syn.w": [-1.0] * 9}), r"syn: w\[0\] = -1: .*" + GABA),
    "negative factor of a receptor": (
        lambda: dn.AMPA(3, t_decay=2.0, w=-1),
        r"AMPA: w = -1: expected a finite number >= 0; for inhibition, use a GABA receptor",
    ),
    "negative conductances": (
        lambda: dn.NMDA(2, t_decay=2.0, g=[1.0, -2.0]),
        r"NMDA: g\[1\] = -2: expected a finite number >= 0 \(nS\); for inhibition, use a GABA receptor",
    ),
    "negative conductance assigned": (
        lambda: setattr(built()[0].ampa, "g", -1.0),
        r"ampa: g = -1: .*use a GABA receptor",
    ),
    "negative conductance set": (
        lambda: built()[1].set_parameters({"cell/ampa.g": -1.0}),
        r"cell/ampa: g = -1: .*>= 0",
    ),
    "population as target": (lambda: dn.MCSynapse(source(), Cell(), dn.All2All()), r"post = <Cell.*" + RECEPTORS),
    "compartment as target": (lambda: dn.MCSynapse(source(), Cell().dend, dn.All2All()), RECEPTORS),
    "attachment as target": (lambda: dn.MCSynapse(source(), Cell().on[0], dn.All2All()), RECEPTORS),
    "no receptors": (
        lambda: dn.MCSynapse(source(), dn.MCNeuron(3, name="bare"), dn.All2All()),
        r"bare has no receptor",
    ),
    "soma as source": (
        lambda: dn.MCSynapse(Cell().soma, Cell().ampa, dn.All2All()),
        r"pass its population, <Cell",
    ),
    "current as source": (lambda: dn.MCSynapse(dn.DCGenerator(3), Cell().ampa, dn.All2All()), r"a ConnGen injects"),
    "spikes into a compartment": (lambda: dn.ConnGen(source(), Cell().dend), r"the receptors of cell are cell/ampa"),
    "current into a neuron": (lambda: dn.ConnGen(dn.DCGenerator(1), Cell()), COMPARTMENTS),
    "generator second": (lambda: dn.ConnGen(Cell().soma, source()), r"the generator comes first: ConnGen\(Poisson"),
    "sizes of a ConnGen": (
        lambda: dn.ConnGen(dn.DCGenerator(2), Cell().soma),
        r"expected the same size, or a gen",
    ),
    "coupled neurons": (lambda: dn.MCConn(Cell(), Cell()), r"to connect two populations, use MCSynapse"),
    "coupled neuron": (lambda: dn.MCConn(Cell(), Cell().soma), COMPARTMENTS),
    "coupled generator": (lambda: dn.MCConn(source(), Cell().soma), r"to inject a current, use ConnGen"),
    "attached compartment": (lambda: dn.MCConnSynapse(Cell().dend, Cell().soma), r"MCConn couples two compartments"),
    "attached to a neuron": (lambda: dn.MCConnSynapse(dn.AMPA(3, t_decay=1.0), Cell()), COMPARTMENTS),
    "noise on a neuron": (lambda: dn.WhiteNoise(Cell(), 1.0), r"WhiteNoise: on = .*" + COMPARTMENTS),
    "channel on a neuron": (lambda: dn.channels.KM(3, on=Cell()), r"KM: on = .*" + COMPARTMENTS),
    "method": (lambda: dn.MCNeuron(odemethod="rk5"), r"MCNeuron: odemethod = 'rk5': .*'rk4'.*did you mean 'rk4'\?"),
    "method of noise": (lambda: dn.MCNeuron(sdemethod="euler"), r"sdemethod = 'euler': expected one of 'milstein'"),
    "member by name": (lambda: dn.SolverMethodODE("nope"), r"SolverMethodODE: value = 'nope': expected one of 'euler'"),
    "several variables": (lambda: built()[1].probe(built()[0].soma, "V"), r"is not in this network"),
    "rule by name": (lambda: synapse("all_to_all"), r"syn: conn = 'all_to_all': .*did you mean dn\.All2All\(\)\?"),
    "rule class": (
        lambda: synapse(dn.FixedProb),
        r"FixedProb is a class; pass an instance, such as FixedProb\(prob\)",
    ),
    "number as rule": (lambda: synapse(0.1), r"syn: conn = 0.1: .*FixedProb\(0.1\) connects each pair"),
    "initializer class": (lambda: synapse(weight=dn.Normal), r"syn: weight = Normal: .*such as Normal\(mean, std\)"),
    "plasticity class": (lambda: synapse(plasticity=dn.STDP), r"plasticity = .*such as STDP\(\)"),
    "surrogate class": (lambda: Cell(surrogate_grad_fn=dn.Sigmoid), r"surrogate_grad_fn = .*such as Sigmoid\(\)"),
    "delay class": (lambda: Cell(dendritic_delay=dn.Uniform), r"dendritic_delay = Uniform: .*Uniform\(low, high\)"),
    "drawn parameter": (
        lambda: dn.LeakyIF(3, V_rest=dn.Normal(-65.0, 1.0)),
        r"V_rest = Normal.*draw one value per neuron",
    ),
    "function as rate": (lambda: dn.PoissonGenerator(3, lambda t: t), r"a Piecewise is a function of time"),
    "frozen list": (lambda: dn.LeakyIF(3, frozen_params=["gL"]), r"LeakyIF: frozen_params = \['gL'\]: expected a dict"),
    "no modules": (lambda: dn.Network(None), r"network: modules = NoneType: expected a list of modules"),
    "dict of modules": (lambda: dn.Network({"cell": Cell()}), r"network: modules = dict: expected a list of modules"),
    "class in a network": (
        lambda: dn.Network([Cell]),
        r"modules\[0\] = .*Cell is a class; pass an instance, such as Cell",
    ),
    "nested modules": (lambda: dn.Network([[Cell()]]), r"modules\[0\] = .*put all modules into one flat list"),
    "network in a network": (lambda: dn.Network([built()[1]]), r"modules\[0\] = Network: expected a module"),
    "missing argument": (
        lambda: dn.MCConn(Cell().soma),
        r"MCConn: missing 1 required positional argument: 'post'; expected the arguments pre, post",
    ),
    "missing argument of a rule": (
        lambda: dn.FixedProb(),
        r"FixedProb: missing 1 required positional argument: 'prob'",
    ),
    "missing duration": (lambda: built()[1].run(), r"Network\.run: missing 1 required positional argument: 'duration'"),
    "too many arguments": (
        lambda: dn.STDP(*range(9)),
        r"STDP: takes from 1 to 8 positional arguments .*; expected the arguments lambda_, alpha",
    ),
    "list of parameters": (lambda: built()[1].set_parameters([1.0]), r"set_parameters: values = list: expected a dict"),
    "list of states": (lambda: built()[1].set_state([1.0]), r"set_state: values = list: expected a dict"),
    "no state dict": (lambda: built()[1].load_state_dict(None), r"load_state_dict: values = NoneType: expected a dict"),
    "module as key": (
        lambda: built()[1].set_state({Cell().soma: 1.0}),
        r"key <LeakyIF cell/soma x 3>: expected a string",
    ),
    "optimizer of a cell": (lambda: dn.optim.Adam(Cell()), r"Adam: net = <Cell cell x 3>: expected a Network"),
    "bounds": (
        lambda: dn.optim.SGD(built()[1], 0.1, bounds={"syn.w": 3}),
        r"SGD: bounds: 'syn.w': 3: expected the smallest",
    ),
    "list of gradients": (
        lambda: dn.optim.SGD(built()[1], 0.1).step([1.0]),
        r"SGD: step: gradients = list: expected a",
    ),
    "other gradients": (
        lambda: dn.optim.SGD(built()[1], 0.1).step({"gL": 1.0}),
        r"SGD: step: gradients of gL: expected",
    ),
    "truncation": (
        lambda: built(weight=dn.Truncated(dn.Normal(0.0, 1.0), 50.0, 51.0)),
        r"syn: Truncated: low, high = 50, 51: expected bounds",
    ),
    "initial value": (
        lambda: with_channel("I = c * 0 pA : pA\ndc/dt = -c/ms : 1\nc(0) = zero/zero\nzero = 0"),
        r"cell/channel: the initial value of c is nan in neuron 0; .* division by 0",
    ),
    "first step": (
        lambda: with_channel("I = c * 0 pA : pA\ndc/dt = zero/zero/ms : 1\nzero = 0")[1].run(1.0),
        r"channel\.c of neuron 0 became infinite or NaN at t = 0 ms; this happened in the first step, .* division by 0",
    ),
}
BASES = {
    dn.Initializer: "Normal",
    dn.Connector: "FixedProb",
    dn.Plasticity: "STDP",
    dn.Surrogate: "Sigmoid",
    dn.Noise: "WhiteNoise",
    dn.Generator: "PoissonGenerator",
    dn.Neuron: "MCNeuron",
    dn.optim.Optimizer: "Adam",
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_explained(mistake):
    make, message = mistake
    with pytest.raises(dn.DendrionError) as error:
        make()
    assert re.search(message, str(error.value)), str(error.value)


@pytest.mark.parametrize("base", BASES)
def test_a_base_class_makes_no_objects(base):
    with pytest.raises(
        dn.ParameterTypeError, match=rf"{base.__name__}: is an abstract base class; .* such as {BASES[base]}\("
    ):
        base(Cell().soma)


def test_what_is_recorded_of_what():
    cell, net = built()
    wrong = {
        (
            cell.soma,
            ("V", "I"),
        ): r"cell/soma: variable = \('V', 'I'\): expected the name of one variable.*once for each",
        (cell.soma, "spikes"): r"cell/soma: no variable named 'spikes'; .* of its population, cell",
        (cell, "V"): r"cell: no variable named 'V'; it belongs to the compartments cell/soma, cell/dend",
        ("cell/soma", "V"): r"net\['cell/soma'\] is the module with that path",
    }
    for (module, variable), message in wrong.items():
        with pytest.raises(dn.DendrionError, match=message):
            net.probe(module, variable)
    with pytest.raises(dn.DendrionError, match="once for each variable"):
        net.probe(cell.soma, ["V", "I"])


@pytest.mark.parametrize("equations", ["export K = 3 mM", "K = 3 mM\nexport K", "k = 3 mM\nexport K = k"])
def test_a_channel_that_exports_a_constant_has_no_variables(equations):
    cell, net = with_channel(equations)
    assert net.variables(cell.channel) == []
    with pytest.raises(dn.UnknownNameError, match=r"cell/channel: no variable named \"K\"; none are available"):
        net.probe(cell.channel, "K")


@pytest.mark.parametrize("name", ["rk4", "RK4", "Rk4", " rk4 "])
def test_methods_by_name(name):
    assert dn.MCNeuron(odemethod=name).odemethod is dn.SolverMethodODE.RK4
    assert dn.SolverMethodODE(name) is dn.SolverMethodODE.RK4


def test_every_method_by_its_names():
    for kind, argument in ((dn.SolverMethodODE, "odemethod"), (dn.SolverMethodSDE, "sdemethod")):
        for name, method in kind.__members__.items():
            for text in (name, name.lower(), method.value, name.replace("_", "-"), name.replace("_", " ")):
                assert getattr(dn.MCNeuron(**{argument: text}), argument) is method
                dn.Network([Cell()], **{argument: text})


def test_an_initial_value_that_a_parameter_spoils_is_found_by_reset():
    cell, net = with_channel("I = c * 0 pA : pA\ndc/dt = -c/ms : 1\nc(0) = 1/below\nbelow = 2")
    net.run(1.0)
    cell.channel.below = 0.0
    net.run(1.0)
    with pytest.raises(dn.StructureError, match=r"cell/channel: the initial value of c is inf in neuron 0"):
        net.reset()
    cell.channel.below = 4.0
    net.reset()
    assert cell.channel.c.tolist() == [0.25] * 3
