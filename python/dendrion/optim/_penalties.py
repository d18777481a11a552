"""Penalties on firing rates, as losses together with their derivatives with respect to spikes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._numbers import numbers, real
from .._quoted import quoted, told
from ..errors import ParameterError, ParameterTypeError, RunError
from ..neurons.neuron import Neuron
from ..recordings.recording import Recording, SpikeRecording
from ..surrogate import EventProp
from ..training.gradients import Run

__all__ = ["rate_penalty", "total_loss"]

Cotangents = dict[Recording | SpikeRecording, NDArray[np.float64]]
Penalty = tuple[float, Cotangents]


def rate_penalty(
    run: Run,
    spikes: SpikeRecording,
    target: ArrayLike | None = None,
    *,
    lower: ArrayLike | None = None,
    upper: ArrayLike | None = None,
    weight: float = 1.0,
    per: str = "population",
) -> Penalty:
    """Return a penalty on firing rates outside a range, and its derivatives with respect to spikes.

    The penalty is ``weight`` times the mean of the squared distance (Hz²) of each rate from the range. The mean is
    over the samples of a batch and, with ``per="neuron"``, over neurons. Pass the derivatives to
    [Run.backward][dendrion.Run.backward], alone or combined with other losses by
    [total_loss][dendrion.optim.total_loss].

    Parameters
    ----------
    run : Run
        The run, from ``net.run(duration, grad=True)``.
    spikes : SpikeRecording
        Spikes of the population, which must have a surrogate: with [EventProp][dendrion.EventProp], the gradient of a
        number of spikes is 0.
    target : float or array, optional
        Rate (Hz), >= 0, from which any deviation is penalized.
    lower, upper : float or array, optional
        Smallest and largest rate (Hz), >= 0, that is not penalized. Pass at least one of them if there is no
        ``target``.
    weight : float
        Factor of the penalty (1/Hz²), >= 0.
    per : str
        Which rates are compared: ``"population"`` for the mean rate of the recorded neurons in each sample, or
        ``"neuron"`` for the rate of each neuron in each sample. With ``"neuron"``, rates may be arrays of shape
        ``(size,)``. A lower limit per neuron prevents silent neurons; an upper limit per population allows some neurons
        to be more active than others.

    Returns
    -------
    tuple
        The penalty, and a dict from ``spikes`` to an array of shape ``(steps, size)``, or ``(batch, steps, size)`` with
        a batch.
    """
    if not isinstance(run, Run):
        raise ParameterTypeError(f"rate_penalty: run = {quoted(run)}: expected a Run, from net.run(..., grad=True)")
    if not isinstance(spikes, SpikeRecording) or not spikes._is_probe_of(run.net):
        raise ParameterTypeError(
            f"rate_penalty: spikes = {quoted(spikes)}: expected a SpikeRecording of the network that ran"
        )
    if per not in ("population", "neuron"):
        raise ParameterError(f"rate_penalty: per = {quoted(per)}: expected 'population' or 'neuron'")
    low, high = _range(target, lower, upper, (spikes.size,) if per == "neuron" else ())
    weight = real("rate_penalty: weight", weight, "a number >= 0")
    if not (np.isfinite(weight) and weight >= 0):
        raise ParameterError(f"rate_penalty: weight = {told(weight)}: expected a finite number >= 0")
    _refuse_event_prop(run, spikes)
    counts, index = _counts(run, spikes), spikes.index
    seconds = run.steps * run.net.dt / 1000.0
    if run.steps == 0:
        raise RunError("rate_penalty: the run has 0 steps; expected at least one")
    rates = counts[:, index] / seconds
    if per == "population":
        rates = rates.mean(axis=1, keepdims=True)
    else:
        low, high = (np.broadcast_to(bound, (spikes.size,))[index] for bound in (low, high))
    outside = rates - np.clip(rates, low, high)
    loss = weight * float(np.mean(outside**2))
    slope = np.zeros(counts.shape)
    # Each spike changes the compared rate by 1 / seconds, divided by the number of neurons whose mean it is.
    slope[:, index] = weight * 2.0 * outside / (outside.size * seconds) / (len(index) / outside.shape[1])
    cotangent = np.broadcast_to(slope[:, None, :], (len(counts), run.steps, spikes.size))
    return loss, {spikes: np.array(cotangent if run.batch is not None else cotangent[0])}


def _refuse_event_prop(run: Run, spikes: SpikeRecording) -> None:
    """Raise an error for populations in which the number of spikes has the gradient 0."""
    population = run.net._by_path.get(spikes._population or "")
    if isinstance(population, Neuron) and isinstance(population.surrogate_grad_fn, EventProp):
        raise ParameterError(
            f"rate_penalty: {population.path}: surrogate_grad_fn = EventProp(), for which the gradient of a number of "
            "spikes is 0: expected a population with a surrogate such as FastSigmoid()"
        )


def _range(target: Any, lower: Any, upper: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Return the smallest and the largest rate that is not penalized."""
    if target is not None:
        if lower is not None or upper is not None:
            raise ParameterError(
                "rate_penalty: got target with lower or upper: expected either target, or lower and upper"
            )
        low = high = _rates("target", target, shape)
        return low, high
    if lower is None and upper is None:
        raise ParameterError("rate_penalty: target, lower, upper = None: expected at least one of them (Hz)")
    low = np.asarray(0.0) if lower is None else _rates("lower", lower, shape)
    high = np.asarray(np.inf) if upper is None else _rates("upper", upper, shape)
    if np.any(low > high):
        raise ParameterError(f"rate_penalty: lower = {quoted(lower)}: expected at most upper = {quoted(upper)}")
    return low, high


