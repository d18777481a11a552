"""A call of a layer as a function that PyTorch differentiates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import RunError
from ..training._differentiable import Call, Carried, Differentiable, Passed
from ._tensors import array_of

__all__ = ["LayerCall", "LayerRun"]

#: Reason why second derivatives and forward mode raise an error.
NOT_AVAILABLE = "are not available: the derivative of a gradient through surrogate derivatives is not defined"


class LayerCall:
    """A call to a layer, without its tensors. The order of the tensors is: parameters, states, inputs.

    With ``carried``, the call continues from a state, and also returns the state at its end.
    """

    def __init__(
        self,
        function: Differentiable,
        keys: list[str],
        states: list[str],
        seed: int,
        reset: bool,
        grad: bool,
        carried: Carried | None = None,
        batch: int | None = None,
    ) -> None:
        self.function, self.keys, self.states = function, keys, states
        self.seed, self.reset, self.grad = seed, reset, grad
        self.carried, self.batch = carried, batch
        #: Names of the tensors, in order.
        self.names = [*keys, *states, *(g.path for g in function.inputs)]

    def of(self, arrays: Sequence[NDArray[np.float64]]) -> Call:
        """Return the arguments of the call, given the values of its tensors."""
        first, then = len(self.keys), len(self.keys) + len(self.states)
        values = dict(zip(self.keys, arrays[:first], strict=True))
        states = dict(zip(self.states, arrays[first:then], strict=True))
        if self.carried is None:
            return Call(values, arrays[then:], self.seed, states, self.reset)
        others = {key: states.pop(key) for key in self.states if key not in self.function.net._states}
        carried = Carried(self.carried.step, others)
        return Call(values, arrays[then:], self.seed, states, self.reset, carried, self.batch)

    def run_again(self, tensors: Sequence[torch.Tensor]) -> Passed:
        """Repeat the run for a second backward pass through the graph, and restore the network's values."""
        if not self.reset:
            raise RunError(
                "Layer: backward was called twice for a call with reset=False, which started from a state that the "
                "network no longer has; call backward once, for the sum of the losses"
            )
        net = self.function.net
        call = self.of([array_of(name, t) for name, t in zip(self.names, tensors, strict=True)])
        with net._lock:
            follows = net._follows
            passed = self.function.forward(call, grad=True)
            net._follow_again(follows)
        return passed


class LayerRun(torch.autograd.Function):
    """A run of the network, with its backward pass."""

    @staticmethod
    def forward(ctx: Any, call: LayerCall, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        grad = call.grad and any(ctx.needs_input_grad)
        arrays = [array_of(name, tensor) for name, tensor in zip(call.names, tensors, strict=True)]
        passed = call.function.forward(call.of(arrays), grad)
        like = tensors[-1] if tensors else torch.empty(0)
        dtype = like.dtype if like.is_floating_point() else torch.get_default_dtype()
        if dtype.itemsize < 4 and torch.is_autocast_enabled(like.device.type):
            # Half precision cannot resolve small differences in voltage. Layers that need half precision cast their own
            # inputs.
            dtype = torch.float32
        ctx.call, ctx.passed = call, passed if grad else None
        ctx.like = [(t.dtype, t.device, t.shape) for t in tensors]
        # Saving the tensors lets PyTorch raise an error if one is modified in place before the backward pass.
        ctx.save_for_backward(*tensors)
        ctx.set_materialize_grads(False)
        outputs = [torch.as_tensor(o).to(like.device, dtype) for o in passed.outputs]
        # States keep the precision of the network, so that the next call continues exactly.
        own = torch.float64 if call.function.net.dtype == np.float64 else torch.float32
        filters = call.function.filters
        final = [
            torch.as_tensor(value).to(like.device, torch.float64 if key in filters else own)
            for key, value in passed.final.items()
        ]
        return (*outputs, *final)

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor | None) -> tuple[Any, ...]:
        call: LayerCall = ctx.call
        wanted = [name for name, needed in zip(call.names, ctx.needs_input_grad[1:], strict=True) if needed]
        wanted = [name for name in wanted if name not in call.states]
        given = [None if c is None else array_of("cotangent", c) for c in cotangents]
        # Another thread may call ``backward`` for the same graph.
        with call.function.net._lock:
            passed, ctx.passed = ctx.passed, None
        if passed is None:
            passed = call.run_again(ctx.saved_tensors)
        count = len(call.function.outputs)
        ends = zip(call.function.shapes_of_state(), given[count:], strict=True) if call.carried is not None else ()
        final = None if call.carried is None else {key: c for key, c in ends if c is not None}
        found = call.function.backward(passed, given[:count], wanted, final)
        gradients: list[torch.Tensor | None] = []
        for name, needed, (dtype, device, shape) in zip(call.names, ctx.needs_input_grad[1:], ctx.like, strict=True):
            gradient = torch.as_tensor(found[name]).to(device, dtype).sum_to_size(shape) if needed else None
            gradients.append(gradient)
        if torch.is_grad_enabled():
            depends = [t for t in (*ctx.saved_tensors, *cotangents) if t is not None and t.requires_grad]
            gradients = _without_derivative(gradients, depends)
        return None, *gradients

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        raise RunError(f"Layer: forward-mode derivatives {NOT_AVAILABLE}")


class _Once(torch.autograd.Function):
    """Passes gradients through unchanged, and raises an error if they are differentiated."""

    @staticmethod
    def forward(ctx: Any, count: int, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(t.view_as(t) for t in tensors[:count])

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor) -> tuple[Any, ...]:
        raise RunError(f"Layer: second derivatives (create_graph=True) {NOT_AVAILABLE}")


def _without_derivative(
    gradients: Sequence[torch.Tensor | None], depends: Sequence[torch.Tensor]
) -> list[torch.Tensor | None]:
    """Make gradients depend on tensors, so that differentiating them raises an error instead of returning 0."""
    known = [g for g in gradients if g is not None]
    once = iter(_Once.apply(len(known), *known, *depends) if known else ())
    return [None if g is None else next(once) for g in gradients]
