"""Connections between populations, and from generators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._numbers import numbers
from ._ownership import SENTINEL, Sentinel
from .compartment import Compartment
from .connectivity import Connector, Matrix, matrix
from .errors import ConnectivityError, ParameterError, ParameterTypeError, StructureError
from .generators import Generator
from .module import Module
from .neuron import MCNeuron
from .plasticity import Plasticity
from .receptors import Receptor

__all__ = ["ConnGen", "Connections", "MCSynapse"]


class Connections(NamedTuple):
    """The connections of a projection, by source, then target; arrays of one length."""

    pre: NDArray[np.uint32]
    post: NDArray[np.uint32]
    weight: NDArray[np.float64]
    #: In ms.
    delay: NDArray[np.float64]


class MCSynapse(Module):
    """Connects the spikes of a population or generator to receptors.

    Parameters
    ----------
    pre : MCNeuron or generator of spikes
        Where the spikes come from.
    post : AMPA, NMDA or GABA, or a tuple of them
        The receptors of one population that share each connection: a spike adds its weight to the gate of each.
    conn : array, sparse matrix or rule
        Who is connected to whom, sources by targets. A dense array of shape ``(pre.size, post.size)`` holds the
        weights, and every entry is a connection, zeros too. Of a ``scipy.sparse`` matrix the stored entries are,
        duplicates summed. Rules are ``All2All()``, ``One2One()``, ``FixedIndegree(n)``, ``FixedProb(p)``.
    parent, name, frozen_params
        See [Module][dendrion.Module].
    weight : float or array, optional
        Weights with a rule, >= 0: one for all, or one per connection by source, then target. 1 by default.
    delay : float or array, optional
        Delays (ms), rounded to whole steps: one for all, or one per connection in the shape of ``w``. At least dt
        between neurons. By default 0 from a generator, dt from neurons and where weights are learnt.
    plasticity : STDP, TripletSTDP or TsodyksMarkram, optional
        How the connections change with the spikes that pass them. Its values become parameters of the synapse
        (``syn.lambda_``). Where weights are learnt, ``net.probe(syn, "w")`` records them.
    """

    _fixed: ClassVar[tuple[str, ...]] = ("size", "pre", "post", "plasticity")
    pre: MCNeuron | Generator
    post: tuple[Receptor, ...]
    plasticity: Plasticity | None

    def __init__(
        self,
        pre: MCNeuron | Generator,
        post: Receptor | Sequence[Receptor],
        conn: Any,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
        *,
        weight: ArrayLike | None = None,
        delay: ArrayLike | None = None,
        plasticity: Plasticity | None = None,
    ) -> None:
        self._ends(pre, post)
        if plasticity is not None and not isinstance(plasticity, Plasticity):
            raise ParameterTypeError(
                f"{self._label}: plasticity = {plasticity!r}: expected an STDP, TripletSTDP, TsodyksMarkram or None"
            )
        self._refer("plasticity", plasticity)
        super().__init__(parent, name, None)
        n_pre, n_post = self.pre.size, self.post[0].size
        if isinstance(conn, Connector):
            conn._check(self._label, n_pre, n_post)
            self._refer("_conn", conn)
            self._values["w"] = self._per_connection("weight", 1.0 if weight is None else weight)
        else:
            if weight is not None:
                raise ConnectivityError(
                    f"{self._label}: weight = {weight!r}: expected None beside a matrix, whose entries are the weights"
                )
            given = matrix(self._label, conn, n_pre, n_post)
            self._refer("_conn", given)
            self._values["w"] = given.weights
        self._refer("_delay", None if delay is None else self._per_connection("delay", delay))
        if plasticity is not None:
            self._values.update({name: getattr(plasticity, name) for name in plasticity._given})
        self._freeze(frozen_params or {})

    def _ends(self, pre: object, post: object) -> None:
        if not isinstance(pre, MCNeuron) and not (isinstance(pre, Generator) and pre.spiking):
            raise ParameterTypeError(f"{self._label}: pre = {pre!r}: expected an MCNeuron or a generator of spikes")
        receptors = tuple(post) if isinstance(post, (tuple, list)) else (post,)
        if not receptors or not all(isinstance(r, Receptor) for r in receptors):
            raise ParameterTypeError(f"{self._label}: post = {post!r}: expected an AMPA, NMDA or GABA, or a tuple")
        if len({id(r) for r in receptors}) < len(receptors):
            raise StructureError(f"{self._label}: post = {post!r}: expected each receptor once")
        if len({r.size for r in receptors}) > 1:
            sizes = ", ".join(str(r.size) for r in receptors)
            raise StructureError(f"{self._label}: receptors of sizes {sizes}: expected those of one population")
        self._refer("pre", pre)
        self._refer("post", receptors)

    def _per_connection(self, name: str, values: ArrayLike) -> float | NDArray[np.float64]:
        """Return a value for all connections or a flat array of one each, in their order."""
        array = numbers(f"{self._label}: {name}", values, "numbers")
        conn = self.__dict__["_conn"]
        unit = " (ms)" if name == "delay" else ""
        flat = array.reshape(-1)
        for bad in np.flatnonzero(~(np.isfinite(flat) & (flat >= 0)))[:1]:
            at = f"{name}[{bad}]" if array.ndim else name
            raise ConnectivityError(f"{self._label}: {at} = {flat[bad]}: expected finite numbers >= 0{unit}")
        if array.ndim == 0:
            return float(array)
        n_pre, n_post = self.pre.size, self.post[0].size
        count = len(conn.targets) if isinstance(conn, Matrix) else conn._count(n_pre, n_post)
        if flat.size != count or (array.ndim > 1 and array.shape != (n_pre, n_post)):
            expected = "one number" if count is None else f"one number, or one for each of {count} connections"
            raise ConnectivityError(f"{self._label}: {name} of shape {array.shape}: expected {expected}")
        return flat

    def _settle(self) -> None:
        """Let go of the arrays: the engine has the connections now, and they end with the network."""
        conn = self.__dict__["_conn"]
        if isinstance(conn, Matrix):
            none = np.empty(0, dtype=np.uint32)
            self._refer("_conn", Matrix(none, none, np.empty(0), conn.shape))
        self._values["w"] = None
        self._refer("_delay", None)

    def _check_unsettled(self) -> None:
        if self._values["w"] is None:
            raise StructureError(
                f"{self._label}: its connections went with an earlier network; make the MCSynapse anew"
            )

    @property
    def shape(self) -> tuple[int, int] | None:
        """Shape of ``w`` where connections are dense, else ``None``."""
        conn = self.__dict__["_conn"]
        return conn.shape if isinstance(conn, Matrix) else None

    @property
    def w(self) -> NDArray[np.float64]:
        """Weights: of shape ``(pre.size, post.size)`` for a dense ``conn``, else one per connection by source."""
        net = self._network
        if net is not None:
            return net._weights(self)
        self._check_unsettled()
        flat = np.array(self._values["w"], dtype=np.float64)
        if not self.shape:
            return flat
        return flat.reshape(self.shape) if flat.ndim else np.full(self.shape, flat)

    @property
    def connections(self) -> Connections:
        """All connections. A rule has them once the network is made."""
        net = self._network
        if net is None:
            raise StructureError(f"{self._label}: its connections are made with the network; make that first")
        return net._connections(self)

    def _convert(self, name: str, value: ArrayLike | None) -> float | NDArray[np.float64] | None:
        if name != "w":
            return self._rule_value(name, value)
        if value is None:
            return None
        # In a network the engine knows how many connections there are, and checks their weights.
        return self._per_connection(name, value) if self._network is None else self._flat(name, value)

    def _rule_value(self, name: str, value: ArrayLike | None) -> float:
        array = numbers(f"{self._label}: {name}", value, "a number")
        if array.ndim > 0 or self.plasticity is None:
            raise ParameterError(f"{self._label}: {name} = array of shape {array.shape}: expected a number")
        _core.check(self.plasticity._kind, self._label, name, float(array), 1)
        return float(array)

    def _flat(self, name: str, value: ArrayLike) -> float | NDArray[np.float64]:
        """Return weights in the order of the connections. A table must be one of sources by targets."""
        array = numbers(f"{self._label}: {name}", value, "numbers")
        shape = (self.pre.size, self.post[0].size)
        if array.ndim > 1 and array.shape != shape:
            raise ConnectivityError(
                f"{self._label}: {name} of shape {array.shape}: expected {shape}, sources by targets"
            )
        return array.reshape(-1) if array.ndim else float(array)


class ConnGen(Module):
    """Connects a generator one to one: a current to a compartment, spikes to a receptor.

    Parameters
    ----------
    pre : Generator
        The generator, of the compartment's size; a generator of current may have size 1.
    mc : Compartment
        The compartment that takes the current, or the receptor that takes the spikes (with weight 1).
    parent, name, frozen_params
        See [Module][dendrion.Module].
    """

    _fixed: ClassVar[tuple[str, ...]] = ("size", "pre", "mc")
    pre: Generator
    mc: Compartment

    def __init__(
        self,
        pre: Generator,
        mc: Compartment,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        if not isinstance(pre, Generator):
            raise ParameterTypeError(f"{self._label}: pre = {pre!r}: expected a generator")
        wanted: type = Receptor if pre.spiking else Compartment
        if not isinstance(mc, wanted):
            what = "a receptor for spikes" if pre.spiking else "a compartment for a current"
            raise ParameterTypeError(f"{self._label}: mc = {mc!r}: expected {what}")
        if pre.size != mc.size and (pre.spiking or pre.size != 1):
            raise StructureError(f"{self._label}: {pre!r} and {mc!r}: expected the same size")
        self._refer("pre", pre)
        self._refer("mc", mc)
        super().__init__(parent, name, frozen_params)
