"""States of optimizers: state dicts, and files that also contain the parameters of the network."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._numbers import numbers
from .._paths import file_name
from .._quoted import quoted
from ..errors import DendrionError, ParameterError, StateError
from ._optimizer import Optimizer, State

__all__ = ["load", "load_state_dict", "save", "state_dict"]

_VERSION = 1


def state_dict(optimizer: Optimizer) -> dict[str, Any]:
    """Return a copy of the state of an optimizer; see [Optimizer.state_dict][dendrion.optim.Optimizer.state_dict]."""
    groups: dict[tuple[float, float], list[str]] = {}
    rates = optimizer.rates()
    for key in optimizer.keys:
        groups.setdefault((rates[key], optimizer._decay.get(key, 0.0)), []).append(key)
    common = {name: getattr(optimizer, name) for name in optimizer._settings}
    return {
        "state": {
            key: {name: np.array(value) if name != "step" else value for name, value in state.items()}
            for key, state in optimizer._state.items()
        },
        "param_groups": [
            {"params": keys, "lr": lr, **common, "weight_decay": decay} for (lr, decay), keys in groups.items()
        ],
        "steps": optimizer.steps,
        "units": dict(optimizer._units),
    }


def load_state_dict(optimizer: Optimizer, given: Mapping[str, Any]) -> None:
    """Set the state of an optimizer; see [Optimizer.load_state_dict][dendrion.optim.Optimizer.load_state_dict]."""
    _accept(optimizer, _checked(optimizer, given))


def _checked(optimizer: Optimizer, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a valid state dict, or raise an error."""
    kind = type(optimizer).__name__
    names = ("state", "param_groups", "steps", "units")
    if not isinstance(given, Mapping) or any(name not in given for name in names):
        raise StateError(
            f"{kind}: load_state_dict: expected a dict that state_dict() returned, with {', '.join(names)}"
        )
    for name in ("state", "units"):
        if not isinstance(given[name], Mapping):
            raise StateError(f"{kind}: load_state_dict: {name} = {quoted(given[name])}: expected a dict")
    groups = given["param_groups"]
    if not isinstance(groups, (list, tuple)) or not all(map(_is_group, groups)):
        raise StateError(f"{kind}: load_state_dict: param_groups = {quoted(groups)}: expected a list of dicts")
    saved = [key for group in groups for key in group["params"]]
    for key in (*saved, *given["state"], *given["units"]):
        if not isinstance(key, str) or key not in optimizer.keys:
            raise StateError(f"{kind}: load_state_dict: {quoted(key)}: is not among the trained parameters")
    for key in optimizer.keys:
        if key not in saved or key not in given["units"]:
            raise StateError(f"{kind}: load_state_dict: {key}: is missing; expected all trained parameters")
    for group in groups:
        for name in ("lr", "weight_decay", *optimizer._settings):
            if name not in group:
                raise StateError(
                    f"{kind}: load_state_dict: param_groups: {name} is missing; expected the state of another {kind}"
                )
    shapes = {key: np.shape(value) for key, value in optimizer.net.parameters().items()}
    states = {key: _state(optimizer, key, state, shapes[key]) for key, state in given["state"].items()}
    return {**given, "state": states}


def _is_group(group: object) -> bool:
    return isinstance(group, Mapping) and isinstance(group.get("params"), (list, tuple))


def _state(optimizer: Optimizer, key: str, given: Any, shape: tuple[int, ...]) -> State:
    """Return the state of one parameter, or raise an error."""
    what = f"{type(optimizer).__name__}: load_state_dict: {key}"
    names = {"step", *optimizer._kept}
    if not isinstance(given, Mapping) or set(given) != names:
        raise StateError(f"{what}: {quoted(given)}: expected a dict with {', '.join(sorted(names))}")
    # PyTorch stores the step as a tensor with one number.
    step = _numbers(f"{what}: step", given["step"])
    if step.shape != () or not float(step).is_integer() or not 0 <= step < 2**62:
        raise StateError(f"{what}: step = {quoted(given['step'])}: expected an integer >= 0")
    state: State = {"step": int(step)}
    for name in optimizer._kept:
        array = _numbers(f"{what}: {name}", given[name])
        if array.shape != shape:
            raise StateError(f"{what}: {name} of shape {array.shape}: expected shape {shape}")
        if not np.isfinite(array).all():
            raise StateError(f"{what}: {name}: has infinite or NaN values; expected finite values")
        state[name] = array
    return state


