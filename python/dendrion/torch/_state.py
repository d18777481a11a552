"""The state that calls of a layer pass on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from .._quoted import quoted, told
from .._suggest import unknown_name
from ..errors import ParameterError, ParameterTypeError
from ..simulation._settings import whole

__all__ = ["State"]


class State(Mapping[str, torch.Tensor]):
    """The state of a layer's network between two calls, as a mapping from keys to tensors.

    [Layer.initial_state][dendrion.torch.Layer.initial_state] and calls with a state return it. It contains the states
    of neurons (such as ``cell/soma.V``), the input in transit (``cell.arriving0``: the weights of spikes that have been
    sent and arrive in later steps, of shape ``(batch, steps, size)``), and the traces of [Filtered][dendrion.Filtered]
    outputs (``filter0``). It also contains the number of steps done and the seed, which determine noise and the spikes
    of random generators, so a sequence that is cut into several calls has the same outputs as a single call.

    A state is not changed by calls, and can be used for any number of them. It can be copied, pickled and saved with
    ``torch.save``.
    """

    #: Number of steps done.
    step: int
    #: Seed for noise and random generators.
    seed: int
    #: Batch size, or None for a network without a batch.
    batch: int | None

    def __init__(
        self, tensors: Mapping[str, torch.Tensor], step: int, seed: int, batch: int | None, fresh: tuple[str, ...] = ()
    ) -> None:
        self._tensors, self.step, self.seed, self.batch = dict(tensors), step, seed, batch
        # The states that have not been replaced since the beginning. They have the initial values of the current
        # parameters, and contribute to the gradients of these parameters.
        self._fresh = fresh

    def __getitem__(self, key: str) -> torch.Tensor:
        if key not in self._tensors:
            raise unknown_name("State: no entry", key, list(self._tensors))
        return self._tensors[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __repr__(self) -> str:
        batch = "" if self.batch is None else f", batch of {self.batch}"
        return f"<State after {self.step} steps: {', '.join(self._tensors)}{batch}>"

    def replace(self, tensors: Mapping[str, torch.Tensor]) -> State:
        """Return a state in which some tensors are replaced, for example by trained initial values."""
        if not isinstance(tensors, Mapping):
            raise ParameterTypeError(f"State: replace: {quoted(tensors)}: expected a dict from keys to tensors")
        new = dict(self._tensors)
        for key, tensor in tensors.items():
            old = self[key]
            if not isinstance(tensor, torch.Tensor):
                raise ParameterTypeError(f"State: {key} = {quoted(tensor)}: expected a torch.Tensor")
            if tensor.shape not in (old.shape, old.shape[1:] if self.batch is not None else old.shape):
                raise ParameterError(
                    f"State: {key} = tensor of shape {tuple(tensor.shape)}: expected shape {tuple(old.shape)}"
                )
            new[key] = tensor.expand(old.shape)
        fresh = tuple(key for key in self._fresh if key not in tensors)
        return State(new, self.step, self.seed, self.batch, fresh)

    def with_seed(self, seed: int) -> State:
        """Return a state from which noise and random generators continue with another seed."""
        return State(self._tensors, self.step, whole("seed", seed, 0, 2**64 - 1), self.batch, self._fresh)

    def detach(self) -> State:
        """Return a state through which no gradient flows, as for truncated backpropagation through time."""
        return self._mapped(lambda tensor: tensor.detach())

    def clone(self) -> State:
        """Return a copy with tensors of its own, through which gradients flow."""
        return self._mapped(lambda tensor: tensor.clone())

    def to(self, *args: Any, **kwargs: Any) -> State:
        """Return a state on another device; the arguments are those of ``torch.Tensor.to``."""
        return self._mapped(lambda tensor: tensor.to(*args, **kwargs))

    def _mapped(self, function: Callable[[torch.Tensor], torch.Tensor]) -> State:
        tensors = {key: function(tensor) for key, tensor in self._tensors.items()}
        return State(tensors, self.step, self.seed, self.batch, self._fresh)

    def _given(self) -> dict[str, torch.Tensor]:
        """Return the tensors that a call sets; the others have the initial values of the current parameters."""
        return {k: t for k, t in self._tensors.items() if k not in self._fresh or t.requires_grad}

    def _check(self, expected: Mapping[str, tuple[int, ...]], batch: int | None) -> None:
        """Raise an error unless the state fits a layer with these shapes, without the batch, and these inputs."""
        missing = [key for key in expected if key not in self._tensors]
        other = [key for key in self._tensors if key not in expected]
        if missing or other:
            what = f"has no {told(missing[0])}" if missing else f"has {told(other[0])}, which the layer does not have"
            raise ParameterError(
                f"Layer: state: {what}; expected the state of a layer with the same network and outputs"
            )
        if self.batch != batch:
            raise ParameterError(
                f"Layer: state with batch = {self.batch}, but inputs with batch = {batch}; expected equal batch sizes"
            )
        lead = () if self.batch is None else (self.batch,)
        for key, tensor in self._tensors.items():
            if tuple(tensor.shape) != (*lead, *expected[key]):
                raise ParameterError(
                    f"Layer: state: {key} = tensor of shape {tuple(tensor.shape)}: expected shape "
                    f"{(*lead, *expected[key])}"
                )


if hasattr(torch.serialization, "add_safe_globals"):
    # `torch.load` accepts only known classes by default.
    torch.serialization.add_safe_globals([State])
