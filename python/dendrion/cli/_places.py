"""Paths of the files that a run writes. They are checked before the run starts."""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from .._quoted import counted
from ..errors import ParameterError, StructureError
from ..export._extras import needed

__all__ = ["Places"]

#: For each format, the package that writes it, and the extra (as in ``dendrion[nwb]``) that installs the package.
_PACKAGES = {"csv": ("pandas", "pandas"), "nwb": ("pynwb", "nwb"), "sonata": ("h5py", "sonata")}
#: Maximum length of a file name without suffix. File systems allow 255 bytes.
LONGEST = 200


class Places:
    """The files that a run writes.

    Parameters
    ----------
    given : argparse.Namespace
        The arguments of the command.
    names : iterable of str
        The names of the recordings.

    Raises
    ------
    ParameterError
        If a file exists already and ``--overwrite`` was not passed.
    StructureError
        If there is nothing to plot.
    ImportError
        If a package that writes a format is missing.
    OSError
        If the folder cannot be created.
    """

    def __init__(self, given: argparse.Namespace, names: Iterable[str]) -> None:
        self.folder = Path(given.out) if given.out else None
        self.formats = list(dict.fromkeys(given.format or ["npz"]))
        self.plot = (self.folder or Path()) / "plot.png" if given.plot else None
        self._stems = file_stems(names)
        if self.plot and not self._stems:
            raise StructureError("--plot: the model has no recordings; add a [record.NAME] table to the model file")
        for form in self.formats if self.folder else []:
            if form in _PACKAGES:
                needed(*_PACKAGES[form], f"--format {form}")
        files = self._files()
        # A run that continues from a saved state may replace the file of this state.
        if given.save_state and not _same(given.save_state, given.load_state):
            files.append(Path(given.save_state))
        if not given.overwrite:
            _check_free(files)
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)

    def of(self, name: str, form: str) -> Path:
        """Return the path of the file for one recording, for formats with one file per recording."""
        return (self.folder or Path()) / f"{self._stems[name]}.{form}"

    def together(self, form: str) -> Path:
        """Return the path of the file that contains all recordings, for formats with a single file."""
        return (self.folder or Path()) / ("recordings.nwb" if form == "nwb" else "recordings.h5")

    @property
    def summary(self) -> Path:
        """Path of the summary file."""
        return (self.folder or Path()) / "summary.json"

    def _files(self) -> list[Path]:
        files = [self.plot] if self.plot else []
        if self.folder is None:
            return files
        for form in self.formats:
            if form in ("npz", "csv"):
                files += [self.of(name, form) for name in self._stems]
            elif self._stems:
                files.append(self.together(form))
        return [*files, self.summary]


def file_stems(names: Iterable[str]) -> dict[str, str]:
    """Return a file name, without a suffix, for each name. The file names remain distinct if case is ignored.

    Characters that file systems do not allow are replaced with ``%XX``, as in URLs.
    """
    stems: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        stem = quote(name, safe=" ")
        if len(stem) > LONGEST:
            stem = f"{stem[: LONGEST - 20]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
        unique, count = stem, 2
        while unique.casefold() in taken:
            unique, count = f"{stem}~{count}", count + 1
        taken.add(unique.casefold())
        stems[name] = unique
    return stems


def _same(a: str, b: str | None) -> bool:
    return b is not None and os.path.realpath(a) == os.path.realpath(b)


def _check_free(files: list[Path]) -> None:
    existing = [os.fspath(file) for file in files if os.path.lexists(file)]
    if existing:
        more = len(existing) - 1
        which = f" and {counted(more, 'other file')} of this run: already exist" if more else ": already exists"
        raise ParameterError(f"{existing[0]}{which}; choose another folder or name, or pass --overwrite")
