"""Recordings in zarr folders written by ``probe(to=...)``."""

from __future__ import annotations

import functools
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._quoted import quoted
from ..errors import ParameterError
from ..recordings.recording import FilePath
from ._archive import Arrays
from ._extras import needed
from ._layout import NAMES, SAMPLES
from ._part import Part


def zarr_parts(path: FilePath) -> list[Part]:
    """Return the recordings in a zarr folder, or the only recording if the folder is the group of a recording."""
    if not any(os.path.exists(os.path.join(path, name)) for name in ("zarr.json", ".zgroup")):
        raise ParameterError("is a folder, but not a zarr folder")
    zarr: Any = needed("zarr", "zarr", "load_recording of a zarr folder")
    try:
        root = zarr.open_group(os.fspath(path), mode="r", zarr_format=3)
        groups = {"": root} if "format" in root.attrs else dict(root.groups())
        parts = []
        for key, group in groups.items():
            attributes = dict(group.attrs)
            if attributes.get("format") in NAMES:
                name = str(attributes.get("name"))
                parts.append(Part(key, name, functools.partial(_read, group, attributes)))
    except Exception as error:
        # The exceptions that zarr raises for damaged files have no common base class.
        raise ParameterError(f"is not a zarr folder, or is damaged ({error})") from error
    if not parts:
        raise ParameterError("is a zarr folder, but contains no Dendrion recordings")
    return parts


def _read(group: Any, attributes: dict[str, Any]) -> Arrays:
    """Return the arrays of a group."""
    try:
        return _arrays(group, attributes)
    except ParameterError:
        raise
    except Exception as error:
        raise ParameterError(f"{group.basename}: is damaged ({quoted(error)})") from error


def _arrays(group: Any, attributes: dict[str, Any]) -> Arrays:
    is_samples = attributes["format"] == SAMPLES
    begin = int(attributes["begin"])
    steps = max(int(attributes.get("steps", begin)), begin)
    growing = ("values", "step", "t") if is_samples else ("i", "step", "t")
    # If a run was killed while it was writing, arrays may have different lengths.
    count = min(group[name].shape[0] for name in growing)
    step = whole(group, "step", count).astype(np.uint64)
    # Everything recorded before the step in the attribute ``steps`` is complete.
    count = int((step < steps).sum())
    arrays: Arrays = {
        "format": np.array(str(attributes["format"])),
        "version": np.array(int(attributes["version"])),
        "name": np.array(str(attributes["name"])),
        "population": np.array(str(attributes["population"])),
        "index": whole(group, "neuron", None),
        "step": np.array(float(attributes["dt"])),
        "t": whole(group, "t", count),
    }
    if is_samples:
        every = int(attributes["every"])
        arrays["values"] = whole(group, "values", count)
        arrays["unit"] = np.array(str(attributes["unit"]))
        arrays["first"] = np.array(int(step[0]) if count else 0)
        arrays["every"] = np.array(every)
        return arrays | {name: whole(group, name, None) for name in ("gid", "cv") if name in group}
    arrays["i"] = whole(group, "i", count).astype(np.int64)
    arrays["size"] = np.array(int(attributes["size"]))
    arrays["begin"], arrays["steps"] = np.array(begin), np.array(steps)
    if "first_gid" in attributes:
        arrays["first_gid"] = np.array(int(attributes["first_gid"]))
    return arrays


def whole(group: Any, name: str, count: int | None) -> NDArray[Any]:
    """Return an array, or its first ``count`` rows. Missing chunks, which zarr would read as zeros, raise an error."""
    array = group[name]
    if array.nchunks_initialized < array.nchunks:
        missing = array.nchunks - array.nchunks_initialized
        verb = "is" if missing == 1 else "are"
        raise ParameterError(f"{group.basename}: {name}: {missing} of {array.nchunks} chunks {verb} missing")
    return np.asarray(array[:] if count is None else array[:count])
