"""Files that are written as a whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from .. import _core
from ..errors import ParameterError, ParameterTypeError


@contextlib.contextmanager
def new_file(what: str, path: object, overwrite: bool, suffix: str = "") -> Iterator[Path]:
    """Yield the name of a file to write, which becomes ``path`` if nothing fails, and else is removed.

    Parameters
    ----------
    what : str
        The function that writes, for messages.
    path : str or path
        Where the file goes.
    overwrite : bool
        Whether it may take the place of another.
    suffix : str
        How its name has to end.
    """
    if not isinstance(path, (str, os.PathLike)) or isinstance(os.fspath(path), bytes):
        raise ParameterTypeError(f"{what}: path = {path!r}: expected the name of a file")
    target = Path(path)
    if suffix and target.suffix != suffix:
        raise ParameterError(f"{what}: path = {str(target)!r}: expected a name that ends in {suffix}")
    if target.is_dir() or not target.name:
        raise ParameterError(f"{what}: path = {str(target)!r}: is a folder; expected the name of a file")
    if not target.parent.is_dir():
        raise ParameterError(f"{what}: path = {str(target)!r}: there is no folder {str(target.parent)!r}")
    _check_free(what, target, overwrite)
    with replacing(target) as partial:
        yield partial
        _check_free(what, target, overwrite)


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield the name of a file to write, which replaces ``target`` as a whole if nothing fails, and else is removed.

    The new file has the permissions of the old one and is on disk before it takes its name.
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
            f"{what}: path = {str(target)!r}: exists already; expected another name, or overwrite=True"
        )
