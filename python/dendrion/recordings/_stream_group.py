"""A zarr group that grows while a network runs. It can be read at any time, even after the process was killed.

The arrays of a group grow one after another, so their lengths differ temporarily. Readers such as xarray and zarr rely
on consolidated metadata: copies of the metadata of all arrays, stored in the ``zarr.json`` of the group and in that of
the folder above it. Both files are replaced atomically, after all arrays have grown.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from .._quoted import counted, quoted
from ..export._files import replacing
from ..export._zarr_parts import whole

__all__ = ["StreamGroup"]


class StreamGroup:
    """A group on disk.

    Parameters
    ----------
    group : zarr.Group
        The group, with all its arrays.
    folder : path
        Path of the group.
    growing : dict
        The arrays that grow together, keyed by name. They must be the original objects, because reopened arrays would
        not write chunks of zeros.
    """

    def __init__(self, group: Any, folder: Path, growing: dict[str, Any]) -> None:
        self._group, self._folder, self._growing = group, folder, growing
        self._attributes: dict[str, Any] = dict(group.attrs)
        self._length = 0
        self._identity = _identity(folder)

    @property
    def begin(self) -> int:
        """First step of the recording."""
        return int(self._attributes["begin"])

    @property
    def is_of_samples(self) -> bool:
        """Whether the group contains samples rather than spikes."""
        return "values" in self._growing

    def read(self, name: str) -> NDArray[Any]:
        """Return an array.

        Raises
        ------
        OSError
            If the folder was changed or removed by another program.
        """
        self._check()
        return whole(self._group, name, self._length)

    def append(self, **new: NDArray[Any]) -> None:
        """Append rows to all growing arrays; if this fails, append them to none.

        Raises
        ------
        OSError
            If the folder was changed or removed, or cannot be written.
        """
        self._check()
        try:
            for name, values in new.items():
                self._growing[name].append(values)
        except BaseException:
            # The original error matters more than one raised by the clean-up.
            with contextlib.suppress(Exception):
                self._resize(self._length)
            raise
        self._length += len(next(iter(new.values())))

    def commit(self, **attributes: Any) -> None:
        """Make the appended rows visible to readers, together with new attributes."""
        self._check()
        self._replace_metadata(attributes, {})

    def clear(self, begin: int) -> None:
        """Remove all rows; the recording starts again at step ``begin``."""
        self._check()
        # Update the metadata before the rows are removed, so that readers never see missing rows.
        self._replace_metadata({"begin": begin, "steps": begin}, dict.fromkeys(self._growing, 0))
        self._resize(0)
        self._length = 0

    def _resize(self, rows: int) -> None:
        for array in self._growing.values():
            array.resize((rows, *array.shape[1:]))

    def _replace_metadata(self, attributes: dict[str, Any], lengths: dict[str, int]) -> None:
        document, members = _metadata(self._folder), _members(self._folder)
        for name, rows in lengths.items():
            members[name]["shape"][0] = rows
        document["attributes"] = self._attributes | attributes
        _replace(self._folder, document, members)
        self._attributes |= attributes
        # Keep the metadata that writers of other groups have committed.
        root = self._folder.parent
        above = _metadata(root)
        known = above.get("consolidated_metadata", {}).get("metadata", {})
        name = self._folder.name
        own = {name: _alone(document)} | {f"{name}/{member}": found for member, found in members.items()}
        _replace(root, above, _members(root) | known | own)

    def _check(self) -> None:
        """Raise an error if the folder was removed or changed by another program."""
        try:
            _metadata(self._folder)
            is_whole = _identity(self._folder) == self._identity and all(
                _rows(self._folder / name) == self._length for name in self._growing
            )
            # An array of samples of zero neurons has no chunks, but the array of steps does.
            is_whole = is_whole and (self._length == 0 or (self._folder / "step" / "c").is_dir())
        except (OSError, ValueError, LookupError):
            is_whole = False
        if not is_whole:
            name = self._attributes.get("name")
            raise OSError(
                f"{name}: the zarr folder {quoted(os.fspath(self._folder))} was removed or changed during the "
                f"recording, so {counted(self._length, 'row')} written to it {'is' if self._length == 1 else 'are'} "
                "lost; do not modify the folder during a run, or end the recording with net.remove(recording)"
            )


def _metadata(node: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((node / "zarr.json").read_bytes())
    return found


def _alone(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of a group without the metadata of its members."""
    return {key: value for key, value in metadata.items() if key != "consolidated_metadata"}


def _members(folder: Path) -> dict[str, Any]:
    """Return the metadata on disk of all arrays and groups below a folder."""
    members = {}
    for path in sorted(folder.iterdir()):
        if (path / "zarr.json").is_file():
            found = _metadata(path)
            members[path.name] = _alone(found)
            if found["node_type"] == "group":
                members |= {f"{path.name}/{name}": member for name, member in _members(path).items()}
    return members


def _replace(folder: Path, document: dict[str, Any], members: dict[str, Any]) -> None:
    """Replace the metadata of a group atomically."""
    document["consolidated_metadata"] = {"kind": "inline", "must_understand": False, "metadata": members}
    with replacing(folder / "zarr.json") as partial:
        partial.write_text(json.dumps(document, indent=2), encoding="utf-8")


def _rows(array: Path) -> int:
    return int(_metadata(array)["shape"][0])


def _identity(folder: Path) -> tuple[int, int]:
    found = os.stat(folder)
    return found.st_dev, found.st_ino
