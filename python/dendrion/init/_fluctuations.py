"""Weights for given fluctuations of V, after Rossbroich, Gygax & Zenke (2022).

Spikes arrive through each synapse a at n_a inputs of rate nu_a, with independent weights w. If the response of V to a
spike of weight 1 is e_a(t), then the mean and the variance of V (without a threshold) are, by Campbell's theorem,

    mean = V_0 + sum over a of n_a nu_a E[w] A_a,      A_a = integral of e_a
    var  =       sum over a of n_a nu_a E[w^2] B_a,    B_a = integral of e_a^2

The paper derives closed-form expressions for A and B for current-based exponential synapses. Here, A and B are measured
at the mean input, so that conductances, dendrites and voltage-dependent receptors are included. Because A and B depend
on the mean input, the equations are solved for the weights, and the measurement is repeated with the new weights until
mean and variance are correct (a quasi-Newton iteration with half steps).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..connections.synapse import MCSynapse
from ..errors import DendrionError, ParameterError, ParameterTypeError, RunError, StructureError
from ..inputs.generators import Generator
from ..neurons.mc_neuron import MCNeuron
from ..neurons.neuron import Neuron
from ..simulation._settings import whole
from ..simulation.network import Network
from ._common import afferents, checked_network, given_rates, is_inhibitory, positive
from ._response import Response, Scratch

__all__ = ["FluctuationReport", "fluctuation_driven"]

#: Maximum number of measurements, and the deviation of the mean (relative to the standard deviation) that is accepted.
_MEASUREMENTS, _ACCURACY = 60, 0.02


@dataclass(frozen=True)
class FluctuationReport:
    """The result of [fluctuation_driven][dendrion.init.fluctuation_driven].

    Attributes
    ----------
    mean, std : dict
        Predicted mean and standard deviation of V at the soma (mV), without a threshold, keyed by the path of the
        population.
    weights : dict
        Mean and standard deviation of the distribution of the weights, keyed by parameter.
    distributions : dict
        Name of this distribution, keyed by parameter: ``"normal"``, ``"gamma"`` or ``"exponential"``.
    """

    mean: dict[str, float]
    std: dict[str, float]
    weights: dict[str, tuple[float, float]]
    distributions: dict[str, str]

    def __repr__(self) -> str:
        lines = [f"{path}: V = {mean:.4g} mV +- {self.std[path]:.3g} mV" for path, mean in self.mean.items()]
        for key, (mean, std) in self.weights.items():
            lines.append(f"{key}: {self.distributions[key]}, mean {mean:.4g}, standard deviation {std:.4g}")
        return "\n".join(lines)


def fluctuation_driven(
    net: Network,
    rates: float | Mapping[Generator | Neuron | str, float],
    *,
    std: float,
    xi: float = 1.0,
    populations: list[MCNeuron] | None = None,
    seed: int = 0,
) -> FluctuationReport:
    """Draw weights such that V fluctuates below the threshold (Rossbroich, Gygax & Zenke 2022).

    Without its threshold, V at the soma of each population would have the standard deviation ``std`` over time and the
    mean ``V_th - xi * std`` over time and neurons. Neurons then fire when their input fluctuates, and surrogate
    derivatives are not zero. The response of V to a spike at each synapse is measured by simulating a copy of the
    population at the mean input, so neurons with any number of compartments can be initialized. All synapses of a sign
    contribute equally. The result is approximate for conductances, whose fluctuations lower the mean by some tenths of
    ``std``, and the standard deviation by up to a fifth.

    If the population has inhibitory receptors and others, all weights are drawn from exponential distributions.
    Otherwise, weights of receptors that accept negative weights are drawn from a normal distribution, and other weights
    from a gamma distribution. Receptors are inhibitory if their reversal potential ``E`` is not above the threshold or,
    if they have no ``E``, if a spike hyperpolarizes the soma.

    Parameters
    ----------
    net : Network
        The network. Its weights are replaced; its states and recordings do not change.
    rates : float or dict
        Rate (Hz), > 0, at which each source fires: a single rate, or a dict that maps generators and populations, or
        their paths, to rates. Use the rates of your data, and the intended rates of populations.
    std : float
        Standard deviation of V (mV), > 0.
    xi : float
        Distance of the mean from the threshold, > 0, in units of ``std``. The smaller it is, the more
        often neurons fire.
    populations : list of MCNeuron, optional
        Populations onto which weights are drawn. Defaults to all populations with synapses.
    seed : int
        Seed of the weights.

    Returns
    -------
    FluctuationReport
        The predicted mean and standard deviation of V, and the distributions.

    Raises
    ------
    ParameterError, RunError, StructureError
        If no suitable weights exist, or a population cannot be measured. The weights then remain unchanged.

    Example
    -------
    ``dn.init.fluctuation_driven(net, {"source": 10.0}, std=4.0, xi=1.5)``
    """
    net = checked_network("fluctuation_driven", net)
    std = positive("fluctuation_driven: std", std, "a standard deviation > 0 (mV)", "mV")
    xi = positive("fluctuation_driven: xi", xi, "a number > 0")
    rng = np.random.default_rng(whole("seed", seed, 0, 2**64 - 1))
    chosen = _populations(net, populations)
    synapses = {population: afferents(net, population) for population in chosen}
    sources = list(dict.fromkeys(m.pre for m in net._parts.values() if isinstance(m, MCSynapse)))
    given = given_rates("fluctuation_driven: rates", net, rates, sources)
    report, values = FluctuationReport({}, {}, {}, {}), {}
    for population, each in synapses.items():
        for synapse in each:
            tied = [key for key in net._together(f"{synapse.path}.w") if key != f"{synapse.path}.w"]
            if tied:
                raise StructureError(
                    f"fluctuation_driven: {synapse.path}.w: is tied to {tied[0]}, but weights are drawn independently; "
                    "call net.untie first"
                )
            if synapse.pre not in given:
                raise ParameterError(
                    f"fluctuation_driven: rates: {synapse.pre.path} is missing; expected its rate (Hz)"
                )
        goal = _Goal(population.path, float(np.mean(population.V_th)) - xi * std, std)
        found = _fitted(net, population, each, given, goal)
        report.mean[population.path], report.std[population.path] = found.mean, found.std
        for n, synapse in enumerate(each):
            key = f"{synapse.path}.w"
            report.weights[key] = float(found.weights[n, 0]), float(found.weights[n, 1])
            report.distributions[key] = found.kinds[n]
            values[key] = _drawn(rng, found.kinds[n], *report.weights[key], synapse)
    net.set_parameters(values)
    return report


@dataclass(frozen=True)
class _Goal:
    path: str
    mean: float
    std: float


@dataclass(frozen=True)
class _Fit:
    """Mean and standard deviation of V, and of the weights of each synapse, with the kinds of distributions."""

    mean: float
    std: float
    weights: NDArray[np.float64]
    kinds: list[str]


def _populations(net: Network, given: object) -> list[MCNeuron]:
    """Return the populations to initialize."""
    if given is None:
        found = [p for p in net.populations if afferents(net, p)]
    elif isinstance(given, (list, tuple)):
        found = [net[p] if isinstance(p, str) else p for p in given]  # type: ignore[misc]
    else:
        raise ParameterTypeError(f"fluctuation_driven: populations = {given!r}: expected a list of populations")
    for population in found:
        if not isinstance(population, MCNeuron):
            raise ParameterTypeError(f"fluctuation_driven: {population!r}: expected populations of class MCNeuron")
        net._path(population)
        if not afferents(net, population):
            raise StructureError(f"fluctuation_driven: {population.path}: has no synapses")
    if not found:
        raise StructureError("fluctuation_driven: no population has synapses")
    return found  # type: ignore[return-value]


def _fitted(
    net: Network,
    population: MCNeuron,
    synapses: list[MCSynapse],
    rates: Mapping[Neuron | Generator, float],
    goal: _Goal,
) -> _Fit:
    """Return weights that result in the intended mean and standard deviation."""
    scratch = Scratch(net, population, synapses)
    # Number of spikes per ms and neuron.
    flow = np.array([len(s.connections.pre) / population.size * rates[s.pre] / 1000.0 for s in synapses])
    signed = [all(r.signed for r in s.post) for s in synapses]
    threshold = float(np.mean(population.V_th))
    inhibitory = np.array([any(is_inhibitory(r, threshold) for r in s.post) for s in synapses])
    response = scratch.measure(np.zeros(len(synapses)))
    without = np.array([not any("E" in r._values for r in s.post) for s in synapses])
    inhibitory |= without & ~np.array(signed) & (response.area < 0)
    weights, shift = np.zeros((len(synapses), 2)), goal.mean - response.mean
    if not all(signed) and not inhibitory.all() and shift > 0:
        response, weights[:, 0] = _depolarized(scratch, response, flow, inhibitory, shift, goal)
    for _ in range(_MEASUREMENTS):
        # The linear response at the present mean input predicts the effect of the change of the weights.
        shift = goal.mean - response.mean + float(np.sum(flow * response.area * weights[:, 0]))
        new, kinds = _moments(response, flow, signed, inhibitory, shift, goal)
        # Half steps avoid oscillations, because conductances reduce the response of V.
        weights = (weights + new) / 2
        try:
            response = scratch.measure(flow * weights[:, 0])
        except DendrionError as error:
            raise RunError(_not_found(goal, f"the last measurement failed ({error})")) from None
        missing = goal.mean - response.mean
        std = float(np.sqrt(np.sum(flow * (weights[:, 0] ** 2 + weights[:, 1] ** 2) * response.square)))
        if max(abs(missing), abs(std - goal.std)) < _ACCURACY * goal.std:
            return _Fit(response.mean, std, weights, kinds)
    raise RunError(_not_found(goal, f"the last ones result in {response.mean:.4g} mV and {std:.3g} mV"))


def _depolarized(
    scratch: Scratch,
    response: Response,
    flow: NDArray[np.float64],
    inhibitory: NDArray[np.bool_],
    shift: float,
    goal: _Goal,
) -> tuple[Response, NDArray[np.float64]]:
    """Return the response at a mean input at which inhibitory synapses hyperpolarize the soma, and the mean weights.

    At rest they may depolarize it, if their reversal potential is above the resting potential.
    """
    means, active = np.zeros(len(flow)), ~inhibitory
    if not (inhibitory & (response.area >= 0)).any():
        return response, means
    for _ in range(_MEASUREMENTS):
        if abs(shift) < 0.1 * goal.std:
            break
        step = shift * active / (active.sum() * flow * response.area)
        means = means + step / 2
        response = scratch.measure(flow * means)
        shift = goal.mean - response.mean
    return response, means


def _not_found(goal: _Goal, why: str) -> str:
    return (
        f"fluctuation_driven: {goal.path}: found no weights for a mean of {goal.mean:.4g} mV and a standard "
        f"deviation of {goal.std:g} mV: {why}; use a smaller std, another xi or other rates"
    )


def _moments(
    response: Response,
    flow: NDArray[np.float64],
    signed: list[bool],
    inhibitory: NDArray[np.bool_],
    shift: float,
    goal: _Goal,
) -> tuple[NDArray[np.float64], list[str]]:
    """Return the mean and standard deviation of the weights of each synapse, and the kinds of distributions.

    ``shift`` is the change of the mean of V according to the linear response.
    """
    variance = goal.std**2
    if inhibitory.any() and not all(signed):
        if inhibitory.all():
            raise StructureError(f"fluctuation_driven: {goal.path}: has only inhibitory synapses")
        means = _balanced(response, flow, inhibitory, shift, goal)
        return np.stack([means, means], axis=1), ["exponential"] * len(means)
    # All synapses contribute equally to mean and variance.
    means = shift / (len(flow) * flow * response.area)
    squares = variance / (len(flow) * flow * response.square)
    spread = squares - means**2
    if (spread < 0).any() or (shift < 0 and not all(signed)):
        least = np.sqrt(np.max(means**2 / squares)) * goal.std
        why = (
            f"the weights alone cause a standard deviation of at least {least:.3g} mV"
            if shift >= 0 or all(signed)
            else "the mean is below the resting potential, but weights must not be negative"
        )
        raise ParameterError(
            f"fluctuation_driven: {goal.path}: std = {goal.std:g} mV with a mean of {goal.mean:.4g} mV: {why}; use "
            "another std, another xi, other rates, or inhibitory synapses"
        )
    kinds = ["normal" if each else "gamma" for each in signed]
    return np.stack([means, np.sqrt(spread)], axis=1), kinds


def _balanced(
    response: Response, flow: NDArray[np.float64], inhibitory: NDArray[np.bool_], shift: float, goal: _Goal
) -> NDArray[np.float64]:
    """Return the means of exponential distributions for excitatory and inhibitory synapses.

    With the depolarization E by all excitatory synapses and the hyperpolarization I by all inhibitory ones,
    ``E - I = shift`` and ``c_E E^2 + c_I I^2 = variance``, because E[w^2] = 2 E[w]^2.
    """
    area = np.where(inhibitory, -response.area, response.area)
    if (area <= 0).any():
        raise StructureError(
            f"fluctuation_driven: {goal.path}: an inhibitory synapse depolarizes the soma at the mean input, or an "
            "excitatory one hyperpolarizes it; use another xi or std"
        )
    counts = np.where(inhibitory, inhibitory.sum(), (~inhibitory).sum())
    costs = 2.0 * response.square / (flow * area**2 * counts**2)
    c_e, c_i = costs[~inhibitory].sum(), costs[inhibitory].sum()
    root = (c_i * shift) ** 2 - (c_e + c_i) * (c_i * shift**2 - goal.std**2)
    depolarization = (c_i * shift + np.sqrt(root)) / (c_e + c_i) if root >= 0 else -1.0
    if depolarization < max(shift, 0.0):
        least = np.sqrt(c_e * shift**2 if shift > 0 else c_i * shift**2)
        raise ParameterError(
            f"fluctuation_driven: {goal.path}: std = {goal.std:g} mV with a mean of {goal.mean:.4g} mV: the excitatory "
            f"synapses alone cause a standard deviation of {least:.3g} mV; use a larger std, another xi or other rates"
        )
    means: NDArray[np.float64] = np.where(inhibitory, depolarization - shift, depolarization) / (counts * flow * area)
    return means


def _drawn(rng: np.random.Generator, kind: str, mean: float, std: float, synapse: MCSynapse) -> NDArray[np.float64]:
    """Return weights in the shape of a synapse. Random deviations of their mean are corrected."""
    shape = synapse.w.shape
    found: NDArray[np.float64]
    if kind == "normal":
        normal = np.asarray(rng.normal(0.0, 1.0, shape))
        spread = float(normal.std()) or 1.0
        found = mean + std * (normal - normal.mean()) / spread
        return found
    if kind == "exponential":
        found = np.asarray(rng.exponential(1.0, shape))
    elif std > 0 and mean > 0:
        found = np.asarray(rng.gamma((mean / std) ** 2, 1.0, shape))
    else:
        found = np.ones(shape)
    found *= mean / (float(found.mean()) or 1.0)
    return found
