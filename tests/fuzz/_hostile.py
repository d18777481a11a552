"""Values that no parameter expects, and some that many parameters accept."""

from __future__ import annotations

import datetime
import decimal
import fractions
import io
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np

Maker = Callable[[], Any]


def cyclic_list() -> list[Any]:
    found: list[Any] = [1.0]
    found.append(found)
    return found


def cyclic_dict() -> dict[str, Any]:
    found: dict[str, Any] = {}
    found["self"] = found
    return found


def deep_list(depth: int = 3000) -> list[Any]:
    found: list[Any] = [1.0]
    for _ in range(depth):
        found = [found]
    return found


class Plain:
    """A user's class."""


NUMBERS: tuple[Any, ...] = (
    *(0, 1, 2, 3, -1, 255, 65536, 2**31, 2**32, 2**63, 2**64, -(2**63), 10**30, 10**400, -(10**400), 10**5000),
    *(0.0, -0.0, 0.1, 0.5, 1.0, 1.5, 3.0, -1.0, -70.0, 1e9, 1e17, 1e39, -1e39, 1e308, -1e308, 1e-320, 5e-324),
    *(math.nan, math.inf, -math.inf, True, False, 1j, None, decimal.Decimal("1.5"), fractions.Fraction(1, 3)),
    *(decimal.Decimal("NaN"), np.float16(1), np.float32(1e30), np.float64("nan"), np.int8(-1), np.uint64(2**64 - 1)),
    *(np.longdouble("1e4000"), np.bool_(True), np.complex64(1j), np.datetime64("2020-01-01"), np.timedelta64(5, "ms")),
    *(np.str_("soma"), np.float64(1e200), np.int64(3)),
)

TEXTS: tuple[Any, ...] = (
    *("", "x", "soma", "V", "spikes", "gL", "a/b", "a.b", " ", "1e5", "\x00", "\ud800", "a\udcff", "é", "\U0001f9e0"),
    *(
        "a" * 5000,
        "__class__",
        "_values",
        "self",
        "None",
        "nan",
        "\n",
        "../x",
        "/",
        ".",
        "float32",
        "fp32",
        "rk4",
        b"x",
    ),
    *(b"\xff", bytearray(b"x"), memoryview(b"abc")),
)

ARRAYS: tuple[Maker, ...] = (
    *(list, tuple, dict, set, lambda: [[]], lambda: [[1], [2, 3]], lambda: [None], lambda: ["a"], lambda: [math.nan]),
    *(lambda: [1.0, 2.0, 3.0], lambda: (1, 2), lambda: [True, False], lambda: [1e39], lambda: [10**400], lambda: [1j]),
    *(lambda: np.array([]), lambda: np.array(1.0), lambda: np.array(math.inf), lambda: np.array([1.0, 2.0])),
    *(lambda: np.zeros((2, 0)), lambda: np.zeros((3, 3)), lambda: np.ones((1, 1, 1)), lambda: np.arange(3)),
    *(lambda: np.array([None], dtype=object), lambda: np.array(["a"]), lambda: np.array([1j]), lambda: -np.ones(2)),
    *(lambda: np.array([1], dtype="datetime64[s]"), lambda: np.array([1.0], dtype=">f8"), lambda: np.zeros(4)[::2]),
    *(lambda: np.full(2, np.nan), lambda: np.array([1e300, 1.0]), lambda: np.array([2**63], dtype=np.uint64)),
    *(lambda: np.zeros(2, dtype=[("a", float), ("b", int)]), lambda: np.array([1, 2], dtype=np.float16)),
    *(lambda: np.ma.masked_array([1.0, 2.0], mask=[False, True]), lambda: np.ma.masked_array([1.0, 2.0, 3.0])),
    *(lambda: np.ma.masked, lambda: [np.ma.masked, 1.0], lambda: np.ma.masked_all((2, 2)), lambda: np.array([True])),
    *(lambda: np.array([1.0], dtype=np.longdouble), lambda: np.array([object()]), lambda: np.matrix([[1.0, 2.0]])),
    *(cyclic_list, cyclic_dict, deep_list, lambda: [np.zeros(2), np.zeros(3)], lambda: np.array([], dtype=np.int64)),
    *(lambda: range(3), lambda: iter([1.0]), lambda: (x for x in [1.0]), lambda: {1: 2}, lambda: {"gL": math.nan}),
    *(lambda: {"\ud800": 1.0}, lambda: {"gL": cyclic_list()}, lambda: frozenset([1]), lambda: {"a": None}),
    *(object, Plain, lambda: Plain, lambda: len, lambda: lambda x: x, lambda: lambda: 1, lambda: math, io.StringIO),
    *(lambda: type, lambda: Ellipsis, lambda: NotImplemented, lambda: slice(None), lambda: ValueError("x")),
    *(lambda: datetime.timedelta(1), lambda: np.random.default_rng(0), lambda: np.dtype("f8"), lambda: np.float64),
)


def hostile(random: random.Random) -> Any:
    """Return a random hostile value."""
    draw = random.random()
    if draw < 0.45:
        return random.choice(NUMBERS)
    if draw < 0.65:
        return random.choice(TEXTS)
    return random.choice(ARRAYS)()


def matrices() -> list[Maker]:
    """Return functions that make sparse matrices, mostly inconsistent ones; the list is empty without SciPy."""
    try:
        import scipy.sparse as sparse
    except ImportError:
        return []

    def csr(**changes: Any) -> Any:
        found = sparse.csr_matrix(([1.0, 2.0, 3.0], [0, 1, 2], [0, 1, 2, 3]), shape=(3, 3))
        for name, value in changes.items():
            setattr(found, name, value)
        return found

    def coo(**changes: Any) -> Any:
        found = sparse.coo_array(([1.0, 2.0], ([0, 1], [1, 2])), shape=(3, 3))
        for name, value in changes.items():
            setattr(found, name, value)
        return found

    far, wild = np.array([0, 1, 10**9], dtype=np.int32), np.array([0, 2**30, 1, 3], dtype=np.int32)
    return [
        *(csr, coo, lambda: sparse.csc_matrix(np.eye(3)), lambda: sparse.lil_matrix((3, 3)), lambda: csr().todok()),
        *(lambda: csr().tobsr(), lambda: csr().todia(), lambda: sparse.csr_array((3, 3)), lambda: csr(indices=far)),
        *(lambda: csr(indptr=wild), lambda: csr(indptr=np.array([0, 1], dtype=np.int32)), lambda: csr(indptr=-wild)),
        *(lambda: csr(indices=np.array([0, -1, 2], dtype=np.int32)), lambda: csr(data=np.array([1.0]))),
        *(lambda: csr(data=np.array([1.0, np.nan, 2.0])), lambda: csr(data=np.array(["a", "b", "c"]))),
        *(lambda: csr(indices=np.array([0.5, 1.0, 2.0])), lambda: csr(data=np.ma.masked_array([1.0] * 3, mask=True))),
        *(lambda: csr(indices=np.array([2, 2, 2], dtype=np.int32)), lambda: csr(data=None), lambda: csr(indptr=None)),
        *(lambda: csr(indices=np.array([], dtype=np.int32)), lambda: csr(indptr=np.zeros(4, dtype=np.int32))),
        *(lambda: coo(coords=(np.array([-1, 0]), np.array([0, 1]))), lambda: coo(data=np.ones(5))),
        *(lambda: coo(coords=(np.array([0, 7]), np.array([0, 10**9]))), lambda: coo(coords=(np.array([0]),))),
        *(lambda: csr().astype(complex), lambda: csr().astype(bool), lambda: sparse.csr_matrix((0, 3))),
    ]