def _numbers(what: str, value: Any) -> NDArray[np.float64]:
    try:
        return numbers(what, value, "numbers")
    except DendrionError as error:
        raise StateError(str(error)) from None


def _accept(optimizer: Optimizer, given: Mapping[str, Any]) -> None:
    """Set a valid state. If a setting is invalid, nothing changes."""
    before = dict(optimizer.__dict__)
    groups = given["param_groups"]
    rates = {key: group["lr"] for group in groups for key in group["params"]}
    try:
        optimizer.steps = given["steps"]
        for name in optimizer._settings:
            setattr(optimizer, name, groups[0][name])
        kept = {key: rate if callable(rate) else rates[key] for key, rate in optimizer._rates.items()}
        if any(rate != kept[key] for key, rate in optimizer._rates.items()):
            numbers = set(kept.values())
            optimizer.lr = kept if len(numbers) > 1 else numbers.pop()
        decay = {key: group["weight_decay"] for group in groups for key in group["params"] if group["weight_decay"]}
        if decay != optimizer._decay:
            optimizer.weight_decay = decay
        units = {key: float(given["units"][key]) for key in optimizer.keys}
        if not all(np.isfinite(unit) and unit > 0 for unit in units.values()):
            raise ParameterError(f"units = {quoted(units)}: expected finite numbers > 0")
    except (DendrionError, TypeError, ValueError, OverflowError) as error:
        optimizer.__dict__.clear()
        optimizer.__dict__.update(before)
        raise StateError(f"{type(optimizer).__name__}: load_state_dict: {error}") from None
    optimizer._units, optimizer._state = units, dict(given["state"])


def save(optimizer: Optimizer, path: str | os.PathLike[str], overwrite: bool) -> None:
    """Write the state of an optimizer and the parameters of its network."""
    # The export package is loaded on first use, because most programs do not need it.
    from ..export._archive import Arrays, write_arrays
    from ..export._files import new_file

    kind, state = type(optimizer).__name__, state_dict(optimizer)
    arrays: Arrays = {f"net/{key}": value for key, value in optimizer.net.state_dict().items()}
    steps = {}
    for key, kept in state.pop("state").items():
        steps[key] = kept["step"]
        arrays |= {f"{name}/{key}": kept[name] for name in optimizer._kept}
    about = {"version": _VERSION, "kind": kind, **state, "step": steps}
    with new_file(f"{kind}: save", path, overwrite, ".npz") as partial:
        write_arrays(partial, {"about": np.array(json.dumps(about)), **arrays})


def load(optimizer: Optimizer, path: str | os.PathLike[str]) -> None:
    """Read a file that ``save`` wrote. If it is invalid, neither the optimizer nor its network changes."""
    from ..export._archive import read_arrays

    net, kind = optimizer.net, type(optimizer).__name__
    name = file_name(f"{kind}: load: path", path)
    known = net.state_dict()
    expected = {f"net/{key}" for key in known}
    expected |= {f"{kept}/{key}" for kept in optimizer._kept for key in optimizer.keys}
    try:
        arrays = read_arrays(name, {"about", *expected})
        about = json.loads(str(arrays["about"]))
        if about["version"] != _VERSION:
            raise ParameterError(f"has version {quoted(about['version'])}; expected {_VERSION}")
        if about["kind"] != kind:
            raise ParameterError(f"contains the state of an optimizer of class {quoted(about['kind'])}")
        state = {
            key: {"step": step, **{kept: arrays[f"{kept}/{key}"] for kept in optimizer._kept}}
            for key, step in about["step"].items()
        }
        values = {key: arrays[f"net/{key}"] for key in known}
    except (ParameterError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise StateError(
            f"{kind}: load: {quoted(name)}: {reason}; expected a file that save() wrote for the same network and the "
            "same trained parameters"
        ) from None
    checked = _checked(optimizer, {**about, "state": state, "steps": about.get("steps")})
    before = dict(optimizer.__dict__)
    _accept(optimizer, checked)
    try:
        net.load_state_dict(values)
    except DendrionError as error:
        optimizer.__dict__.update(before)
        raise StateError(f"{kind}: load: {quoted(name)}: {error}") from None
