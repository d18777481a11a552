"""Connections that do not match the connected populations raise errors."""

import dendrion as dn
import numpy as np
import pytest
import scipy.sparse as sp


@pytest.fixture
def ends(pair):
    cells = pair(3, name="cells")
    return dn.PoissonGenerator(2, rate=1.0), cells


def test_shape(ends):
    noise, cells = ends
    for conn in (np.ones((3, 2)), np.ones(6), sp.csr_matrix((3, 2))):
        with pytest.raises(dn.ConnectivityError, match=r"conn of shape .*: expected \(sources, targets\) = \(2, 3\)"):
            dn.MCSynapse(noise, cells.ampa, conn)
    with pytest.raises(
        dn.ConnectivityError, match=r"One2One requires equal numbers of sources and targets, but there are 2 and 3"
    ):
        dn.MCSynapse(noise, cells.ampa, dn.One2One())
    with pytest.raises(
        ValueError, match=r"conn = 'all': expected an array or sparse matrix of shape \(2, 3\), or a rule"
    ):
        dn.MCSynapse(noise, cells.ampa, "all")


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_weights(ends, value):
    noise, cells = ends
    conn = np.ones((2, 3))
    conn[1, 2] = value
    with pytest.raises(dn.ConnectivityError, match=r"conn\[1, 2\] = .*: expected a finite weight >= 0"):
        dn.MCSynapse(noise, cells.ampa, conn)
    with pytest.raises(dn.ConnectivityError, match=r"conn\.data\[5\] = .*: expected a finite weight >= 0"):
        dn.MCSynapse(noise, cells.ampa, sp.csr_matrix(conn))
    with pytest.raises(dn.ConnectivityError, match=r"weight = .*: expected a finite number >= 0"):
        dn.MCSynapse(noise, cells.ampa, dn.All2All(), weight=value)


def test_negative_weights_name_the_remedy(ends):
    noise, cells = ends
    with pytest.raises(dn.ConnectivityError, match=r"connect positive weights to a GABA receptor"):
        dn.MCSynapse(noise, cells.ampa, -np.ones((2, 3)))


def test_number_of_values(ends):
    noise, cells = ends
    syn = dn.MCSynapse(noise, cells.ampa, dn.All2All(), weight=np.ones(5), name="syn")
    with pytest.raises(
        dn.ConnectivityError,
        match=r"syn: w = array of length 5: expected a number or an array of length 6, the number of connections",
    ):
        dn.Network([noise, cells, syn])
    with pytest.raises(dn.ConnectivityError, match=r"weight of shape \(3, 2\): expected a single number, or one"):
        dn.MCSynapse(noise, cells.ampa, dn.All2All(), weight=np.ones((3, 2)))
    with pytest.raises(dn.ConnectivityError, match=r"delay of shape \(2,\): expected a single number"):
        dn.MCSynapse(noise, cells.ampa, np.ones((2, 3)), delay=[1.0, 2.0])
    with pytest.raises(dn.ConnectivityError, match=r"weight = .*: expected None, because conn already has weights"):
        dn.MCSynapse(noise, cells.ampa, np.ones((2, 3)), weight=2.0)
    syn = dn.MCSynapse(noise, cells.ampa, dn.FixedIndegree(3), name="syn")
    with pytest.raises(dn.ConnectivityError, match=r"syn: degree = 3: expected at most 2, the number of sources"):
        dn.Network([noise, cells, syn])


def test_delays(ends):
    noise, cells = ends
    for value in (np.nan, np.inf, -1.0):
        with pytest.raises(dn.ConnectivityError, match=r"delay = .*: expected a finite number >= 0 \(ms\)"):
            dn.MCSynapse(noise, cells.ampa, dn.All2All(), delay=value)
    syn = dn.MCSynapse(cells, cells.ampa, dn.All2All(), delay=0.04, name="syn")
    with pytest.raises(
        dn.ParameterError, match=r"syn: delay = 0\.04: expected at least dt = 0\.1 ms for connections between neurons"
    ):
        dn.Network([cells, syn])
    syn = dn.MCSynapse(cells, cells.ampa, dn.One2One(), delay=[1.0, 0.0, 1.0], name="syn")
    with pytest.raises(dn.ParameterError, match=r"syn: delay\[1\] = 0: expected at least dt"):
        dn.Network([cells, syn])
    syn = dn.MCSynapse(noise, cells.ampa, dn.All2All(), delay=1e6, name="syn")
    with pytest.raises(dn.ParameterError, match=r"syn: delay = 1000000: expected at most 6553\.5 ms"):
        dn.Network([noise, cells, syn])


def test_receptors_of_several_populations(pair):
    a, b, noise = pair(3), pair(3), dn.PoissonGenerator(3)
    syn = dn.MCSynapse(noise, (a.ampa, b.ampa), dn.One2One(), name="syn")
    with pytest.raises(dn.StructureError, match=r"syn: its receptors belong to several populations; expected one"):
        dn.Network([a, b, noise, syn])


def test_rules():
    with pytest.raises(dn.ParameterError, match=r"FixedProb: prob = 1\.5: expected a number in \[0, 1\]"):
        dn.FixedProb(1.5)
    with pytest.raises(dn.ParameterError, match=r"FixedIndegree: degree = -1: expected an integer from 0 to"):
        dn.FixedIndegree(-1)


def test_weights_in_a_network(ends):
    noise, cells = ends
    syn = dn.MCSynapse(noise, cells.ampa, np.ones((2, 3)), name="syn")
    net = dn.Network([noise, cells, syn])
    with pytest.raises(
        dn.ParameterError, match=r"syn: w = array of length 5: expected a number or an array of length 6"
    ):
        net.set_parameters({"syn.w": np.ones(5)})
    with pytest.raises(dn.ParameterError, match=r"syn: w\[3\] = -1: expected a finite number >= 0"):
        syn.w = [[1, 1, 1], [-1, 1, 1]]


def test_too_many_connections(pair):
    cells, noise = pair(70_000, name="cells"), dn.PoissonGenerator(70_000)
    syn = dn.MCSynapse(noise, cells.ampa, dn.All2All(), name="syn")
    with pytest.raises(dn.ConnectivityError, match=r"syn: 4900000000 connections: expected fewer than 2\^32"):
        dn.Network([cells, noise, syn])
