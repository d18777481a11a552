"""Explicit connections and weight matrices, converted to a common form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._numbers import array_of, numbers
from .._quoted import counted, quoted
from .._suggest import suggests
from ..errors import ConnectivityError, ParameterError, ParameterTypeError
from ..modules._fixed import FixedOnceMade
from ..modules._values import read_only
from ..units import check_unit, fitting, in_unit
from ._per_connection import WEIGHTS, Kind
from ._sparse import to_format
from ._targets import class_hint
from .connectivity import Connector

__all__ = ["CustomConn", "Matrix", "matrix"]


@dataclass(frozen=True, eq=False)
class Matrix:
    """Explicit connections, sorted by source and then by target (compressed sparse rows)."""

    starts: NDArray[np.uint32]
    targets: NDArray[np.uint32]
    #: One weight per connection; ``None`` if the connections have no weights of their own.
    weights: NDArray[np.float64] | None
    #: Shape of a dense matrix, in which every entry is a connection; ``None`` for a sparse one.
    shape: tuple[int, int] | None


def matrix(label: str, conn: Any, pre: int, post: int, kind: Kind = WEIGHTS) -> Matrix:
    """Return a dense or sparse weight matrix of shape (pre, post) as a ``Matrix``."""
    if isinstance(conn, CustomConn):
        return conn._matrix(label, pre, post, kind)
    if hasattr(conn, "tocsr") and not isinstance(conn, type):
        return _sparse(label, conn, pre, post, kind)
    try:
        dense = numbers(f"{label}: conn", conn, "numbers", kind.unit)
    except ParameterTypeError:
        raise ConnectivityError(
            f"{label}: conn = {quoted(conn)}: expected an array or sparse matrix of shape ({pre}, {post}), or a "
            f"rule such as FixedProb(0.1){class_hint(conn, Connector)}{_rule_hint(conn)}"
        ) from None
    if dense.ndim == 0:
        hint = f"; FixedProb({float(dense):g}) connects each pair with that probability" if 0 < dense <= 1 else ""
        raise ConnectivityError(
            f"{label}: conn = {quoted(conn)}: expected an array or sparse matrix of shape ({pre}, {post}), or a "
            f"rule such as All2All(); pass a single weight as weight=...{hint}"
        )
    _check_shape(label, dense.shape, pre, post)
    if pre * post >= 2**32:
        raise ConnectivityError(f"{label}: {pre * post} connections; expected fewer than 2^32")
    starts = np.arange(0, pre * post + 1, post, dtype=np.uint32)
    targets = np.tile(np.arange(post, dtype=np.uint32), pre)
    weights = dense.reshape(-1)
    _check_weights(label, weights, lambda k: f"conn[{k // post}, {k % post}]", kind)
    return Matrix(starts, targets, weights, (pre, post))


def _rule_hint(conn: Any) -> str:
    """Return a hint with the rule to which a string such as "all_to_all" probably refers."""
    rules = {
        "alltoall": "All2All()",
        "all2all": "All2All()",
        "full": "All2All()",
        "dense": "All2All()",
        "onetoone": "One2One()",
        "one2one": "One2One()",
        "fixedindegree": "FixedIndegree(degree)",
        "fixedoutdegree": "FixedOutdegree(degree)",
        "fixedtotal": "FixedTotal(n)",
        "fixedprob": "FixedProb(prob)",
        "random": "FixedProb(prob)",
    }
    plain = "".join(c for c in conn.lower() if c.isalnum()) if isinstance(conn, str) else ""
    return f"; did you mean dn.{rules[plain]}?" if plain in rules else ""


def _sparse(label: str, conn: Any, pre: int, post: int, kind: Kind) -> Matrix:
    _check_shape(label, conn.shape, pre, post)
    csr = to_format(f"{label}: conn", conn, "csr")
    if csr.nnz >= 2**32:
        raise ConnectivityError(f"{label}: {csr.nnz} connections; expected fewer than 2^32")
    weights = numbers(f"{label}: conn.data", csr.data, "numbers", kind.unit)
    _check_weights(label, weights, lambda k: f"conn.data[{k}]", kind)
    return Matrix(csr.indptr.astype(np.uint32), csr.indices.astype(np.uint32), weights, None)


@suggests
class CustomConn(FixedOnceMade):
    """Explicit connections.

    Parameters
    ----------
    pre, post : array of int
        Source and target of each connection, in any order.
    w : array, optional
        Weight of each connection: >= 0, or for a [CurrentReceptor][dendrion.CurrentReceptor] any current (pA). By
        default, weights are set by ``MCSynapse(weight=...)``.
    multi_conn : bool
        Whether a pair that occurs several times results in several connections. If False, they are merged into one
        connection whose weight is their sum.
    autapses : bool
        Whether neurons may be connected to themselves or, for detailed cells, to any of their own sites. If False, such
        connections are omitted.
    """

    def __init__(
        self,
        pre: ArrayLike,
        post: ArrayLike,
        w: ArrayLike | None = None,
        multi_conn: bool = True,
        autapses: bool = True,
    ) -> None:
        self.pre, self.post = (_indices(name, given) for name, given in (("pre", pre), ("post", post)))
        # The receptors, which determine the unit, are not known yet.
        w, self._unit = fitting("CustomConn: w", w, "pA, or 1")
        self.w = None if w is None else numbers("CustomConn: w", w, "numbers")
        if self.pre.shape != self.post.shape or (self.w is not None and self.w.shape != self.pre.shape):
            shapes = f"{self.pre.shape}, {self.post.shape}" + ("" if self.w is None else f", {self.w.shape}")
            raise ConnectivityError(f"CustomConn: pre, post and w have shapes {shapes}; expected equal lengths")
        self.multi_conn, self.autapses = _flag("multi_conn", multi_conn), _flag("autapses", autapses)
        self.pre, self.post, self.w = (read_only(array) for array in (self.pre, self.post, self.w))

    @classmethod
    def from_matrix(cls, matrix: Any, multi_conn: bool = True, autapses: bool = True) -> CustomConn:
        """Create connections from a matrix of weights.

        For a ``scipy.sparse`` matrix or array of any format, the stored entries are the connections; for a dense array,
        these are the nonzero entries. Duplicates in a COO matrix are kept if ``multi_conn`` is True.
        """
        if hasattr(matrix, "tocoo") and not isinstance(matrix, type):
            coo = to_format("CustomConn: matrix", matrix, "coo")
            return cls(coo.row, coo.col, coo.data, multi_conn, autapses)
        dense = numbers("CustomConn: matrix", matrix, "a two-dimensional array, or a sparse matrix")
        if dense.ndim != 2:
            raise ConnectivityError(f"CustomConn: matrix of shape {dense.shape}: expected shape (sources, targets)")
        pre, post = np.nonzero(dense)
        return cls(pre, post, dense[pre, post], multi_conn, autapses)

    @classmethod
    def from_csr(
        cls,
        indptr: ArrayLike,
        indices: ArrayLike,
        data: ArrayLike | None = None,
        multi_conn: bool = True,
        autapses: bool = True,
    ) -> CustomConn:
        """Create connections from compressed sparse rows.

        The targets of source i are ``indices[indptr[i]:indptr[i + 1]]``.
        """
        indptr, indices = _indices("indptr", indptr), _indices("indices", indices)
        if indptr.size < 1 or indptr[0] != 0 or indptr[-1] != indices.size or (np.diff(indptr) < 0).any():
            raise ConnectivityError(
                f"CustomConn: indptr: expected ascending numbers from 0 to {indices.size}, the length of indices"
            )
        return cls(np.repeat(np.arange(indptr.size - 1), np.diff(indptr)), indices, data, multi_conn, autapses)

    @classmethod
    def from_csc(
        cls,
        indptr: ArrayLike,
        indices: ArrayLike,
        data: ArrayLike | None = None,
        multi_conn: bool = True,
        autapses: bool = True,
    ) -> CustomConn:
        """Create connections from compressed sparse columns.

        The sources of target j are ``indices[indptr[j]:indptr[j + 1]]``.
        """
        by_column = cls.from_csr(indptr, indices, data, multi_conn, autapses)
        return cls(by_column.post, by_column.pre, by_column.w, multi_conn, autapses)

    def _matrix(self, label: str, pre: int, post: int, kind: Kind = WEIGHTS) -> Matrix:
        check_unit(f"{label}: conn.w", self, self._unit, kind.unit)
        for name, given, size in (("pre", self.pre, pre), ("post", self.post, post)):
            for bad in np.flatnonzero(given >= size)[:1]:
                raise ConnectivityError(
                    f"{label}: conn: {name}[{bad}] = {given[bad]}: expected an integer below {size}"
                )
        order = np.lexsort((self.post, self.pre))
        sources, targets = self.pre[order], self.post[order]
        weights = None if self.w is None else self.w[order]
        if not self.multi_conn and sources.size:
            first = np.flatnonzero(np.r_[True, (np.diff(sources) != 0) | (np.diff(targets) != 0)])
            sources, targets = sources[first], targets[first]
            weights = None if weights is None else np.add.reduceat(weights, first)
        if weights is not None:
            _check_weights(label, weights, lambda k: f"conn.w of ({sources[k]}, {targets[k]})", kind)
        starts = np.searchsorted(sources, np.arange(pre + 1)).astype(np.uint32)
        return Matrix(starts, targets.astype(np.uint32), weights, None)

    def _without_self(self, sites: int) -> CustomConn:
        """Return a copy without connections from neurons to themselves; each neuron has ``sites`` targets."""
        keep = self.pre != self.post // sites
        kept = CustomConn(
            self.pre[keep], self.post[keep], None if self.w is None else self.w[keep], self.multi_conn, self.autapses
        )
        kept.__dict__["_unit"] = self._unit
        return kept

    def __repr__(self) -> str:
        return f"CustomConn({counted(self.pre.size, 'connection')})"


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise ParameterTypeError(f"CustomConn: {name} = {quoted(value)}: expected True or False")
    return bool(value)


def _indices(name: str, given: ArrayLike) -> NDArray[np.int64]:
    what = f"CustomConn: {name}"
    array = np.atleast_1d(array_of(what, in_unit(what, given, ""), "integers"))
    if array.size == 0 and array.ndim == 1 and array.dtype.kind in "biuf":
        array = array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ParameterTypeError(f"CustomConn: {name} = {quoted(given)}: expected integers")
    for bad in np.flatnonzero((array < 0) | (array >= 2**32))[:1]:
        raise ParameterError(f"CustomConn: {name}[{bad}] = {array[bad]}: expected an integer from 0 to 2^32 - 1")
    return array.astype(np.int64)


def _check_shape(label: str, shape: tuple[int, ...], pre: int, post: int) -> None:
    if tuple(shape) != (pre, post):
        raise ConnectivityError(f"{label}: conn of shape {tuple(shape)}: expected (sources, targets) = ({pre}, {post})")


def _check_weights(label: str, weights: NDArray[np.float64], name: Any, kind: Kind) -> None:
    for bad in np.flatnonzero(~kind.holds(weights))[:1]:
        value = weights[bad]
        why = ", because weights add to conductances" if not kind.signed else ""
        hint = kind.hint(value) if np.isfinite(value) else ""
        accepted = kind.accepted.replace("number", "weight")
        raise ConnectivityError(f"{label}: {name(int(bad))} = {value}: expected {accepted}{why}{hint}")
