"""Messages for mistakes with detailed cells."""

import dendrion as dn
import numpy as np
import pytest

from .cells import Cell, random_tree

TREE = random_tree()


def cells(size=2, **settings):
    return dn.CableNeuron(size, TREE, **{"cv": dn.PerSection(3), "name": "cells", **settings})


def built(*modules):
    return dn.Network(list(modules), dt=0.025)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cv": 3}, r"cv = 3: expected MaxLength\(...\), PerSection\(...\), DLambda\(...\), or CVs"),
        ({"cv": dn.Morphology.cable(10.0, 1.0).cvs(dn.PerSection(1))}, "belongs to another morphology"),
        (
            {"cv": dn.DLambda(0.1), "C": lambda d: 1 + d},
            "requires a single C, but C is a function of the control volumes",
        ),
        ({"odemethod": "rk4"}, "odemethod = RK4: expected IMPLICIT_EULER or CRANK_NICOLSON"),
        ({"gates": "coupled", "staggered": True}, "staggered = True: expected False or None, because coupled"),
        ({"gates": "rationl"}, "gates = 'rationl'; did you mean 'rational'"),
        ({"gates": 3}, "gates = 3: expected 'rational', 'cnexp' or 'coupled'"),
        ({"staggered": 3}, "staggered = 3: expected True, False or None"),
        ({"spike_at": "apical"}, "spike_at = 'apical': has 12 control volumes; expected one"),
        ({"spike_at": 3}, "spike_at = 3: expected a Location"),
        ({"V_reset": -70.0}, "V_reset = -70.0: with reset=False a spike leaves V unchanged"),
        ({"refractory": 2.0}, "refractory = 2.0: with reset=False"),
        ({"reset": True, "V_th": -50.0}, "V_th = -50.0: must be > 0 if V_reset is None"),
        ({"C": -1.0}, r"C = -1: expected a finite number > 0 \(uF/cm2\)"),
        ({"C": np.zeros(27)}, r"C\[0\] = 0: expected a finite number > 0 \(uF/cm2\) \(CV 0, at x = 0.167 of section 0"),
        (
            {"gL": np.ones(2)},
            r"gL = array of shape \(2,\): expected a number, an array of shape \(27,\) with one value per CV",
        ),
        ({"gL": None}, "gL = None: expected a number"),
        ({"r_axial": 0.0}, "r_axial = 0: expected a finite number > 0"),
        ({"r_axial": np.ones(3)}, "r_axial: expected|r_axial = array of length 3"),
        ({"V_init": np.nan}, "V_init = nan|V_init = NaN: expected a finite number"),
        ({"VTH": 3.0}, "unexpected parameter VTH = 3.0; did you mean 'V_th'"),
    ],
)
def test_settings(settings, message):
    with pytest.raises(dn.DendrionError, match=message):
        cells(**settings)


def test_a_tree_is_a_morphology():
    with pytest.raises(dn.ParameterTypeError, match=r"tree = 'cell.swc': expected a Morphology, such as"):
        dn.CableNeuron(1, "cell.swc", cv=dn.PerSection(1))


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({}, r"Ih: is not placed on the cells; expected either on= with a region"),
        ({"on": "soma", "at": TREE.at(0)}, "expected either on= with a region"),
        ({"on": "apikal"}, "Ih: on = 'apikal': unknown kind; did you mean 'apical'"),
        ({"on": "axon"}, "Ih: on = 'axon': this morphology has no axon; expected one of: all, soma"),
        (
            {"on": TREE.region("apical", distance=(1e5, 2e5))},
            r"Ih: on = Region\(.*\): the region \"apical\" contains no CV with distance .*; expected a larger",
        ),
        ({"on": TREE.at(0)}, r"Ih: on = .*: expected a Region, or the name of a region; pass locations with at="),
        ({"on": 3.5}, "Ih: on = 3.5: expected a Region or the name of a kind"),
        ({"at": dn.Location(99, 0.5)}, "Ih: at: section = 99: expected an index from 0 to 8"),
        ({"at": []}, "Ih: at = .*: expected a Location such as"),
        ({"at": 3}, "Ih: at = 3: expected a Location such as"),
        ({"at": [TREE.at(0), "soma"]}, "Ih: at = .*: expected a Location such as"),
    ],
)
def test_places(place, message):
    with pytest.raises(dn.DendrionError, match=message):
        dn.channels.Ih(cells(), **place)