def _rates(name: str, value: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    array = numbers(f"rate_penalty: {name}", value, "a rate", "Hz")
    if array.shape not in ((), shape):
        raise ParameterError(
            f"rate_penalty: {name} = array of shape {array.shape}: expected a number"
            f"{f' or an array of shape {shape}' if shape else '; arrays require per=' + repr('neuron')}"
        )
    if not np.isfinite(array).all() or (array < 0).any():
        raise ParameterError(f"rate_penalty: {name} = {quoted(value)}: expected finite rates >= 0")
    return array


def _counts(run: Run, spikes: SpikeRecording) -> NDArray[np.float64]:
    """Return the number of spikes of each neuron in a run, of shape ``(samples, size)``."""
    restarted = run.net._restarts != run._restarts and spikes._is_recorded_by(run.net)
    if restarted or spikes._begin() > run._begin:
        raise RunError(
            f"rate_penalty: {spikes.name}: its recording of this run is not available, because clear(), reset() "
            "or load_state() cleared it, or because the probe did not record the run"
        )
    sample, step, neuron = spikes._spikes()
    inside = (step >= run._begin) & (step < run._begin + run.steps)
    counts = np.zeros((run.batch or 1, spikes.size))
    np.add.at(counts, (sample[inside], neuron[inside]), 1.0)
    return counts


def total_loss(*parts: tuple[float, Mapping[Any, ArrayLike]]) -> tuple[float, dict[Any, NDArray[np.float64]]]:
    """Return the sum of several losses, and the sums of their derivatives by probe.

    Parameters
    ----------
    parts : tuple
        Pairs of a loss and a dict from probes to derivatives, such as those that
        [rate_penalty][dendrion.optim.rate_penalty] returns.
    """
    total = 0.0
    cotangents: dict[Any, NDArray[np.float64]] = {}
    for part in parts:
        if not isinstance(part, (tuple, list)) or len(part) != 2 or not isinstance(part[1], Mapping):
            raise ParameterTypeError(
                f"total_loss: {quoted(part)}: expected pairs of a loss and a dict from probes to derivatives"
            )
        loss = numbers("total_loss: loss", part[0], "a number")
        if loss.ndim:
            raise ParameterError(f"total_loss: loss = array of shape {loss.shape}: expected a number")
        if not np.isfinite(loss):
            raise ParameterError(f"total_loss: loss = {loss}: expected a finite number")
        total += float(loss)
        for probe, value in part[1].items():
            name = getattr(probe, "_name", quoted(probe))
            array = numbers(f"total_loss: derivatives of {name}", value, "numbers")
            if probe in cotangents and array.shape != cotangents[probe].shape:
                raise ParameterError(
                    f"total_loss: derivatives of {name} of shape {array.shape}: expected shape "
                    f"{cotangents[probe].shape}, as in another part"
                )
            cotangents[probe] = cotangents[probe] + array if probe in cotangents else array
    return total, cotangents
