"""Sparse matrices with inconsistent arrays never reach SciPy's compiled code, and masks are not dropped."""

import dendrion as dn
import numpy as np
import pytest

sparse = pytest.importorskip("scipy.sparse")


def csr(**changes):
    found = sparse.csr_matrix(([1.0, 2.0, 3.0], [0, 1, 2], [0, 1, 2, 3]), shape=(3, 3))
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def coo(rows, columns, data=(1.0, 2.0)):
    found = sparse.coo_matrix(([1.0, 2.0], ([0, 1], [1, 2])), shape=(3, 3))
    found.row, found.col, found.data = np.array(rows), np.array(columns), np.array(data)
    return found


def changed(matrix, **changes):
    for name, value in changes.items():
        setattr(matrix, name, value)
    return matrix


def lists(*items):
    found = np.empty(len(items), dtype=object)
    found[:] = items
    return found


def ints(*values):
    return np.array(values, dtype=np.int32)


def connect(conn):
    cells = dn.MCNeuron(3, V_th=-50.0, V_reset=-60.0)
    cells.soma = dn.LeakyIF(3)
    cells.ampa = dn.AMPA(3, t_decay=5.0)
    cells.on = dn.MCConnSynapse(cells.ampa, cells.soma)
    noise = dn.PoissonGenerator(3, name="noise")
    return dn.Network([cells, noise, dn.MCSynapse(noise, cells.ampa, conn, name="syn", delay=1.0)])


def weights(net):
    return net["syn"].w.tolist()


BROKEN = {
    "index beyond": (lambda: csr(indices=ints(0, 1, 10**9)), r"indices\[2\] = 1000000000: expected .* 0 to 2"),
    "index below": (lambda: csr(indices=ints(0, -1, 2)), r"indices\[1\] = -1: expected"),
    "indices too short": (lambda: csr(indices=ints(0)), "indices has 1 number: expected 3"),
    "indices of floats": (lambda: csr(indices=np.array([0.0, 1.0, 2.0])), "expected integers"),
    "rows beyond": (lambda: csr(indptr=ints(0, 2**30, 1, 3)), "indptr: expected 4 integers that ascend"),
    "rows end beyond": (lambda: csr(indptr=ints(0, 1, 2, 2**30)), "indptr: expected"),
    "rows too few": (lambda: csr(indptr=ints(0, 1)), "indptr: expected"),
    "rows begin late": (lambda: csr(indptr=ints(1, 1, 2, 3)), "indptr: expected"),
    "no rows": (lambda: csr(indptr=None), "expected integers"),
    "values too few": (lambda: csr(data=np.array([1.0])), "indices has 3 numbers: expected 1"),
    "no values": (lambda: csr(data=None), "data"),
    "texts": (lambda: csr(data=np.array(["a", "b", "c"])), "expected real numbers"),
    "complex": (lambda: csr().astype(complex), "expected real numbers"),
    "masked": (lambda: csr(data=np.ma.masked_array([1.0] * 3, mask=[0, 1, 0])), "with masked elements"),
    "columns": (lambda: changed(sparse.csc_matrix(csr()), indices=ints(0, 1, 7)), r"indices\[2\] = 7"),
    "row of -1": (lambda: coo([-1, 0], [0, 1]), r"row\[0\] = -1: expected"),
    "row beyond": (lambda: coo([0, 7], [0, 1]), r"row\[1\] = 7: expected"),
    "column beyond": (lambda: coo([0, 1], [0, 10**9]), r"col\[1\] = 1000000000"),
    "pairs too few": (lambda: coo([0], [0]), "row has 1 number: expected 2"),
    "blocks": (lambda: changed(csr().tobsr((1, 1)), indices=ints(0, 1, 9)), r"indices\[2\] = 9"),
    "diagonals": (lambda: changed(csr().todia(), offsets=ints(0, 1)), "offsets: expected 1"),
    "lists": (lambda: changed(csr().tolil(), rows=lists([0], [9], [2])), r"rows\[1\]\[0\] = 9"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_arrays_that_do_not_fit(name):
    make, message = BROKEN[name]
    with pytest.raises(dn.DendrionError, match=message):
        connect(make())
    with pytest.raises(dn.DendrionError, match=message):
        dn.CustomConn.from_matrix(make())


def test_matrices_that_say_they_are_sorted_and_are_not():
    matrix = csr(indices=ints(2, 0, 1), indptr=ints(0, 3, 3, 3))
    matrix.has_sorted_indices = matrix.has_canonical_format = True
    net = connect(matrix)
    assert net["syn"].connections.post.tolist() == [0, 1, 2]
    assert net["syn"].w.tolist() == [2.0, 3.0, 1.0]


def test_duplicates_are_summed():
    matrix = csr(indices=ints(1, 1, 1), indptr=ints(0, 3, 3, 3))
    matrix.has_canonical_format = True
    assert weights(connect(matrix)) == [6.0]
    assert matrix.data.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"])
def test_all_formats_that_fit(form):
    matrix = csr().asformat(form)
    assert weights(connect(matrix)) == [1.0, 2.0, 3.0]
    assert dn.CustomConn.from_matrix(matrix).w.tolist() == [1.0, 2.0, 3.0]


def test_masks_are_refused():
    masked = np.ma.masked_array([1.0, 2.0, 3.0], mask=[False, True, False])
    for make in (
        lambda: dn.LeakyIF(3, gL=masked),
        lambda: dn.LeakyIF(3, gL=[1.0, np.ma.masked, 2.0]),
        lambda: dn.DCGenerator(3, amplitude=masked),
        lambda: dn.CurrentGenerator(waveform=masked),
        lambda: dn.CurrentGenerator(waveform=[masked, masked]),
        lambda: dn.SpikeGenerator(4, [1, 2, 3], masked),
        lambda: dn.SpikeGenerator(4, masked.astype(int), [1.0, 2.0, 3.0]),
        lambda: dn.Piecewise(masked, [1.0, 2.0, 3.0]),
        lambda: dn.Piecewise([1.0, 2.0, 3.0], masked),
        lambda: dn.CustomConn(masked.astype(int), [1, 2, 3]),
        lambda: dn.CustomConn([1, 2, 3], [1, 2, 3], masked),
        lambda: dn.CustomGenerator(3, fn=masked.reshape(1, 3).astype(int)),
        lambda: dn.MCNeuron(3, dendritic_delay=masked.astype(int)),
        lambda: dn.Sigmoid()(masked),
        lambda: dn.Constant(np.ma.masked),
        lambda: connect(np.ma.masked_array(np.eye(3), mask=np.eye(3))),
        lambda: connect(dn.All2All()).set_state({"mcneuron/soma.V": masked}),
        lambda: connect(dn.All2All()).set_parameters({"mcneuron/soma.gL": masked}),
    ):
        with pytest.raises(dn.DendrionError, match="mask"):
            make()
    assert dn.LeakyIF(3, gL=np.ma.masked_array([1.0, 2.0, 3.0])).gL.tolist() == [1.0, 2.0, 3.0]
