"""Networks as functions of JAX. ``import dendrion.jax`` needs ``jax``, which Dendrion does not install."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._differentiable import Differentiable, trainable
from .generators import Generator
from .gradients import MEMORY, Run
from .network import Network
from .recording import Recording, SpikeRecording
from .units import has_units, in_unit

try:
    import jax
    import jax.numpy as jnp
except ImportError as error:  # pragma: no cover
    raise ImportError("dendrion.jax needs JAX: pip install jax") from error

__all__ = ["function"]

#: Runs kept for gradients that may not come.
KEPT = 4


def function(
    net: Network,
    duration: float,
    inputs: Sequence[Generator] = (),
    outputs: Sequence[Recording | SpikeRecording] = (),
    *,
    memory: float = MEMORY,
) -> Callable[..., Any]:
    """Return a network as a function of parameters and inputs that JAX differentiates, under ``jit`` too.

    Each call runs the network from t = 0. Gradients are exact, with the surrogate derivatives of the populations for
    their spikes. The network runs outside of XLA, in one call after the other.

    Parameters
    ----------
    net : Network
        The network, with its probes. Calls reset it and set its parameters.
    duration : float
        Time to simulate at a call (ms).
    inputs : list of Generator
        Generators that arguments stand in for: ``(batch, steps, size)`` or ``(steps, size)`` of real numbers, factors
        of the weights for spikes (1 is a spike), pA for currents.
    outputs : list of Recording or SpikeRecording
        Probes whose samples are returned, ``(batch, samples, columns)``; of spikes ``(batch, steps, size)``, 0 or 1.
    memory : float
        Bytes a gradient may keep.

    Returns
    -------
    function
        ``f(params, *inputs)``: ``params`` is a dict of some or all of ``net.parameters()``, the others stay as they
        are. Returns an array for one probe, else a tuple.

    Example
    -------
    ``jax.jit(jax.value_and_grad(lambda params, x: loss(f(params, x))))``
    """
    whole = Differentiable(net, duration, inputs, outputs, memory)
    runs: OrderedDict[int, Run] = OrderedDict()
    tickets = itertools.count(1)

    def simulate(params: Mapping[str, Any], given: Sequence[Any], grad: bool) -> tuple[list[Any], Run | None]:
        trainable(net, params)
        values = {key: np.asarray(value, dtype=np.float64) for key, value in params.items()}
        return whole.forward(values, [np.asarray(x, dtype=np.float64) for x in given], grad)

    def specs(given: Sequence[Any]) -> list[jax.ShapeDtypeStruct]:
        dtype = jnp.result_type(float)
        return [jax.ShapeDtypeStruct(shape, dtype) for shape in whole.shapes(whole.batch(given))]

    def plain(params: Mapping[str, Any], *given: Any) -> Any:
        dtype = jnp.result_type(float)

        def run(params: Mapping[str, Any], *given: Any) -> list[NDArray[Any]]:
            return [np.asarray(o, dtype=dtype) for o in simulate(params, given, grad=False)[0]]

        return jax.pure_callback(run, specs(given), params, *given, vmap_method="sequential")

    def forward(params: Mapping[str, Any], *given: Any) -> tuple[Any, Any]:
        dtype = jnp.result_type(float)

        def run(params: Mapping[str, Any], *given: Any) -> tuple[list[NDArray[Any]], NDArray[Any]]:
            found, trace = simulate(params, given, grad=True)
            ticket = next(tickets)
            if trace is not None:
                runs[ticket] = trace
            while len(runs) > KEPT:
                runs.popitem(last=False)
            return [np.asarray(o, dtype=dtype) for o in found], np.asarray(ticket, dtype=np.int32)

        ticket = jax.ShapeDtypeStruct((), jnp.int32)
        found, ticket = jax.pure_callback(run, (specs(given), ticket), params, *given, vmap_method="sequential")
        return found, (params, given, ticket)

    def backward(kept: Any, cotangents: Any) -> tuple[Any, ...]:
        params, given, ticket = kept

        def run(params: Mapping[str, Any], given: Any, ticket: Any, cotangents: Any) -> Any:
            trace = runs.pop(int(ticket), None)
            if trace is None:
                # Its call is long ago, or was reversed before.
                trace = simulate(params, given, grad=True)[1]
            assert trace is not None
            paths = [g.path for g in whole.inputs]
            arrays = [np.asarray(c, dtype=np.float64) for c in cotangents]
            found = whole.backward(trace, arrays, [*params, *paths])
            of_params = {k: np.asarray(found[k], dtype=np.asarray(v).dtype) for k, v in params.items()}
            of_inputs = [np.asarray(found[p], dtype=np.asarray(x).dtype) for p, x in zip(paths, given, strict=True)]
            return of_params, of_inputs

        like = jax.tree.map(lambda a: jax.ShapeDtypeStruct(jnp.shape(a), jnp.result_type(a)), (params, list(given)))
        of_params, of_inputs = jax.pure_callback(
            run, like, params, list(given), ticket, cotangents, vmap_method="sequential"
        )
        return (of_params, *of_inputs)

    differentiable = jax.custom_vjp(plain)
    differentiable.defvjp(forward, backward)

    def call(params: Mapping[str, Any], *given: Any) -> Any:
        units = {key: net._unit_of(key) for key, value in params.items() if has_units(value)}
        params = {key: in_unit(key, value, units.get(key, "")) for key, value in params.items()}
        params = {key: jnp.asarray(value, dtype=jnp.result_type(float)) for key, value in params.items()}
        trainable(net, params)
        found = differentiable(params, *(jnp.asarray(x, dtype=jnp.result_type(float)) for x in given))
        return found[0] if len(found) == 1 else tuple(found)

    return call
