"""Connection rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .._numbers import is_whole, real
from .._quoted import quoted, told
from .._suggest import suggests
from ..errors import ConnectivityError, ParameterError, ParameterTypeError
from ..modules._fixed import Abstract, refuse_assignments

__all__ = ["All2All", "Connector", "FixedIndegree", "FixedOutdegree", "FixedProb", "FixedTotal", "One2One"]


@dataclass(frozen=True)
class Connector(Abstract):
    """Base class of the connection rules."""

    _examples: ClassVar[str] = "FixedProb(0.1)"

    def _rule(self) -> tuple[str, float, bool, bool]:
        raise NotImplementedError

    def _check(self, label: str, pre: int, post: int) -> None:
        """Raise an error if the rule cannot connect these numbers of sources and targets."""


@suggests
@refuse_assignments
@dataclass(frozen=True)
class All2All(Connector):
    """Connects every source to every target.

    Parameters
    ----------
    autapses : bool
        Whether neurons are connected to themselves or, for detailed cells, to their own sites.
    """

    autapses: bool = True

    def __post_init__(self) -> None:
        _check_flags(self, "autapses")

    def _rule(self) -> tuple[str, float, bool, bool]:
        return "all_to_all", 0.0, True, self.autapses


@suggests
@refuse_assignments
@dataclass(frozen=True)
class One2One(Connector):
    """Connects source i to target i. The numbers of sources and targets must be equal."""

    def _rule(self) -> tuple[str, float, bool, bool]:
        return "one_to_one", 0.0, True, True

    def _check(self, label: str, pre: int, post: int) -> None:
        if pre != post:
            raise ConnectivityError(
                f"{label}: One2One requires equal numbers of sources and targets, but there are {pre} and {post}"
            )


@dataclass(frozen=True)
class _Degree(Connector):
    """Rules with a fixed number of connections for each neuron on one side."""

    _kind: ClassVar[str]
    degree: int
    multi_conn: bool = False
    autapses: bool = True

    def __post_init__(self) -> None:
        _check_whole(self, "degree", self.degree)
        _check_flags(self, "multi_conn", "autapses")

    def _rule(self) -> tuple[str, float, bool, bool]:
        return self._kind, float(self.degree), self.multi_conn, self.autapses


@suggests
@refuse_assignments
@dataclass(frozen=True)
class FixedIndegree(_Degree):
    """Connects each target to ``degree`` random sources.

    Parameters
    ----------
    degree : int
        Number of connections of each target, >= 0.
    multi_conn : bool
        Whether a pair may be connected several times.
    autapses : bool
        Whether neurons may be connected to themselves or, for detailed cells, to any of their own sites.
    """

    _kind: ClassVar[str] = "fixed_indegree"


@suggests
@refuse_assignments
@dataclass(frozen=True)
class FixedOutdegree(_Degree):
    """Connects each source to ``degree`` random targets.

    Parameters
    ----------
    degree : int
        Number of connections of each source, >= 0.
    multi_conn, autapses : bool
        See [FixedIndegree][dendrion.FixedIndegree].
    """

    _kind: ClassVar[str] = "fixed_outdegree"


@suggests
@refuse_assignments
@dataclass(frozen=True)
class FixedTotal(Connector):
    """Creates ``n`` connections in total, each between a random source and a random target.

    Parameters
    ----------
    n : int
        Total number of connections, >= 0.
    multi_conn, autapses : bool
        See [FixedIndegree][dendrion.FixedIndegree].
    """

    n: int
    multi_conn: bool = False
    autapses: bool = True

    def __post_init__(self) -> None:
        _check_whole(self, "n", self.n)
        _check_flags(self, "multi_conn", "autapses")

    def _rule(self) -> tuple[str, float, bool, bool]:
        return "fixed_total", float(self.n), self.multi_conn, self.autapses


@suggests
@refuse_assignments
@dataclass(frozen=True)
class FixedProb(Connector):
    """Connects each pair with probability ``prob``.

    Parameters
    ----------
    prob : float
        Connection probability, in [0, 1].
    autapses : bool
        Whether neurons may be connected to themselves or, for detailed cells, to any of their own sites.
    """

    prob: float
    autapses: bool = True

    def __post_init__(self) -> None:
        prob = real("FixedProb: prob", self.prob, "a number in [0, 1]")
        if not 0 <= prob <= 1:
            raise ParameterError(f"FixedProb: prob = {quoted(self.prob)}: expected a number in [0, 1]")
        object.__setattr__(self, "prob", prob)
        _check_flags(self, "autapses")

    def _rule(self) -> tuple[str, float, bool, bool]:
        return "fixed_prob", float(self.prob), False, self.autapses


def _check_whole(rule: Connector, name: str, value: object) -> None:
    if not is_whole(value):
        raise ParameterError(f"{type(rule).__name__}: {name} = {quoted(value)}: expected an integer >= 0")
    if not 0 <= value < 2**32:  # type: ignore[operator]
        raise ParameterError(f"{type(rule).__name__}: {name} = {told(value)}: expected an integer from 0 to 2^32 - 1")


def _check_flags(rule: Connector, *names: str) -> None:
    for name in names:
        value = getattr(rule, name)
        if not isinstance(value, (bool, np.bool_)):
            raise ParameterTypeError(f"{type(rule).__name__}: {name} = {quoted(value)}: expected True or False")
