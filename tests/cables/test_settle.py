"""`net.settle()` starts from the steady state: V is at rest, and gates have their steady state for V."""

import dendrion as dn
import numpy as np
import pytest

from .cells import Cell, driven, random_tree

EULER, MIDPOINT = dn.SolverMethodODE.IMPLICIT_EULER, dn.SolverMethodODE.CRANK_NICOLSON
SETTINGS = [{}, {"gates": "cnexp", "staggered": True}, {"gates": "coupled"}, {"odemethod": MIDPOINT}]


@pytest.mark.parametrize("settings", SETTINGS)
def test_v_is_at_rest_and_gates_have_their_steady_state(settings):
    cells = Cell(2, name="cells", **settings)
    cells.gL = np.stack([np.full(len(cells.cvs), 30.0), np.full(len(cells.cvs), 60.0)])
    net = driven(cells)
    spikes = net.probe(cells, "spikes")
    net.run(3.0)
    assert net.settle() is net
    assert net.t == 0.0
    assert len(spikes) == 0
    v = np.array(cells.V)
    assert np.ptp(v) > 0.1
    # A cell whose initial V is this V has the same gates, and V remains constant.
    other = Cell(2, name="cells", V_init=v, **settings)
    other.gL = cells.gL
    alone = dn.Network([other], dt=0.025)
    for part, name in (("na", "m"), ("na", "h"), ("k", "n"), ("ih", "m")):
        found, expected = getattr(getattr(cells, part), name), getattr(getattr(other, part), name)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    alone.run(50.0)
    np.testing.assert_allclose(other.V, v, rtol=0, atol=1e-5)


def test_passive_cells_rest_at_the_solution_of_the_linear_equations():
    from .test_steady_state import steady

    cells = dn.CableNeuron(1, random_tree(), cv=dn.PerSection(3), gL=80.0, V_rest=lambda d: -80.0 + 0.05 * d)
    net = dn.Network([cells], dt=0.1).settle()
    expected = steady(cells, np.zeros(len(cells.cvs)), 80.0, cells.V_rest)
    np.testing.assert_allclose(cells.V[0], expected, rtol=1e-8)
    assert net.t == 0.0


def test_calcium_is_at_rest():
    cells = dn.CableNeuron(1, random_tree(), cv=dn.PerSection(1), V_rest=-60.0)
    cells.cal = dn.channels.CaL(cells, on="all", g=0.5)
    cells.pool = dn.channels.CaPool(cells, on="all", tau=100.0)
    net = dn.Network([cells], dt=0.05).settle()
    calcium = np.array(cells.pool.Ca)
    net.run(200.0)
    np.testing.assert_allclose(cells.pool.Ca, calcium, rtol=1e-6)


def test_neurons_with_few_compartments_and_single_precision():
    neuron = dn.MCNeuron(3, V_th=-40.0, V_reset=-65.0, name="neuron")
    neuron.soma = dn.LeakyIF(3, V_rest=-65.0, C=100.0, gL=5.0)
    neuron.dend = dn.Compartment(3, V_rest=-60.0, C=50.0, gL=2.0)
    neuron.axial = dn.MCConn(neuron.soma, neuron.dend, 10.0)
    net = dn.Network([neuron], dt=0.1, dtype="float32").settle()
    matrix = np.array([[15.0, -10.0], [-10.0, 12.0]])
    expected = np.linalg.solve(matrix, [-65.0 * 5.0, -60.0 * 2.0])
    np.testing.assert_allclose([neuron.soma.V[0], neuron.dend.V[0]], expected, rtol=1e-4)
    assert net.t == 0.0


def test_networks_without_a_steady_state_say_why():
    cells = Cell(1, name="cells", V_rest=-40.0)
    cells.na.g, cells.k.g = 120.0, 36.0
    net = dn.Network([cells], dt=0.025)
    with pytest.raises(dn.RunError, match=r"settle: cells.*still changes after 50 ms without input"):
        net.settle(longest=50.0, tolerance=1e-14)
    assert net.t == 0.0
    with pytest.raises(dn.ParameterError, match="settle: tolerance = 0"):
        net.settle(tolerance=0.0)
    with pytest.raises(dn.ParameterError, match="settle: longest = -1"):
        net.settle(longest=-1.0)
    noisy = dn.MCNeuron(1, V_th=-40.0, V_reset=-65.0, name="noisy")
    noisy.soma = dn.LeakyIF(1)
    noisy.noise = dn.WhiteNoise(noisy.soma, 1.0)
    with pytest.raises(dn.RunError, match=r"settle: noisy/noise is a noise process"):
        dn.Network([noisy], dt=0.1).settle()


def test_plasticity_is_refused():
    cells, source = Cell(1, name="cells"), dn.PoissonGenerator(2, 50.0)
    syn = dn.MCSynapse(source, cells.ampa, dn.All2All(), plasticity=dn.STDP(), name="syn")
    net = dn.Network([cells, source, syn], dt=0.025)
    with pytest.raises(dn.RunError, match="settle: syn has a plasticity rule"):
        net.settle()
