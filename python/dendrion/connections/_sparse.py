"""Checks of sparse matrices, before SciPy reads them.

SciPy stores the arrays of a matrix as attributes that any code may replace, and its compiled code does not check them:
out-of-range indices make it read and write outside the arrays. SciPy also silently drops entries with the index -1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._numbers import array_of
from .._quoted import counted, quoted
from ..errors import ConnectivityError

__all__ = ["check_sparse", "to_format"]


def to_format(label: str, matrix: Any, form: str) -> Any:
    """Return a copy of a sparse matrix in another format, ``csr`` or ``coo``.

    Raises
    ------
    ConnectivityError
        If the arrays of the matrix are inconsistent, or the package that defines the matrix cannot convert it.
    """
    check_sparse(label, matrix)
    try:
        found = matrix.tocsr(copy=True) if form == "csr" else matrix.tocoo(copy=True)
    except MemoryError:
        raise
    except Exception as error:
        raise ConnectivityError(f"{label}: the matrix cannot be converted to {form}: {error}") from error
    # The result of another package's conversion has not been checked yet.
    check_sparse(label, found)
    if form == "csr":
        # The flags that mark indices as sorted and unique may be wrong.
        found.has_canonical_format = found.has_sorted_indices = False
        found.sum_duplicates()
    return found


def check_sparse(label: str, matrix: Any) -> None:
    """Raise an error unless the arrays of a sparse matrix are consistent. Other packages' formats are not checked."""
    shape = tuple(matrix.shape)
    if len(shape) != 2:
        raise ConnectivityError(f"{label} of shape {shape}: expected shape (sources, targets)")
    check = _CHECKS.get(str(getattr(matrix, "format", "")))
    if check is not None:
        check(label, matrix, int(shape[0]), int(shape[1]))


def _check_rows(label: str, matrix: Any, rows: int, columns: int) -> None:
    _check_compressed(label, matrix, rows, columns, 1)


def _check_columns(label: str, matrix: Any, rows: int, columns: int) -> None:
    _check_compressed(label, matrix, columns, rows, 1)


def _check_blocks(label: str, matrix: Any, rows: int, columns: int) -> None:
    data = array_of(f"{label}.data", matrix.data, "numbers")
    if data.ndim != 3 or 0 in data.shape[1:] or rows % data.shape[1] or columns % data.shape[2]:
        raise ConnectivityError(
            f"{label}.data of shape {data.shape}: expected three dimensions, with blocks whose shape divides the shape "
            f"of the matrix, ({rows}, {columns})"
        )
    _check_compressed(label, matrix, rows // data.shape[1], columns // data.shape[2], 3)


def _check_compressed(label: str, matrix: Any, major: int, minor: int, dimensions: int) -> None:
    """Check compressed rows (or columns). Row i has the columns ``indices[indptr[i]:indptr[i + 1]]``."""
    indptr, indices = (_whole(f"{label}.{name}", getattr(matrix, name, None)) for name in ("indptr", "indices"))
    data = _data(label, matrix, dimensions)
    if len(indices) != len(data):
        raise ConnectivityError(
            f"{label}.indices has {counted(len(indices), 'number')}: expected {len(data)}, as many as data"
        )
    ascends = len(indptr) == major + 1 and indptr[0] == 0 and not (indptr[1:] < indptr[:-1]).any()
    if not ascends or indptr[-1] > len(indices):
        raise ConnectivityError(
            f"{label}.indptr: expected {major + 1} integers that ascend from 0 to at most {len(indices)}, the "
            "length of indices"
        )
    _check_range(f"{label}.indices", indices, minor)


def _check_coordinates(label: str, matrix: Any, rows: int, columns: int) -> None:
    data = _data(label, matrix, 1)
    for name, size in (("row", rows), ("col", columns)):
        try:
            given = getattr(matrix, name)
        except (AttributeError, IndexError, TypeError, ValueError):
            given = None
        index = _whole(f"{label}.{name}", given)
        if len(index) != len(data):
            raise ConnectivityError(
                f"{label}.{name} has {counted(len(index), 'number')}: expected {len(data)}, as many as data"
            )
        _check_range(f"{label}.{name}", index, size)


def _check_diagonals(label: str, matrix: Any, rows: int, columns: int) -> None:
    offsets, data = _whole(f"{label}.offsets", getattr(matrix, "offsets", None)), _data(label, matrix, 2)
    if len(offsets) != len(data) or len(np.unique(offsets)) != len(offsets):
        raise ConnectivityError(f"{label}.offsets: expected {len(data)} different integers, one per row of data")


def _check_lists(label: str, matrix: Any, rows: int, columns: int) -> None:
    lists, values = (getattr(matrix, name, None) for name in ("rows", "data"))
    for k in range(rows):
        try:
            index, value = list(lists[k]), list(values[k])  # type: ignore[index]
        except (TypeError, IndexError):
            raise ConnectivityError(
                f"{label}.rows and {label}.data: expected one list per row ({rows}) in each"
            ) from None
        if len(index) != len(value):
            raise ConnectivityError(f"{label}.rows[{k}]: expected as many numbers as in data[{k}] ({len(value)})")
        _check_range(f"{label}.rows[{k}]", _whole(f"{label}.rows[{k}]", index), columns)


_CHECKS = {
    "csr": _check_rows,
    "csc": _check_columns,
    "bsr": _check_blocks,
    "coo": _check_coordinates,
    "dia": _check_diagonals,
    "lil": _check_lists,
}


def _data(label: str, matrix: Any, dimensions: int) -> NDArray[Any]:
    data = array_of(f"{label}.data", getattr(matrix, "data", None), "numbers")
    if data.ndim != dimensions or data.dtype.kind not in "biuf":
        raise ConnectivityError(f"{label}.data of type {data.dtype} and shape {data.shape}: expected real numbers")
    return data


def _whole(label: str, given: Any) -> NDArray[Any]:
    array = array_of(label, given, "integers")
    if array.size == 0 and array.ndim == 1:
        return array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ConnectivityError(f"{label} = {quoted(given)}: expected integers")
    return array


def _check_range(label: str, index: NDArray[Any], size: int) -> None:
    for bad in np.flatnonzero((index < 0) | (index >= size))[:1]:
        raise ConnectivityError(f"{label}[{bad}] = {index[bad]}: expected an integer from 0 to {size - 1}")
