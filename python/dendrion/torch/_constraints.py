"""Parameters that stay within their domains."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..training._differentiable import Differentiable
from ._tensors import name_of

__all__ = ["Constrained"]


class Constrained(torch.nn.Module):
    """The part of a layer that converts parameters to physical values and back."""

    function: Differentiable
    constrain: str | None
    #: Lower and upper bound and scale of each parameter.
    _rules: dict[str, tuple[float, float, float]]
    #: Initial parameter and initial physical value by key. While a parameter equals its initial value, the physical
    #: value is exact.
    _starts: dict[str, tuple[torch.Tensor, torch.Tensor]]

    def _parameter(self, key: str) -> torch.Tensor:
        return getattr(self, name_of(key))  # type: ignore[no-any-return]

    def _bounded(self, key: str) -> bool:
        return self.constrain is not None and np.isfinite(self._rules[key][0])

    def _value(self, key: str, free: torch.Tensor) -> torch.Tensor:
        """Return the physical value of a parameter."""
        if not self._bounded(key):
            return free
        least, most, scale = self._rules[key]
        if self.constrain == "clamp":
            return _Clamp.apply(free, least, most)  # type: ignore[no-any-return]
        if np.isfinite(most):
            value = least + (most - least) * torch.sigmoid(free)
        else:
            value = least + scale * torch.nn.functional.softplus(free)
        # Inverting the constraint introduces rounding errors and cannot reach a bound. While a parameter equals its
        # initial value, the physical value is corrected to the exact initial one (the difference of two close numbers
        # is exact).
        start, exact = (t.to(free.device, free.dtype) for t in self._starts[key])
        at_start = free.detach() == start
        return value + torch.where(at_start, exact - value, torch.zeros_like(value)).detach()

    def _free(self, key: str, value: torch.Tensor) -> torch.Tensor:
        """Return the unconstrained parameter for a physical value: the inverse of the constraint."""
        if not self._bounded(key) or self.constrain == "clamp":
            return value
        least, most, scale = self._rules[key]
        if np.isfinite(most):
            return torch.logit(((value - least) / (most - least)).clamp(1e-4, 1 - 1e-4))
        # A value at its bound is moved slightly inwards, because gradients vanish at the bound.
        above = ((value - least) / scale).clamp(min=1e-4)
        return above + torch.log(-torch.expm1(-above))

    def _start(self, key: str, value: torch.Tensor) -> None:
        """Store the current value of a parameter as its initial value, together with its exact physical value."""
        self._starts[key] = self._parameter(key).detach().clone(), value.detach().clone()

    def _refused(self, key: str, value: torch.Tensor) -> str | None:
        """Return the reason why a value is not valid for a parameter, or ``None``."""
        least, most, included = self.function.net._sim.domain(key)
        wrong = ~torch.isfinite(value) | (value > most) | ((value < least) if included else (value <= least))
        if not wrong.any():
            return None
        low = f" {'>=' if included else '>'} {least:g}" if np.isfinite(least) else ""
        high = f"{' and' if low else ''} <= {most:g}" if np.isfinite(most) else ""
        return f"{key} = {float(value[wrong][0]):g}: expected a finite number{low}{high}"


class _Clamp(torch.autograd.Function):
    """The nearest value within bounds.

    Gradients pass through unless a descent step would move the value further out of bounds.
    """

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
