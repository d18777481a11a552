"""Connectivity: rules, and matrices brought to one form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._numbers import numbers
from .errors import ConnectivityError, ParameterError, ParameterTypeError

__all__ = ["All2All", "Connector", "FixedIndegree", "FixedProb", "Matrix", "One2One"]


@dataclass(frozen=True)
class Connector:
    """Base of the rules."""

    def _rule(self) -> tuple[str, float, bool, bool]:
        raise NotImplementedError

    def _count(self, pre: int, post: int) -> int | None:
        """Return the number of connections, where the rule alone says."""
        raise NotImplementedError

    def _check(self, label: str, pre: int, post: int) -> None:
        """Raise where the rule cannot connect so many sources and targets."""


@dataclass(frozen=True)
class All2All(Connector):
    """Every source to every target."""

    def _rule(self) -> tuple[str, float, bool, bool]:
        return "all_to_all", 0.0, True, True

    def _count(self, pre: int, post: int) -> int | None:
        return pre * post


@dataclass(frozen=True)
class One2One(Connector):
    """Source i to target i. Needs as many sources as targets."""

    def _rule(self) -> tuple[str, float, bool, bool]:
        return "one_to_one", 0.0, True, True

    def _count(self, pre: int, post: int) -> int | None:
        return post

    def _check(self, label: str, pre: int, post: int) -> None:
        if pre != post:
            raise ConnectivityError(
                f"{label}: One2One needs as many sources as targets, but there are {pre} and {post}"
            )


@dataclass(frozen=True)
class FixedIndegree(Connector):
    """Each target draws ``degree`` sources.

    Parameters
    ----------
    degree : int
        Connections of each target, >= 0.
    multi_conn : bool
        Whether a pair may be connected more than once.
    autapses : bool
        Whether a neuron may be connected to itself.
    """

    degree: int
    multi_conn: bool = False
    autapses: bool = True

    def __post_init__(self) -> None:
        whole = isinstance(self.degree, (int, np.integer)) and not isinstance(self.degree, bool)
        if not whole or self.degree < 0:
            raise ParameterError(f"FixedIndegree: degree = {self.degree!r}: expected a whole number >= 0")

    def _rule(self) -> tuple[str, float, bool, bool]:
        return "fixed_indegree", float(self.degree), self.multi_conn, self.autapses

    def _count(self, pre: int, post: int) -> int | None:
        return int(self.degree) * post


@dataclass(frozen=True)
class FixedProb(Connector):
    """Each pair is connected with probability ``prob``.

    Parameters
    ----------
    prob : float
        The probability, in [0, 1].
    autapses : bool
        Whether a neuron may be connected to itself.
    """

    prob: float
    autapses: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.prob, (int, float, np.floating)) or not 0 <= self.prob <= 1:
            raise ParameterError(f"FixedProb: prob = {self.prob!r}: expected a number in [0, 1]")

    def _rule(self) -> tuple[str, float, bool, bool]:
        return "fixed_prob", float(self.prob), False, self.autapses

    def _count(self, pre: int, post: int) -> int | None:
        return None


@dataclass(frozen=True, eq=False)
class Matrix:
    """Given connections by source, targets ascending (compressed sparse rows)."""

    starts: NDArray[np.uint32]
    targets: NDArray[np.uint32]
    weights: NDArray[np.float64]
    #: Shape of a dense matrix, whose every entry is a connection; ``None`` for a sparse one.
    shape: tuple[int, int] | None


def matrix(label: str, conn: Any, pre: int, post: int) -> Matrix:
    """Bring a dense or sparse matrix of weights, of shape (pre, post), to one form."""
    if hasattr(conn, "tocsr"):
        return _sparse(label, conn, pre, post)
    try:
        dense = numbers(label, conn, "numbers")
    except ParameterTypeError:
        raise ConnectivityError(
            f"{label}: conn = {conn!r}: expected an array or sparse matrix of shape ({pre}, {post}), or a rule such as "
            "FixedProb(0.1)"
        ) from None
    _check_shape(label, dense.shape, pre, post)
    if pre * post >= 2**32:
        raise ConnectivityError(f"{label}: {pre * post} connections: expected fewer than 2^32")
    starts = np.arange(0, pre * post + 1, post, dtype=np.uint32)
    targets = np.tile(np.arange(post, dtype=np.uint32), pre)
    weights = dense.reshape(-1)
    _check_weights(label, weights, lambda k: f"conn[{k // post}, {k % post}]")
    return Matrix(starts, targets, weights, (pre, post))


def _sparse(label: str, conn: Any, pre: int, post: int) -> Matrix:
    _check_shape(label, conn.shape, pre, post)
    csr = conn.tocsr(copy=True)
    csr.sum_duplicates()
    if csr.nnz >= 2**32:
        raise ConnectivityError(f"{label}: {csr.nnz} connections: expected fewer than 2^32")
    weights = numbers(f"{label}: conn.data", csr.data, "numbers")
    _check_weights(label, weights, lambda k: f"conn.data[{k}]")
    return Matrix(csr.indptr.astype(np.uint32), csr.indices.astype(np.uint32), weights, None)


def _check_shape(label: str, shape: tuple[int, ...], pre: int, post: int) -> None:
    if tuple(shape) != (pre, post):
        raise ConnectivityError(f"{label}: conn of shape {tuple(shape)}: expected ({pre}, {post}), sources by targets")


def _check_weights(label: str, weights: NDArray[np.float64], name: Any) -> None:
    for bad in np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))[:1]:
        value = weights[bad]
        why = "" if not value < 0 or math.isinf(value) else "; inhibition is a GABA receptor's"
        raise ConnectivityError(
            f"{label}: {name(int(bad))} = {value}: expected finite weights >= 0 (they add to conductances){why}"
        )
