"""The base class of the optimizers."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._numbers import real
from .._quoted import counted, quoted, told
from .._suggest import SuggestingKeywords, nearest
from ..connections._targets import mapping_error
from ..errors import AssignmentError, ParameterError, ParameterTypeError
from ..modules._fixed import Abstract, is_ours, shown
from ..simulation.network import Network
from ..training._differentiable import trainable
from ._checks import (
    Bounds,
    Rate,
    checked_bounds,
    checked_decay,
    checked_rates,
    count,
    fraction,
    gradient_of,
    limit,
    pair,
    positive,
    rate_at,
    selected,
)

__all__ = ["Optimizer", "State"]

#: The running means of one parameter, by name, and its number of steps.
State = dict[str, Any]
LearningRate = Rate | Mapping[str, Rate]
#: Checks of simple settings, by name.
_CHECKS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "eps": lambda value: positive("eps", value),
        "momentum": lambda value: fraction("momentum", value),
        "betas": pair,
        "steps": lambda value: count("steps", value),
        "clip_norm": lambda value: limit("clip_norm", value),
        "clip_value": lambda value: limit("clip_value", value),
    }
)


class Optimizer(Abstract, SuggestingKeywords):
    """Base class of the optimizers. ``step(gradients)`` updates the parameters and keeps them within bounds."""

    _examples: ClassVar[str] = "Adam(net)"
    #: Names of the settings that a state dict contains.
    _settings: ClassVar[tuple[str, ...]] = ()
    #: Whether the optimizer has weight decay.
    _decays: ClassVar[bool] = False
    #: Names of the arrays that are kept for each parameter.
    _kept: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        net: Network,
        lr: LearningRate,
        train: Iterable[str] | None,
        bounds: Bounds | None,
        relative: bool,
        clip_norm: float | None,
        clip_value: float | None,
    ) -> None:
        self.net, self.steps = net, 0
        self.keys = trainable(net, train)
        if not self.keys:
            raise ParameterError(f"{type(self).__name__}: train = {quoted(train)}: expected at least one parameter")
        self.lr = lr
        self.clip_norm, self.clip_value = clip_norm, clip_value
        known = net.parameters()
        # Relative steps scale with the magnitude of a parameter, so that 200 pF and 0.01 nS change in proportion.
        if not isinstance(relative, (bool, np.bool_)):
            raise ParameterTypeError(f"{type(self).__name__}: relative = {quoted(relative)}: expected True or False")
        self._units = {k: _magnitude(known[k]) if relative else 1.0 for k in self.keys}
        self._bounds = {key: self._domain(key, known[key]) for key in self.keys}
        for text, bound in checked_bounds(type(self).__name__, bounds).items():
            for key in selected(f"{type(self).__name__}: bounds", net, text, self.keys):
                self._restrict(key, *bound)
        self._decay: dict[str, float] = {}
        self._state: dict[str, State] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            value = self._checked(name, value)
        super().__setattr__(name, value)

    def _checked(self, name: str, value: Any) -> Any:
        """Return a valid value for an attribute, or raise an error."""
        if name in _CHECKS:
            return _CHECKS[name](value)
        if name == "lr":
            found = checked_rates(self.net, value, self.keys)
            rates = [rate_at(rate, self.steps) for rate in found.values()]
            self._rates = found
            plain = not callable(value) and not isinstance(value, Mapping) and rates
            return MappingProxyType(dict(value)) if isinstance(value, Mapping) else rates[0] if plain else value
        if name == "weight_decay" and self._decays:
            self._decay = checked_decay(self.net, value, self.keys)
            return MappingProxyType(dict(value)) if isinstance(value, Mapping) else float(value)
        if name == "net" and not isinstance(value, Network):
            raise ParameterTypeError(f"{type(self).__name__}: net = {quoted(value)}: expected a Network")
        if name in ("net", "keys") and name not in self.__dict__:
            return value
        kind, known = type(self).__name__, [n for n in dir(self) if not n.startswith("_")]
        if name in known:
            raise AssignmentError(f"{kind}.{name} = {shown(value)}: is fixed; create a new {kind}")
        meant = nearest(name, known)
        if meant or is_ours(type(self)):
            end = f"; did you mean {meant!r}?" if meant else ""
            raise AssignmentError(f"{kind}.{name} = {shown(value)}: {kind} has no attribute {quoted(name)}{end}")
        return value

    def _domain(self, key: str, value: NDArray[np.float64]) -> tuple[float, float]:
        lows, highs = [], []
        for tied in self.net._together(key):
            least, most, included = self.net._sim.domain(tied)
            lows.append(least if included else least + 1e-6 * _magnitude(value))
            highs.append(most)
        return max(lows), min(highs)

    def _restrict(self, key: str, least: float | None, most: float | None) -> None:
        """Apply the user's bounds in addition to the domain of a parameter."""
        what, unit = f"{type(self).__name__}: bounds: {key}", self.net._unit_of(key)
        low, high = (None if bound is None else real(what, bound, "a number", unit) for bound in (least, most))
        if any(bound is not None and np.isnan(bound) for bound in (low, high)):
            raise ParameterError(f"{what} = nan: expected a number, or None for no bound")
        before = self._bounds[key]
        low, high = (
            before[0] if low is None else max(before[0], low),
            before[1] if high is None else min(before[1], high),
        )
        if not low <= high or low == np.inf or high == -np.inf:
            raise ParameterError(
                f"{what} = {quoted((least, most))}: expected bounds that permit a value between {before[0]:g} and "
                f"{before[1]:g}, which the parameter's domain and earlier entries permit"
            )
        self._bounds[key] = low, high

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {counted(len(self.keys), 'parameter')}, {counted(self.steps, 'step')}>"

    def rates(self) -> dict[str, float]:
        """Return the learning rate that the next step uses for each parameter."""
        return {key: rate_at(rate, self.steps) for key, rate in self._rates.items()}

    def step(self, gradients: Mapping[str, ArrayLike]) -> None:
        """Update the parameters, given the gradients of the loss to be minimized.

        Parameters without a gradient remain unchanged. If an error is raised, neither the parameters nor the state of
        the optimizer change.
        """
        found, values = self._gradients(gradients)
        rates, state, moved = self.rates(), dict(self._state), {}
        self._clip(found)
        for key, gradient in found.items():
            before = state.get(key) or {"step": 0, **{name: np.zeros(gradient.shape) for name in self._kept}}
            shrink = 1 - rates[key] * self._decay.get(key, 0.0)
            with np.errstate(all="ignore"):
                # Values that overflow are rejected by `set_parameters` below.
                change, state[key] = self._update(self._fitting(key, before, gradient), gradient, rates[key])
                moved[key] = np.clip(values[key] * shrink - self._units[key] * change, *self._bounds[key])
        self.net.set_parameters(moved)
        self._state = state
        self.steps += 1

    def _fitting(self, key: str, state: State, gradient: NDArray[np.float64]) -> State:
        """Return the state of a parameter, or raise an error if it does not fit the shape of the parameter."""
        for name in self._kept:
            # A parameter that was a single number for all neurons may have become an array.
            if state[name].shape not in ((), gradient.shape):
                kind = type(self).__name__
                raise ParameterError(
                    f"{kind}: step: {key}: has shape {gradient.shape}, but had shape {state[name].shape} in earlier "
                    f"steps; create a new {kind}"
                )
        return state

    def _gradients(self, gradients: Mapping[str, ArrayLike]) -> tuple[dict[str, NDArray[np.float64]], dict[str, Any]]:
        """Return the gradients in units of the steps, and the values of these parameters."""
        kind = type(self).__name__
        if not isinstance(gradients, Mapping):
            raise ParameterTypeError(f"{kind}: step: {mapping_error('gradients', gradients)}")
        keys, known = [key for key in self.keys if key in gradients], self.net.parameters()
        if not keys:
            raise ParameterError(
                f"{kind}: step: gradients of {', '.join(map(told, gradients)) or 'nothing'}: expected "
                f"gradients of at least one trained parameter: {', '.join(self.keys[:8])}"
            )
        repeated = [key for key in keys if key not in known]
        if repeated:
            raise ParameterError(
                f"{kind}: step: {repeated[0]}: was tied to {self.net._together(repeated[0])[0]} after the optimizer "
                f"was created; create a new {kind}"
            )
        values = {key: np.asarray(known[key], dtype=np.float64) for key in keys}
        return {key: gradient_of(key, gradients[key], values[key].shape) * self._units[key] for key in keys}, values

    def _clip(self, gradients: dict[str, NDArray[np.float64]]) -> None:
        """Clip gradients by value, then by their common norm, as PyTorch's ``clip_grad_norm_`` does."""
        if self.clip_value is not None:
            for key, gradient in gradients.items():
                gradients[key] = np.clip(gradient, -self.clip_value, self.clip_value)
        if self.clip_norm is not None:
            largest = max((np.abs(g).max(initial=0.0) for g in gradients.values()), default=0.0) or 1.0
            # Divide by the largest element first, because squares of large numbers overflow.
            norm = largest * math.sqrt(sum(float(np.sum((g / largest) ** 2)) for g in gradients.values()))
            factor = min(1.0, self.clip_norm / (norm + 1e-6))
            for key, gradient in gradients.items():
                gradients[key] = gradient * factor

    def _update(self, state: State, gradient: NDArray[np.float64], lr: float) -> tuple[NDArray[np.float64], State]:
        """Return the amount to subtract from a parameter, and its new state."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the optimizer, in the layout of PyTorch's optimizers, with keys instead of numbers.

        ``state`` contains ``step`` and the running means of each parameter, under PyTorch's names. ``param_groups`` is
        a list of parameters (``params``) that have the same settings. In addition, ``steps`` is the number of completed
        steps, on which schedules depend, and ``units`` contains the magnitudes by which steps are scaled with
        ``relative=True``.
        """
        from ._saved import state_dict

        return state_dict(self)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a state that ``state_dict`` returned for the same class and the same parameters.

        As in PyTorch, settings such as ``lr`` are set to the saved values. Learning rates that are functions of the
        step are not replaced: they continue at the saved step.

        Raises
        ------
        StateError
            If the state does not fit the optimizer, which then remains unchanged.
        """
        from ._saved import load_state_dict

        load_state_dict(self, state)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Save the state of the optimizer, together with all parameters of its network, to an npz file.

        Parameters
        ----------
        path : str or path
            Name of the file, ending in ``.npz``.
        overwrite : bool
            Whether an existing file is replaced.
        """
        from ._saved import save

        save(self, path, overwrite)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Load the state of the optimizer and the parameters of its network from a file that ``save`` wrote.

        Training then continues with bit-identical results. The file does not contain the states of neurons or spikes in
        transit: save them with ``net.save_state`` if training does not begin each step with ``net.reset()``.

        Raises
        ------
        StateError
            If the file is damaged or does not fit the optimizer or the network, which then remain unchanged.
        OSError
            If the file cannot be read.
        """
        from ._saved import load

        load(self, path)


def _magnitude(values: NDArray[np.float64]) -> float:
    """Return the mean magnitude of values, or 1 if the mean is 0 or there are no values."""
    return float(np.abs(values).mean()) or 1.0 if values.size else 1.0
