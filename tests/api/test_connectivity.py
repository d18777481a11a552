"""Dense, sparse and rule-based connections deliver spikes with their weights and delays."""

import dendrion as dn
import numpy as np
import pytest
import scipy.sparse as sp


def network(pair, conn, n_pre=4, n_post=6, **kwargs):
    cells = pair(n_post)
    source = dn.SpikeGenerator(n_pre, indices=np.arange(n_pre), times=np.full(n_pre, 1.0))
    syn = dn.MCSynapse(source, cells.ampa, conn, name="syn", **kwargs)
    net = dn.Network([cells, source, syn], seed=5)
    gate = net.probe(cells.ampa, "s")
    return net, syn, gate


def test_dense_keeps_zeros_and_shape(pair):
    w = np.arange(24.0).reshape(4, 6)
    net, syn, gate = network(pair, w)
    assert net.info["connections"] == 24
    np.testing.assert_array_equal(syn.w, w)
    assert net.parameters()["syn.w"].shape == (4, 6)
    net.run(1.2)
    np.testing.assert_allclose(gate.values[11], w.sum(axis=0))
    syn.w = 2 * w
    np.testing.assert_array_equal(syn.w, 2 * w)


def test_sparse_sums_duplicates_in_csr_order(pair):
    rows, cols, data = [0, 3, 0, 1, 0], [5, 2, 1, 0, 5], [1.0, 2.0, 3.0, 4.0, 0.5]
    conn = sp.coo_matrix((data, (rows, cols)), shape=(4, 6))
    net, syn, gate = network(pair, conn)
    np.testing.assert_array_equal(syn.w, [3.0, 1.5, 4.0, 2.0])
    table = syn.connections
    np.testing.assert_array_equal(table.pre, [0, 0, 1, 3])
    np.testing.assert_array_equal(table.post, [1, 5, 0, 2])
    net.run(1.2)
    np.testing.assert_allclose(gate.values[11], [4, 3, 2, 0, 0, 1.5])


def test_rules_connect_as_they_say(pair):
    _, syn, _ = network(pair, dn.FixedIndegree(3))
    table = syn.connections
    np.testing.assert_array_equal(np.bincount(table.post), [3] * 6)
    assert len(set(zip(table.pre, table.post, strict=True))) == 18
    _, syn, _ = network(pair, dn.FixedIndegree(9, multi_conn=True))
    assert len(syn.connections.pre) == 54
    _, syn, _ = network(pair, dn.All2All())
    assert len(syn.connections.pre) == 24
    _, syn, _ = network(pair, dn.FixedProb(0.3), n_pre=100, n_post=200)
    n = len(syn.connections.pre)
    assert abs(n - 6000) < 4 * np.sqrt(6000 * 0.7)


def test_neurons_skip_themselves_where_asked(pair):
    cells = pair(30)
    syn = dn.MCSynapse(cells, cells.ampa, dn.FixedIndegree(29, autapses=False))
    net = dn.Network([cells, syn])
    assert (syn.connections.pre != syn.connections.post).all()
    assert net.info["connections"] == 30 * 29


def test_delays_arrive_on_their_step(pair):
    delay = np.array([0.0, 0.5, 1.0, 2.0])
    conn = np.zeros((4, 6))
    conn[range(4), range(4)] = 1.0
    net, syn, gate = network(pair, sp.csr_matrix(conn), delay=delay)
    np.testing.assert_allclose(syn.connections.delay, [0.0, 0.5, 1.0, 2.0])
    net.run(4.0)
    for i, steps in enumerate([0, 5, 10, 20]):
        # A spike is sent in step 10, added after the integration of step 10 + delay, and recorded one step later.
        assert gate.values[10 + steps, i] == 0.0
        assert gate.values[11 + steps, i] == 1.0


def test_neurons_reach_each_other_after_a_step(pair):
    cells = pair(2)
    cells.soma.I_ext = [600.0, 0.0]
    conn = np.array([[0.0, 1.0], [0.0, 0.0]])
    net = dn.Network([cells, dn.MCSynapse(cells, cells.ampa, conn)])
    spikes, gate = net.probe(cells, "spikes"), net.probe(cells.ampa, "s")
    net.run(40.0)
    first = round(spikes.t[0] / 0.1)
    assert gate.values[first + 1, 1] == 0.0
    assert gate.values[first + 2, 1] == 1.0


def test_receptors_share_a_connection(pair):
    cells = pair(3)
    source = dn.SpikeGenerator(3, indices=[0], times=[0.5])
    syn = dn.MCSynapse(source, (cells.ampa, cells.nmda), dn.One2One(), weight=2.5)
    net = dn.Network([cells, source, syn])
    a, n = net.probe(cells.ampa, "s"), net.probe(cells.nmda, "s")
    net.run(1.0)
    assert net.info["connections"] == 3
    assert a.values[6, 0] == n.values[6, 0] == 2.5


def test_weights_per_connection_with_a_rule(pair):
    w = np.linspace(0, 1, 24)
    _, syn, _ = network(pair, dn.All2All(), weight=w.reshape(4, 6))
    np.testing.assert_array_equal(syn.w, w)
    _, syn, _ = network(pair, dn.FixedIndegree(2), weight=0.25)
    np.testing.assert_array_equal(syn.w, np.full(12, 0.25))


def test_connections_need_a_network(pair):
    cells = pair(2)
    syn = dn.MCSynapse(cells, cells.ampa, dn.FixedProb(0.5))
    with pytest.raises(dn.RunError, match="created with the network"):
        _ = syn.connections
