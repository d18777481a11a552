"""Couplings inside a neuron: axial currents, and receptors attached to compartments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from numpy.typing import ArrayLike

from .._quoted import quoted
from ..connections._targets import parts_hint
from ..errors import ParameterError, ParameterTypeError, StructureError
from ..inputs.generators import Generator
from ..modules._ownership import SENTINEL, Sentinel
from ..modules.module import Module
from .compartment import Compartment
from .equations import Channel
from .neuron import Neuron
from .receptors import Receptor

__all__ = ["MCConn", "MCConnSynapse"]


class MCConn(Module):
    """Axial coupling of two compartments: the current into each is ``g (V_other - V)``, with the same ``g``.

    Parameters
    ----------
    pre, post : Compartment
        The two compartments, which belong to the same neuron. The couplings of a neuron must form a tree.
    g : float or array, optional
        Conductance (nS), >= 0. By default, it is the conductance of two half cylinders, ``g = 2 / (R_pre + R_post)``
        with ``R = 4 r_axial length / (pi diameter^2)``, which requires the geometry and ``r_axial`` of both
        compartments.
    parent, name, frozen_params
        See [Module][dendrion.Module].
    """

    _kinds: ClassVar[tuple[str, ...]] = ("coupling",)
    _optional: ClassVar[tuple[str, ...]] = ("g",)
    _fixed: ClassVar[tuple[str, ...]] = ("size", "pre", "post")
    pre: Compartment
    post: Compartment

    def __init__(
        self,
        pre: Compartment,
        post: Compartment,
        g: ArrayLike | None = None,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        _two_compartments(self, pre, post)
        self.__dict__["size"] = pre.size
        self._refer("pre", pre)
        self._refer("post", post)
        self._declare(g=g)
        super().__init__(parent, name, frozen_params)
        self._check_together("coupling")
        if self._values["g"] is None:
            self._needs_geometry()

    def _needs_geometry(self) -> None:
        for end in (self.pre, self.post):
            missing = [n for n in ("length", "diameter", "r_axial") if end._values[n] is None]
            if missing:
                raise ParameterError(
                    f"{self._label}: g = None: expected a conductance >= 0 (nS), or length, diameter and r_axial on "
                    f"both compartments ({end._label} lacks {', '.join(missing)})"
                )


class MCConnSynapse(Module):
    """Attaches a receptor or channel to the compartment on which it acts.

    Parameters
    ----------
    pre : Receptor or Channel
        The receptor or channel, such as an AMPA receptor.
    post : Compartment
        The compartment that receives the current of ``pre`` and provides V to it.
    parent, name, frozen_params
        See [Module][dendrion.Module].
    """

    _fixed: ClassVar[tuple[str, ...]] = ("size", "pre", "post")
    pre: Receptor | Channel
    post: Compartment

    def __init__(
        self,
        pre: Receptor | Channel,
        post: Compartment,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        if not isinstance(pre, (Receptor, Channel)):
            hint = "; MCConn couples two compartments" if isinstance(pre, Compartment) else ""
            raise ParameterTypeError(
                f"{self._label}: pre = {quoted(pre)}: expected a Receptor, such as an AMPA, or a Channel{hint}"
            )
        if isinstance(pre, Receptor):
            _two_compartments(self, pre, post)
        elif not isinstance(post, Compartment):
            hint = parts_hint(post, Compartment, "compartment")
            raise ParameterTypeError(f"{self._label}: post = {quoted(post)}: expected a Compartment{hint}")
        self.__dict__["size"] = pre.size
        self._refer("pre", pre)
        self._refer("post", post)
        super().__init__(parent, name, frozen_params)


def _two_compartments(module: Module, pre: object, post: object) -> None:
    for name, end in (("pre", pre), ("post", post)):
        if not isinstance(end, Compartment):
            hint = parts_hint(end, Compartment, "compartment")
            if isinstance(pre, Neuron) and isinstance(post, Neuron):
                hint = "; to connect two populations, use MCSynapse(pre, receptor, conn)"
            elif isinstance(end, Generator):
                hint = "; to inject a current, use ConnGen(generator, compartment)"
            elif isinstance(end, Channel):
                hint = "; to attach a channel, use MCConnSynapse(channel, compartment)"
            raise ParameterTypeError(f"{module._label}: {name} = {quoted(end)}: expected a Compartment{hint}")
    if pre is post:
        raise StructureError(
            f"{module._label}: pre and post are both {quoted(pre)}; expected two different compartments"
        )
