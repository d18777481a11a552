"""NumPy archives (npz), and a reader that is safe for damaged and malicious files.

``numpy.load`` allocates as much memory as a header requests before it reads any data, evaluates the header as a Python
literal, and decompresses archives of any size. This reader accepts only plain arrays in the form in which this module
writes them: uncompressed, in C order, and not larger than the file.
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

from .._quoted import quoted
from ..errors import ParameterError

Arrays = dict[str, np.ndarray[Any, Any]]

_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    r"\{'descr': '([<>](?:[iu][248]|f[48]|U[1-9]\d{0,5})|\|[iu]1)', 'fortran_order': False, "
    r"'shape': \((|\d{1,19},|\d{1,19}(?:, \d{1,19})+)\), \}"
)
#: Exceptions that zipfile raises for damaged archives.
_DAMAGES = (zipfile.BadZipFile, ValueError, RuntimeError, EOFError, OSError, struct.error, OverflowError)


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write an archive that ``numpy.load`` can also read. Equal arrays result in identical bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array, order="C"), version=(1, 0), allow_pickle=False)


def read_arrays(path: str | os.PathLike[str], names: set[str]) -> Arrays:
    """Return the arrays of an archive.

    Parameters
    ----------
    path : str or path
        Path of the file.
    names : set of str
        Permitted names of arrays; any other name is an error.

    Raises
    ------
    ParameterError
        If the file is not such an archive, or is damaged.
    OSError
        If the file cannot be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            with zipfile.ZipFile(file) as archive:
                return _members(archive, names, size)
        except _DAMAGES as error:
            if isinstance(error, ParameterError):
                raise
            raise ParameterError(f"is not an archive of arrays, or is damaged ({error})") from error


def _members(archive: zipfile.ZipFile, names: set[str], size: int) -> Arrays:
    arrays: Arrays = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        if name == info.filename or name not in names or name in arrays:
            raise ParameterError(f"contains an unexpected entry {quoted(info.filename)}")
        if info.compress_type != zipfile.ZIP_STORED:
            raise ParameterError(f"{name}: is compressed")
        if info.file_size != info.compress_size or info.file_size > size:
            raise ParameterError(f"{name}: declares {info.file_size} bytes, but the file has {size} bytes")
        with archive.open(info) as member:
            arrays[name] = _array(name, member, info.file_size)
    return arrays


def _array(name: str, member: IO[bytes], size: int) -> np.ndarray[Any, Any]:
    """Return the array in a member of an archive; the member has ``size`` bytes."""
    start = member.read(10)
    length = int.from_bytes(start[8:], "little")
    header = member.read(length).decode("latin-1").rstrip()
    match = _HEADER.fullmatch(header)
    if start[:8] != _MAGIC + b"\x01\x00" or match is None:
        raise ParameterError(f"{name}: is not an array of numbers or text")
    dtype = np.dtype(match[1])
    shape = tuple(int(n) for n in match[2].split(",") if n)
    if math.prod(shape) * dtype.itemsize != size - 10 - length:
        raise ParameterError(f"{name}: {size} bytes cannot hold an array of {dtype} with shape {shape}")
    # Read to the end of the member, where zipfile verifies the checksum.
    data = member.read()
    if dtype.kind == "U":
        order = "utf-32-be" if dtype.byteorder == ">" else "utf-32-le"
        return np.array(data.decode(order).rstrip("\0")).reshape(shape)
    return np.ndarray(shape, dtype, data).astype(dtype.newbyteorder("="), copy=False)
