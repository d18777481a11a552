"""Networks as JAX functions. ``import dendrion.jax`` requires ``jax``, which Dendrion does not install."""

from __future__ import annotations

import functools
import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ParameterTypeError, RunError
from .inputs.generators import Generator
from .recordings.recording import Recording, SpikeRecording
from .simulation._settings import whole as whole_number
from .simulation.network import Network
from .training._differentiable import Call, Differentiable, check_keys
from .training.gradients import MEMORY, Run
from .units import has_units, in_unit

try:
    import jax
    import jax.numpy as jnp
except ImportError as error:  # pragma: no cover
    raise ImportError("dendrion.jax requires JAX; install it with: pip install jax") from error

__all__ = ["function"]

#: Maximum number of runs that are kept for a later backward pass.
KEPT = 4


def function(
    net: Network,
    duration: float,
    inputs: Sequence[Generator] = (),
    outputs: Sequence[Recording | SpikeRecording] = (),
    *,
    memory: float = MEMORY,
) -> Callable[..., Any]:
    """Return a network as a function of parameters and inputs that JAX can differentiate, including under ``jit``.

    The function is pure: each call runs the network from t = 0, and the result depends only on the arguments.
    Parameters that are not passed have the values that they had in the network when the function was created, and
    random numbers are derived from ``seed``. Gradients are exact, except that the derivative of each spike is the
    surrogate of its population. Second derivatives and forward mode are not available and raise an error. The network
    runs outside XLA, one call at a time. After a call, the network has the parameters, states and recordings of that
    call. After training, copy the final parameters to the network with ``net.set_parameters(params)``.

    Parameters
    ----------
    net : Network
        The network, with its probes. Each call resets the network and sets its parameters.
    duration : float
        Simulated time per call (ms), a multiple of the time step.
    inputs : list of Generator
        Generators whose output the arguments replace. The arguments are real arrays of shape ``(batch, steps,
        size)`` or ``(steps, size)``: factors on the weights for spike generators (1 is one spike), and values in pA
        for current generators.
    outputs : list of Recording or SpikeRecording
        Probes whose recordings are returned, of shape ``(batch, samples, columns)``, or for spikes ``(batch, steps,
        size)``, with the number of spikes in each step.
    memory : float
        Maximum memory for a gradient (bytes).

    Returns
    -------
    function
        ``f(params, *inputs, seed=None, state=None)``. ``params`` is a dict with some or all of ``net.parameters()``.
        ``seed`` is an integer >= 0 or a key of ``jax.random``; it determines the noise and the spikes of random
        generators, and defaults to the ``noise_seed`` that the network had when the function was created. ``state`` is
        a dict of initial states, with keys as in ``net.get_state()``, of shape ``(size,)`` or ``(batch, size)``;
        gradients with respect to these states are also available. The function returns an array if there is one probe,
        and otherwise a tuple.

    Example
    -------
    ``jax.jit(jax.value_and_grad(lambda params, x: loss(f(params, x))))``
    """
    whole = Differentiable(net, duration, inputs, outputs, memory)
    runs = _Runs()

    def simulate(arguments: Any, grad: bool) -> tuple[list[NDArray[Any]], Run | None]:
        params, states, given, seed = arguments
        values, initial = ({k: np.asarray(v, np.float64) for k, v in d.items()} for d in (params, states))
        arrays = [np.asarray(x, dtype=np.float64) for x in given]
        found, run = whole.forward(Call(values, arrays, _seed_of(np.asarray(seed)), initial), grad)
        return [np.asarray(o, dtype=jnp.result_type(float)) for o in found], run

    def specs(arguments: Any) -> list[jax.ShapeDtypeStruct]:
        _, states, given, _ = arguments
        batch = whole.batch(given, states)
        dtype = jnp.result_type(float)
        return [jax.ShapeDtypeStruct(shape, dtype) for shape in whole.shapes(batch)]

    def plain(arguments: Any) -> Any:
        def run(arguments: Any) -> list[NDArray[Any]]:
            return simulate(arguments, grad=False)[0]

        return _called(run, specs(arguments), arguments)

    def forward(arguments: Any) -> tuple[Any, Any]:
        def run(arguments: Any) -> tuple[list[NDArray[Any]], NDArray[Any]]:
            found, trace = simulate(arguments, grad=True)
            return found, np.asarray(runs.keep(trace), dtype=np.int32)

        ticket = jax.ShapeDtypeStruct((), jnp.int32)
        found, ticket = _called(run, (specs(arguments), ticket), arguments)
        return found, (arguments, ticket)

    def backward(kept: Any, cotangents: Any) -> tuple[Any]:
        def run(arguments: Any, ticket: Any, cotangents: Any) -> Any:
            params, states, given, _ = arguments
            trace = runs.take(int(ticket))
            if trace is None:
                # The run was discarded or already used. The same arguments give an identical run.
                trace = simulate(arguments, grad=True)[1]
            assert trace is not None
            paths = [g.path for g in whole.inputs]
            arrays = [np.asarray(c, dtype=np.float64) for c in cotangents]
            found = whole.backward(trace, arrays, [*params, *paths])
            of_params, of_states = ({k: _like(found[k], v) for k, v in d.items()} for d in (params, states))
            return of_params, of_states, [_like(found[p], x) for p, x in zip(paths, given, strict=True)]

        arguments, ticket = kept
        *differentiable, seed = arguments
        like = jax.tree.map(lambda a: jax.ShapeDtypeStruct(jnp.shape(a), jnp.result_type(a)), differentiable)
        found = _called(run, tuple(like), arguments, ticket, cotangents)
        # Integer arguments have no derivative.
        return ((*found, np.zeros(jnp.shape(seed), dtype=jax.dtypes.float0)),)

    simulated = jax.custom_vjp(plain)
    simulated.defvjp(forward, backward)

    def call(params: Mapping[str, Any], *given: Any, seed: Any = None, state: Mapping[str, Any] | None = None) -> Any:
        dtype = jnp.result_type(float)
        units = {key: net._unit_of(key) for key, value in params.items() if has_units(value)}
        params = {key: in_unit(key, value, units.get(key, "")) for key, value in params.items()}
        params = {key: jnp.asarray(value, dtype=dtype) for key, value in params.items()}
        check_keys(params, whole.known, whole.frozen)
        states = {key: jnp.asarray(value, dtype=dtype) for key, value in (state or {}).items()}
        arrays = [jnp.asarray(x, dtype=dtype) for x in given]
        whole.check_inputs(arrays)
        words = _words(whole.seed if seed is None else seed)
        found = simulated((params, states, arrays, words))
        return found[0] if len(found) == 1 else tuple(found)

    return call


