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

from ._suggest import unknown_name
from .errors import ParameterError, ParameterTypeError, RunError
from .inputs.generators import Generator
from .simulation._settings import whole as whole_number
from .simulation.network import Network
from .training._differentiable import Call, Carried, Differentiable, Output, Passed, check_keys
from .training._filters import Filtered
from .training._states import refuse_plastic
from .training.gradients import MEMORY
from .units import has_units, in_unit

try:
    import jax
    import jax.numpy as jnp
except ImportError as error:  # pragma: no cover
    raise ImportError("dendrion.jax requires JAX; install it with: pip install jax") from error

__all__ = ["Function", "State", "function"]

#: Maximum number of runs that are kept for a later backward pass.
KEPT = 4


def function(
    net: Network,
    duration: float,
    inputs: Sequence[Generator] = (),
    outputs: Sequence[Output] = (),
    *,
    memory: float = MEMORY,
) -> Function:
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
    outputs : list of Recording, SpikeRecording or Filtered
        Probes whose recordings are returned, of shape ``(batch, samples, columns)``, or for spikes ``(batch, steps,
        size)``, with the number of spikes in each step. [Filtered][dendrion.Filtered] turns spikes into smooth values.
    memory : float
        Maximum memory for a gradient (bytes).

    Returns
    -------
    function
        ``f(params, *inputs, seed=None, state=None)``. ``params`` is a dict with some or all of ``net.parameters()``.
        ``seed`` is an integer >= 0 or a key of ``jax.random``; it determines the noise and the spikes of random
        generators, and defaults to the ``noise_seed`` that the network had when the function was created. ``state`` is
        a dict of initial states, with keys as in ``net.get_state()``, of shape ``(size,)`` or ``(batch, size)``;
        gradients with respect to these states are also available. The function returns an array if there is one output,
        and otherwise a tuple. With a [State][dendrion.jax.State] from ``f.initial_state(batch)`` or an earlier call, as
        in ``out, state = f(params, x, state)``, the function continues from it and returns the outputs and the next
        state. Gradients flow through states, including spikes in transit.

    Example
    -------
    ``jax.jit(jax.value_and_grad(lambda params, x: loss(f(params, x))))``
    """
    return Function(net, duration, inputs, outputs, memory)


class Function:
    """A network as a function, created by [dendrion.jax.function][dendrion.jax.function]."""

    def __init__(
        self, net: Network, duration: float, inputs: Sequence[Generator], outputs: Sequence[Output], memory: float
    ) -> None:
        self._whole, self._runs = Differentiable(net, duration, inputs, outputs, memory), _Runs()
        #: Functions with a derivative, by the keys of the states at their initial values. The key of calls without a
        #: ``State`` is None.
        self._simulated: dict[tuple[str, ...] | None, Any] = {}

    def __call__(
        self, params: Mapping[str, Any], *given: Any, seed: Any = None, state: State | Mapping[str, Any] | None = None
    ) -> Any:
        """Run the network; see [dendrion.jax.function][dendrion.jax.function]."""
        whole, net, dtype = self._whole, self._whole.net, jnp.result_type(float)
        if given and isinstance(given[-1], State):
            if state is not None:
                raise ParameterError("dendrion.jax: got a State twice; pass it after the inputs or as state=...")
            given, state = given[:-1], given[-1]
        units = {key: net._unit_of(key) for key, value in params.items() if has_units(value)}
        params = {key: in_unit(key, value, units.get(key, "")) for key, value in params.items()}
        params = {key: jnp.asarray(value, dtype=dtype) for key, value in params.items()}
        check_keys(params, whole.known, whole.frozen)
        arrays = [jnp.asarray(x, dtype=dtype) for x in given]
        whole.check_inputs(arrays)
        if isinstance(state, State):
            return self._continued(params, arrays, state if seed is None else state.with_seed(seed))
        states = {key: jnp.asarray(value, dtype=dtype) for key, value in (state or {}).items()}
        words = _words(whole.seed if seed is None else seed)
        found, _ = self._function(None)((params, states, arrays, words, jnp.int32(0)))
        return found[0] if len(found) == 1 else tuple(found)

    def _continued(self, params: Any, arrays: Any, state: State) -> Any:
        """Continue from a state, and return the outputs and the next state."""
        whole = self._whole
        refuse_plastic(whole.net)
        for output in whole.outputs:
            every = output._step if isinstance(output, Filtered) else getattr(output, "_every", 1)
            if whole.steps % every:
                raise ParameterError(
                    f"dendrion.jax: an output with a sample every {every} steps: expected a divisor of the "
                    f"{whole.steps} steps of a call with a State, so that all calls return equally many samples"
                )
        state._check(whole.shapes_of_state(), whole.batch(arrays, {}) if arrays else state.batch)
        simulated = self._function(tuple(state.fresh))
        found, final = simulated((params, dict(state.arrays), arrays, state.words, state.step))
        out = found[0] if len(found) == 1 else tuple(found)
        return out, State(final, state.step + whole.steps, state.words, state.batch, ())

    def initial_state(self, batch: int | None = None, *, seed: Any = None) -> State:
        """Return the state at t = 0, from which ``f(params, x, state)`` starts a sequence.

        Entries that you do not replace have the initial values of the parameters of the call, so gradients with respect
        to parameters such as ``V_rest`` include the effect of initial values. To train initial states, use
        ``state.replace({"cell/soma.V": array})``.

        Parameters
        ----------
        batch : int, optional
            Batch size of the inputs. By default, inputs have no batch.
        seed : int or key, optional
            Seed for noise and random generators in all calls that continue from this state. Defaults to the
            ``noise_seed`` that the network had when the function was created.
        """
        whole = self._whole
        refuse_plastic(whole.net)
        lead = () if batch is None else (whole_number("batch", batch, 1, 2**31 - 1),)
        with whole.net._lock:
            whole.net.reset()
            states = whole.net.get_state()
        arrays, dtype = {}, jnp.result_type(float)
        for key, shape in whole.shapes_of_state().items():
            arrays[key] = jnp.broadcast_to(jnp.asarray(states.get(key, 0.0), dtype=dtype), (*lead, *shape))
        words = _words(whole.seed if seed is None else seed)
        return State(arrays, jnp.int32(0), words, batch, tuple(arrays))

    def _function(self, fresh: tuple[str, ...] | None) -> Any:
        """Return the function from arguments to outputs and the final state, which JAX can differentiate."""
        if fresh not in self._simulated:
            self._simulated[fresh] = self._differentiable(fresh)
        return self._simulated[fresh]

    def _call_of(self, arguments: Any, fresh: tuple[str, ...] | None) -> Call:
        """Return a call with these arguments, as NumPy arrays."""
        params, states, given, seed, step = arguments
        values = {k: np.asarray(v, np.float64) for k, v in params.items()}
        initial = {k: np.asarray(v, np.float64) for k, v in states.items()}
        arrays, number = [np.asarray(x, dtype=np.float64) for x in given], _seed_of(np.asarray(seed))
        if fresh is None:
            return Call(values, arrays, number, initial)
        batch = self._batch(states, given, fresh)
        # At the beginning, states that were not replaced follow from the parameters.
        kept = {k: v for k, v in initial.items() if k not in fresh}
        others = {key: kept.pop(key) for key in list(kept) if key not in self._whole.net._states}
        return Call(values, arrays, number, kept, True, Carried(int(step), others), batch)

    def _batch(self, states: Any, given: Any, fresh: tuple[str, ...] | None) -> int | None:
        """Return the batch size of the arguments."""
        whole = self._whole
        if fresh is None or given:
            return whole.batch(given, states if fresh is None else {})
        key, shape = next(iter(whole.shapes_of_state().items()))
        return int(np.shape(states[key])[0]) if np.ndim(states[key]) > len(shape) else None

    def _specs(self, arguments: Any, fresh: tuple[str, ...] | None) -> Any:
        """Return the shapes and types of the outputs and of the final state."""
        whole, (_, states, given, _, _) = self._whole, arguments
        batch, dtype = self._batch(states, given, fresh), jnp.result_type(float)
        outputs = [jax.ShapeDtypeStruct(shape, dtype) for shape in whole.shapes(batch)]
        lead = () if batch is None else (batch,)
        final = {} if fresh is None else whole.shapes_of_state()
        return outputs, {key: jax.ShapeDtypeStruct((*lead, *shape), dtype) for key, shape in final.items()}

    def _differentiable(self, fresh: tuple[str, ...] | None) -> Any:
        whole, runs = self._whole, self._runs

        def simulate(arguments: Any, grad: bool) -> tuple[Any, Passed]:
            passed, dtype = whole.forward(self._call_of(arguments, fresh), grad), jnp.result_type(float)
            outputs = [np.asarray(o, dtype=dtype) for o in passed.outputs]
            return (outputs, {k: np.asarray(v, dtype=dtype) for k, v in passed.final.items()}), passed

        def plain(arguments: Any) -> Any:
            return _called(lambda arguments: simulate(arguments, False)[0], self._specs(arguments, fresh), arguments)

        def forward(arguments: Any) -> tuple[Any, Any]:
            def run(arguments: Any) -> Any:
                found, passed = simulate(arguments, True)
                return found, np.asarray(runs.keep(passed), dtype=np.int32)

            ticket = jax.ShapeDtypeStruct((), jnp.int32)
            found, ticket = _called(run, (self._specs(arguments, fresh), ticket), arguments)
            return found, (arguments, ticket)

        def backward(kept: Any, cotangents: Any) -> tuple[Any]:
            def run(arguments: Any, ticket: Any, cotangents: Any) -> Any:
                params, states, given, *_ = arguments
                # The run may have been discarded or already used. The same arguments give an identical run.
                passed = runs.take(int(ticket)) or simulate(arguments, True)[1]
                paths = [g.path for g in whole.inputs]
                arrays = [np.asarray(c, dtype=np.float64) for c in cotangents[0]]
                final = {k: np.asarray(c, dtype=np.float64) for k, c in cotangents[1].items()}
                ends = None if fresh is None else final
                found = whole.backward(passed, arrays, [*params, *paths], ends)
                of_params = {k: _like(found[k], v) for k, v in params.items()}
                of_states = {k: _of_state(k, found, v, fresh) for k, v in states.items()}
                return of_params, of_states, [_like(found[p], x) for p, x in zip(paths, given, strict=True)]

            arguments, ticket = kept
            *differentiable, seed, step = arguments
            like = jax.tree.map(lambda a: jax.ShapeDtypeStruct(jnp.shape(a), jnp.result_type(a)), differentiable)
            found = _called(run, tuple(like), arguments, ticket, cotangents)
            # Integer arguments have no derivative.
            none = [np.zeros(jnp.shape(number), dtype=jax.dtypes.float0) for number in (seed, step)]
            return ((*found, *none),)

        simulated = jax.custom_vjp(plain)
        simulated.defvjp(forward, backward)
        return simulated


def _of_state(key: str, found: Mapping[str, NDArray[np.float64]], value: Any, fresh: tuple[str, ...] | None) -> Any:
    """Return the gradient of an initial state; 0 for a state that follows from the parameters."""
    if fresh is not None and key in fresh:
        return np.zeros(np.shape(value), dtype=np.asarray(value).dtype)
    return _like(found[key], value)


@jax.tree_util.register_pytree_node_class
class State:
    """The state of a function's network between two calls: arrays by key, the number of steps done, and the seed.

    [Function.initial_state][dendrion.jax.Function.initial_state] and calls with a state return it. It is a pytree, so
    it can be passed through ``jit``, ``grad`` and ``scan``. Its arrays are the states of neurons (``cell/soma.V``), the
    input in transit (``cell.arriving0``: the weights of spikes that have been sent and arrive in later steps, of shape
    ``(batch, steps, size)``), and the traces of [Filtered][dendrion.Filtered] outputs (``filter0``). Gradients do not
    flow through ``jax.lax.stop_gradient(state)``. With JAX's default of single precision, the states of a network in
    double precision are rounded between calls.
    """

    def __init__(
        self, arrays: Mapping[str, Any], step: Any, words: Any, batch: int | None, fresh: tuple[str, ...]
    ) -> None:
        self.arrays, self.step, self.words, self.batch, self.fresh = dict(arrays), step, words, batch, fresh

    def tree_flatten(self) -> tuple[tuple[Any, ...], Any]:
        """Return the arrays, and what determines the structure."""
        return (self.arrays, self.step, self.words), (self.batch, self.fresh)

    @classmethod
    def tree_unflatten(cls, structure: Any, children: Any) -> State:
        """Return a state with these arrays."""
        return cls(*children, *structure)

    def __getitem__(self, key: str) -> Any:
        if key not in self.arrays:
            raise unknown_name("State: no entry", key, list(self.arrays))
        return self.arrays[key]

    def __repr__(self) -> str:
        return f"<State: {', '.join(self.arrays)}>"

    def replace(self, arrays: Mapping[str, Any]) -> State:
        """Return a state in which some arrays are replaced, for example by trained initial values."""
        new = dict(self.arrays)
        for key, array in arrays.items():
            old = self[key]
            new[key] = jnp.broadcast_to(jnp.asarray(array, dtype=old.dtype), old.shape)
        return State(new, self.step, self.words, self.batch, tuple(k for k in self.fresh if k not in arrays))

    def with_seed(self, seed: Any) -> State:
        """Return a state from which noise and random generators continue with another seed."""
        return State(self.arrays, self.step, _words(seed), self.batch, self.fresh)

    def _check(self, expected: Mapping[str, tuple[int, ...]], batch: int | None) -> None:
        """Raise an error unless the state fits a function with these shapes, without the batch, and these inputs."""
        wrong = sorted(set(expected) ^ set(self.arrays))
        if wrong:
            raise ParameterError(
                f"dendrion.jax: state: {wrong[0]} is in the state or in the function, but not in both; expected the "
                "state of a function with the same network and outputs"
            )
        if self.batch != batch:
            raise ParameterError(
                f"dendrion.jax: state with batch = {self.batch}, but inputs with batch = {batch}; expected equal sizes"
            )


class _Runs:
    """Runs that await a backward pass, keyed by ticket number. Callbacks may come from several threads."""

    def __init__(self) -> None:
        self._runs: OrderedDict[int, Passed] = OrderedDict()
        self._tickets = itertools.count(1)
        self._lock = threading.Lock()

    def keep(self, run: Passed | None) -> int:
        """Store a run and return its ticket. The oldest runs are discarded if there are too many."""
        with self._lock:
            ticket = next(self._tickets)
            if run is not None:
                self._runs[ticket] = run
            while len(self._runs) > KEPT:
                self._runs.popitem(last=False)
            return ticket

    def take(self, ticket: int) -> Passed | None:
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
