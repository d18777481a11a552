"""Variable managers, parameters and training mode cover all modules of composed models."""

import dendrion as dn
import numpy as np
import pytest


def test_every_root_has_a_manager(pair):
    cells = pair(2, name="cells")
    vm = cells.variables
    assert cells.dend.variables is vm
    assert list(vm) == ["params", "frozen", "states", "rngs"]
    assert vm["params"]["cells/dend.gL"] == 2.5
    assert "cells/dend.length" not in vm["params"]
    assert len(vm["states"]) == 0
    vm["params"]["cells/dend.gL"] = [3.0, 4.0]
    np.testing.assert_array_equal(cells.dend.gL, [3, 4])
    net = dn.Network([cells])
    vm["params"]["cells/dend.gL"] = 7.0
    assert net.parameters()["cells/dend.gL"] == 7.0
    vm["states"]["cells/soma.V"] = -50.0
    np.testing.assert_array_equal(net.get_state()["cells/soma.V"], [-50, -50])
    np.testing.assert_array_equal(vm["states"]["cells/soma.V"], [-50, -50])
    assert set(vm["params"]) == set(net.parameters())
    with pytest.raises(dn.UnknownNameError, match=r"VarManager: params: no entry named 'cells/dend.gl'; did you mean"):
        vm["params"]["cells/dend.gl"]
    with pytest.raises(
        dn.UnknownNameError, match=r"VarManager: no collection named 'weights'; expected one of: params"
    ):
        vm["weights"]


def test_a_manager_of_several_roots(pair):
    vm = dn.VarManager()
    a, b, noise = pair(1, parent=vm), pair(1, parent=vm), dn.PoissonGenerator(1, parent=vm, rng_col="drive")
    assert [r.path for r in vm.roots] == ["pair", "pair_1", "poissongenerator"]
    assert a.parent is b.parent is None
    assert b.soma.variables is noise.variables is vm
    noises = dn.OUNoise(b.soma, 1.0, 2.0, name="jitter")
    assert dict(vm["rngs"]) == {"pair_1/jitter": "pair_1/jitter", "poissongenerator": "drive"}
    assert noises.variables is vm
    with pytest.raises(dn.StructureError, match=r"VarManager: two modules are named 'pair'; rename one of them"):
        pair(1, parent=vm, name="pair")
    with pytest.raises(dn.ParameterTypeError, match=r"parent = int: expected a Module, a VarManager or None"):
        pair(1, parent=3)
    with pytest.raises(dn.StructureError, match=r"VarManager: rngs: 'poissongenerator' is read-only"):
        vm["rngs"]["poissongenerator"] = "x"
    net = dn.Network([a, b, noise])
    assert {p.path for p in net.populations} == {"pair", "pair_1"}


def test_frozen_parameters_have_a_collection_of_their_own(pair):
    class Cell(pair):
        def __init__(self):
            super().__init__(1, frozen_params={"V_th": -30.0})

    cell = Cell()
    assert dict(cell.variables["frozen"]) == {"cell.V_th": -30.0}
    assert "cell.V_th" not in cell.parameters()
    assert "cell/soma.gL" in cell.parameters()
    net = dn.Network([cell])
    assert "cell.V_th" not in net.parameters()
    assert net.state_dict()["cell.V_th"] == -30.0
    cell.V_th = -35.0  # A frozen parameter can be set explicitly.
    assert net.state_dict()["cell.V_th"] == -35.0
    with pytest.raises(dn.ParameterError, match=r"cell\.V_th: is frozen"):
        net.set_parameters({"cell.V_th": -31.0})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_state_dict_round_trips_to_the_bit(pair, dtype):
    def build():
        cells, noise = pair(3, name="cells"), dn.PoissonGenerator(2, rate=[1 / 3, 2 / 7], name="noise")
        dense = dn.MCSynapse(noise, cells.ampa, np.random.default_rng(1).random((2, 3)), name="dense")
        rule = dn.STDP(lambda_=1 / 7, w_max=3.0)
        plastic = dn.MCSynapse(
            noise, cells.nmda, dn.All2All(), weight=dn.Uniform(0.0, 2.0), name="plastic", plasticity=rule
        )
        return dn.Network([cells, noise, dense, plastic], dtype=dtype, seed=3)

    first = build()
    first.run(20.0)
    state = first.state_dict()
    second = build()
    result = second.load_state_dict(state)
    assert result == ([], [])
    for key, value in second.state_dict().items():
        np.testing.assert_array_equal(value, state[key])
        assert value.shape == state[key].shape
        assert value.dtype == np.float64
    with pytest.raises(
        dn.UnknownNameError, match=r"load_state_dict: no parameter named 'dense.v'; did you mean 'dense.w'"
    ):
        second.load_state_dict({**state, "dense.v": 1.0})
    dense = state.pop("dense.w")
    with pytest.raises(dn.UnknownNameError, match=r"'dense.w' is missing; expected all parameters"):
        second.load_state_dict(state)
    mismatch = second.load_state_dict({**state, "dense.v": 1.0}, strict=False)
    assert mismatch.missing == ["dense.w"]
    assert mismatch.unexpected == ["dense.v"]
    np.testing.assert_array_equal(second.state_dict()["dense.w"], dense)