class _Runs:
    """Runs that await a backward pass, keyed by ticket number. Callbacks may come from several threads."""

    def __init__(self) -> None:
        self._runs: OrderedDict[int, Run] = OrderedDict()
        self._tickets = itertools.count(1)
        self._lock = threading.Lock()

    def keep(self, run: Run | None) -> int:
        """Store a run and return its ticket. The oldest runs are discarded if there are too many."""
        with self._lock:
            ticket = next(self._tickets)
            if run is not None:
                self._runs[ticket] = run
            while len(self._runs) > KEPT:
                self._runs.popitem(last=False)
            return ticket

    def take(self, ticket: int) -> Run | None:
        """Remove and return a run, or ``None`` if it is no longer stored."""
        with self._lock:
            return self._runs.pop(ticket, None)


def _called(run: Callable[..., Any], like: Any, *arguments: Any) -> Any:
    """Call a function outside XLA. Differentiating the call raises an error that explains the reason."""

    @jax.custom_jvp
    def called(*arguments: Any) -> Any:
        return jax.pure_callback(run, like, *arguments, vmap_method="sequential")

    @called.defjvp
    def refuse(primals: Any, tangents: Any) -> Any:
        raise RunError(
            "dendrion.jax: second derivatives and forward mode are not available: the derivative of a gradient through "
            "surrogate derivatives is not defined; use jax.grad, jax.vjp or jax.jacrev, and only once"
        )

    return called(*arguments)


def _like(gradient: NDArray[np.float64], value: Any) -> NDArray[Any]:
    """Return a gradient with the shape and type of its argument, summed over samples that share the argument."""
    shape = np.shape(value)
    lead = tuple(range(gradient.ndim - len(shape)))
    return np.asarray(gradient.sum(axis=lead).reshape(shape), dtype=np.asarray(value).dtype)


def _words(seed: Any) -> jax.Array:
    """Return a seed, or a key of ``jax.random``, as 32-bit words, with the most significant word first."""
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        seed = whole_number("seed", seed, 0, 2**64 - 1)
        return jnp.asarray([seed >> 32, seed & 0xFFFFFFFF], dtype=jnp.uint32)
    dtype = getattr(seed, "dtype", None)
    if dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key):
        seed = jax.random.key_data(seed)
        dtype = seed.dtype
    if dtype == jnp.uint32 and jnp.ndim(seed) == 1:
        return seed  # type: ignore[no-any-return]
    if dtype is not None and jnp.issubdtype(dtype, jnp.integer) and jnp.ndim(seed) == 0:
        seed = jnp.asarray(seed)
        # Shifting by 32 bits is undefined for narrower integers.
        high = seed >> 32 if jnp.dtype(dtype).itemsize == 8 else jnp.zeros_like(seed)
        return jnp.stack([high.astype(jnp.uint32), seed.astype(jnp.uint32)])
    kind = type(seed).__name__ if dtype is None else f"{dtype}{list(jnp.shape(seed))}"
    raise ParameterTypeError(f"dendrion.jax: seed of type {kind}: expected an integer >= 0 or a jax.random key")


def _seed_of(words: NDArray[np.uint32]) -> int:
    """Return the integer seed that the words encode."""
    if words.size <= 2:
        return functools.reduce(lambda seed, word: seed << 32 | int(word), words, 0)
    # The keys of some of JAX's generators have more words.
    return int(np.random.SeedSequence(words.tolist()).generate_state(1, np.uint64)[0])