def test_locations_off_a_section():
    with pytest.raises(dn.ParameterError, match=r"x = 1.5: expected a number from 0 to 1"):
        TREE.at(0, 1.5)
    with pytest.raises(dn.ParameterError, match="section = 9: expected an index from 0 to 8"):
        cells().at(dn.Location(9, 0.5))
    with pytest.raises(dn.ParameterError, match="at: cv = 27: expected an index from 0 to 26"):
        cells().at(cv=[0, 27])
    cable = dn.CableNeuron(1, dn.Morphology.cable(100.0, 1.0), cv=dn.PerSection(2))
    with pytest.raises(dn.ParameterError, match="at = 'soma': this morphology has no soma; expected a Location"):
        cable.at("soma")


def test_mechanisms_without_a_neuron():
    with pytest.raises(
        dn.ParameterTypeError, match="to place it on a region, pass a CableNeuron as the first argument"
    ):
        dn.channels.Ih(2, on="soma")
    with pytest.raises(dn.StructureError, match=r"at = .*: only mechanisms of a CableNeuron have locations"):
        dn.AMPA(2, at=TREE.at(0), t_decay=2.0)


def test_receptors_have_no_membrane():
    with pytest.raises(
        dn.StructureError, match="AMPA: C, gL would have no effect, because a receptor on detailed cells"
    ):
        dn.AMPA(cells(), at=TREE.at(0), t_decay=2.0, gL=3.0, C=1.0)
    with pytest.raises(dn.StructureError, match=r"AMPA: is not placed on the cells; expected at= with locations"):
        dn.AMPA(cells(), t_decay=2.0)
    with pytest.raises(dn.ParameterTypeError, match="unexpected parameter on"):
        dn.AMPA(cells(), on="soma", t_decay=2.0)
    with pytest.raises(dn.ParameterError, match=r"AMPA: g\[1\] = -1: expected a finite number >= 0"):
        dn.AMPA(cells(), at=TREE.random(n=3, seed=1), t_decay=2.0, g=[1.0, -1.0, 1.0])


def test_parts_of_other_neurons():
    cell, other = cells(), cells(name="other")
    with pytest.raises(dn.StructureError, match="belongs to another population; expected a site of cells"):
        dn.channels.Ih(cell, on=other.at("soma"))
    dn.Compartment(2, parent=cell, name="dend")
    with pytest.raises(
        dn.StructureError, match="cells/dend: a Compartment of a neuron with compartments cannot be part"
    ):
        built(cell)
    cell = cells()
    dn.channels.Ih(cell, on="soma", parent=other)
    with pytest.raises(dn.StructureError, match=r"is placed on .*cells.*, but belongs to other"):
        built(cell, other)


def test_clamps():
    cell = cells()
    clamp = dn.VoltageClamp(cell.at("soma"), -50.0, name="clamp")
    step = dn.DCGenerator(1, 10.0)
    inject = dn.ConnGen(step, cell.at("all"), name="inject")
    with pytest.raises(
        dn.StructureError, match="inject: injects a current into CV 1 of cells, where cells/clamp clamps"
    ):
        built(cell, step, inject)
    with pytest.raises(dn.ParameterTypeError, match=r"site = .*: expected a site of detailed cells, such as cells.at"):
        dn.VoltageClamp(cell, -50.0)
    with pytest.raises(dn.ParameterError, match="r_series = 0: expected a finite number > 0"):
        dn.VoltageClamp(cell.at("soma"), -50.0, r_series=0.0)
    with pytest.raises(dn.ParameterError, match=r"V_clamp = array of shape \(7,\)"):
        dn.VoltageClamp(cell.at("soma"), np.zeros(7))
    assert clamp.V_clamp == -50.0


def test_connections():
    cell, source = cells(), dn.PoissonGenerator(4, 10.0)
    ampa = dn.AMPA(cell, at=TREE.random(n=3, seed=1), t_decay=2.0, name="ampa")
    nmda = dn.NMDA(cell, at=TREE.random(n=3, seed=2), t_decay=2.0, name="nmda")
    syn = dn.MCSynapse(source, (ampa, nmda), dn.All2All(), name="syn")
    with pytest.raises(
        dn.StructureError, match="syn: its receptors are at different locations; expected receptors with"
    ):
        built(cell, source, syn)
    with pytest.raises(dn.StructureError, match="a ConnGen connects one to one; expected the same size"):
        dn.ConnGen(dn.DCGenerator(3, 1.0), cell.at("soma"))
    with pytest.raises(dn.ParameterTypeError, match="expected a receptor for spikes"):
        dn.ConnGen(source, cell.at("soma"))
    step = dn.DCGenerator(1, 1.0)
    with pytest.raises(dn.StructureError, match=r"cells.*is not in the network; add it to the network"):
        built(cells(name="more"), step, dn.ConnGen(step, cell.at("soma")))


