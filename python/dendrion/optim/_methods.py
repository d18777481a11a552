"""The optimizers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..simulation.network import Network
from ._checks import Bounds
from ._optimizer import LearningRate, Optimizer, State

__all__ = ["SGD", "Adam", "AdamW"]


class SGD(Optimizer):
    """Gradient descent, with optional momentum.

    Parameters
    ----------
    net : Network
        The network whose parameters are trained.
    lr : float, function or dict
        Learning rate, > 0: a number, or a [Schedule][dendrion.optim.Schedule] or another function from the number of
        completed steps to a number. A dict sets the learning rates of several groups of parameters. Its keys are keys,
        patterns or groups, as in ``train``, and its values are numbers or functions; the first entry that matches a
        parameter applies.
    momentum : float
        Momentum, in [0, 1).
    train : str or list of str, optional
        The parameters to train. Each entry is a key, a pattern such as ``"*.w"``, or the name of a group:
        ``"weights"``, ``"time constants"``, ``"conductances"`` or ``"thresholds"`` (see
        [Gradients](../gradients.md#which-parameters-to-train)). Defaults to all parameters that are not frozen and have
        a gradient.
    bounds : dict, optional
        Pairs of the smallest and the largest permitted value (``None`` for no bound), by key, pattern or group. They
        apply in addition to the parameter's own domain. If several entries match a parameter, all of them apply.
    relative : bool
        Whether the steps of each parameter are in units of its mean magnitude, measured when the optimizer is created.
    clip_norm : float, optional
        Maximum norm, > 0, of all gradients passed to ``step``, taken together. If their norm is larger, they are scaled
        to this norm. With ``relative=True``, each gradient is first multiplied by the magnitude of its parameter.
    clip_value : float, optional
        Largest permitted magnitude, > 0, of each element of a gradient. It is applied before ``clip_norm``.
    """

    _settings: ClassVar[tuple[str, ...]] = ("momentum",)
    _kept: ClassVar[tuple[str, ...]] = ("momentum_buffer",)

    def __init__(
        self,
        net: Network,
        lr: LearningRate,
        momentum: float = 0.0,
        train: Iterable[str] | None = None,
        bounds: Bounds | None = None,
        relative: bool = False,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(net, lr, train, bounds, relative, clip_norm, clip_value)
        self.momentum = momentum

    def _update(self, state: State, gradient: NDArray[np.float64], lr: float) -> tuple[NDArray[np.float64], State]:
        velocity = self.momentum * state["momentum_buffer"] + gradient
        return lr * velocity, {"step": state["step"] + 1, "momentum_buffer": velocity}


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, algorithm 1).

    Parameters
    ----------
    net : Network
        The network whose parameters are trained.
    lr : float, function or dict
        Learning rate, > 0; see [SGD][dendrion.optim.SGD]. Each parameter changes by about this amount per step.
    betas : pair of float
        Decay rates of the running means of gradients and of squared gradients, in [0, 1).
    eps : float
        Number added to the root of the mean square, for numerical stability.
    train, bounds, relative, clip_norm, clip_value
        See [SGD][dendrion.optim.SGD].
    """

    _settings: ClassVar[tuple[str, ...]] = ("betas", "eps")
    _kept: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        net: Network,
        lr: LearningRate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        train: Iterable[str] | None = None,
        bounds: Bounds | None = None,
        relative: bool = False,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(net, lr, train, bounds, relative, clip_norm, clip_value)
        self.betas = betas
        self.eps = eps

    def _update(self, state: State, gradient: NDArray[np.float64], lr: float) -> tuple[NDArray[np.float64], State]:
        step = state["step"] + 1
        m = self.betas[0] * state["exp_avg"] + (1 - self.betas[0]) * gradient
        v = self.betas[1] * state["exp_avg_sq"] + (1 - self.betas[1]) * gradient**2
        m_hat, v_hat = m / (1 - self.betas[0] ** step), v / (1 - self.betas[1] ** step)
        change = np.asarray(lr * m_hat / (np.sqrt(v_hat) + self.eps))
        return change, {"step": step, "exp_avg": np.asarray(m), "exp_avg_sq": np.asarray(v)}


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019).

    In each step, parameters are also multiplied by ``1 - lr * weight_decay``. The decay does not pass through the
    running means of the gradients, in contrast to a penalty on squared weights.

    Parameters
    ----------
    net : Network
        The network whose parameters are trained.
    lr : float, function or dict
        Learning rate, > 0; see [SGD][dendrion.optim.SGD]. Each parameter changes by about this amount per step.
    betas, eps
        See [Adam][dendrion.optim.Adam].
    weight_decay : float or dict
        Rate of the decay towards 0, >= 0. A number applies to the weights of connections only, because 0 has no
        special meaning for most other parameters, such as ``V_th``. A dict sets the decay of other parameters too. Its
        keys are keys, patterns or groups, as in ``train``; the first entry that matches a parameter applies, and
        parameters that match none do not decay.
    train, bounds, relative, clip_norm, clip_value
        See [SGD][dendrion.optim.SGD].
    """

    _decays: ClassVar[bool] = True

    def __init__(
        self,
        net: Network,
        lr: LearningRate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float | Mapping[str, float] = 0.01,
        train: Iterable[str] | None = None,
        bounds: Bounds | None = None,
        relative: bool = False,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        super().__init__(net, lr, betas, eps, train, bounds, relative, clip_norm=clip_norm, clip_value=clip_value)
        self.weight_decay = weight_decay
