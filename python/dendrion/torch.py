"""Networks as PyTorch layers. ``import dendrion.torch`` requires ``torch``, which Dendrion does not install."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._quoted import counted, quoted
from .errors import AssignmentError, ParameterError, ParameterTypeError, RunError
from .inputs.generators import Generator
from .modules._fixed import shown
from .recordings.recording import Recording, SpikeRecording
from .simulation._settings import whole
from .simulation.network import Network
from .training._differentiable import Call, Differentiable, check_keys, trainable
from .training.gradients import MEMORY, Run

try:
    import torch
except ImportError as error:  # pragma: no cover
    raise ImportError("dendrion.torch requires PyTorch; install it with: pip install torch") from error

__all__ = ["Layer"]

#: Replacement for the dots in parameter keys, because PyTorch does not allow dots in parameter names.
DOT = ":"
#: Attributes that cannot be set again, because the layer's parameters depend on them.
_FIXED = ("function", "constrain", "keys", "seed")
#: Reason why second derivatives and forward mode raise an error.
NOT_AVAILABLE = "are not available: the derivative of a gradient through surrogate derivatives is not defined"


class Layer(torch.nn.Module):
    """A network as a PyTorch layer: a function from generator inputs to recordings.

    Each call runs the network from t = 0 for ``duration``. The layer's parameters are the trained parameters of the
    network, in the network's dtype, named by their keys with ``:`` instead of ``.`` (``cell/soma:gL``). By default,
    parameters with bounds are scaled and unconstrained, so that an optimizer can change them freely (see
    ``constrain``). ``values()`` and ``state_dict()`` return physical values (mV, nS, weights). Gradients are exact,
    except that the derivative of each spike is the surrogate of its population. Second derivatives are not available
    and raise an error.

    Parameters that are not trained keep the values they had when the layer was created, even if the network's values
    change later. The network uses the parameters of the layer that was created, called or synchronized last. Before
    the network is read, saved or run, it receives the changes that an optimizer has made to these parameters.

    Layers can be called from several threads. Calls to layers of the same network run one after another.
    ``copy.deepcopy`` copies the parameters; the copy runs on the same network. Layers cannot be pickled; save
    ``layer.state_dict()`` and ``net.save(path)`` instead.

    Parameters
    ----------
    net : Network
        The network, with its probes. Each call resets the network and sets its parameters.
    duration : float
        Simulated time per call (ms), a multiple of the time step.
    inputs : list of Generator
        Generators whose output is replaced by the arguments of a call. The arguments are real tensors of shape
        ``(batch, steps, size)`` or ``(steps, size)``: factors on the weights for spike generators (1 is one spike), and
        values in pA for current generators.
    outputs : list of Recording or SpikeRecording
        Probes whose recordings are returned, of shape ``(batch, samples, columns)``, or for spikes ``(batch, steps,
        size)``, with the number of spikes in each step. A call returns a tensor if there is one probe, and otherwise a
        tuple.
    train : list of str, optional
        Keys of the parameters to train. Defaults to all of ``net.parameters()`` that have a gradient.
    constrain : str, optional
        How to keep conductances, time constants and other parameters within their domain. ``"softplus"`` makes them a
        softplus function of the layer's parameter (a sigmoid function if they have two bounds), ``"clamp"`` uses the
        nearest valid value, and ``None`` applies no constraint, so an invalid value raises an error.
    memory : float
        Maximum memory for a gradient (bytes).
    seed : int, optional
        Seed for noise and random generators, used in every call. By default each call draws a new seed from PyTorch's
        global generator, so that ``torch.manual_seed`` makes the calls reproducible.

    Raises
    ------
    ParameterError
        If ``train`` contains a frozen parameter, ``constrain`` is unknown, or an input has the wrong shape.
    """

    #: Version of the ``state_dict`` layout: version 1 had unconstrained values, version 2 has physical values.
    _version = 2

    def __init__(
        self,
        net: Network,
        duration: float,
        inputs: Sequence[Generator] = (),
        outputs: Sequence[Recording | SpikeRecording] = (),
        *,
        train: Iterable[str] | None = None,
        constrain: str | None = "softplus",
        memory: float = MEMORY,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        if constrain not in ("softplus", "clamp", None):
            raise ParameterError(f"Layer: constrain = {quoted(constrain)}: expected 'softplus', 'clamp' or None")
        self.function = Differentiable(net, duration, inputs, outputs, memory)
        self.constrain = constrain
        self.seed = None if seed is None else whole("seed", seed, 0, 2**64 - 1)
        self.keys = trainable(net, train)
        dtype = torch.float64 if net.dtype == np.float64 else torch.float32
        known = net.parameters()
        self._rules: dict[str, tuple[float, float, float]] = {}
        # Initial parameter and initial physical value by key. While a parameter equals its initial value, the physical
        # value is exact.
        self._starts: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
        # The parameters that the network last received, by key.
        self._sent: dict[str, torch.Tensor] = {}
        for key in self.keys:
            least, most, included = net._sim.domain(key)
            value = torch.as_tensor(np.array(known[key], dtype=np.float64))
            scale = float(value.abs().mean()) or 1.0
            # If the lower bound itself is invalid, use a value slightly above it.
            self._rules[key] = (least if included else least + 1e-6 * scale, most, scale)
            free = self._free(key, value)
            self.register_parameter(_name(key), torch.nn.Parameter(free.to(dtype, copy=True)))
            self._starts[key] = free, value
        with net._lock:
            self._received()
            net._follow(self)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and name in self.__dict__:
            raise AssignmentError(f"Layer.{name} = {shown(value)}: {name} is fixed; create a new Layer")
        super().__setattr__(name, value)

    def extra_repr(self) -> str:
        """Return the text that PyTorch shows in the representation of the layer."""
        kinds = [g.path for g in self.function.inputs], [p._name for p in self.function.outputs]
        steps, count = counted(self.function.steps, "step"), counted(len(self.keys), "parameter")
        return f"{steps}, inputs={kinds[0]}, outputs={kinds[1]}, {count}"

    def values(self) -> dict[str, torch.Tensor]:
        """Return the physical values of the parameters in the network (mV, nS, weights), keyed by parameter."""
        return {key: self._value(key, self._parameter(key)) for key in self.keys}

    def set_values(self, values: Mapping[str, ArrayLike | torch.Tensor]) -> None:
        """Set physical values (mV, nS, weights) by key. Each is a number or an array of the parameter's shape."""
        check_keys(values, self.keys, self.function.frozen)
        given = {}
        for key, value in values.items():
            parameter = self._parameter(key)
            new = torch.as_tensor(value, dtype=torch.float64, device="cpu").detach()
            if new.ndim and new.shape != parameter.shape:
                raise ParameterError(
                    f"{key} = tensor of shape {tuple(new.shape)}: expected shape {tuple(parameter.shape)}"
                )
            new = new.expand(parameter.shape).clone()
            refused = self._refused(key, new)
            if refused:
                raise ParameterError(refused)
            given[key] = new
        with torch.no_grad():
            for key, new in given.items():
                self._parameter(key).copy_(self._free(key, new))
                self._start(key, new)

    def sync(self) -> None:
        """Copy the layer's current parameters to the network.

        For the layer that was called last, this happens automatically when the network is read, saved or run. Call
        ``sync`` to make the network use the parameters of another layer.
        """
        net = self.function.net
        with net._lock:
            values = {key: self._array(key) for key in self.keys}
            net._follow(None)
            try:
                net._set(values)
                self._received()
            finally:
                net._follow(self)

    def state(self) -> dict[str, torch.Tensor]:
        """Return the current states, keyed by ``path.variable``, of shape ``(batch, size)`` or ``(size,)``.

        The states are detached from gradients. They do not include spikes in transit, although such spikes are
        delivered in calls with ``reset=False``.
        """
        dtype = torch.float64 if self.function.net.dtype == np.float64 else torch.float32
        return {key: torch.as_tensor(value).to(dtype) for key, value in self.function.net.get_state().items()}

    @torch.compiler.disable  # type: ignore[untyped-decorator, unused-ignore]
    def forward(
        self,
        *inputs: torch.Tensor,
        seed: int | None = None,
        state: Mapping[str, torch.Tensor] | None = None,
        reset: bool = True,
    ) -> Any:
        """Run the network.

        Parameters
        ----------
        inputs : tensor
            One tensor for each of the layer's ``inputs``.
        seed : int, optional
            Seed for noise and random generators in this call. Defaults to the layer's ``seed`` or, if that is None, to
            a seed from PyTorch's global generator.
        state : dict of tensor, optional
            Initial states, with keys as in ``net.get_state()``, of shape ``(size,)``, or ``(batch, size)`` with one
            state per sample. Gradients with respect to these states are available. States that are not in the dict
            start at the network's initial values.
        reset : bool
            Whether the call starts at t = 0. If False, it continues from the current state of the network, including
            spikes in transit and the sequence of random numbers, like a second ``net.run``. Use this to process long
            sequences in segments. Gradients do not extend beyond the start of a segment.
        """
        names = [g.path for g in self.function.inputs]
        if len(inputs) != len(names):
            raise ParameterError(
                f"Layer: got {counted(len(inputs), 'input')}; expected {len(names)}, one for each generator"
            )
        states = {} if state is None else dict(state)
        for name, tensor in (*zip(names, inputs, strict=True), *states.items()):
            _check_tensor(name, tensor)
        if seed is not None and not reset:
            raise ParameterError(f"Layer: seed = {seed}: expected None with reset=False, which continues a run")
        call = _Call(self.function, self.keys, list(states), self._seed_of(seed), reset, torch.is_grad_enabled())
        net = self.function.net
        with net._lock:
            # Copy parameters, so that in-place updates by an optimizer do not change tensors saved in the graph.
            values = [v.clone() if v is self._parameter(key) else v for key, v in self.values().items()]
            outputs = _Run.apply(call, *values, *states.values(), *inputs)
            self._received()
            net._follow(self)
        return outputs[0] if len(outputs) == 1 else outputs

    def _seed_of(self, seed: int | None) -> int:
        """Return the seed for a call."""
        if seed is not None:
            return whole("seed", seed, 0, 2**64 - 1)
        if self.seed is not None:
            return whole("seed", self.seed, 0, 2**64 - 1)
        if not self.function.is_random:
            return self.function.seed
        return int(torch.randint(2**63 - 1, (), dtype=torch.int64, device="cpu"))

    def _parameter(self, key: str) -> torch.Tensor:
        return getattr(self, _name(key))  # type: ignore[no-any-return]

    # Synchronization with the network

    def _moved(self) -> dict[str, NDArray[np.float64]]:
        """Return the values that have changed since the network received them, keyed by parameter."""
        moved = {}
        for key in self.keys:
            now, sent = self._parameter(key).detach(), self._sent.get(key)
            same = sent is not None and sent.dtype == now.dtype and sent.device == now.device
            if not (same and torch.equal(now, sent)):
                moved[key] = self._array(key)
        return moved

    def _received(self) -> None:
        """Record that the network has received all values."""
        self._sent = {key: self._parameter(key).detach().clone() for key in self.keys}

    def _lost(self) -> None:
        """Record that the network no longer has the values it received."""
        self._sent = {}

    def _array(self, key: str) -> NDArray[np.float64]:
        return _array(key, self._value(key, self._parameter(key)))

    # Constraints

    def _bounded(self, key: str) -> bool:
        return self.constrain is not None and np.isfinite(self._rules[key][0])

    def _value(self, key: str, free: torch.Tensor) -> torch.Tensor:
        """Return the physical value of a parameter."""
        if not self._bounded(key):
            return free
        least, most, scale = self._rules[key]
        if self.constrain == "clamp":
            return _Clamp.apply(free, least, most)  # type: ignore[no-any-return]
        if np.isfinite(most):
            value = least + (most - least) * torch.sigmoid(free)
        else:
            value = least + scale * torch.nn.functional.softplus(free)
        # Inverting the constraint introduces rounding errors and cannot reach a bound. While a parameter equals its
        # initial value, the physical value is corrected to the exact initial one (the difference of two close numbers
        # is exact).
        start, exact = (t.to(free.device, free.dtype) for t in self._starts[key])
        at_start = free.detach() == start
        return value + torch.where(at_start, exact - value, torch.zeros_like(value)).detach()

    def _free(self, key: str, value: torch.Tensor) -> torch.Tensor:
        """Return the unconstrained parameter for a physical value: the inverse of the constraint."""
        if not self._bounded(key) or self.constrain == "clamp":
            return value
        least, most, scale = self._rules[key]
        if np.isfinite(most):
            return torch.logit(((value - least) / (most - least)).clamp(1e-4, 1 - 1e-4))
        # A value at its bound is moved slightly inwards, because gradients vanish at the bound.
        above = ((value - least) / scale).clamp(min=1e-4)
        return above + torch.log(-torch.expm1(-above))

    def _start(self, key: str, value: torch.Tensor) -> None:
        """Store the current value of a parameter as its initial value, together with its exact physical value."""
        self._starts[key] = self._parameter(key).detach().clone(), value.detach().clone()

    def _refused(self, key: str, value: torch.Tensor) -> str | None:
        """Return the reason why a value is not valid for a parameter, or ``None``."""
        least, most, included = self.function.net._sim.domain(key)
        wrong = ~torch.isfinite(value) | (value > most) | ((value < least) if included else (value <= least))
        if not wrong.any():
            return None
        low = f" {'>=' if included else '>'} {least:g}" if np.isfinite(least) else ""
        high = f"{' and' if low else ''} <= {most:g}" if np.isfinite(most) else ""
        return f"{key} = {float(value[wrong][0]):g}: expected a finite number{low}{high}"

    # Saving and loading

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)  # type: ignore[no-untyped-call]
        for key, value in self.values().items():
            destination[prefix + _name(key)] = value if keep_vars else value.detach().clone()

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: Mapping[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        version = local_metadata.get("version")
        if version is not None and version != self._version:
            error_msgs.append(
                f"{prefix}: the state_dict has version {version} of dendrion.torch.Layer, with scaled values; this "
                f"Dendrion reads version {self._version}, with physical values"
            )
            return
        given, loaded = dict(state_dict), {}
        for key in self.keys:
            name, parameter = prefix + _name(key), self._parameter(key)
            value = given.get(name)
            if not isinstance(value, torch.Tensor) or value.shape != parameter.shape:
                continue
            if value.is_meta:
                continue
            refused = self._refused(key, value)
            if refused:
                error_msgs.append(f"{prefix}{refused}")
                given[name] = parameter.detach()
                continue
            loaded[key] = value.detach()
            given[name] = self._free(key, value.detach().to(torch.float64)).to(value.dtype)
        super()._load_from_state_dict(  # type: ignore[no-untyped-call]
            given, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        for key, value in loaded.items():
            self._start(key, value)


def _name(key: str) -> str:
    """Return the name of a parameter in a layer."""
    return key.replace(".", DOT)


def _check_tensor(name: str, tensor: object) -> None:
    if not isinstance(tensor, torch.Tensor):
        raise ParameterTypeError(f"Layer: {name} = {type(tensor).__name__}: expected a torch.Tensor")
    if tensor.is_complex():
        raise ParameterTypeError(f"Layer: {name} = tensor of {tensor.dtype}: expected real numbers")


def _array(name: str, tensor: torch.Tensor) -> NDArray[np.float64]:
    """Return the values of a tensor as an array that may share its memory."""
    if tensor.is_meta:
        raise RunError(
            f"Layer: {name} is on the device 'meta', which stores no values; load values first, for example with "
            "load_state_dict(..., assign=True)"
        )
    return np.asarray(tensor.detach().to("cpu", torch.float64).numpy(), dtype=np.float64)


class _Clamp(torch.autograd.Function):
    """The nearest value within bounds.

    Gradients pass through unless a descent step would move the value further out of bounds.
    """

    @staticmethod
    def forward(ctx: Any, free: torch.Tensor, least: float, most: float) -> torch.Tensor:
        ctx.save_for_backward(free)
        ctx.bounds = least, most
        return free.clamp(least, most)

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (free,) = ctx.saved_tensors
        least, most = ctx.bounds
        outwards = ((free < least) & (cotangents[0] > 0)) | ((free > most) & (cotangents[0] < 0))
        return torch.where(outwards, 0.0, cotangents[0]), None, None


class _Call:
    """A call to a layer, without its tensors. The order of the tensors is: parameters, states, inputs."""

    def __init__(
        self, function: Differentiable, keys: list[str], states: list[str], seed: int, reset: bool, grad: bool
    ) -> None:
        self.function, self.keys, self.states = function, keys, states
        self.seed, self.reset, self.grad = seed, reset, grad
        #: Names of the tensors, in order.
        self.names = [*keys, *states, *(g.path for g in function.inputs)]

    def of(self, arrays: Sequence[NDArray[np.float64]]) -> Call:
        """Return the arguments of the call, given the values of its tensors."""
        first, then = len(self.keys), len(self.keys) + len(self.states)
        values = dict(zip(self.keys, arrays[:first], strict=True))
        states = dict(zip(self.states, arrays[first:then], strict=True))
        return Call(values, arrays[then:], self.seed, states, self.reset)

    def run_again(self, tensors: Sequence[torch.Tensor]) -> Run:
        """Repeat the run for a second backward pass through the graph, and restore the network's values."""
        if not self.reset:
            raise RunError(
                "Layer: backward was called twice for a call with reset=False, which started from a state that the "
                "network no longer has; call backward once, for the sum of the losses"
            )
        net = self.function.net
        call = self.of([_array(name, t) for name, t in zip(self.names, tensors, strict=True)])
        with net._lock:
            follows = net._follows
            run = self.function.forward(call, grad=True)[1]
            net._follow_again(follows)
        assert run is not None
        return run


class _Run(torch.autograd.Function):
    """A run of the network, with its backward pass."""

    @staticmethod
    def forward(ctx: Any, call: _Call, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        grad = call.grad and any(ctx.needs_input_grad)
        arrays = [_array(name, tensor) for name, tensor in zip(call.names, tensors, strict=True)]
        outputs, run = call.function.forward(call.of(arrays), grad)
        like = tensors[-1] if tensors else torch.empty(0)
        dtype = like.dtype if like.is_floating_point() else torch.get_default_dtype()
        if dtype.itemsize < 4 and torch.is_autocast_enabled(like.device.type):
            # Half precision cannot resolve small differences in voltage. Layers that need half precision cast their own
            # inputs.
            dtype = torch.float32
        ctx.call, ctx.run = call, run
        ctx.like = [(t.dtype, t.device, t.shape) for t in tensors]
        # Saving the tensors lets PyTorch raise an error if one is modified in place before the backward pass.
        ctx.save_for_backward(*tensors)
        ctx.set_materialize_grads(False)
        return tuple(torch.as_tensor(o).to(like.device, dtype) for o in outputs)

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor | None) -> tuple[Any, ...]:
        call: _Call = ctx.call
        wanted = [name for name, needed in zip(call.names, ctx.needs_input_grad[1:], strict=True) if needed]
        wanted = [name for name in wanted if name not in call.states]
        given = [None if c is None else _array("cotangent", c) for c in cotangents]
        # Another thread may call ``backward`` for the same graph.
        with call.function.net._lock:
            run, ctx.run = ctx.run, None
        if run is None:
            run = call.run_again(ctx.saved_tensors)
        found = call.function.backward(run, given, wanted)
        gradients: list[torch.Tensor | None] = []
        for name, needed, (dtype, device, shape) in zip(call.names, ctx.needs_input_grad[1:], ctx.like, strict=True):
            gradient = torch.as_tensor(found[name]).to(device, dtype).sum_to_size(shape) if needed else None
            gradients.append(gradient)
        if torch.is_grad_enabled():
            depends = [t for t in (*ctx.saved_tensors, *cotangents) if t is not None and t.requires_grad]
            gradients = _without_derivative(gradients, depends)
        return None, *gradients

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        raise RunError(f"Layer: forward-mode derivatives {NOT_AVAILABLE}")


class _Once(torch.autograd.Function):
    """Passes gradients through unchanged, and raises an error if they are differentiated."""

    @staticmethod
    def forward(ctx: Any, count: int, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(t.view_as(t) for t in tensors[:count])

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor) -> tuple[Any, ...]:
        raise RunError(f"Layer: second derivatives (create_graph=True) {NOT_AVAILABLE}")


def _without_derivative(
    gradients: Sequence[torch.Tensor | None], depends: Sequence[torch.Tensor]
) -> list[torch.Tensor | None]:
    """Make gradients depend on tensors, so that differentiating them raises an error instead of returning 0."""
    known = [g for g in gradients if g is not None]
    once = iter(_Once.apply(len(known), *known, *depends) if known else ())
    return [None if g is None else next(once) for g in gradients]
