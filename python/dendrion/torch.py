"""Networks as layers of PyTorch. ``import dendrion.torch`` needs ``torch``, which Dendrion does not install."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import AssignmentError, ParameterError, ParameterTypeError, StructureError
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
    raise ImportError("dendrion.torch needs PyTorch: pip install torch") from error

__all__ = ["Layer"]

#: What takes the place of the dots in a parameter's key, which PyTorch reserves.
DOT = ":"
#: Attributes that parameters were made for.
_FIXED = ("function", "constrain", "keys", "seed")
#: What a derivative is that a layer does not have.
NOT_AVAILABLE = "are not available: the derivative of a gradient through surrogate derivatives is not defined"


class Layer(torch.nn.Module):
    """A network as a PyTorch layer: a function of generator inputs that returns what probes record.

    Each call runs the network from t = 0 for ``duration``. The layer's parameters are those of the network that are
    trained, named by their key with ``:`` for ``.`` (``cell/soma:gL``), in the network's dtype. They are unconstrained
    and scaled, so that an optimizer may move them freely. ``values()`` and ``state_dict()`` hold physical values (mV,
    nS, weights) instead. Gradients are exact, with the surrogate derivatives of the populations for their spikes.
    Second derivatives are not available and raise an error.

    Parameters that are not trained keep the values they had when the layer was made, whatever the network is given
    afterwards. The network holds the parameters of the layer that was made, called or synchronized last: reading,
    saving or running the network first takes over what an optimizer changed.

    Layers can be called from several threads. Calls to layers of one network wait for each other.
    ``copy.deepcopy`` copies the parameters; the copy runs on the same network. Pickling is refused: save
    ``layer.state_dict()`` and ``net.save(path)``.

    Parameters
    ----------
    net : Network
        The network, with its probes. The layer resets it and sets its parameters at every call.
    duration : float
        Time to simulate at a call (ms), a multiple of the time step.
    inputs : list of Generator
        Generators that the arguments of a call replace: tensors ``(batch, steps, size)`` or ``(steps, size)`` of
        real numbers, factors of the weights for spikes (1 is a spike), pA for currents.
    outputs : list of Recording or SpikeRecording
        Probes whose samples are returned, ``(batch, samples, columns)``; of spikes ``(batch, steps, size)``, 0 or 1.
        One tensor for one probe, else a tuple.
    train : list of str, optional
        Keys of the parameters to train. By default all of ``net.parameters()`` that have a gradient.
    constrain : str, optional
        How conductances, time constants and other parameters with a domain stay in it: ``"softplus"`` makes them a
        smooth positive function of the layer's parameter, ``"clamp"`` the nearest value that is accepted, and ``None``
        leaves it to you (a value that is not accepted is an error).
    memory : float
        Bytes a gradient may keep.
    seed : int, optional
        Seed of noise and random generators in every call. By default each call draws new random numbers, with a seed
        from PyTorch's global generator, so that ``torch.manual_seed`` makes them reproducible.

    Raises
    ------
    ParameterError
        A frozen parameter in ``train``, an unknown constraint, an input of another shape.
    """

    #: Version of the layout of ``state_dict``: 1 had unconstrained values, 2 has physical ones.
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
            raise ParameterError(f"Layer: constrain = {constrain!r}: expected 'softplus', 'clamp' or None")
        self.function = Differentiable(net, duration, inputs, outputs, memory)
        self.constrain = constrain
        self.seed = None if seed is None else whole("seed", seed, 0, 2**64 - 1)
        self.keys = trainable(net, train)
        dtype = torch.float64 if net.dtype == np.float64 else torch.float32
        known = net.parameters()
        self._rules: dict[str, tuple[float, float, float]] = {}
        # By key, a parameter and its physical value: where the parameter has not moved, the value is exact.
        self._starts: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
        # By key, the parameter that the network received last.
        self._sent: dict[str, torch.Tensor] = {}
        for key in self.keys:
            least, most, included = net._sim.domain(key)
            value = torch.as_tensor(np.array(known[key], dtype=np.float64))
            scale = float(value.abs().mean()) or 1.0
            # Where the least value is not accepted itself, a little above it is.
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
        """Return what PyTorch shows of it."""
        kinds = [g.path for g in self.function.inputs], [p._name for p in self.function.outputs]
        return f"{self.function.steps} steps, inputs={kinds[0]}, outputs={kinds[1]}, {len(self.keys)} parameters"

    def values(self) -> dict[str, torch.Tensor]:
        """Return the parameters as the network sees them (mV, nS, weights), by key."""
        return {key: self._value(key, self._parameter(key)) for key in self.keys}

    def set_values(self, values: Mapping[str, ArrayLike | torch.Tensor]) -> None:
        """Set parameters to physical values (mV, nS, weights) by key: numbers, or arrays of a parameter's shape."""
        check_keys(values, self.keys, self.function.frozen)
        given = {}
        for key, value in values.items():
            parameter = self._parameter(key)
            new = torch.as_tensor(value, dtype=torch.float64, device="cpu").detach()
            if new.ndim and new.shape != parameter.shape:
                raise ParameterError(f"{key} = tensor of shape {tuple(new.shape)}: expected {tuple(parameter.shape)}")
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
        """Give the network the parameters that the layer has now.

        Reading, saving and running the network does this for the layer that was called last; ``sync`` also makes it
        hold the parameters of another layer.
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
        """Return all states of the network as it is now, by ``path.variable``: ``(batch, size)`` or ``(size,)``.

        They have no gradients. Spikes that are on their way are not part of them; calls with ``reset=False`` keep
        these too.
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
        """Simulate.

        Parameters
        ----------
        inputs : tensor
            One for each of the layer's ``inputs``.
        seed : int, optional
            Seed of noise and random generators in this call; by default the layer's ``seed`` or, without one, a seed
            from PyTorch's global generator.
        state : dict of tensor, optional
            Initial states by key (those of ``net.get_state()``), of shape ``(size,)`` or, one per sample,
            ``(batch, size)``. Gradients pass to them. States that are not given start as in the network.
        reset : bool
            Whether the call starts at t = 0. If not, it continues from the present state of the network, with the
            spikes that are on their way and the random numbers that follow, as a second ``net.run`` does. This is for
            sequences that are cut into pieces. Gradients end at the beginning of a piece.
        """
        names = [g.path for g in self.function.inputs]
        if len(inputs) != len(names):
            raise ParameterError(f"Layer: {len(inputs)} inputs: expected {len(names)}, one for each generator")
        states = {} if state is None else dict(state)
        for name, tensor in (*zip(names, inputs, strict=True), *states.items()):
            _check_tensor(name, tensor)
        if seed is not None and not reset:
            raise ParameterError(f"Layer: seed = {seed}: expected None with reset=False, which continues a run")
        call = _Call(self.function, self.keys, list(states), self._seed_of(seed), reset, torch.is_grad_enabled())
        net = self.function.net
        with net._lock:
            # What is a parameter itself is copied, so that an optimizer does not move what the graph keeps.
            values = [v.clone() if v is self._parameter(key) else v for key, v in self.values().items()]
            outputs = _Run.apply(call, *values, *states.values(), *inputs)
            self._received()
            net._follow(self)
        return outputs[0] if len(outputs) == 1 else outputs

    def _seed_of(self, seed: int | None) -> int:
        """Return the seed of a call."""
        if seed is not None:
            return whole("seed", seed, 0, 2**64 - 1)
        if self.seed is not None:
            return whole("seed", self.seed, 0, 2**64 - 1)
        if not self.function.is_random:
            return self.function.seed
        return int(torch.randint(2**63 - 1, (), dtype=torch.int64, device="cpu"))

    def _parameter(self, key: str) -> torch.Tensor:
        return getattr(self, _name(key))  # type: ignore[no-any-return]

    # What the network follows

    def _moved(self) -> dict[str, NDArray[np.float64]]:
        """Return the values by key that changed since the network received them."""
        moved = {}
        for key in self.keys:
            now, sent = self._parameter(key).detach(), self._sent.get(key)
            same = sent is not None and sent.dtype == now.dtype and sent.device == now.device
            if not (same and torch.equal(now, sent)):
                moved[key] = self._array(key)
        return moved

    def _received(self) -> None:
        """Note that the network has received all values."""
        self._sent = {key: self._parameter(key).detach().clone() for key in self.keys}

    def _lost(self) -> None:
        """Note that the network has other values than those it received."""
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
        # The inverse of the constraint rounds, and does not reach a bound. Where a parameter has not moved since it
        # started, its value is exactly the one it started with (the difference of two close numbers is exact).
        start, exact = (t.to(free.device, free.dtype) for t in self._starts[key])
        at_start = free.detach() == start
        return value + torch.where(at_start, exact - value, torch.zeros_like(value)).detach()

    def _free(self, key: str, value: torch.Tensor) -> torch.Tensor:
        """Return the parameter that has a value: the inverse of the constraint."""
        if not self._bounded(key) or self.constrain == "clamp":
            return value
        least, most, scale = self._rules[key]
        if np.isfinite(most):
            return torch.logit(((value - least) / (most - least)).clamp(1e-4, 1 - 1e-4))
        # A parameter at its bound starts a little above, where it can move.
        above = ((value - least) / scale).clamp(min=1e-4)
        return above + torch.log(-torch.expm1(-above))

    def _start(self, key: str, value: torch.Tensor) -> None:
        """Let a parameter start at a value from now on."""
        self._starts[key] = self._parameter(key).detach().clone(), value.detach().clone()

    def _refused(self, key: str, value: torch.Tensor) -> str | None:
        """Return why a parameter cannot have a value, if it cannot."""
        least, most, included = self.function.net._sim.domain(key)
        wrong = ~torch.isfinite(value) | (value > most) | ((value < least) if included else (value <= least))
        if not wrong.any():
            return None
        low = f"greater than {'or equal to ' if included else ''}{least:g}"
        bounds = [low] if np.isfinite(least) else []
        bounds += [f"at most {most:g}"] if np.isfinite(most) else []
        return f"{key} = {float(value[wrong][0]):g}: must be {' and '.join(['finite', *bounds])}"

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
                f"{prefix}: the state_dict has version {version} of dendrion.torch.Layer, with scaled values; this one "
                f"reads version {self._version}, with physical values"
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
    """Return what a parameter is called in a layer."""
    return key.replace(".", DOT)


