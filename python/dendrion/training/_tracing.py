"""Conversion of functions of one number to text in the equation language, by calling them with a symbol (tracing)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _core
from .._quoted import quoted

__all__ = ["Symbol", "traced"]

#: Maximum number of operations and numbers in an expression. Identical subexpressions count once.
_MOST = 4096

#: A number, or the name of a function and the indices of earlier entries.
Entry = float | tuple[str, tuple[int, ...]]


class Tape:
    """The values that a traced function computes. Each distinct value is recorded once."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._known: dict[Entry, int] = {}

    def add(self, entry: Entry) -> Symbol:
        """Record a value, unless it is known, and return its symbol."""
        index = self._known.setdefault(entry, len(self.entries))
        if index == _MOST:
            raise TypeError(f"the expression has more than {_MOST} operations and numbers; expected at most {_MOST}")
        if index == len(self.entries):
            self.entries.append(entry)
        return Symbol(self, index)

    def symbol(self, value: Any) -> Symbol:
        """Return a symbol for a number. A symbol of this tape is returned unchanged."""
        if isinstance(value, Symbol):
            if value.tape is not self:
                raise TypeError(
                    "the function uses a value from another expression; expected a function of its argument only"
                )
            return value
        number = np.asarray(value)
        if number.ndim or number.dtype.kind not in "biuf":
            raise TypeError(f"{quoted(value)} in an expression; expected a number")
        if not math.isfinite(number):
            raise TypeError(f"{quoted(value)} in an expression; expected a finite number")
        return self.add(float(number))


class Symbol:
    """A symbolic number that records the operations applied to it."""

    __array_priority__ = 1000

    def __init__(self, tape: Tape, index: int) -> None:
        self.tape, self.index = tape, index

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        rule = _UFUNCS.get(ufunc.__name__)
        if rule is None or method != "__call__" or kwargs:
            return NotImplemented
        return rule(*(self.tape.symbol(i) for i in inputs))

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = {np.where: "where", np.clip: "clip"}.get(func)
        return NotImplemented if name is None or len(args) != 3 or kwargs else self._made(name, *args)

    def _made(self, name: str, *parts: Any) -> Symbol:
        return self.tape.add((name, tuple(self.tape.symbol(p).index for p in parts)))

    def __bool__(self) -> bool:
        raise TypeError("the truth value of an expression is unknown during tracing; use np.where(condition, yes, no)")

    def __add__(self, b: Any) -> Symbol:
        return self._made("+", self, b)

    def __radd__(self, b: Any) -> Symbol:
        return self._made("+", b, self)

    def __sub__(self, b: Any) -> Symbol:
        return self._made("-", self, b)

    def __rsub__(self, b: Any) -> Symbol:
        return self._made("-", b, self)

    def __mul__(self, b: Any) -> Symbol:
        return self._made("*", self, b)

    def __rmul__(self, b: Any) -> Symbol:
        return self._made("*", b, self)

    def __truediv__(self, b: Any) -> Symbol:
        return self._made("/", self, b)

    def __rtruediv__(self, b: Any) -> Symbol:
        return self._made("/", b, self)

    def __pow__(self, b: Any) -> Symbol:
        return self._made("^", self, b)

    def __rpow__(self, b: Any) -> Symbol:
        return self._made("^", b, self)

    def __neg__(self) -> Symbol:
        return self._made("neg", self)

    def __pos__(self) -> Symbol:
        return self

    def __abs__(self) -> Symbol:
        return self._made("abs", self)

    def __gt__(self, b: Any) -> Symbol:
        return self._made(">", self, b)

    def __ge__(self, b: Any) -> Symbol:
        return self._made(">=", self, b)

    def __lt__(self, b: Any) -> Symbol:
        return self._made("<", self, b)

    def __le__(self, b: Any) -> Symbol:
        return self._made("<=", self, b)

    def __and__(self, b: Any) -> Symbol:
        return self._made("and", self, b)

    def __or__(self, b: Any) -> Symbol:
        return self._made("or", self, b)

    def __invert__(self) -> Symbol:
        return self._made("not", self)

    __rand__, __ror__ = __and__, __or__


def _calls(name: str) -> Callable[..., Symbol]:
    """Return a function that applies the function ``name`` of the equation language to symbols."""
    return lambda a, *others: a._made(name, a, *others)


def _cosh(a: Symbol) -> Symbol:
    return (_calls("exp")(a) + _calls("exp")(-a)) * 0.5


_UFUNCS: dict[str, Callable[..., Symbol]] = {
    "add": _calls("+"),
    "subtract": _calls("-"),
    "multiply": _calls("*"),
    "divide": _calls("/"),
    "true_divide": _calls("/"),
    "power": _calls("^"),
    "float_power": _calls("^"),
    "negative": _calls("neg"),
    "positive": lambda a: a,
    "absolute": abs,
    "fabs": abs,
    "sqrt": _calls("sqrt"),
    "exp": _calls("exp"),
    "expm1": _calls("expm1"),
    "log": _calls("log"),
    "log10": _calls("log10"),
    "log1p": _calls("log1p"),
    "tanh": _calls("tanh"),
    "cosh": _cosh,
    "square": lambda a: a * a,
    "reciprocal": lambda a: 1.0 / a,
    "minimum": _calls("min"),
    "maximum": _calls("max"),
    "clip": _calls("clip"),
    "greater": _calls(">"),
    "greater_equal": _calls(">="),
    "less": _calls("<"),
    "less_equal": _calls("<="),
    "logical_and": _calls("and"),
    "logical_or": _calls("or"),
    "logical_not": _calls("not"),
    "bitwise_and": _calls("and"),
    "bitwise_or": _calls("or"),
    "invert": _calls("not"),
}

#: Points at which an expression is compared with the original function.
_POINTS = (-50.0, -7.3, -1.0, -0.31, 0.0, 0.27, 1.0, 6.1, 40.0)


def traced(function: Callable[..., Any]) -> str:
    """Return a function of one number as text in the equation language.

    Raises
    ------
    TypeError
        If the function uses an unsupported operation, or behaves differently for symbols and for numbers.
    """
    tape = Tape()
    value = tape.symbol(function(tape.add(("x", ()))))
    text = _core.write_formula(tape.entries[: value.index + 1])
    points = np.asarray(_POINTS)
    with np.errstate(all="ignore"):
        expected = np.asarray(function(points), dtype=np.float64) * np.ones(len(_POINTS))
    found = _core.Surrogate.own("the expression", text, False).values(points)
    if not np.allclose(found, expected, rtol=1e-9, atol=1e-12, equal_nan=True):
        raise TypeError("it is not a single expression in terms of V - V_th")
    return text
