"""A module that could not be created leaves nothing behind, so a corrected one takes its place."""

import dendrion as dn
import pytest


def detailed() -> dn.CableNeuron:
    return dn.CableNeuron(2, dn.Morphology.cable(100.0, 1.0), cv=dn.MaxLength(20.0), V_rest=-65.0, name="cells")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (
            lambda cells: dn.channels.HHK(cells, on="all", g=-1.0),
            lambda cells: dn.channels.HHK(cells, on="all", g=1.0),
        ),
        (
            lambda cells: dn.channels.HHK(cells, on="all", g="g0 * exp(distance"),
            lambda cells: dn.channels.HHK(cells, on="all", g="g0 * exp(-distance/50)", g0=1.0),
        ),
        (
            lambda cells: dn.AMPA(cells, at=cells.tree.at(0, 0.5), name="k"),
            lambda cells: dn.AMPA(cells, at=cells.tree.at(0, 0.5), t_decay=2.0, name="k"),
        ),
        (
            lambda cells: dn.Ion(cells, "Ca", inside=-1.0, outside=2.0),
            lambda cells: dn.Ion(cells, "Ca", inside=1e-4, outside=2.0),
        ),
        (
            lambda cells: dn.VoltageClamp(cells.at(cells.tree.at(0, 0.5)), -60.0, r_series=-1.0),
            lambda cells: dn.VoltageClamp(cells.at(cells.tree.at(0, 0.5)), -60.0, r_series=1.0),
        ),
    ],
    ids=["value", "formula", "receptor", "ion", "clamp"],
)
def test_mechanisms_of_detailed_cells(wrong, right):
    cells, other = detailed(), detailed()
    with pytest.raises(dn.DendrionError):
        wrong(cells)
    assert list(cells.children()) == []
    right(cells), right(other)
    net, expected = dn.Network([cells]), dn.Network([other])
    assert list(net.parameters()) == list(expected.parameters())
    net.run(1.0)


def test_parts_of_a_neuron():
    class Cell(dn.MCNeuron):
        def __init__(self):
            super().__init__(3, V_th=-50.0, V_reset=-65.0, name="cell")
            self.soma = dn.LeakyIF(3)
            with pytest.raises(dn.ParameterError, match="gL = -1"):
                dn.Compartment(3, gL=-1.0)
            self.dend = dn.Compartment(3)
            self.axial = dn.MCConn(self.soma, self.dend, 2.0)

    net = dn.Network([Cell()])
    assert sorted({key.split(".")[0] for key in net.parameters()}) == ["cell", "cell/axial", "cell/dend", "cell/soma"]


def test_names_in_a_manager():
    manager = dn.VarManager()
    with pytest.raises(dn.ParameterError):
        dn.PoissonGenerator(2, rate=-1.0, name="noise", parent=manager)
    assert manager.roots == ()
    dn.PoissonGenerator(2, rate=1.0, name="noise", parent=manager)
