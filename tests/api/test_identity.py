"""Populations and neurons have network-wide ids, which selections, masks and tables use."""

import dendrion as dn
import numpy as np
import pytest


def spiking(pair, size, **kwargs):
    cells = pair(size, **kwargs)
    cells.soma.I_ext = 400.0
    return cells


def test_numbers_are_packed_in_path_order(pair):
    b, a, c = spiking(pair, 3, name="b"), spiking(pair, 2, name="a"), spiking(pair, 4, name="c")
    net = dn.Network([b, c, a])
    np.testing.assert_array_equal(net.gids(a), [1, 2])
    np.testing.assert_array_equal(net.gids(b), [3, 4, 5])
    np.testing.assert_array_equal(net.gids(c), [6, 7, 8, 9])
    assert [net.select(id=k)[0].name for k in range(3)] == ["a", "b", "c"]


def test_given_numbers_are_kept_and_others_go_around_them(pair):
    a, b, c = pair(3, name="a"), pair(2, name="b", neuron_start_id=3, id=0), pair(2, name="c")
    net = dn.Network([a, b, c])
    np.testing.assert_array_equal(net.gids(b), [3, 4])
    np.testing.assert_array_equal(net.gids(a), [5, 6, 7])
    np.testing.assert_array_equal(net.gids(c), [8, 9])
    assert [net.select(id=k)[0].name for k in range(3)] == ["b", "a", "c"]


def test_given_numbers_must_not_overlap(pair):
    a, b = pair(3, name="a", neuron_start_id=1), pair(2, name="b", neuron_start_id=3)
    with pytest.raises(
        dn.StructureError, match=r"neuron_start_id: a has 1 to 3 and b has 3 to 4; expected ids that do"
    ):
        dn.Network([a, b])
    a, b = pair(1, name="a", id=7), pair(1, name="b", id=7)
    with pytest.raises(dn.StructureError, match=r"id: a has 7 and b has 7; expected ids that do not overlap"):
        dn.Network([a, b])
    # Populations with the default ids do not overlap, even if a subclass repeats the default explicitly.
    dn.Network([pair(1, name="a"), pair(1, name="b")])


def test_results_say_which_neuron(pair):
    a, b = spiking(pair, 2, name="a"), spiking(pair, 3, name="b")
    noise = dn.PoissonGenerator(2, rate=100.0)
    net = dn.Network([a, b, noise])
    spikes, v = net.probe(b, "spikes"), net.probe(b.dend, "V", indices=[2, 0])
    sent = net.probe(noise, "spikes")
    net.run(100.0)
    assert len(spikes) > 3
    np.testing.assert_array_equal(spikes.gid, spikes.i + 3)
    np.testing.assert_array_equal(v.gid, [5, 3])
    with pytest.raises(dn.StructureError, match=r"poissongenerator.spikes: gid: sources of generators have no gid"):
        sent.gid  # noqa: B018


def test_populations_are_selected(pair):
    a = pair(1, name="a", area_name="CA1", pid=0)
    b = pair(1, name="b", area_name="CA1", pid=1)
    c = pair(1, name="c", area_name="CA3", pid=1)
    net = dn.Network([a, b, c])
    assert net.select(area_name="CA1") == [a, b]
    assert net.select(area_name="CA1", pid=1) == [b]
    assert net.select(name="c") == [c]
    assert net.select(area_name="EC") == []
    assert net.select() == [a, b, c]
    assert net.decomposition == {0: (a,), 1: (b, c)}
    with pytest.raises(dn.ParameterError, match=r"select: no criterion named 'area'; did you mean 'area_name'"):
        net.select(area="CA1")
    with pytest.raises(dn.ParameterError, match=r"pid = -1: expected an integer from 0 to"):
        pair(1, pid=-1)


def test_methods_of_the_network_hold_where_none_was_given(pair):
    def trace(**kwargs):
        given = kwargs.pop("given", {})
        cells = spiking(pair, 1, V_th=0.0, **given)
        net = dn.Network([cells], **kwargs)
        v = net.probe(cells.soma, "V")
        net.run(20.0)
        return v.values

    euler, rk4 = dn.SolverMethodODE.EULER, dn.SolverMethodODE.RK4
    np.testing.assert_array_equal(trace(odemethod=rk4), trace(given={"odemethod": rk4}))
    np.testing.assert_array_equal(trace(odemethod=rk4, given={"odemethod": euler}), trace())
    assert (trace(odemethod=rk4)[1:] != trace()[1:]).any()
    np.testing.assert_array_equal(trace(odemethod="RK4"), trace(odemethod=rk4))
    np.testing.assert_array_equal(trace(odemethod=rk4, given={"odemethod": "euler"}), trace())
    with pytest.raises(dn.ParameterError, match=r"network: odemethod = 'rk': expected one of 'euler'"):
        trace(odemethod="rk")


def test_a_method_assigned_to_a_population_is_its_own(pair):
    cells = pair(1)
    cells.odemethod = "exp_euler"
    net = dn.Network([cells], odemethod="rk4")
    assert net._methods[id(cells)] is dn.SolverMethodODE.EXP_EULER


def test_masks_and_empty_choices(pair):
    cells = pair(4)
    net = dn.Network([cells])
    masked = net.probe(cells.soma, "V", indices=[True, False, False, True])
    nothing = net.probe(cells.soma, "V", indices=[])
    net.run(1.0)
    assert masked.values.shape == (10, 2)
    np.testing.assert_array_equal(masked.gid, [1, 4])
    assert nothing.values.shape[1] == 0
    with pytest.raises(dn.ParameterError, match=r"pair/soma: indices: mask of shape \(3,\): expected \(4,\)"):
        net.probe(cells.soma, "V", indices=[True, False, True])


def test_an_empty_network():
    with pytest.raises(
        dn.StructureError, match=r"network: modules is empty; expected neurons, generators or connections"
    ):
        dn.Network([])


def test_tables(pair):
    cells, noise = pair(3, name="cells", area_name="CA1 <deep>"), dn.PoissonGenerator(5, name="noise")
    syn = dn.MCSynapse(noise, (cells.ampa, cells.nmda), dn.FixedIndegree(2), name="syn")
    net = dn.Network([cells, noise, syn], odemethod=dn.SolverMethodODE.RK4)
    rows = [line.split() for line in repr(net).splitlines()]
    assert rows[0][:3] == ["Network:", "3", "neurons,"]
    assert rows[1][:6] == ["module", "kind", "size", "numbers", "method", "connections"]
    assert rows[2][:5] == ["cells", "Pair", "3", "1-3", "RK4"]
    assert rows[4] == ["syn", "MCSynapse", "6", "noise", "->", "cells/ampa,", "cells/nmda"]
    html = net._repr_html_()
    assert html.startswith("<table>")
    assert "CA1 &lt;deep&gt;" in html
    assert html.partition("</table>")[0].count("<tr>") == 4
    tree = cells._repr_html_()
    assert "soma" in tree
    assert "t_decay = 50" in tree
    assert cells.area_name not in tree or "&lt;" in tree
