"""Optimizers for the parameters of a network, for use without a machine learning framework."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._numbers import is_whole, numbers, real
from ._quoted import quoted, told
from ._suggest import SuggestingKeywords, hint, nearest
from .connections._targets import mapping_error
from .errors import AssignmentError, ParameterError, ParameterTypeError, UnknownNameError
from .modules._fixed import Abstract, is_ours, shown
from .simulation.network import Network
from .training._differentiable import trainable

__all__ = ["SGD", "Adam", "Optimizer"]

Bounds = Mapping[str, tuple[float | None, float | None]]


class Optimizer(Abstract, SuggestingKeywords):
    """Base class of the optimizers. ``step(gradients)`` updates the parameters and keeps them within bounds."""

    _examples: ClassVar[str] = "Adam(net)"

    def __init__(
        self, net: Network, lr: float, train: Iterable[str] | None, bounds: Bounds | None, relative: bool
    ) -> None:
        self.net, self.lr = net, lr
        self.keys = trainable(net, train)
        known = net.parameters()
        # Relative steps scale with the magnitude of a parameter, so that 200 pF and 0.01 nS change in proportion.
        if not isinstance(relative, (bool, np.bool_)):
            raise ParameterTypeError(f"{type(self).__name__}: relative = {quoted(relative)}: expected True or False")
        self._units = {k: _magnitude(known[k]) if relative else 1.0 for k in self.keys}
        self._bounds = {key: self._bound(key, known[key]) for key in self.keys}
        for key, bound in checked_bounds(type(self).__name__, bounds).items():
            least, most = bound
            if key not in self._bounds:
                known_keys = list(self._bounds)
                raise UnknownNameError(
                    f"{type(self).__name__}: bounds: {quoted(key)} is not among the trained parameters"
                    f"{hint(key, known_keys)}",
                    name=key,
                    known=known_keys,
                )
            what, unit = f"{type(self).__name__}: bounds: {key}", net._unit_of(key)
            least, most = (None if bound is None else real(what, bound, "a number", unit) for bound in (least, most))
            if any(bound is not None and np.isnan(bound) for bound in (least, most)):
                raise ParameterError(f"{what} = nan: expected a number, or None for no bound")
            low, high = self._bounds[key]
            self._bounds[key] = (
                max(low, -np.inf if least is None else least),
                min(high, np.inf if most is None else most),
            )
        self.steps = 0

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            value = self._checked(name, value)
        super().__setattr__(name, value)

    def _checked(self, name: str, value: Any) -> Any:
        """Return a valid value for an attribute, or raise an error."""
        if name in ("lr", "eps"):
            return _positive(name, value)
        if name == "momentum":
            return _fraction(name, value)
        if name == "betas":
            return _pair(value)
        if name == "steps":
            return _count(value)
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

    def _bound(self, key: str, value: NDArray[np.float64]) -> tuple[float, float]:
        least, most, included = self.net._sim.domain(key)
        return least if included else least + 1e-6 * _magnitude(value), most

    def step(self, gradients: Mapping[str, ArrayLike]) -> None:
        """Update the parameters, given the gradients of the loss to be minimized."""
        if not isinstance(gradients, Mapping):
            raise ParameterTypeError(f"{type(self).__name__}: step: {mapping_error('gradients', gradients)}")
        if not any(key in gradients for key in self.keys):
            raise ParameterError(
                f"{type(self).__name__}: step: gradients of {', '.join(map(told, gradients)) or 'nothing'}: expected "
                f"gradients of at least one trained parameter: {', '.join(self.keys[:8])}"
            )
        self.steps += 1
        known, moved = self.net.parameters(), {}
        for key in self.keys:
            if key not in gradients:
                continue
            gradient = numbers(f"{key}: gradient", gradients[key], "numbers")
            value, unit = np.asarray(known[key], dtype=np.float64), self._units[key]
            if gradient.shape != value.shape:
                raise ParameterError(f"{key}: gradient of shape {gradient.shape}: expected shape {value.shape}")
            if not np.isfinite(gradient).all():
                raise ParameterError(f"{key}: the gradient has infinite or NaN values; expected finite values")
            with np.errstate(all="ignore"):
                # Values that overflow are rejected by `set_parameters` below.
                moved[key] = np.clip(value - unit * self._change(key, gradient * unit), *self._bounds[key])
        self.net.set_parameters(moved)

    def _change(self, key: str, gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        raise NotImplementedError


class SGD(Optimizer):
    """Gradient descent, with optional momentum.

    Parameters
    ----------
    net : Network
        The network whose parameters are trained.
    lr : float
        Learning rate, > 0.
    momentum : float
        Momentum, in [0, 1).
    train : str or list of str, optional
        The parameters to train. Each entry is a key, a pattern such as ``"*.w"``, or the name of a group:
        ``"weights"``, ``"time constants"``, ``"conductances"`` or ``"thresholds"`` (see
        [Gradients](../gradients.md#which-parameters-to-train)). Defaults to all parameters that are not frozen and have
        a gradient.
    bounds : dict, optional
        Pairs of the smallest and the largest permitted value, keyed by parameter (``None`` for no bound). They apply in
        addition to the parameter's own domain.
    relative : bool
        Whether the steps of each parameter are in units of its mean magnitude, measured when the optimizer is created.
    """

    def __init__(
        self,
        net: Network,
        lr: float,
        momentum: float = 0.0,
        train: Iterable[str] | None = None,
        bounds: Bounds | None = None,
        relative: bool = False,
    ) -> None:
        super().__init__(net, lr, train, bounds, relative)
        self.momentum = momentum
        self._velocity: dict[str, NDArray[np.float64]] = {}

    def _change(self, key: str, gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        velocity = self.momentum * self._velocity.get(key, np.zeros_like(gradient)) + gradient
        self._velocity[key] = velocity
        return self.lr * velocity


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, algorithm 1).

    Parameters
    ----------
    net : Network
        The network whose parameters are trained.
    lr : float
        Learning rate, > 0. Each parameter changes by about this amount per step.
    betas : pair of float
        Decay rates of the running means of gradients and of squared gradients, in [0, 1).
    eps : float
        Number added to the root of the mean square, for numerical stability.
    train, bounds, relative
        See [SGD][dendrion.optim.SGD].
    """

    def __init__(
        self,
        net: Network,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        train: Iterable[str] | None = None,
        bounds: Bounds | None = None,
        relative: bool = False,
    ) -> None:
        super().__init__(net, lr, train, bounds, relative)
        self.betas = betas
        self.eps = eps
        self._means: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    def _change(self, key: str, gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        zero = np.zeros_like(gradient)
        m, v = self._means.get(key, (zero, zero))
        m = self.betas[0] * m + (1 - self.betas[0]) * gradient
        v = self.betas[1] * v + (1 - self.betas[1]) * gradient**2
        self._means[key] = m, v
        m_hat, v_hat = m / (1 - self.betas[0] ** self.steps), v / (1 - self.betas[1] ** self.steps)
        return np.asarray(self.lr * m_hat / (np.sqrt(v_hat) + self.eps))


def _magnitude(values: NDArray[np.float64]) -> float:
    """Return the mean magnitude of values, or 1 if the mean is 0 or there are no values."""
    return float(np.abs(values).mean()) or 1.0 if values.size else 1.0


def _positive(name: str, value: object) -> float:
    number = real(f"optim: {name}", value, "a number > 0")
    if not (np.isfinite(number) and number > 0):
        raise ParameterError(f"optim: {name} = {told(value)}: expected a finite number > 0")
    return number


def checked_bounds(label: str, bounds: Bounds | None) -> Bounds:
    """Return bounds, after checking that they are a dict from keys to pairs."""
    if bounds is None:
        return {}
    if not isinstance(bounds, Mapping):
        raise ParameterTypeError(
            f"{label}: bounds = {quoted(bounds)}: expected a dict from keys to pairs, such as (0.0, None)"
        )
    for key, bound in bounds.items():
        if not isinstance(bound, (tuple, list)) or len(bound) != 2:
            raise ParameterTypeError(
                f"{label}: bounds: {quoted(key)}: {quoted(bound)}: expected the smallest and the largest value, "
                "such as (0.0, None)"
            )
    return bounds


def _pair(value: Any) -> tuple[float, float]:
    is_pair = isinstance(value, (tuple, list)) or (isinstance(value, np.ndarray) and value.ndim == 1)
    if not is_pair or len(value) != 2:
        raise ParameterTypeError(f"optim: betas = {quoted(value)}: expected two numbers in [0, 1)")
    return _fraction("betas[0]", value[0]), _fraction("betas[1]", value[1])


def _count(value: object) -> int:
    if not is_whole(value) or not 0 <= value < 2**62:  # type: ignore[operator]
        raise ParameterTypeError(f"optim: steps = {quoted(value)}: expected an integer >= 0")
    return int(value)  # type: ignore[call-overload,no-any-return]


def _fraction(name: str, value: object) -> float:
    number = real(f"optim: {name}", value, "a number in [0, 1)")
    if not 0 <= number < 1:
        raise ParameterError(f"optim: {name} = {told(value)}: expected a number in [0, 1)")
    return number
