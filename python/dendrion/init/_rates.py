"""Scaling of weights or other parameters until populations fire at given rates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._numbers import real
from .._quoted import quoted
from ..errors import ParameterError, ParameterTypeError, RunError, StructureError
from ..inputs.generators import Generator
from ..neurons.neuron import Neuron
from ..recordings.recording import SpikeRecording
from ..simulation._settings import whole, whole_steps
from ..simulation.network import Network
from ..training.selection import chosen, listed_keys
from ._common import afferents, checked_network, given_rates, is_inhibitory, positive

__all__ = ["RateReport", "to_rate"]

#: Maximum number of passes over all populations. Without recurrent connections, one is sufficient.
_PASSES = 20
#: Maximum number of bisections per population and pass.
_BISECTIONS = 40


@dataclass(frozen=True)
class RateReport:
    """The result of [to_rate][dendrion.init.to_rate]. All dicts are keyed by the path of the population.

    Attributes
    ----------
    before, rates : dict
        Firing rates (Hz) before and after.
    factors : dict
        Factor by which parameters were multiplied.
    keys : dict
        Keys of these parameters.
    runs : int
        Number of runs that were needed.
    """

    before: dict[str, float]
    rates: dict[str, float]
    factors: dict[str, float]
    keys: dict[str, list[str]]
    runs: int

    def __repr__(self) -> str:
        lines = (
            f"{path}: {self.before[path]:.3g} Hz -> {rate:.3g} Hz with {', '.join(self.keys[path])} "
            f"x {self.factors[path]:.4g}"
            for path, rate in self.rates.items()
        )
        return "\n".join([*lines, f"({self.runs} runs)"])


@dataclass
class _Search:
    """The network during the search, and the current factors."""

    net: Network
    duration: float
    batch: int | None
    inputs: Mapping[Generator, ArrayLike] | None
    seed: int | None
    targets: dict[Neuron, float]
    keys: dict[Neuron, list[str]]
    probes: dict[Neuron, SpikeRecording]
    #: Values of the parameters before the search.
    values: dict[str, NDArray[np.float64]]
    factors: dict[Neuron, float]
    runs: int = 0
    found: dict[Neuron, float] = field(default_factory=dict)

    def set(self) -> None:
        """Multiply the parameters by the factors."""
        self.net.set_parameters(
            {key: self.values[key] * self.factors[module] for module, keys in self.keys.items() for key in keys}
        )

    def measure(self, module: Neuron, factor: float) -> float:
        """Return the rate of a population with a new factor. The rates of all populations are stored in ``found``."""
        self.factors[module] = factor
        self.set()
        self.net.reset(seed=self.seed)
        self.net.run(self.duration, batch=self.batch, inputs=self.inputs)
        self.runs += 1
        seconds = self.net.t / 1000.0 * (self.batch or 1)
        self.found = {m: len(p) / (p.size * seconds) for m, p in self.probes.items()}
        return self.found[module]

    def is_reached(self, module: Neuron, tolerance: float) -> bool:
        """Return whether the rate of a population is within the tolerance, or as close as its resolution permits."""
        target, quantum = self.targets[module], 1000.0 / (self.net.t * self.probes[module].size * (self.batch or 1))
        return abs(self.found[module] - target) <= max(tolerance * target, 0.5 * quantum)


def to_rate(
    net: Network,
    rates: float | Mapping[Neuron | str, float],
    *,
    duration: float = 1000.0,
    scale: Mapping[Neuron | str, str | Iterable[str]] | None = None,
    inputs: Mapping[Generator, ArrayLike] | None = None,
    batch: int | None = None,
    bounds: tuple[float, float] = (1e-3, 1e3),
    tolerance: float = 0.1,
    seed: int | None = None,
) -> RateReport:
    """Scale weights until each population fires at a given mean rate.

    The parameters of each population are multiplied by one factor, which is found by doubling or halving until the rate
    crosses the target, and then by bisection. Populations are adjusted in the order in which spikes reach them from the
    generators, repeatedly if they affect each other. The network is reset before each run, so all runs use the same
    random numbers and the result is deterministic. Afterwards the network is reset to t = 0. If no factor within the
    bounds is suitable, an error is raised that states the rates that were reached, and all parameters keep their
    values.

    Parameters
    ----------
    net : Network
        The network.
    rates : float or dict
        Target rate (Hz), > 0, of all populations, or a dict from populations or their paths to target rates. The rate
        of a population is the mean over its neurons, the duration, and the samples of a batch.
    duration : float
        Duration (ms) of each run.
    scale : dict, optional
        For each population or its path, the parameters to scale: keys, patterns or groups, such as
        ``"cell/soma.I_ext"``. By default, these are the weights of all connections onto the population, except those
        onto receptors whose reversal potential ``E`` is not above the threshold.
    inputs, batch
        Inputs that replace the output of generators, and the number of samples, in the forms that
        [Network.run][dendrion.Network.run] accepts.
    bounds : pair of float
        Smallest and largest factor, > 0.
    tolerance : float
        Permitted relative deviation from the target, > 0. If a single spike changes the rate by more than this, the
        nearest possible rate is accepted.
    seed : int, optional
        Seed for noise and random generators. Defaults to the current ``noise_seed``.

    Returns
    -------
    RateReport
        The rates before and after scaling, and the scaled parameters.

    Raises
    ------
    RunError
        If a target cannot be reached.

    Example
    -------
    ``dn.init.to_rate(net, {"excitatory": 5.0, "inhibitory": 10.0})``
    """
    net = checked_network("to_rate", net)
    targets = given_rates("to_rate: rates", net, rates, list(net.populations))
    duration = positive("to_rate: duration", duration, "a time > 0 (ms)", "ms")
    tolerance = positive("to_rate: tolerance", tolerance, "a number > 0")
    low, high = _bounds(bounds)
    if whole_steps(duration, net.dt) == 0:
        raise ParameterError(f"to_rate: duration = {duration:g}: expected at least one step, {net.dt:g} ms")
    before_seed = net.noise_seed
    seed = before_seed if seed is None else whole("seed", seed, 0, 2**64 - 1)
    ordered = {module: targets[module] for module in _in_order(net) if module in targets}
    keys = _keys(net, list(ordered), scale)
    known = net.parameters()
    values = {key: np.asarray(known[key]) for each in keys.values() for key in each}
    for module, each in keys.items():
        if not any(values[key].any() for key in each):
            raise ParameterError(f"to_rate: {module.path}: {', '.join(each)}: are 0, so scaling them has no effect")
    net.reset()
    probes = {module: net.probe(module, "spikes") for module in ordered}
    search = _Search(net, duration, batch, inputs, seed, ordered, keys, probes, values, dict.fromkeys(ordered, 1.0))
    try:
        before = _run(search, (low, high), tolerance)
    finally:
        net.reset(seed=before_seed)
        for probe in probes.values():
            net.remove(probe)
    return RateReport(
        {m.path: before[m] for m in ordered},
        {m.path: search.found[m] for m in ordered},
        {m.path: search.factors[m] for m in ordered},
        {m.path: keys[m] for m in ordered},
        search.runs,
    )


def _run(search: _Search, bounds: tuple[float, float], tolerance: float) -> dict[Neuron, float]:
    """Adjust all populations, and return the initial rates. If this fails, restore the parameters."""
    done = False
    try:
        search.measure(next(iter(search.targets)), 1.0)
        before = dict(search.found)
        _settle(search, *bounds, tolerance)
        done = True
        return before
    finally:
        if not done:
            search.net.set_parameters(search.values)


def _bounds(bounds: Any) -> tuple[float, float]:
    if not isinstance(bounds, (tuple, list)) or len(bounds) != 2:
        raise ParameterTypeError(f"to_rate: bounds = {quoted(bounds)}: expected the smallest and the largest factor")
    low, high = (real("to_rate: bounds", bound, "two numbers > 0") for bound in bounds)
    if not (0 < low <= 1 <= high < math.inf):
        raise ParameterError(f"to_rate: bounds = {quoted(bounds)}: expected finite numbers with 0 < low <= 1 <= high")
    return low, high


def _in_order(net: Network) -> list[Neuron]:
    """Return the populations, ordered by distance from the generators and then by their order in the network."""
    left, ordered = list(net.populations), list[Neuron]()
    sources = {module: {synapse.pre for synapse in afferents(net, module)} for module in left}
    while left:
        reached = [m for m in left if any(isinstance(s, Generator) or s in ordered for s in sources[m])] or left
        ordered += reached
        left = [m for m in left if m not in reached]
    return ordered


def _keys(net: Network, modules: list[Neuron], scale: Any) -> dict[Neuron, list[str]]:
    """Return the keys of the parameters to scale for each population."""
    if scale is not None and not isinstance(scale, Mapping):
        raise ParameterTypeError(f"to_rate: scale = {quoted(scale)}: expected a dict from populations to parameters")
    given = {net[key] if isinstance(key, str) else key: texts for key, texts in (scale or {}).items()}
    for module in given:
        if module not in modules:
            raise ParameterError(f"to_rate: scale: {quoted(module)}: expected a population that has a target rate")
    known, found = list(net.parameters()), dict[Neuron, list[str]]()
    for module in modules:
        if module in given:
            found[module] = []
            for text in listed_keys("to_rate: scale", given[module]):
                found[module] += [text] if text in known else chosen("to_rate: scale", net, text, known, "frozen")
            found[module] = list(dict.fromkeys(found[module]))
            if not found[module]:
                raise ParameterError(f"to_rate: scale: {module.path}: expected at least one parameter")
            continue
        threshold = float(np.mean(module.V_th))
        synapses = [s for s in afferents(net, module) if not all(is_inhibitory(r, threshold) for r in s.post)]
        found[module] = [net._together(f"{synapse.path}.w")[0] for synapse in synapses]
        if not found[module]:
            raise StructureError(
                f"to_rate: {module.path}: no excitatory connections onto this population; pass the parameters to scale"
                f", such as scale={{{module.path!r}: '{module.path}/soma.I_ext'}}"
            )
    shared = [key for each in found.values() for key in each]
    twice = next((key for key in shared if shared.count(key) > 1), None)
    if twice:
        raise ParameterError(f"to_rate: {twice}: is scaled for two populations; expected different parameters")
    return found


def _settle(search: _Search, low: float, high: float, tolerance: float) -> None:
    """Adjust the populations one after another until all rates are within the tolerance."""
    for _ in range(_PASSES):
        missed = [m for m in search.targets if not search.is_reached(m, tolerance)]
        if not missed:
            return
        for module in search.targets:
            if not search.is_reached(module, tolerance):
                _adjust(search, module, low, high, tolerance)
    missed = [m for m in search.targets if not search.is_reached(m, tolerance)]
    if missed:
        told = ", ".join(f"{m.path} {search.found[m]:.3g} Hz instead of {search.targets[m]:g} Hz" for m in missed)
        raise RunError(
            f"to_rate: the rates do not converge: {told}; use a larger tolerance, a longer duration or other inputs"
        )


def _adjust(search: _Search, module: Neuron, low: float, high: float, tolerance: float) -> None:
    """Find the factor of one population, with the factors of the others fixed."""
    target, factor = search.targets[module], search.factors[module]
    below = search.found[module] < target
    last = factor
    # Move by powers of 2 until the rate crosses the target.
    while (search.found[module] < target) is below:
        if search.is_reached(module, tolerance):
            return
        last, factor = factor, min(factor * 2.0, high) if below else max(factor / 2.0, low)
        if factor == last:
            raise RunError(
                f"to_rate: {module.path}: fires at {search.found[module]:.3g} Hz with the "
                f"{'largest' if below else 'smallest'} permitted factor, {factor:g}, on "
                f"{', '.join(search.keys[module])}; expected {target:g} Hz; check its inputs, or pass wider bounds"
            )
        search.measure(module, factor)
    least, most = (last, factor) if below else (factor, last)
    for _ in range(_BISECTIONS):
        if search.is_reached(module, tolerance):
            return
        middle = math.sqrt(least * most)
        if search.measure(module, middle) < target:
            least = middle
        else:
            most = middle
