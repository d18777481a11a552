"""Networks as PyTorch layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from .._quoted import counted, quoted
from ..errors import AssignmentError, ParameterError
from ..inputs.generators import Generator
from ..modules._fixed import shown
from ..simulation._settings import whole
from ..simulation.network import Network
from ..training._differentiable import Carried, Differentiable, Output, check_keys, trainable
from ..training._states import refuse_plastic
from ..training.gradients import MEMORY
from ._run import LayerCall, LayerRun
from ._saving import Saved
from ._state import State
from ._tensors import array_of, check_tensor, name_of

__all__ = ["Layer"]

#: Attributes that cannot be set again, because the layer's parameters depend on them.
_FIXED = ("function", "constrain", "keys", "seed")


class Layer(Saved):
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
    outputs : list of Recording, SpikeRecording or Filtered
        Probes whose recordings are returned, of shape ``(batch, samples, columns)``, or for spikes ``(batch, steps,
        size)``, with the number of spikes in each step. [Filtered][dendrion.Filtered] turns spikes into smooth values.
        A call returns a tensor if there is one output, and otherwise a tuple.
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

    def __init__(
        self,
        net: Network,
        duration: float,
        inputs: Sequence[Generator] = (),
        outputs: Sequence[Output] = (),
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
        self._rules = {}
        self._starts = {}
        # The parameters that the network last received, by key.
        self._sent: dict[str, torch.Tensor] = {}
        for key in self.keys:
            least, most, included = net._sim.domain(key)
            value = torch.as_tensor(np.array(known[key], dtype=np.float64))
            scale = float(value.abs().mean()) or 1.0
            # If the lower bound itself is invalid, use a value slightly above it.
            self._rules[key] = (least if included else least + 1e-6 * scale, most, scale)
            free = self._free(key, value)
            self.register_parameter(name_of(key), torch.nn.Parameter(free.to(dtype, copy=True)))
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
        kinds = [g.path for g in self.function.inputs], [p._name for p in self.function.probes()]
        steps, count = counted(self.function.steps, "step"), counted(len(self.keys), "parameter")
        return f"{steps}, inputs={kinds[0]}, outputs={kinds[1]}, {count}"

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
        *inputs: torch.Tensor | State,
        seed: int | None = None,
        state: State | Mapping[str, torch.Tensor] | None = None,
        reset: bool = True,
    ) -> Any:
        """Run the network. Returns the outputs, or with a [State][dendrion.torch.State] the outputs and the next state.

        Parameters
        ----------
        inputs : tensor
            One tensor for each of the layer's ``inputs``. A ``State`` may follow, as in ``layer(x, state)``.
        seed : int, optional
            Seed for noise and random generators in this call. Defaults to the layer's ``seed`` or, if that is None, to
            a seed from PyTorch's global generator. With a ``State``, it replaces the seed of the state.
        state : State or dict of tensor, optional
            With a ``State``, the call continues from it, and returns the outputs and the state at the end:
            ``out, state = layer(x, state)``. Gradients flow through both states and through spikes in transit, so
            backpropagation through several calls is that of a single call; ``state.detach()`` ends it. With a dict, the
            initial states, with keys as in ``net.get_state()``, of shape ``(size,)``, or ``(batch, size)`` with one
            state per sample. Gradients with respect to these states are available. States that are not in the dict
            start at the network's initial values.
        reset : bool
            Whether the call starts at t = 0. If False, it continues from the current state of the network, including
            spikes in transit and the sequence of random numbers, like a second ``net.run``. Use this to process long
            sequences in segments. Gradients do not extend beyond the start of a segment.
        """
        if inputs and isinstance(inputs[-1], State):
            if state is not None:
                raise ParameterError("Layer: got a State twice; pass it either after the inputs or as state=...")
            inputs, state = inputs[:-1], inputs[-1]
        tensors = self._checked(inputs)
        if isinstance(state, State):
            return self._continued(tensors, state if seed is None else state.with_seed(seed), reset)
        states = {} if state is None else dict(state)
        for name, tensor in states.items():
            check_tensor(name, tensor)
        if seed is not None and not reset:
            raise ParameterError(f"Layer: seed = {seed}: expected None with reset=False, which continues a run")
        call = LayerCall(self.function, self.keys, list(states), self._seed_of(seed), reset, torch.is_grad_enabled())
        outputs = self._called(call, states.values(), tensors)
        return outputs[0] if len(outputs) == 1 else outputs

    def _checked(self, inputs: Sequence[Any]) -> list[torch.Tensor]:
        """Return the inputs, after checking their number and types."""
        names = [g.path for g in self.function.inputs]
        if len(inputs) != len(names):
            raise ParameterError(
                f"Layer: got {counted(len(inputs), 'input')}; expected {len(names)}, one for each generator"
            )
        for name, tensor in zip(names, inputs, strict=True):
            check_tensor(name, tensor)
        return list(inputs)

    def _continued(self, inputs: list[torch.Tensor], state: State, reset: bool) -> Any:
        """Continue from a state, and return the outputs and the next state."""
        if not reset:
            raise ParameterError(
                "Layer: reset = False: expected True with a State, which determines where the call begins"
            )
        function = self.function
        refuse_plastic(function.net)
        state._check(function.shapes_of_state(), function.batch(inputs, {}) if inputs else state.batch)
        given = state._given()
        carried = Carried(state.step)
        call = LayerCall(
            function, self.keys, list(given), state.seed, True, torch.is_grad_enabled(), carried, state.batch
        )
        outputs = self._called(call, given.values(), inputs)
        count = len(function.outputs)
        final = dict(zip(function.shapes_of_state(), outputs[count:], strict=True))
        out = outputs[0] if count == 1 else outputs[:count]
        return out, State(final, state.step + function.steps, state.seed, state.batch)

    def _called(self, call: LayerCall, states: Iterable[torch.Tensor], inputs: list[torch.Tensor]) -> Any:
        net = self.function.net
        with net._lock:
            # Copy parameters, so that in-place updates by an optimizer do not change tensors saved in the graph.
            values = [v.clone() if v is self._parameter(key) else v for key, v in self.values().items()]
            outputs = LayerRun.apply(call, *values, *states, *inputs)
            self._received()
            net._follow(self)
        return outputs

    def initial_state(self, batch: int | None = None, *, seed: int | None = None) -> State:
        """Return the state at t = 0, from which ``layer(x, state)`` starts a sequence.

        Entries that you do not replace have the initial values of the parameters at the time of the call, so gradients
        with respect to parameters such as ``V_rest`` include the effect of initial values. To train initial states, use
        ``state.replace({"cell/soma.V": tensor})``.

        Parameters
        ----------
        batch : int, optional
            Batch size of the inputs. By default, inputs have no batch.
        seed : int, optional
            Seed for noise and random generators in all calls that continue from this state. Defaults to the layer's
            ``seed`` or, if that is None, to a seed from PyTorch's global generator.
        """
        function = self.function
        refuse_plastic(function.net)
        lead = () if batch is None else (whole("batch", batch, 1, 2**31 - 1),)
        dtype = torch.float64 if function.net.dtype == np.float64 else torch.float32
        with function.net._lock:
            self.sync()
            function.net.reset()
            states = function.net.get_state()
        tensors = {}
        for key, shape in function.shapes_of_state().items():
            kind = torch.float64 if key in function.filters else dtype
            value = torch.as_tensor(np.array(states[key])) if key in states else torch.zeros(())
            tensors[key] = value.to(kind).expand(*lead, *shape).clone()
        return State(tensors, 0, self._seed_of(seed), batch, tuple(tensors))

    def _seed_of(self, seed: int | None) -> int:
        """Return the seed for a call."""
        if seed is not None:
            return whole("seed", seed, 0, 2**64 - 1)
        if self.seed is not None:
            return whole("seed", self.seed, 0, 2**64 - 1)
        if not self.function.is_random:
            return self.function.seed
        return int(torch.randint(2**63 - 1, (), dtype=torch.int64, device="cpu"))

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
        return array_of(key, self._value(key, self._parameter(key)))
