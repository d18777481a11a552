"""Saved states of networks, from which runs go on."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from ..connections.synapse import MCSynapse
from ..errors import ParameterTypeError, StateError
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
    """The part of a network that saves states and goes on from them."""

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
        """Save everything the future of the run depends on, from which ``load_state`` goes on with the same bits.

        That is: the states of all neurons, spikes under way, what generators are about to send, learnt weights and
        traces, the values of parameters, the time simulated and the time requested so far, and the samples of a batch.
        What probes recorded is not part of it.
        The new file takes the place of an old one as a whole: until then, and where it cannot be written, the old one
        stays.

        Parameters
        ----------
        path : str or path
            The file, in the format `safetensors`.

        Raises
        ------
        OSError
            Where the system does not write the file, as on a full disk. The network can run on.
        StateError
            Where a state of the network is not finite, so that there is nothing to go on from.
        """
        name = _file("save_state", path)
        with self._alone("save_state"):
            self._keep_up()
            self._save_state(name)

    def _save_state(self, name: str) -> None:
        self._sim.save_state(name)
        FILES.info("saved the state of t = %g ms to %s", self._sim.steps() * self.dt, name)

    def load_state(self, path: str | os.PathLike[str]) -> None:
        """Go on from a state that a network of the same structure saved.

        It may have been saved in another process, and on another number of threads. Parameters get the values they had
        then, and connections learn or not as they did. Recordings are emptied, those on disk too, and probes record
        from the time of the state on. ``reset()`` goes back to t = 0, as always.

        Functions of a [CustomGenerator][dendrion.CustomGenerator] are asked on from where they had been asked; to go on
        with the same bits they have to be functions of the times they are given.

        Parameters
        ----------
        path : str or path
            The file.

        Raises
        ------
        OSError
            Where the system does not read the file.
        StateError
            For a file that is damaged, of another format, of another network (other modules, sizes, connections,
            equations, methods, ``dt``, ``seed`` or ``dtype``), or saved on a processor whose arithmetic has other bits.
            Then the network is as it was.
        """
        name = _file("load_state", path)
        with self._alone("load_state"):
            self._load_state(name)

    def _load_state(self, name: str) -> None:
        self._sim.load_state(name)
        # Parameters are those of the file now, not those that a layer had not handed over yet.
        self._keep_up(take=False)
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

    def _piecewise_of(self, generator: Generator) -> Piecewise | None:
        """Return the times from which a generator's values hold, with these."""
        times = self._sim.times(generator.path)
        if times.size == 0:
            return None
        (values,) = (np.asarray(v) for v in generator._values.values())
        return Piecewise(times, values if values.size == times.size else values.reshape(times.size, -1))

    def _advance_and_save(
        self, steps: int, show: Callable[[int], None] | None, path: str, every: int | None, requested: float
    ) -> None:
        """Run, and save at the multiples of ``every`` steps, at the end, and wherever the run is stopped."""
        begin = now = self._sim.steps()
        end = begin + steps
        while True:
            until = end if every is None else min(end, (now // every + 1) * every)
            try:
                self._advance(until - now, show and functools.partial(_later, show, now - begin))
            except BaseException:
                # Of a network that cannot go on there is nothing to save: the older state stays.
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
    """Return the name of a file."""
    if not isinstance(path, (str, os.PathLike)):
        raise ParameterTypeError(f"network: {what} = {path!r}: expected the name of a file")
    return os.fsdecode(path)


def file_to_be(what: str, path: object) -> str:
    """Return the name of a file in a folder that is there: better now than after an hour."""
    name = _file(what, path)
    folder = os.path.dirname(os.path.abspath(name))
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), folder)
    return name


def _later(show: Callable[[int], None], before: int, done: int) -> None:
    show(before + done)