def _check_tensor(name: str, tensor: object) -> None:
    if not isinstance(tensor, torch.Tensor):
        raise ParameterTypeError(f"Layer: {name} = {type(tensor).__name__}: expected a torch.Tensor")
    if tensor.is_complex():
        raise ParameterTypeError(f"Layer: {name} = tensor of {tensor.dtype}: expected real numbers")


def _array(name: str, tensor: torch.Tensor) -> NDArray[np.float64]:
    """Return the numbers of a tensor, which may share its memory."""
    if tensor.is_meta:
        raise StructureError(
            f"Layer: {name} is on the device 'meta', which has no values; expected a tensor with values, such as after "
            "load_state_dict(..., assign=True)"
        )
    return np.asarray(tensor.detach().to("cpu", torch.float64).numpy(), dtype=np.float64)


class _Clamp(torch.autograd.Function):
    """The nearest value within bounds; gradients pass unless they lead farther out."""

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
    """What a call of a layer is, apart from its tensors: parameters, then states, then inputs."""

    def __init__(
        self, function: Differentiable, keys: list[str], states: list[str], seed: int, reset: bool, grad: bool
    ) -> None:
        self.function, self.keys, self.states = function, keys, states
        self.seed, self.reset, self.grad = seed, reset, grad
        #: What the tensors are, in their order.
        self.names = [*keys, *states, *(g.path for g in function.inputs)]

    def of(self, arrays: Sequence[NDArray[np.float64]]) -> Call:
        """Return what the network is given, from the numbers of the tensors."""
        first, then = len(self.keys), len(self.keys) + len(self.states)
        values = dict(zip(self.keys, arrays[:first], strict=True))
        states = dict(zip(self.states, arrays[first:then], strict=True))
        return Call(values, arrays[then:], self.seed, states, self.reset)

    def run_again(self, tensors: Sequence[torch.Tensor]) -> Run:
        """Run once more, for a graph that was differentiated before. The network then holds what it held."""
        if not self.reset:
            raise StructureError(
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
    """A run of the network and its reverse."""

    @staticmethod
    def forward(ctx: Any, call: _Call, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        grad = call.grad and any(ctx.needs_input_grad)
        arrays = [_array(name, tensor) for name, tensor in zip(call.names, tensors, strict=True)]
        outputs, run = call.function.forward(call.of(arrays), grad)
        like = tensors[-1] if tensors else torch.empty(0)
        dtype = like.dtype if like.is_floating_point() else torch.get_default_dtype()
        if dtype.itemsize < 4 and torch.is_autocast_enabled(like.device.type):
            # 8 or 11 bits do not tell voltages apart. Layers that take fewer bits cast.
            dtype = torch.float32
        ctx.call, ctx.run = call, run
        ctx.like = [(t.dtype, t.device, t.shape) for t in tensors]
        # PyTorch raises an error where one of them was changed in place and is needed again.
        ctx.save_for_backward(*tensors)
        ctx.set_materialize_grads(False)
        return tuple(torch.as_tensor(o).to(like.device, dtype) for o in outputs)

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor | None) -> tuple[Any, ...]:
        call: _Call = ctx.call
        wanted = [name for name, needed in zip(call.names, ctx.needs_input_grad[1:], strict=True) if needed]
        wanted = [name for name in wanted if name not in call.states]
        given = [None if c is None else _array("cotangent", c) for c in cotangents]
        # Another thread may go through the same graph.
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
        raise StructureError(f"Layer: forward-mode derivatives {NOT_AVAILABLE}")


class _Once(torch.autograd.Function):
    """Gradients as they are, whose derivatives are refused."""

    @staticmethod
    def forward(ctx: Any, count: int, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(t.view_as(t) for t in tensors[:count])

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor) -> tuple[Any, ...]:
        raise StructureError(f"Layer: second derivatives (create_graph=True) {NOT_AVAILABLE}")


def _without_derivative(
    gradients: Sequence[torch.Tensor | None], depends: Sequence[torch.Tensor]
) -> list[torch.Tensor | None]:
    """Return gradients that depend on tensors in a way that cannot be differentiated, rather than not at all."""
    known = [g for g in gradients if g is not None]
    once = iter(_Once.apply(len(known), *known, *depends) if known else ())
    return [None if g is None else next(once) for g in gradients]