def test_training_passes_to_what_a_module_owns(pair):
    cells, noise = pair(1), dn.PoissonGenerator(1, rate=500.0)
    syn = dn.MCSynapse(noise, cells.ampa, dn.All2All(), plasticity=dn.STDP(alpha=0.0, lambda_=0.1), delay=0.1)
    assert cells.training
    assert cells.eval() is cells
    assert not cells.soma.training
    cells.train()
    assert cells.soma.training
    syn.eval()
    net = dn.Network([cells, noise, syn])
    cells.soma.I_ext = 2000.0
    before = syn.w
    net.run(50.0)
    np.testing.assert_array_equal(syn.w, before)
    net.train()
    assert syn.training
    net.run(50.0)
    assert (syn.w > before).all()


class Branch(dn.Module):
    """A chain of compartments for use in neurons."""

    def __init__(self, size, root, n, **kwargs):
        super().__init__(**kwargs)
        self.parts = [dn.Compartment(size, C=20.0, gL=1.0) for _ in range(n)]
        self.axials = {str(i): dn.MCConn(a, b, 3.0) for i, (a, b) in enumerate(zip([root, *self.parts], self.parts))}  # noqa: B905
        self.tip = dn.AMPA(size, t_decay=2.0)
        self.on = dn.MCConnSynapse(self.tip, self.parts[-1])


class Tree(dn.MCNeuron):
    """A soma with two branches."""

    def __init__(self, size=2):
        super().__init__(size, V_th=-40.0, V_reset=-60.0)
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=100.0, gL=5.0)
        self.left = Branch(size, self.soma, 2)
        self.right = Branch(size, self.soma, 3)


def test_modules_compose():
    tree = Tree()
    assert [path for path, _ in tree.left.named_modules()][:3] == [
        "tree/left",
        "tree/left/parts/0",
        "tree/left/parts/1",
    ]
    assert tree.right.axials["2"].path == "tree/right/axials/2"
    assert "tree/right/parts/1.gL" in tree.right.parameters()
    noise = dn.PoissonGenerator(3, rate=200.0)
    net = dn.Network([tree, noise, dn.MCSynapse(noise, tree.right.tip, dn.All2All())])
    assert net.info["compartments"] == 12
    v = net.probe(tree.right.parts[2], "V")
    net.run(30.0)
    assert v.values.max() > -64


def test_parts_can_be_replaced_and_deleted():
    tree = Tree()
    del tree.left
    assert [m.name for m in tree.children()] == ["soma", "right"]
    tree.right = Branch(2, tree.soma, 1)
    assert dn.Network([tree]).info["compartments"] == 4
    net = dn.Network([other := Tree()])
    with pytest.raises(dn.StructureError, match=r"tree: right is fixed once the network is built"):
        del other.right
    del net


def test_a_part_belongs_to_one_module():
    class Sharing(Tree):
        def __init__(self):
            super().__init__()
            self.also_left = self.left

    assert Sharing().also_left.path == "sharing/left"
    assert dn.Network([Sharing()]).info["compartments"] == 12
    shared = dn.Compartment(2)

    class Taking(dn.MCNeuron):
        def __init__(self):
            super().__init__(2, V_th=1.0)
            self.soma = dn.LeakyIF(2)
            self.extra = shared
            self.axial = dn.MCConn(self.soma, self.extra, 1.0)

    first, second = Taking(), Taking()
    dn.Network([first])
    with pytest.raises(dn.StructureError, match=r"couples .*, which is not a compartment of taking"):
        dn.Network([second])
