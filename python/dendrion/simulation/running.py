"""Runs of a network: plain runs, batches, and differentiable runs."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, cast, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import warn_of_run
from .._numbers import plain_numbers
from .._quoted import quoted
from .._suggest import suggests
from ..errors import ParameterError, ParameterTypeError
from ..inputs.custom import CHUNK, CustomGenerator
from ..inputs.generators import Generator
from ..modules.module import Module
from ..training.gradients import MEMORY, Run
from ..units import sampled
from ._log import logged_run
from ._settings import interval, size_in_bytes, time_of, whole
from .progress import Progress, Writable, bar, stream_of
from .states import NetworkStates, _later, file_to_be

if TYPE_CHECKING:
    from .network import Network

__all__ = ["NetworkRuns"]


class NetworkRuns(NetworkStates):
    """Methods for running a network."""

    dt: float
    _without_gradient: list[ParameterError]
    _asked: int
    #: Whether a run has started before.
    _began: bool
    #: Number of times that all recordings were restarted.
    _restarts: int

    def _path(self, module: Module) -> str:
        raise NotImplementedError

    @property
    def t(self) -> float:
        """Simulated time (ms): the number of steps times ``dt``."""
        return self._sim.steps() * self.dt

    @overload
    def run(
        self,
        duration: float,
        *,
        progress: Progress = False,
        grad: Literal[False] = False,
        batch: int | None = None,
        inputs: Mapping[Generator, ArrayLike] | None = None,
        memory: float = MEMORY,
        save_state: str | os.PathLike[str] | None = None,
        save_every: float | None = None,
    ) -> Network: ...
    @overload
    def run(
        self,
        duration: float,
        *,
        progress: Progress = False,
        grad: Literal[True],
        batch: int | None = None,
        inputs: Mapping[Generator, ArrayLike] | None = None,
        memory: float = MEMORY,
    ) -> Run: ...
    @suggests
    def run(
        self,
        duration: float,
        *,
        progress: Progress = False,
        grad: bool = False,
        batch: int | None = None,
        inputs: Mapping[Generator, ArrayLike] | None = None,
        memory: float = MEMORY,
        save_state: str | os.PathLike[str] | None = None,
        save_every: float | None = None,
    ) -> Network | Run:
        """Run the network for ``duration`` ms.

        The run ends at the step nearest to the total requested time, which is the sum of all durations. Rounding
        therefore does not accumulate: with ``dt=0.1``, the first ``run(0.25)`` takes 3 steps and the second takes 2,
        and 400 such runs end at 100 ms. ``net.t`` is the simulated time. After an interruption or a divergence, and
        after ``reset()``, the total requested time is set to ``net.t``.

        Ctrl-C stops the run cleanly: recordings are kept, and a later run continues from that time (unless the run
        had ``grad``, ``batch`` or ``inputs``).

        Parameters
        ----------
        duration : float
            Time to simulate (ms), >= 0. A run shorter than ``dt`` may take 0 steps.
        progress : bool or stream
            Whether to show a progress bar with the speed and the remaining time, if standard error is a terminal or in
            a notebook. If you pass a text stream, such as ``sys.stderr``, the bar is written to it in any case.
        grad : bool
            Whether to return a [Run][dendrion.Run], whose ``backward`` computes gradients.
        batch : int, optional
            Number of samples to simulate in parallel. They start from the current state, share all parameters, and draw
            independent random numbers. Recordings then have a first axis for samples. Later runs continue with the same
            samples until ``reset()``.
        inputs : dict, optional
            For each generator, real numbers that replace its output in this run, of shape ``(steps, size)`` or, with a
            batch, ``(batch, steps, size)``, where ``steps`` is the number of steps of this run. The values are in pA
            for a current generator, and factors on the weights for a spike generator: 1 is a spike, 0 is no spike.
        memory : float
            Maximum memory (bytes) for the states that ``grad`` stores at a time, for all samples together. If the
            states of all steps do not fit, ``backward`` recomputes segments of the run from checkpoints. If even the
            plan that needs the least memory does not fit, it is used anyway. ``Run.memory`` is the memory that the
            chosen plan needs. The network itself, recordings, inputs and the gradient are not included (see
            [Gradients](../gradients.md)).
        save_state : str or path, optional
            File to which the state is saved (see ``Network.save_state``) at the end of the run. It is also saved if
            the run is stopped by Ctrl-C, or by an error after which the run can continue. This cannot be combined with
            ``grad``, ``batch`` or ``inputs``.
        save_every : float, optional
            Interval (ms) at which the state is also saved during the run, rounded to whole steps with a warning.

        Returns
        -------
        Network or Run
            The network itself or, with ``grad``, the run.

        Raises
        ------
        DivergenceError
            If a state becomes infinite or NaN. Recordings up to that step are kept; call ``reset()`` before the next
            run.
        MemoryError
            If the operating system refuses an allocation. If the memory was needed for spikes during the run or for
            ``grad``, the recordings up to that time are kept; call ``reset()`` before the next run. Otherwise the run
            has not begun.
        RunError
            If ``grad`` is used in a network with plastic connections, or ``batch`` in a network with plastic weights,
            because gradients and batches do not support changes of weights.
        OSError
            If the state cannot be saved. The network can continue to run.
        """
        duration, stream = time_of("duration", duration), stream_of(progress)
        if not isinstance(grad, (bool, np.bool_)):
            raise ParameterTypeError(f"network: grad = {quoted(grad)}: expected True or False")
        with self._alone("run"):
            steps, requested = self._sim.request(duration)
            special = grad or batch is not None or inputs is not None or bool(self._sim.batch())
            advance = self._saving(special, save_state, save_every, requested)
            if steps and not self._began:
                self._began = True
                warn_of_run(cast("Network", self))
            with logged_run(self._sim, steps, self.dt):
                self._keep_up()
                cast("Network", self)._let_go_of_arrays()
                if special:
                    found = self._run_with(steps, stream, grad, batch, {} if inputs is None else inputs, memory)
                    self._sim.set_requested_time(requested)
                    return found
                self._shown(advance, steps, stream)
                return cast("Network", self)

    def _shown(
        self, advance: Callable[[int, Callable[[int], None] | None], None], steps: int, stream: Writable | None
    ) -> None:
        """Run, with a progress bar if there is a stream."""
        if stream is None:
            advance(steps, None)
            return
        begin = self._sim.steps()
        with bar(max(steps, 1), self.dt, stream) as show:
            try:
                advance(steps, show)
            finally:
                # Ctrl-C may arrive before the last completed steps are shown.
                show(self._sim.steps() - begin)

    def _saving(
        self, special: bool, path: str | os.PathLike[str] | None, every: float | None, requested: float
    ) -> Callable[[int, Callable[[int], None] | None], None]:
        """Return the function that runs the network and, if requested, saves states."""
        if path is None:
            if every is not None:
                raise ParameterError(
                    f"network: save_every = {quoted(every)}: requires save_state= with the name of a file"
                )
            return functools.partial(self._advance_to, requested=requested)
        if special:
            raise ParameterError(
                f"network: save_state = {quoted(path)}: expected None with grad, batch or inputs; call "
                "net.save_state() later"
            )
        name = file_to_be("save_state", path)
        steps = None if every is None else interval("save_every", every, self.dt)
        return functools.partial(self._advance_and_save, path=name, every=steps, requested=requested)

    def _advance_to(self, steps: int, show: Callable[[int], None] | None, requested: float) -> None:
        """Run, then set the total requested time."""
        self._advance(steps, show)
        self._sim.set_requested_time(requested)

    def _run_with(
        self,
        steps: int,
        stream: Writable | None,
        grad: bool,
        batch: int | None,
        inputs: Mapping[Generator, ArrayLike],
        memory: float,
    ) -> Network | Run:
        self._streams.refuse("a run with grad, batch or inputs")
        if batch is not None:
            batch = whole("batch", batch, 1, 2**31)
        if grad and self._without_gradient:
            raise self._without_gradient[0]
        given = [(g.path, self._input(g, value, steps, batch)) for g, value in self._generators(inputs).items()]
        budget = size_in_bytes("memory", memory) if grad else None
        self._ask_until(self._sim.steps() + steps)
        begin = self._sim.steps()
        with contextlib.nullcontext() if stream is None else bar(max(steps, 1), self.dt, stream) as show:
            trace = self._sim.run_with(steps, show, batch, given, budget)
        net = cast("Network", self)
        if trace is None:
            return net
        return Run(net, trace, begin, steps, batch, list(inputs))

    def _generators(self, inputs: Mapping[Generator, ArrayLike]) -> Mapping[Generator, ArrayLike]:
        if not isinstance(inputs, Mapping):
            raise ParameterTypeError(
                f"network: inputs = {type(inputs).__name__}: expected a dict whose keys are generators"
            )
        for generator in inputs:
            if not isinstance(generator, Generator):
                raise ParameterTypeError(f"network: inputs: {quoted(generator)}: expected a generator of the network")
            self._path(generator)
        return inputs

    def _input(self, generator: Generator, value: ArrayLike, steps: int, batch: int | None) -> NDArray[np.float64]:
        signal = sampled(f"{generator.path}: input", value, "" if generator.spiking else "pA")
        if signal.interval is not None and not self._is_in_step(signal.start, signal.interval):
            raise ParameterError(
                f"{generator.path}: input has a sample every {signal.interval:g} ms, starting at {signal.start:g} ms; "
                f"expected one every dt = {self.dt:g} ms, starting at 0 ms or at the current time, t = {self.t:g} ms"
            )
        array = plain_numbers(f"{generator.path}: input", signal.values, "numbers")
        shape = (steps, generator.size) if batch is None else (batch, steps, generator.size)
        if array.shape != shape:
            begin, end = (step * self.dt for step in (self._sim.steps(), self._sim.steps() + steps))
            raise ParameterError(
                f"{generator.path}: input of shape {array.shape}: expected shape {shape}, because this run takes "
                f"{steps} steps, from t = {begin:g} ms to {end:g} ms"
            )
        return np.ascontiguousarray(array).reshape(-1)

    def _is_in_step(self, start: float, interval: float) -> bool:
        """Return whether sample times match the steps of the run, counted from its start or from t = 0."""
        tolerance = 1e-3 * self.dt
        return abs(interval - self.dt) < 1e-6 * self.dt and min(abs(start), abs(start - self.t)) < tolerance

    def _ask_until(self, end: int) -> None:
        """Call the functions of CustomGenerators for all steps before ``end``."""
        functions = [m for m in self._parts.values() if isinstance(m, CustomGenerator) and callable(m.fn)]
        while functions and self._asked < end:
            begin = self._asked
            until = (begin // CHUNK + 1) * CHUNK
            given = [generator._ask(begin, until, self.dt) for generator in functions]
            for generator, spikes in zip(functions, given, strict=True):
                self._sim.push_spikes(generator.path, *spikes, until)
            self._asked = until

    def _advance(self, steps: int, show: Callable[[int], None] | None) -> None:
        """Run in segments, and write recordings to disk after each segment. Segments do not affect results."""
        if not self._streams:
            self._advance_held(steps, show)
            return
        done = 0
        while done < steps:
            piece = min(self._streams.piece(), steps - done)
            try:
                self._advance_held(piece, show and functools.partial(_later, show, done))
            finally:
                # Keep what was recorded before Ctrl-C or an error.
                self._streams.flush()
            done += piece

    def _advance_held(self, steps: int, show: Callable[[int], None] | None) -> None:
        """Run in segments that end at the steps before which the functions of generators must be called again."""
        functions = [m for m in self._parts.values() if isinstance(m, CustomGenerator) and callable(m.fn)]
        if not functions:
            self._sim.run(steps, show)
            return
        begin = self._sim.steps()
        while (now := self._sim.steps()) < begin + steps:
            if now >= self._asked:
                until = (now // CHUNK + 1) * CHUNK
                given = [generator._ask(now, until, self.dt) for generator in functions]
                for generator, spikes in zip(functions, given, strict=True):
                    self._sim.push_spikes(generator.path, *spikes, until)
                self._asked = until
            done, piece = now - begin, min(self._asked, begin + steps) - now
            self._sim.run(piece, show and functools.partial(_later, show, done))

    @property
    def noise_seed(self) -> int:
        """Seed of noise and random generators: the seed of the last ``reset(seed=...)``, otherwise ``seed``."""
        return self._sim.noise_seed()

    @suggests
    def reset(self, *, seed: int | None = None) -> None:
        """Reset the network to t = 0, with initial states and empty recordings. Parameters keep their values.

        Parameters
        ----------
        seed : int, optional
            New seed, >= 0, for noise and the spikes of random generators. By default the seed is unchanged, so that the
            same numbers are drawn again. Connections, weights and delays, which are drawn when the network is built,
            do not change.
        """
        seed = None if seed is None else whole("seed", seed, 0, 2**64 - 1)
        with self._alone("reset"):
            self._keep_up()
            cast("Network", self)._let_go_of_arrays()
            self._sim.reset(seed)
            self._streams.clear()
            self._restarts += 1
            self._asked = 0
