"""The steady state of a network without input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from .._numbers import real
from .._quoted import told
from .._suggest import suggests
from ..connections.synapse import MCSynapse
from ..errors import ParameterError, RunError
from ..inputs.generators import Generator
from ..inputs.noise import Noise
from ..modules.module import Module

if TYPE_CHECKING:
    from .network import Network

__all__ = ["NetworkSteadyState"]

#: Time between two comparisons of the states (ms).
_PIECE = 10.0

States = Mapping[str, NDArray[np.float64]]


class NetworkSteadyState:
    """The part of a network that finds its steady state."""

    @suggests
    def settle(self, *, tolerance: float | None = None, longest: float = 10_000.0) -> Network:
        """Reset the network to t = 0, with V, gates and concentrations at the steady state without input.

        Gates start at their steady state for the initial V, which is usually not the resting potential. This method
        runs the network with silent generators until its states are constant, and starts again from these states. It
        clears all recordings.

        Parameters
        ----------
        tolerance : float, optional
            Largest change of a state per ms at the end, relative to the largest absolute value that this state had in
            the population, > 0. Defaults to 1e-9, and to 1e-6 with ``dtype="float32"``.
        longest : float
            Longest time to simulate (ms), > 0.

        Returns
        -------
        Network
            The network itself.

        Raises
        ------
        RunError
            If the states are not constant after ``longest`` ms, for example because neurons spike without input, or if
            the network has noise or plasticity. The network is then at t = 0 with its initial states.

        Examples
        --------
        >>> import dendrion as dn
        >>> cell = dn.CableNeuron(1, dn.Morphology.cable(500.0, 2.0), cv=dn.MaxLength(50.0), V_rest=-65.0)
        >>> cell.k = dn.channels.HHK(cell, on="all", g=0.5)
        >>> net = dn.Network([cell], dt=0.1).settle()
        >>> v = cell.V.copy()
        >>> net.run(50.0).t
        50.0
        >>> bool(abs(cell.V - v).max() < 1e-6)
        True
        """
        net = cast("Network", self)
        if tolerance is None:
            tolerance = 1e-9 if net.dtype == np.float64 else 1e-6
        tolerance, longest = _positive("tolerance", tolerance, ""), _positive("longest", longest, "ms")
        parts = list(net._parts.values())
        _check(parts)
        with net._alone("settle"):
            pass
        net.reset()
        generators = [part for part in parts if isinstance(part, Generator)]
        steps = max(round(_PIECE / net.dt), 1)
        silence = {generator: np.zeros((steps, generator.size)) for generator in generators}
        states, sizes, key = net.get_state(), dict[str, float](), ""
        try:
            while net.t < longest:
                before = states
                net.run(steps * net.dt, inputs=silence)
                states = net.get_state()
                change, key = _change(before, states, sizes)
                if change <= tolerance * steps * net.dt:
                    break
            else:
                raise RunError(
                    f"network: settle: {key} still changes after {net.t:g} ms without input; expected neurons with a "
                    "resting state, a larger tolerance, or a larger value of longest"
                )
        finally:
            net.reset()
        net.set_state(states)
        return net


def _check(parts: Sequence[Module]) -> None:
    for part in parts:
        if isinstance(part, Noise):
            raise RunError(f"network: settle: {part.path} is a noise process, so there is no steady state; remove it")
        if isinstance(part, MCSynapse) and part.plasticity is not None:
            raise RunError(
                f"network: settle: {part.path} has a plasticity rule, which settle() does not support; "
                "settle a network without the rule, and pass the result of its get_state() to set_state()"
            )


def _positive(name: str, value: object, unit: str) -> float:
    expected = f"a number > 0{f' ({unit})' if unit else ''}"
    number = real(f"network: settle: {name}", value, expected, unit)
    if not (np.isfinite(number) and number > 0):
        raise ParameterError(f"network: settle: {name} = {told(value)}: expected {expected}")
    return number


def _change(before: States, after: States, sizes: dict[str, float]) -> tuple[float, str]:
    """Return the largest change of a state, relative to its largest absolute value so far, and its key.

    ``sizes`` contains the largest absolute values, and is updated. States that decay to 0 are small relative to these.
    """
    largest, at = 0.0, ""
    for key, state in after.items():
        size = max(sizes.get(key, 0.0), *(float(np.abs(each).max(initial=0.0)) for each in (before[key], state)))
        sizes[key] = size
        change = float(np.abs(state - before[key]).max(initial=0.0))
        if size > 0.0 and change / size > largest:
            largest, at = change / size, key
    return largest, at