def test_probes_and_states():
    cell = Cell(2, name="cell")
    net = built(cell)
    with pytest.raises(dn.UnknownNameError, match=r"sites have no spikes; record those of the population"):
        net.probe(cell.at("soma"), "spikes")
    with pytest.raises(dn.UnknownNameError, match=r"no variable named 'v'|no variable named \"v\""):
        net.probe(cell.at("soma"), "v")
    with pytest.raises(dn.ParameterError, match="indices: 2: expected an index below 2, the number of columns"):
        net.probe(cell.at("soma"), "V", indices=[2])
    with pytest.raises(
        dn.ParameterError, match=r"cell.V = array of shape \(3,\): expected a number, or an array of shape \(2, 27\)"
    ):
        cell.V = np.zeros(3)
    with pytest.raises(
        dn.ParameterError, match=r"cell/ampa.g = array of shape \(3,\)|cell/ampa: g = array of shape \(3,\)"
    ):
        cell.ampa.g = np.zeros(3)
    with pytest.raises(dn.AssignmentError, match=r"spike_at cannot be changed after construction"):
        cell.spike_at = TREE.at(0)


def test_noise_needs_compartments():
    for make in (
        lambda on: dn.WhiteNoise(on, 1.0),
        lambda on: dn.OUNoise(on, 1.0, 2.0),
        lambda on: dn.ConductanceNoise(on, 1.0),
    ):
        for on in (cells(), cells().at("soma")):
            with pytest.raises(dn.StructureError, match=r"detailed cells do not support noise.*CurrentGenerator"):
                make(on)


def test_channels_that_need_calcium_say_so():
    cell = cells()
    dn.channels.KCa(cell, on="soma", name="kca")
    dn.channels.CaPool(cell, on="apical", name="pool")
    with pytest.raises(dn.DendrionError, match=r"cells/kca: imports Ca, which no mechanism on these CVs exports"):
        built(cell)


def test_a_reset_that_cuts_action_potentials_short_warns():
    cell = Cell(1, reset=True, V_reset=-65.0)
    with pytest.warns(dn.ResetWarning, match="each spike resets V at spike_at, where voltage-gated channels"):
        built(cell)


def test_thousands_of_mechanisms():
    tree = dn.Morphology.ball_and_stick(300.0, 2.0)
    cell = dn.CableNeuron(1, tree, cv=dn.PerSection(50), V_rest=-65.0)
    for k in range(4000):
        if k % 2:
            dn.AMPA(cell, at=tree.at(1, k / 4000), t_decay=2.0, name=f"r{k}")
        else:
            dn.channels.HHK(cell, on=cell.at(cv=[k % 50, 50 + k // 80]), g=0.01, name=f"k{k}")
    net = built(cell)
    net.run(0.1)
    assert np.isfinite(cell.V).all()


def test_pictures_accept_sites():
    pytest.importorskip("matplotlib").use("Agg")
    cell = Cell(2)
    dn.plot.morphology(cell.tree, sites=cell.at("soma"), cvs=cell.cvs, color=cell.cvs.distance)
    with pytest.raises(dn.ParameterTypeError, match=r"expected an MCNeuron; plot.morphology draws detailed cells"):
        dn.plot.tree(cell)


def test_tables_describe_the_places():
    cell = Cell(2, name="cell")
    text = repr(built(cell)) + cell._repr_html_()
    assert "27 CVs per cell" in text
    assert "on &#x27;soma&#x27; (3 CVs per cell)" in text
    assert "at 4 locations (4 sites per cell)" in text


class Overflowing(dn.Channel):
    equations = """
    I = g * (E - V)**3 : pA/um2
    g = 1 mS/cm2/mV^2
    E = 50 mV
    """


def test_a_state_that_is_no_longer_finite():
    tree = dn.Morphology.cable(length=500.0, diameter=2.0)
    cells = dn.CableNeuron(3, tree, cv=dn.PerSection(7), name="cells")
    cells.bad = Overflowing(cells, on="all", g=1e300)
    with pytest.raises(dn.DivergenceError, match="cells: V at CV 0 of neuron 0 became infinite or NaN"):
        built(cells).run(1.0)


def test_calcium_on_other_control_volumes():
    tree = dn.Morphology.cable(length=500.0, diameter=2.0)
    cells = dn.CableNeuron(1, tree, cv=dn.PerSection(7), name="cells")
    cells.ca = dn.channels.CaT(cells, on="all", g=1.0)
    cells.pool = dn.channels.CaPool(cells, on="all")
    cells.kca = dn.channels.KCa(cells, on=tree.region("basal", distance=(0.0, 200.0)), g=1.0)
    net = built(cells)
    net.run(1.0)
    # The channels read the concentration of their own CVs.
    assert cells.kca.size == len(cells.cvs.select(tree.region("basal", distance=(0.0, 200.0)))) < len(cells.cvs)
    assert np.all(np.asarray(cells.kca.z) > 0)
