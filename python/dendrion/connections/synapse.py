"""Connections between populations, and from generators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._numbers import numbers
from .._quoted import quoted
from ..errors import AssignmentError, ConnectivityError, ParameterError, ParameterTypeError, RunError, StructureError
from ..inputs.generators import Generator
from ..modules._fixed import shown
from ..modules._ownership import SENTINEL, Sentinel
from ..modules._values import read_only
from ..modules.module import Module
from ..neurons.cable.sites import Site
from ..neurons.compartment import Compartment
from ..neurons.neuron import Neuron
from ..neurons.receptors import CurrentReceptor, Receptor
from ..units import check_unit, has_units, in_unit, unit_in_table
from ._per_connection import DELAYS, Kind, check_weights, spread
from ._targets import class_hint, parts_hint, population_of
from .connectivity import All2All, Connector, One2One
from .initializers import Initializer
from .matrices import CustomConn, Matrix, matrix
from .plasticity import Plasticity

__all__ = ["ConnGen", "Connections", "MCSynapse"]


class Connections(NamedTuple):
    """The connections of a projection, sorted by source and then by target, as arrays of equal length."""

    pre: NDArray[np.uint32]
    post: NDArray[np.uint32]
    weight: NDArray[np.float64]
    #: Delays in ms.
    delay: NDArray[np.float64]


class MCSynapse(Module):
    """Connects the spikes of a population or generator to receptors.

    Parameters
    ----------
    pre : MCNeuron, CableNeuron or generator of spikes
        Source of the spikes.
    post : Receptor or tuple of Receptor
        Receptors of one population. The receptors of a tuple share each connection: a spike adds its weight to each
        of them.
    conn : array, sparse matrix or rule
        The connections from sources to targets. A dense array of shape ``(pre.size, post.size)`` contains the weights,
        and every entry is a connection, even a zero. In a ``scipy.sparse`` matrix every stored entry is a connection,
        and duplicates are summed. Rules are [All2All][dendrion.All2All], [One2One][dendrion.One2One],
        [FixedIndegree][dendrion.FixedIndegree], [FixedOutdegree][dendrion.FixedOutdegree],
        [FixedProb][dendrion.FixedProb] and [FixedTotal][dendrion.FixedTotal]. Use [CustomConn][dendrion.CustomConn] for
        explicit lists of connections.
    parent, name, frozen_params
        See [Module][dendrion.Module].
    weight : float, array, Initializer or callable, optional
        Weights, if ``conn`` has none; 1 by default. Weights are >= 0, unless all receptors accept negative weights, as
        a [CurrentReceptor][dendrion.CurrentReceptor] does, for which they are currents (pA). Pass a single number; one
        number per connection, ordered by source, then target; an [Initializer][dendrion.Initializer] from which the
        weights are drawn; or a function that takes the sources and targets of all connections (two integer arrays) and
        returns one weight for each connection.
    delay : float, array, Initializer or callable, optional
        Delays (ms), in the same forms as ``weight``. They are rounded to whole steps, with a warning if this changes
        them (drawn delays are rounded silently). Delays between neurons are at least dt. The default is 0 for
        generators, and dt for neurons and for plastic weights.
    plasticity : STDP, TripletSTDP or TsodyksMarkram, optional
        Plasticity rule. Its values become parameters of the synapse (``syn.lambda_``). If the rule changes weights,
        ``net.probe(syn, "w")`` records them.
    """

    _fixed: ClassVar[tuple[str, ...]] = ("size", "pre", "post", "plasticity")
    _built_in: ClassVar[tuple[str, ...]] = ("plasticity",)
    pre: Neuron | Generator
    post: tuple[Receptor, ...]
    plasticity: Plasticity | None

    def __init__(
        self,
        pre: Neuron | Generator,
        post: Receptor | Sequence[Receptor],
        conn: Any,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
        *,
        weight: Any = None,
        delay: Any = None,
        plasticity: Plasticity | None = None,
    ) -> None:
        self._ends(pre, post)
        if plasticity is not None and not isinstance(plasticity, Plasticity):
            raise ParameterTypeError(
                f"{self._label}: plasticity = {quoted(plasticity)}: expected an STDP, TripletSTDP, TsodyksMarkram "
                f"or None{class_hint(plasticity, Plasticity)}"
            )
        if plasticity is not None:
            check_unit(f"{self._label}: plasticity", plasticity, plasticity._unit, self._kind("w").unit)
        self._refer("plasticity", plasticity)
        super().__init__(parent, name, None)
        self._connect(conn, weight)
        self._refer("_delay", None if delay is None else self._spread("delay", delay))
        if plasticity is not None:
            self._values.update({name: getattr(plasticity, name) for name in plasticity._given})
        self._freeze({} if frozen_params is None else frozen_params)

    def __setattr__(self, name: str, value: Any) -> None:
        # If a rule were assigned later, the synapse would lack the parameters of the rule.
        if name == "plasticity" and self._network is None and value is not self.__dict__.get(name):
            raise AssignmentError(
                f"{self._label}: plasticity cannot be changed after construction; create a new {type(self).__name__} "
                f"(assigned: {shown(value)})"
            )
        super().__setattr__(name, value)

    def _connect(self, conn: Any, weight: Any) -> None:
        """Store the connections, either as a rule or as an explicit list, and their weights."""
        n_pre, n_post = self.pre.size, self.post[0].size
        if isinstance(conn, Connector):
            conn._check(self._label, n_pre, n_post)
            self._refer("_conn", conn)
        else:
            if isinstance(conn, CustomConn) and not conn.autapses and self._is_recurrent():
                place = self.post[0]._placement
                conn = conn._without_self(1 if place is None else place.per_site.sites)
            given = matrix(self._label, conn, n_pre, n_post, self._kind("w"))
            self._refer("_conn", given)
            if given.weights is not None:
                if weight is not None:
                    raise ConnectivityError(
                        f"{self._label}: weight = {quoted(weight)}: expected None, because conn already has weights"
                    )
                self._values["w"] = given.weights
                return
        self._values["w"] = self._spread("weight", 1.0 if weight is None else weight)

    def _is_recurrent(self) -> bool:
        owner: Module | None = self.post[0]
        while owner is not None and owner is not self.pre:
            owner = owner.parent
        return owner is not None

    def _ends(self, pre: object, post: object) -> None:
        if not isinstance(pre, Neuron) and not (isinstance(pre, Generator) and pre.spiking):
            hint = ""
            if isinstance(pre, Generator):
                hint = "; a ConnGen injects a current into a compartment"
            elif isinstance(pre, Module) and (population := population_of(pre)) is not None:
                hint = f"; pass its population, {quoted(population)}"
            raise ParameterTypeError(
                f"{self._label}: pre = {quoted(pre)}: expected an MCNeuron, a CableNeuron or a generator of spikes"
                f"{hint}"
            )
        receptors = tuple(post) if isinstance(post, (tuple, list)) else (post,)
        if not receptors or not all(isinstance(r, Receptor) for r in receptors):
            wrong = next((r for r in receptors if not isinstance(r, Receptor)), None)
            raise ParameterTypeError(
                f"{self._label}: post = {quoted(post)}: expected a receptor, such as an AMPA, NMDA or GABA, or a "
                f"tuple of receptors{parts_hint(wrong, Receptor, 'receptor')}"
            )
        if len({id(r) for r in receptors}) < len(receptors):
            raise StructureError(
                f"{self._label}: post = {quoted(post)}: contains a receptor twice; expected each receptor once"
            )
        if len({r.size for r in receptors}) > 1:
            sizes = ", ".join(str(r.size) for r in receptors)
            raise StructureError(
                f"{self._label}: post has receptors of sizes {sizes}; expected receptors of one population"
            )
        self._refer("pre", pre)
        self._refer("post", receptors)

    def _spread(self, name: str, value: Any) -> Any:
        """Return weights or delays in one of the accepted forms."""
        conn = self.__dict__["_conn"]
        count = len(conn.targets) if isinstance(conn, Matrix) else None
        if has_units(value):
            self._measured.add({"weight": "w"}.get(name, name))
        return spread(self._label, name, value, (self.pre.size, self.post[0].size), count, self._kind(name))

    def _kind(self, name: str) -> Kind:
        """Return the unit of weights or delays, and whether they may be negative."""
        if name == "delay":
            return DELAYS
        is_current = all(isinstance(r, CurrentReceptor) for r in self.post)
        return Kind("pA" if is_current else "", all(r.signed for r in self.post))

    def _training_changed(self) -> None:
        """Allow changes to the weights in training mode, and prevent them otherwise."""
        net = self._network
        if net is not None and self.plasticity is not None and self.plasticity._learns:
            with net._alone("train"):
                net._sim.set_learning(self.path, self.training)

    def _stream(self) -> str | None:
        conn, drawn = self.__dict__["_conn"], (self._values["w"], self.__dict__["_delay"])
        random = isinstance(conn, Connector) and not isinstance(conn, (All2All, One2One))
        return self.path if random or any(isinstance(v, Initializer) for v in drawn) else None

    def _settle(self) -> None:
        """Release the arrays. From now on the engine owns the connections, which are freed with the network."""
        conn = self.__dict__["_conn"]
        if isinstance(conn, Matrix):
            none = np.empty(0, dtype=np.uint32)
            self._refer("_conn", Matrix(none, none, np.empty(0), conn.shape))
        self._values["w"] = None
        self._refer("_delay", None)

    def _check_unsettled(self) -> None:
        if self._values["w"] is None:
            raise RunError(
                f"{self._label}: its connections were released with an earlier network; create a new MCSynapse"
            )

    @property
    def shape(self) -> tuple[int, int] | None:
        """Shape of ``w`` if the connections are dense, otherwise ``None``."""
        conn = self.__dict__["_conn"]
        return conn.shape if isinstance(conn, Matrix) else None

    @property
    def weight(self) -> NDArray[np.float64]:
        """Weights; an alias of ``w``."""
        return self.w

    @weight.setter
    def weight(self, value: Any) -> None:
        self._set("w", value)

    @property
    def delay(self) -> Any:
        """Delays (ms), as passed or, after the network is built, ordered by source and then by target."""
        if self._network is not None:
            return read_only(self.connections.delay)
        return read_only(self.__dict__["_delay"])

    @delay.setter
    def delay(self, value: Any) -> None:
        if self._network is not None:
            raise AssignmentError(
                f"{self._label}.delay = {shown(value)}: delays are fixed once the network is built; build a new "
                "network from new modules"
            )
        self._refer("_delay", None if value is None else self._spread("delay", value))

    @property
    def w(self) -> NDArray[np.float64]:
        """Weights, of shape ``(pre.size, post.size)`` for a dense ``conn``, otherwise one per connection."""
        net = self._network
        if net is not None:
            return read_only(net._weights(self))  # type: ignore[no-any-return]
        self._check_unsettled()
        values: Any = self._values["w"]
        if isinstance(values, Initializer) or callable(values):
            raise RunError(
                f"{self._label}: w: {quoted(values)} is drawn when the network is built; build the network first"
            )
        flat = np.array(values, dtype=np.float64)
        if self.shape:
            flat = flat.reshape(self.shape) if flat.ndim else np.full(self.shape, flat)
        return read_only(flat)  # type: ignore[no-any-return]

    @property
    def connections(self) -> Connections:
        """All connections, in read-only arrays. Connections of a rule exist only after the network is built."""
        net = self._network
        if net is None:
            raise RunError(f"{self._label}: its connections are created with the network; build the network first")
        return net._connections(self)

    def _convert(self, name: str, value: Any) -> Any:
        if name != "w":
            return self._rule_value(name, value)
        if value is None:
            kind = self._kind(name)
            least, unit = "" if kind.signed else " >= 0", f" ({kind.unit})" if kind.unit else ""
            raise ParameterError(f"{self._label}: w = None: expected a number{least}{unit}, or an array of them")
        # In a network, the engine knows the number of connections and checks the weights.
        return self._spread(name, value) if self._network is None else self._flat(name, value)

    def _unit_of(self, name: str) -> str:
        if name in ("w", "w_min", "w_max"):
            return self._kind("w").unit
        return "" if self.plasticity is None else unit_in_table(self.plasticity._kind, name) or ""

    def _unit_of_variable(self, name: str) -> str:
        return self._unit_of(name) if name == "w" else super()._unit_of_variable(name)

    def _rule_value(self, name: str, value: ArrayLike | None) -> float:
        if has_units(value):
            value = in_unit(f"{self._label}: {name}", value, self._unit_of(name))
        array = numbers(f"{self._label}: {name}", value, "a number")
        if array.ndim > 0 or self.plasticity is None:
            raise ParameterError(f"{self._label}: {name} = array of shape {array.shape}: expected a number")
        _core.check(self.plasticity._kind, self._label, name, float(array), 1)
        return float(array)

    def _flat(self, name: str, value: ArrayLike) -> float | NDArray[np.float64]:
        """Return weights in the order of the connections. A matrix must have the shape (sources, targets)."""
        array = numbers(f"{self._label}: {name}", value, "numbers", self._kind(name).unit)
        check_weights(f"{self._label}: {name}", array, self._kind(name))
        shape = (self.pre.size, self.post[0].size)
        if array.ndim > 1 and array.shape != shape:
            raise ConnectivityError(
                f"{self._label}: {name} of shape {array.shape}: expected (sources, targets) = {shape}"
            )
        return array.reshape(-1) if array.ndim else float(array)


class ConnGen(Module):
    """Connects a generator one-to-one: a current to a compartment, or spikes to a receptor.

    Parameters
    ----------
    pre : Generator
        The generator. Its size must equal the size of the compartment or, for a site, the number of cells. A current
        generator may also have size 1.
    mc : Compartment, Site or Receptor
        The target: a compartment into which the current is injected; a site of detailed cells, such as
        ``cells.at("soma")``, whose control volumes all receive the current; or a receptor that receives the spikes
        (with weight 1, which is 1 pA for a [CurrentReceptor][dendrion.CurrentReceptor]).
    parent, name, frozen_params
        See [Module][dendrion.Module].
    """

    _fixed: ClassVar[tuple[str, ...]] = ("size", "pre", "mc")
    pre: Generator
    mc: Compartment | Site

    def __init__(
        self,
        pre: Generator,
        mc: Compartment | Site,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        if not isinstance(pre, Generator):
            hint = (
                f"; the generator comes first: ConnGen({type(mc).__name__}, ...)" if isinstance(mc, Generator) else ""
            )
            raise ParameterTypeError(f"{self._label}: pre = {quoted(pre)}: expected a generator{hint}")
        wanted: type = Receptor if pre.spiking else Compartment
        is_site = isinstance(mc, Site) and not pre.spiking
        if not isinstance(mc, wanted) and not is_site:
            what = "a receptor for spikes" if pre.spiking else "a compartment for a current"
            hint = parts_hint(mc, wanted, "receptor" if pre.spiking else "compartment")
            raise ParameterTypeError(f"{self._label}: mc = {quoted(mc)}: expected {what}{hint}")
        size = mc.neuron.size if isinstance(mc, Site) else mc.size
        if pre.size != size and (pre.spiking or pre.size != 1):
            raise StructureError(
                f"{self._label}: {quoted(pre)} and {quoted(mc)}: a ConnGen connects one to one; expected the same size"
                f"{'' if pre.spiking else ', or a generator of size 1'}"
            )
        self._refer("pre", pre)
        self._refer("mc", mc)
        super().__init__(parent, name, frozen_params)
