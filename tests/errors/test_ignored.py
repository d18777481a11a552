"""No argument is silently ignored: it either takes effect or raises an error."""

import copy

import dendrion as dn
import numpy as np
import pytest
import scipy.sparse as sp


def synapse(pair, conn, **kwargs):
    cells, noise = pair(2, name="cells"), dn.PoissonGenerator(3)
    syn = dn.MCSynapse(noise, cells.ampa, conn, name="syn", **kwargs)
    return [cells, noise, syn], syn


@pytest.mark.parametrize(
    ("kind", "name"),
    [(dn.Compartment, "gL"), (dn.LeakyIF, "I_ext"), (dn.MCNeuron, "V_th"), (dn.PoissonGenerator, "rate")],
)
def test_none_is_no_number(kind, name):
    with pytest.raises(dn.ParameterError, match=rf"{kind.__name__}: {name} = None: expected a number"):
        kind(**{name: None})


def test_assigning_a_name_that_differs_by_case(pair):
    cells = pair(1, name="cells")
    for module, wrong, right in ((cells.soma, "gl", "gL"), (cells, "vth", "V_th"), (cells.ampa, "tdecay", "t_decay")):
        with pytest.raises(AttributeError, match=rf"no parameter '{wrong}'; did you mean '{right}'"):
            setattr(module, wrong, 1.0)
    cells.remark = "a user's own attribute"


def test_equations_are_those_the_network_was_made_with(pair):
    cells = pair(1, name="cells")
    net = dn.Network([cells])
    with pytest.raises(dn.StructureError, match=r"cells/ampa: t_rise was None when the network was built"):
        cells.ampa.t_rise = 1.0
    with pytest.raises(dn.StructureError, match=r"cells/dend: length was None"):
        cells.dend.length = 10.0
    with pytest.raises(dn.StructureError, match=r"cells/ampa: scale_g is fixed once the network is built"):
        cells.ampa.scale_g = True
    with pytest.raises(dn.StructureError, match=r"cells: odemethod is fixed once the network is built"):
        cells.odemethod = dn.SolverMethodODE.EXP_EULER
    with pytest.raises(dn.StructureError, match=r"cells: dend is fixed once the network is built"):
        cells.dend = dn.Compartment(1)
    with pytest.raises(dn.StructureError, match=r"cells: a Compartment cannot be added after the network is built"):
        cells.tip = dn.Compartment(1)
    del net


def test_what_a_module_is_made_of_stays(pair):
    cells = pair(1, name="cells")
    for module, name, value in ((cells.soma, "size", 3), (cells.axial, "post", cells.soma), (cells.ampa_on, "pre", 1)):
        with pytest.raises(dn.StructureError, match=rf"{name} cannot be changed after construction; create a new"):
            setattr(module, name, value)
    noise = dn.PoissonGenerator(1, name="noise")
    noise.stop = 5.0
    with pytest.raises(dn.ParameterError, match=r"noise: start = -1: expected a time >= 0"):
        noise.start = -1
    net = dn.Network([noise])
    with pytest.raises(dn.StructureError, match=r"noise: stop is fixed once the network is built"):
        noise.stop = 10.0
    del net


def test_settings_are_checked_when_assigned(pair):
    cells = pair(1, name="cells")
    with pytest.raises(
        dn.ParameterError, match=r"cells: odemethod = 'rk5': expected one of 'euler', .*did you mean 'rk4'"
    ):
        cells.odemethod = "rk5"
    with pytest.raises(dn.ParameterTypeError, match=r"scale_g = 'no': expected True or False"):
        cells.ampa.scale_g = "no"
    for wrong in ("x", 1.5, -1, [1, 2, 3]):
        with pytest.raises((dn.ParameterTypeError, dn.ParameterError), match=r"dendritic_delay = .*an integer"):
            dn.MCNeuron(2, dendritic_delay=wrong)
    with pytest.raises(dn.ParameterTypeError, match=r"surrogate_grad_fn = 3: expected a Surrogate"):
        dn.MCNeuron(surrogate_grad_fn=3)
    with pytest.raises(dn.ParameterTypeError, match=r"Sigmoid: alpha = '4': expected a number > 0"):
        dn.Sigmoid("4")


@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix])
def test_complex_weights_are_not_cast(pair, make):
    with pytest.raises(dn.DendrionError, match=r"(?s)syn: conn.* expected"):
        synapse(pair, make(np.ones((3, 2)) * 1j))


