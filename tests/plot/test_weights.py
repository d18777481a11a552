"""Weights are drawn as images or histograms."""

import dendrion as dn
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import StepPatch
from scipy import sparse


def histogram(ax):
    (patch,) = (p for p in ax.patches if isinstance(p, StepPatch))
    return patch.get_data()[:2]


@pytest.fixture
def synapse(pair):
    """Return a function that connects 30 sources to 20 cells, and returns the connection and its network."""

    def make(conn, **options):
        cells, source = pair(20), dn.PoissonGenerator(30)
        syn = dn.MCSynapse(source, cells.ampa, conn, **options)
        return syn, lambda: dn.Network([cells, source, syn])

    return make


def test_a_dense_matrix_is_an_image_of_sources_by_targets():
    table = np.random.default_rng(0).random((6, 9))
    ax = dn.plot.weights(table)
    (image,) = ax.images
    assert np.array_equal(image.get_array(), table)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("target", "source")
    # The first source is at the top.
    assert ax.get_ylim() == (5.5, -0.5)
    (bar,) = (other for other in ax.figure.axes if other is not ax)
    assert bar.get_ylabel() == "weight"
    assert image.get_clim() == (table.min(), table.max())


def test_a_dense_connection_is_an_image_before_and_after_its_network_is_made(synapse):
    table = np.random.default_rng(0).random((30, 20))
    syn, build = synapse(table)
    assert np.array_equal(dn.plot.weights(syn).images[0].get_array(), table)
    net = build()
    assert np.allclose(dn.plot.weights(syn).images[0].get_array(), table)
    del net


def test_a_rule_is_a_histogram_of_its_weights(synapse):
    syn, build = synapse(dn.FixedProb(0.5), weight=dn.Uniform(0.2, 0.8))
    with pytest.raises(dn.RunError, match="connections are created with the network"):
        dn.plot.weights(syn)
    net = build()
    ax = dn.plot.weights(syn)
    counts, edges = histogram(ax)
    assert not ax.images
    assert counts.sum() == len(syn.connections.pre)
    inside = (syn.w >= edges[3]) & (syn.w < edges[4])
    assert counts[3] == inside.sum() > 0
    assert (edges[0], edges[-1]) == (syn.w.min(), syn.w.max())
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("weight", "connections")
    assert np.array_equal(histogram(dn.plot.weights(syn.connections))[0], counts)
    del net


def test_one_weight_for_all_is_one_bar(synapse):
    syn, build = synapse(dn.All2All(), weight=0.5)
    net = build()
    counts, edges = histogram(dn.plot.weights(syn))
    (bar,) = np.flatnonzero(counts)
    assert counts[bar] == 600
    assert edges[bar] <= 0.5 <= edges[bar + 1]
    del net


def test_an_image_of_sparse_connections_is_white_between_them(synapse):
    conn = sparse.random(30, 20, 0.1, random_state=1, format="csr")
    syn, build = synapse(conn)
    net = build()
    for given in (syn, conn):
        drawn = dn.plot.weights(given, kind="image").images[0].get_array()
        assert drawn.shape == (30, 20)
        assert np.array_equal(drawn.mask if np.ma.isMaskedArray(drawn) else np.isnan(drawn), conn.toarray() == 0)
        assert np.allclose(np.ma.filled(np.ma.masked_invalid(drawn), 0.0), conn.toarray())
    assert histogram(dn.plot.weights(conn))[0].sum() == conn.nnz
    del net


def test_weights_of_one_pair_are_summed_in_an_image(synapse):
    syn, build = synapse(dn.CustomConn([0, 0, 2], [1, 1, 3], w=[0.25, 0.5, 1.0]))
    net = build()
    drawn = np.ma.masked_invalid(dn.plot.weights(syn, kind="image").images[0].get_array())
    assert drawn[0, 1] == 0.75
    assert drawn[2, 3] == 1.0
    assert drawn.count() == 2
    del net


def test_a_dense_matrix_may_be_a_histogram():
    counts, _ = histogram(dn.plot.weights(np.ones((3, 4)), kind="histogram"))
    assert counts.sum() == 12


def test_without_connections_there_are_none_to_count():
    assert not histogram(dn.plot.weights(sparse.csr_array((3, 3))))[0].any()


@pytest.mark.parametrize(
    ("given", "kind", "error", "message"),
    [
        (np.zeros(3), None, dn.ParameterError, r"synapse of shape \(3,\): expected an MCSynapse"),
        ("some", None, dn.ParameterTypeError, "synapse = 'some': expected an MCSynapse"),
        (np.zeros((2, 2)), "pie", dn.ParameterError, 'kind = \'pie\': expected "image", "histogram" or None'),
        (sparse.csr_array((10_000, 10_000)), "image", dn.ParameterError, "too large; use kind = .histogram."),
    ],
)
def test_what_has_no_weights_is_refused(given, kind, error, message):
    with pytest.raises(error, match=f"plot.weights: .*{message}"):
        dn.plot.weights(given, kind=kind)
    assert not plt.get_fignums()
