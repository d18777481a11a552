"""Saved states of networks, from which runs can continue."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._paths import file_name
from ..connections.synapse import MCSynapse
from ..errors import StateError
from ..inputs.custom import CustomGenerator
from ..inputs.generators import Generator
from ..inputs.piecewise import Piecewise
from ..modules.module import Module, Value
from ..training._sharing import NetworkSharing
from ._log import FILES

if TYPE_CHECKING:
    from ..recordings._stream import Streams

__all__ = ["NetworkStates"]


class NetworkStates(NetworkSharing):
    """Methods for saving and loading the state of a network."""

    dt: float
    _sim: _core.Simulation
    _parts: dict[int, Module]
    _owners: dict[str, tuple[Module, str]]
    _asked: int
    _streams: Streams
    _restarts: int

    def _advance(self, steps: int, show: Callable[[int], None] | None) -> None:
        raise NotImplementedError

    def _note(self, key: str, value: Value | None) -> None:
        raise NotImplementedError

    def save_state(self, path: str | os.PathLike[str]) -> None:
        """Save the complete state of the simulation, so that a run can be resumed bit-identically with ``load_state``.

        The saved state contains the states of all neurons, spikes in transit, pending output of generators, plastic
        weights and traces, the values of parameters, the simulated time and the requested time, and the samples of a
        batch. Recordings are not included. An existing file is replaced atomically; if the new file cannot be written,
        the old file is kept.

        Parameters
        ----------
        path : str or path
            Path of the file, which is written in the ``safetensors`` format.

        Raises
        ------
        OSError
            If the file cannot be written, for example because the disk is full. The network can continue to run.
        StateError
            If a state of the network is infinite or NaN, so that a run could not continue from it.
        """
        name = _file("save_state", path)
        with self._alone("save_state"):
            self._keep_up()
            self._save_state(name)

    def _save_state(self, name: str) -> None:
        self._sim.save_state(name)
        FILES.info("saved the state of t = %g ms to %s", self._sim.steps() * self.dt, name)

    def load_state(self, path: str | os.PathLike[str]) -> None:
        """Load a state that was saved by a network with the same structure, and continue from it.

        The state may have been saved in another process and with another number of threads. Parameters get the saved
        values, and plasticity is switched on or off as it was when the state was saved. Recordings are cleared,
        including recordings on disk, and probes then record from the time of the saved state on. ``reset()`` returns to
        t = 0, as usual.

        The function of a [CustomGenerator][dendrion.CustomGenerator] is called again from the first step for which the
        saved state does not contain its spikes. The run is bit-identical only if the output of the function depends
        only on its argument, the times.

        Parameters
        ----------
        path : str or path
            Path of the file.

        Raises
        ------
        OSError
            If the file cannot be read.
        StateError
            If the file is damaged, has another format, belongs to another network (different modules, sizes,
            connections, equations, methods, ``dt``, ``seed`` or ``dtype``), or was saved on a processor whose
            arithmetic is not bit-identical. The network is then unchanged.
        """
        name = _file("load_state", path)
        with self._alone("load_state"):
            self._load_state(name)

    def _load_state(self, name: str) -> None:
        self._sim.load_state(name)
        # The parameters in the file replace pending changes by a PyTorch layer.
        self._keep_up(take=False)
        self._tie_again()
        self._changed(self._sim.parameter_names())
        FILES.info("loaded the state of t = %g ms from %s", self._sim.steps() * self.dt, name)
        for key, (module, parameter) in self._owners.items():
            if not (isinstance(module, MCSynapse) and parameter == "w"):
                self._note(key, self._sim.parameter(key))
        told = [0]
        for module in self._parts.values():
            if isinstance(module, CustomGenerator) and callable(module.fn):
                told.append(self._sim.pushed_until(module.path))
            elif isinstance(module, Generator):
                module._refer("_piecewise", self._piecewise_of(module))
            elif isinstance(module, MCSynapse) and module.plasticity is not None and module.plasticity._learns:
                module.__dict__["training"] = self._sim.is_learning(module.path)
        self._asked = max(told)
        self._streams.clear()
        self._restarts += 1

    def _tie_again(self) -> None:
        raise NotImplementedError

    def _piecewise_of(self, generator: Generator) -> Piecewise | None:
        """Return the current value of the parameter of a generator if it is a Piecewise; otherwise ``None``."""
        times = self._sim.times(generator.path)
        if times.size == 0:
            return None
        (values,) = (np.asarray(v) for v in generator._values.values())
        return Piecewise(times, values if values.size == times.size else values.reshape(times.size, -1))

    def _advance_and_save(
        self, steps: int, show: Callable[[int], None] | None, path: str, every: int | None, requested: float
    ) -> None:
        """Run, and save the state every ``every`` steps, at the end, and if the run is interrupted."""
        begin = now = self._sim.steps()
        end = begin + steps
        while True:
            until = end if every is None else min(end, (now // every + 1) * every)
            try:
                self._advance(until - now, show and functools.partial(_later, show, now - begin))
            except BaseException:
                # A network with a non-finite state cannot be saved; the previous file is kept.
                with contextlib.suppress(StateError):
                    self._save_state(path)
                raise
            if until == end:
                self._sim.set_requested_time(requested)
            self._save_state(path)
            now = until
            if now >= end:
                return


def _file(what: str, path: object) -> str:
    """Return the path of a file as a string."""
    return file_name(f"network: {what}", path)


def file_to_be(what: str, path: object) -> str:
    """Return the path of a file to write. Its folder is checked now, before a long run starts."""
    name = _file(what, path)
    folder = os.path.dirname(os.path.abspath(name))
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), folder)
    return name


def _later(show: Callable[[int], None], before: int, done: int) -> None:
    show(before + done)