def test_weights_assigned_or_frozen_before_the_network(pair):
    given = np.arange(6.0).reshape(3, 2)
    modules, syn = synapse(pair, np.ones((3, 2)))
    syn.w = given
    np.testing.assert_array_equal(syn.w, given)
    net = dn.Network(modules)
    np.testing.assert_array_equal(net.parameters()["syn.w"], given)
    modules, syn = synapse(pair, np.ones((3, 2)), frozen_params={"w": given})
    net = dn.Network(modules)
    np.testing.assert_array_equal(syn.w, given)
    assert "syn.w" not in net.parameters()


def test_weights_of_the_wrong_shape_are_not_reshaped(pair):
    modules, syn = synapse(pair, np.ones((3, 2)))
    net = dn.Network(modules)
    with pytest.raises(
        dn.ConnectivityError, match=r"syn: w of shape \(2, 3\): expected \(sources, targets\) = \(3, 2\)"
    ):
        syn.w = np.ones((2, 3))
    with pytest.raises(dn.ConnectivityError, match=r"syn: w of shape \(2, 3\)"):
        net.set_parameters({"syn.w": np.ones((2, 3))})
    with pytest.raises(dn.ParameterError, match=r"cells/soma\.gL = array of shape \(2, 1\)"):
        net.set_parameters({"cells/soma.gL": np.ones((2, 1))})


def test_a_matrix_is_copied(pair):
    conn = np.ones((3, 2))
    modules, syn = synapse(pair, conn)
    conn[:] = 5.0
    net = dn.Network(modules)
    assert (syn.w == 1).all()
    del net


def test_a_receptor_named_twice(pair):
    cells, noise = pair(2), dn.PoissonGenerator(2)
    with pytest.raises(dn.StructureError, match=r"MCSynapse: post = .*: contains a receptor twice"):
        dn.MCSynapse(noise, (cells.ampa, cells.ampa), dn.All2All())


def test_an_init_that_calls_no_super():
    class Bare(dn.MCNeuron):
        def __init__(self):
            self.soma = dn.LeakyIF()

    with pytest.raises(dn.StructureError, match=r"Bare\.__init__ does not call super\(\)\.__init__"):
        dn.Network([Bare()])


def test_times_beyond_counting(pair):
    net = dn.Network([cells := pair(1)])
    with pytest.raises(dn.ParameterError, match=r"duration = 1e30: expected a run that ends before step 2\^48"):
        net.run(1e30)
    with pytest.raises(dn.ParameterError, match=r"every = 1e\+30"):
        net.probe(cells.soma, "V", every=1e30)


def test_states_are_set_all_or_none(pair):
    net = dn.Network([pair(2)])
    with pytest.raises(
        dn.ParameterError, match=r"pair/dend\.V = array of shape \(3,\): expected a number, an array of shape \(2,\)"
    ):
        net.set_state({"pair/soma.V": -1.0, "pair/dend.V": [1.0, 2.0, 3.0]})
    np.testing.assert_array_equal(net.get_state()["pair/soma.V"], [-65, -65])


def test_what_has_no_variables(pair):
    cells, noise = pair(1, name="cells"), dn.DCGenerator(1, amplitude=1.0, name="noise")
    net = dn.Network([cells, noise])
    with pytest.raises(dn.UnknownNameError, match=r"noise: a DCGenerator has no variables; expected a population"):
        net.probe(noise, "spikes")
    with pytest.raises(dn.UnknownNameError, match=r"cells/axial: a MCConn has no variables"):
        net.variables(cells.axial)


def test_values_outlive_the_network_and_weights_say_they_do_not(pair):
    modules, syn = synapse(pair, np.ones((3, 2)))
    cells = modules[0]
    net = dn.Network(modules)
    cells.soma.gL = 33.0
    net.set_parameters({"cells.V_th": -41.0})
    del net
    assert cells.soma.gL == 33.0
    assert cells.V_th == -41.0
    for use in (lambda: syn.w, lambda: dn.Network(modules)):
        with pytest.raises(
            dn.RunError, match=r"syn: its connections were released with an earlier network; create a new"
        ):
            use()


def test_a_copy_is_a_module_of_its_own(pair):
    cells = pair(2, name="cells")
    net = dn.Network([cells])
    twin = copy.deepcopy(cells)
    twin.soma.gL = 20.0
    assert cells.soma.gL == 10.0
    assert dn.Network([twin]).parameters()["cells/soma.gL"] == 20.0
    del net
