"""Files that are written atomically: completely or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .. import _core
from .._paths import file_name
from .._quoted import quoted
from ..errors import ParameterError, ParameterTypeError


@contextlib.contextmanager
def new_file(what: str, path: object, overwrite: bool, suffix: str = "") -> Iterator[Path]:
    """Yield the path of a temporary file, which is renamed to ``path`` if nothing fails, and removed otherwise.

    Parameters
    ----------
    what : str
        Name of the function that writes the file, for error messages.
    path : str or path
        Path of the final file.
    overwrite : bool
        Whether an existing file may be replaced.
    suffix : str
        Required ending of the name.
    """
    target = Path(file_name(f"{what}: path", path))
    if not isinstance(overwrite, (bool, np.bool_)):
        raise ParameterTypeError(f"{what}: overwrite = {quoted(overwrite)}: expected True or False")
    if suffix and target.suffix != suffix:
        raise ParameterError(f"{what}: path = {quoted(str(target))}: expected a name that ends in {suffix}")
    if target.is_dir() or not target.name:
        raise ParameterError(f"{what}: path = {quoted(str(target))}: is a folder; expected a file name")
    if not target.parent.is_dir():
        raise ParameterError(
            f"{what}: path = {quoted(str(target))}: the folder {quoted(str(target.parent))} does not exist"
        )
    _check_free(what, target, overwrite)
    with replacing(target) as partial:
        yield partial
        _check_free(what, target, overwrite)


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield the path of a temporary file, which replaces ``target`` if nothing fails, and is removed otherwise.

    The new file gets the permissions of the old file, and is flushed to disk before it is renamed.
    """
    replacement = _core.Replacement(os.fspath(target))
    try:
        yield Path(str(replacement.path))
        replacement.finish()
    finally:
        replacement.abandon()


def _check_free(what: str, target: Path, overwrite: bool) -> None:
    if target.exists() and not overwrite:
        raise ParameterError(
            f"{what}: path = {quoted(str(target))}: already exists; use another name, or pass overwrite=True"
        )
