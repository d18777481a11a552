"""States that calls of a layer or function pass on: states of neurons, input in transit, and traces of filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import RunError

if TYPE_CHECKING:
    from ..simulation.network import Network

__all__ = ["final_state", "refuse_plastic", "resume", "shapes_of_transit"]


def shapes_of_transit(net: Network) -> dict[str, tuple[int, int]]:
    """Return the shapes ``(steps, size)`` of input in transit, by key."""
    return {key: (steps, size) for key, steps, size in net._sim.transits()}


def refuse_plastic(net: Network) -> None:
    """Raise an error for a network with plastic connections, whose weights and traces are not part of a state."""
    from ..connections.synapse import MCSynapse

    for module in net._parts.values():
        if isinstance(module, MCSynapse) and module.plasticity is not None:
            raise RunError(
                f"{module.path}: has a plasticity rule, but the state of a layer does not contain its traces; create "
                "the synapse without a rule, or call the layer with reset=False"
            )


def resume(net: Network, step: int, batch: int | None, transit: Mapping[str, NDArray[np.floating]]) -> None:
    """Move a network that was reset to a later step, with this input in transit."""
    refuse_plastic(net)
    with net._alone("set_state"):
        if batch is not None:
            net._streams.refuse("a batch")
            net._sim.begin_batch(batch)
        if step:
            net._sim.skip_to(step)
        for key, (steps, size) in shapes_of_transit(net).items():
            if key in transit:
                whole = np.broadcast_to(transit[key], (max(batch or 1, 1), steps, size))
                net._sim.set_transit(key, np.ascontiguousarray(whole, dtype=np.float64).reshape(-1))


def final_state(net: Network, batch: int | None) -> dict[str, NDArray[np.floating]]:
    """Return all states and the input in transit, by key, after a run."""
    lead = () if batch is None else (batch,)
    found: dict[str, NDArray[np.floating]] = dict(net.get_state())
    for key, (steps, size) in shapes_of_transit(net).items():
        found[key] = net._sim.transit(key).reshape(*lead, steps, size)
    return found
