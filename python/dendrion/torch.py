"""Networks as layers of PyTorch. ``import dendrion.torch`` needs ``torch``, which Dendrion does not install."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ._differentiable import Differentiable, trainable
from ._fixed import shown
from .errors import AssignmentError, ParameterError
from .generators import Generator
from .gradients import MEMORY
from .network import Network
from .recording import Recording, SpikeRecording

try:
    import torch
except ImportError as error:  # pragma: no cover
    raise ImportError("dendrion.torch needs PyTorch: pip install torch") from error

__all__ = ["Layer"]

#: What takes the place of the dots in a parameter's key, which PyTorch reserves.
DOT = ":"
#: Attributes that parameters were made for.
_FIXED = ("function", "constrain", "keys")


class Layer(torch.nn.Module):
    """A network as a layer: from what stands in for generators to what probes record, always from t = 0.

    Its parameters are those of the network, by their key with ``:`` for ``.`` (``cell/soma:gL``), in the network's
    dtype. They hold what an optimizer may move freely; ``values()`` returns what the network sees. Gradients are exact,
    with the surrogate derivatives of the populations for their spikes.

    Parameters
    ----------
    net : Network
        The network, with its probes. The layer resets it and sets its parameters at every call.
    duration : float
        Time to simulate at a call (ms).
    inputs : list of Generator
        Generators that the arguments of a call stand in for: tensors ``(batch, steps, size)`` or ``(steps, size)`` of
        real numbers, factors of the weights for spikes (1 is a spike), pA for currents.
    outputs : list of Recording or SpikeRecording
        Probes whose samples are returned, ``(batch, samples, columns)``; of spikes ``(batch, steps, size)``, 0 or 1.
        One tensor for one probe, else a tuple.
    train : list of str, optional
        Keys of the parameters to train. By default all of ``net.parameters()`` that have a gradient.
    constrain : str, optional
        How conductances, time constants and whatever else has a domain stay in it: ``"softplus"`` makes them a smooth
        positive function of the layer's parameter, ``"clamp"`` the nearest value that is accepted, and ``None`` leaves
        it to you (a value that is not accepted is an error).
    memory : float
        Bytes a gradient may keep.

    Raises
    ------
    ParameterError
        A frozen parameter in ``train``, an unknown constraint, an input of another shape.
    """

    def __init__(
        self,
        net: Network,
        duration: float,
        inputs: Sequence[Generator] = (),
        outputs: Sequence[Recording | SpikeRecording] = (),
        *,
        train: Iterable[str] | None = None,
        constrain: str | None = "softplus",
        memory: float = MEMORY,
    ) -> None:
        super().__init__()
        if constrain not in ("softplus", "clamp", None):
            raise ParameterError(f"Layer: constrain = {constrain!r}: expected 'softplus', 'clamp' or None")
        self.function = Differentiable(net, duration, inputs, outputs, memory)
        self.constrain = constrain
        self.keys = trainable(net, train)
        dtype = torch.float64 if net.dtype == np.float64 else torch.float32
        known = net.parameters()
        self._rules: dict[str, tuple[float, float, float]] = {}
        for key in self.keys:
            least, most, included = net._sim.domain(key)
            value = np.asarray(known[key], dtype=np.float64)
            scale = float(np.abs(value).mean()) or 1.0
            # Where the least value is not accepted itself, a little above it is.
            self._rules[key] = (least if included else least + 1e-6 * scale, most, scale)
            free = self._free(key, torch.as_tensor(value.copy()))
            self.register_parameter(key.replace(".", DOT), torch.nn.Parameter(free.to(dtype)))

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and name in self.__dict__:
            raise AssignmentError(f"Layer.{name} = {shown(value)}: {name} is fixed; create a new Layer")
        super().__setattr__(name, value)

    def extra_repr(self) -> str:
        """Return what PyTorch shows of it."""
        kinds = [g.path for g in self.function.inputs], [p._name for p in self.function.outputs]
        return f"{self.function.steps} steps, inputs={kinds[0]}, outputs={kinds[1]}, {len(self.keys)} parameters"

    def values(self) -> dict[str, torch.Tensor]:
        """Return the parameters as the network sees them, by key."""
        return {key: self._value(key, getattr(self, key.replace(".", DOT))) for key in self.keys}

    def forward(self, *inputs: torch.Tensor) -> Any:
        """Simulate."""
        values = self.values()
        outputs = _Run.apply(self.function, self.keys, *values.values(), *inputs)
        return outputs[0] if len(outputs) == 1 else outputs

    def _bounded(self, key: str) -> bool:
        return self.constrain is not None and np.isfinite(self._rules[key][0])

    def _value(self, key: str, free: torch.Tensor) -> torch.Tensor:
        if not self._bounded(key):
            return free
        least, most, scale = self._rules[key]
        if self.constrain == "softplus" and not np.isfinite(most):
            return least + scale * torch.nn.functional.softplus(free)
        if self.constrain == "softplus":
            return least + (most - least) * torch.sigmoid(free)
        return _Clamp.apply(free, least, most)  # type: ignore[no-any-return]

    def _free(self, key: str, value: torch.Tensor) -> torch.Tensor:
        """Return what gives a value: the inverse of the constraint."""
        if not self._bounded(key) or self.constrain == "clamp":
            return value
        least, most, scale = self._rules[key]
        if np.isfinite(most):
            return torch.logit(((value - least) / (most - least)).clamp(1e-4, 1 - 1e-4))
        # A parameter of 0 begins a little above, where it can move.
        above = ((value - least) / scale).clamp(min=1e-4)
        return above + torch.log(-torch.expm1(-above))


class _Clamp(torch.autograd.Function):
    """The nearest value within bounds; gradients pass unless they lead farther out."""

    @staticmethod
    def forward(ctx: Any, free: torch.Tensor, least: float, most: float) -> torch.Tensor:
        ctx.save_for_backward(free)
        ctx.bounds = least, most
        return free.clamp(least, most)

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (free,) = ctx.saved_tensors
        least, most = ctx.bounds
        outwards = ((free < least) & (cotangents[0] > 0)) | ((free > most) & (cotangents[0] < 0))
        return torch.where(outwards, 0.0, cotangents[0]), None, None


class _Run(torch.autograd.Function):
    """A run of the network and its reverse."""

    @staticmethod
    def forward(
        ctx: Any, function: Differentiable, keys: list[str], *tensors: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        arrays = [t.detach().to("cpu", torch.float64).numpy() for t in tensors]
        values, inputs = dict(zip(keys, arrays, strict=False)), arrays[len(keys) :]
        grad = any(ctx.needs_input_grad)
        outputs, run = function.forward(values, inputs, grad)
        like = tensors[-1] if tensors else torch.empty(0)
        dtype = like.dtype if like.is_floating_point() else torch.get_default_dtype()
        ctx.function, ctx.keys, ctx.run, ctx.given = function, keys, run, (values, inputs)
        ctx.like = [(t.dtype, t.device) for t in tensors]
        ctx.set_materialize_grads(False)
        return tuple(torch.as_tensor(o).to(like.device, dtype) for o in outputs)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *cotangents: torch.Tensor | None) -> tuple[Any, ...]:
        paths = [g.path for g in ctx.function.inputs]
        names = [*ctx.keys, *paths]
        wanted = [name for name, needed in zip(names, ctx.needs_input_grad[2:], strict=True) if needed]
        given = [None if c is None else c.to("cpu", torch.float64).numpy() for c in cotangents]
        run, ctx.run = ctx.run, None
        if run is None:
            # Reversed before, by a graph that was retained.
            run = ctx.function.forward(*ctx.given, grad=True)[1]
        found = ctx.function.backward(run, given, wanted)
        gradients = [
            torch.as_tensor(found[name]).to(device, dtype) if name in found else None
            for name, (dtype, device) in zip(names, ctx.like, strict=True)
        ]
        return None, None, *gradients
