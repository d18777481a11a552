"""Archives of NumPy arrays (npz), and a reader for those that may be damaged or hostile.

``numpy.load`` allocates what a header asks for before it has seen the data, evaluates the header as Python, and unpacks
what is compressed, however large. This reader takes plain arrays only, as they are written here: not compressed, in C
order, no larger than the file.
"""

from __future__ import annotations

import math
import os
import re
import struct
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import ParameterError

Arrays = dict[str, np.ndarray[Any, Any]]

_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    r"\{'descr': '([<>](?:[iu][248]|f[48]|U[1-9]\d{0,5})|\|[iu]1)', 'fortran_order': False, "
    r"'shape': \((|\d{1,19},|\d{1,19}(?:, \d{1,19})+)\), \}"
)
#: What zipfile raises where an archive is damaged, beside its own error.
_DAMAGES = (zipfile.BadZipFile, ValueError, RuntimeError, EOFError, OSError, struct.error, OverflowError)


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write an archive that ``numpy.load`` reads too; the same arrays give the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array, order="C"), version=(1, 0), allow_pickle=False)


def read_arrays(path: str | os.PathLike[str], names: set[str]) -> Arrays:
    """Return the arrays of an archive.

    Parameters
    ----------
    path : str or path
        The file.
    names : set of str
        Names that it may have; others are refused.

    Raises
    ------
    ParameterError
        Where it is no such archive, or is damaged.
    OSError
        Where it cannot be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            with zipfile.ZipFile(file) as archive:
                return _members(archive, names, size)
        except _DAMAGES as error:
            if isinstance(error, ParameterError):
                raise
            raise ParameterError(f"is no archive of arrays, or is damaged ({error})") from error


def _members(archive: zipfile.ZipFile, names: set[str], size: int) -> Arrays:
    arrays: Arrays = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        if name == info.filename or name not in names or name in arrays:
            raise ParameterError(f"has a part {info.filename!r}")
        if info.compress_type != zipfile.ZIP_STORED:
            raise ParameterError(f"{name}: is compressed")
        if info.file_size != info.compress_size or info.file_size > size:
            raise ParameterError(f"{name}: {info.file_size} bytes in a file of {size}")
        with archive.open(info) as member:
            arrays[name] = _array(name, member, info.file_size)
    return arrays


def _array(name: str, member: IO[bytes], size: int) -> np.ndarray[Any, Any]:
    """Return the array of a part that has so many bytes."""
    start = member.read(10)
    length = int.from_bytes(start[8:], "little")
    header = member.read(length).decode("latin-1").rstrip()
    match = _HEADER.fullmatch(header)
    if start[:8] != _MAGIC + b"\x01\x00" or match is None:
        raise ParameterError(f"{name}: is no array of numbers or text")
    dtype = np.dtype(match[1])
    shape = tuple(int(n) for n in match[2].split(",") if n)
    if math.prod(shape) * dtype.itemsize != size - 10 - length:
        raise ParameterError(f"{name}: {size} bytes do not hold {dtype} of shape {shape}")
    # To the end and no further: that is where the checksum is compared.
    data = member.read()
    if dtype.kind == "U":
        order = "utf-32-be" if dtype.byteorder == ">" else "utf-32-le"
        return np.array(data.decode(order).rstrip("\0")).reshape(shape)
    return np.ndarray(shape, dtype, data).astype(dtype.newbyteorder("="), copy=False)
