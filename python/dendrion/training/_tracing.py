"""Tracing: converts a function of one number to an expression by calling it with a symbol."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .._numbers import real
from .._quoted import quoted
from ..errors import ParameterError, ParameterTypeError

__all__ = ["Symbol", "evaluated", "written"]

Token = str | float

#: Maximum number of operations and numbers in an expression. A subexpression that is used twice counts twice.
_MOST = 4096


class Symbol:
    """A symbolic number that records the operations applied to it, in postfix order."""

    __array_priority__ = 1000

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.tokens = tokens

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        rule = _UFUNCS.get(ufunc.__name__)
        if rule is None or method != "__call__" or kwargs:
            return NotImplemented
        return rule(*(_symbol(i) for i in inputs))

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func is np.where and len(args) == 3 and not kwargs:
            condition, yes, no = (_symbol(a) for a in args)
            return _made("select", condition, yes, no)
        if func is np.clip and len(args) == 3 and not kwargs:
            value, low, high = (_symbol(a) for a in args)
            return _made("min", _made("max", value, low), high)
        return NotImplemented

    def __bool__(self) -> bool:
        raise TypeError("the truth value of an expression is unknown during tracing; use np.where(condition, yes, no)")

    def __add__(self, b: Any) -> Symbol:
        return _made("add", self, b)

    def __radd__(self, b: Any) -> Symbol:
        return _made("add", b, self)

    def __sub__(self, b: Any) -> Symbol:
        return _made("sub", self, b)

    def __rsub__(self, b: Any) -> Symbol:
        return _made("sub", b, self)

    def __mul__(self, b: Any) -> Symbol:
        return _made("mul", self, b)

    def __rmul__(self, b: Any) -> Symbol:
        return _made("mul", b, self)

    def __truediv__(self, b: Any) -> Symbol:
        return _made("div", self, b)

    def __rtruediv__(self, b: Any) -> Symbol:
        return _made("div", b, self)

    def __pow__(self, b: Any) -> Symbol:
        return _made("pow", self, b)

    def __rpow__(self, b: Any) -> Symbol:
        return _made("pow", b, self)

    def __neg__(self) -> Symbol:
        return _made("neg", self)

    def __pos__(self) -> Symbol:
        return self

    def __abs__(self) -> Symbol:
        return _made("abs", self)

    def __gt__(self, b: Any) -> Symbol:
        return _made("greater", self, b)

    def __ge__(self, b: Any) -> Symbol:
        return _made("greater_equal", self, b)

    def __lt__(self, b: Any) -> Symbol:
        return _made("greater", b, self)

    def __le__(self, b: Any) -> Symbol:
        return _made("greater_equal", b, self)


def _symbol(value: Any) -> Symbol:
    if isinstance(value, Symbol):
        return value
    number = np.asarray(value)
    if number.ndim or number.dtype.kind not in "biuf":
        raise TypeError(f"{quoted(value)} in an expression; expected a number")
    return Symbol((float(number),))


def _made(name: str, *parts: Any) -> Symbol:
    symbols = [_symbol(p) for p in parts]
    count = 1 + sum(len(s.tokens) for s in symbols)
    if count > _MOST:
        raise TypeError(f"the expression has {count} or more operations and numbers; expected at most {_MOST}")
    return Symbol((*(t for s in symbols for t in s.tokens), name))


def _cosh(a: Symbol) -> Symbol:
    return (_made("exp", a) + _made("exp", -a)) * 0.5


_UFUNCS: dict[str, Callable[..., Symbol]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "true_divide": lambda a, b: a / b,
    "power": lambda a, b: a**b,
    "float_power": lambda a, b: a**b,
    "negative": lambda a: -a,
    "positive": lambda a: a,
    "absolute": abs,
    "fabs": abs,
    "sqrt": lambda a: _made("sqrt", a),
    "exp": lambda a: _made("exp", a),
    "expm1": lambda a: _made("exp", a) - 1.0,
    "log": lambda a: _made("log", a),
    "log1p": lambda a: _made("log", a + 1.0),
    "tanh": lambda a: _made("tanh", a),
    "cosh": _cosh,
    "square": lambda a: a * a,
    "reciprocal": lambda a: 1.0 / a,
    "minimum": lambda a, b: _made("min", a, b),
    "maximum": lambda a, b: _made("max", a, b),
    "greater": lambda a, b: a > b,
    "greater_equal": lambda a, b: a >= b,
    "less": lambda a, b: a < b,
    "less_equal": lambda a, b: a <= b,
}

#: Points at which an expression is compared with the original function.
_POINTS = (-50.0, -7.3, -1.0, -0.31, 0.0, 0.27, 1.0, 6.1, 40.0)


def written(function: Callable[..., Any]) -> list[Token]:
    """Return a function of one number as an expression in postfix order.

    Raises
    ------
    TypeError
        If the function uses an unsupported operation, or behaves differently for symbols and for numbers.
    """
    tokens = list(_symbol(function(Symbol(("x",)))).tokens)
    with np.errstate(all="ignore"):
        expected = np.asarray(function(np.asarray(_POINTS)), dtype=np.float64) * np.ones(len(_POINTS))
        found = evaluated(tokens, np.asarray(_POINTS))
    if not np.allclose(found, expected, rtol=1e-9, atol=1e-12, equal_nan=True):
        raise TypeError("it is not a single expression of V - V_th")
    return tokens


def checked(label: str, tokens: Any) -> tuple[Token, ...]:
    """Return an expression in postfix order as a tuple, checked.

    Raises
    ------
    ParameterTypeError, ParameterError
        For a value that is not a sequence of names and numbers, an unknown name, or a wrong number of operands.
    """
    expected = "an expression in postfix order, such as ['x', 'abs', 1.0, 'add']"
    if not isinstance(tokens, (list, tuple)):
        raise ParameterTypeError(f"{label} = {quoted(tokens)}: expected a function of x, or {expected}")
    if len(tokens) > _MOST:
        raise ParameterError(f"{label}: {len(tokens)} operations and numbers: expected at most {_MOST}")
    found, depth = [], 0
    for k, token in enumerate(tokens):
        taken = 0
        if isinstance(token, str):
            if token != "x" and token not in _NUMPY:
                raise ParameterError(f"{label}[{k}] = {quoted(token)}: expected 'x', or one of {', '.join(_NUMPY)}")
            taken = 0 if token == "x" else _ARITY.get(token, 2)
        elif token is not None:
            token = real(f"{label}[{k}]", token, "a finite number, or the name of an operation")
            if not math.isfinite(token):
                raise ParameterError(f"{label}[{k}] = {token}: expected a finite number")
        if taken > depth:
            raise ParameterError(f"{label}[{k}] = {quoted(token)}: has {depth} operands, expected {taken}; {expected}")
        depth += 1 - taken
        found.append(token)
    if depth != 1:
        raise ParameterError(f"{label}: leaves {depth} values, expected one; {expected}")
    return tuple(found)


_NUMPY: dict[str, Callable[..., Any]] = {
    "neg": np.negative,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "min": np.minimum,
    "max": np.maximum,
    "pow": np.power,
    "greater": lambda a, b: np.where(a > b, 1.0, 0.0),
    "greater_equal": lambda a, b: np.where(a >= b, 1.0, 0.0),
    "select": lambda c, a, b: np.where(c != 0, a, b),
}
_ARITY = {"neg": 1, "abs": 1, "sqrt": 1, "exp": 1, "log": 1, "tanh": 1, "select": 3}


def evaluated(tokens: list[Token], x: Any) -> Any:
    """Return the value of an expression in postfix order at ``x``."""
    stack: list[Any] = []
    for token in tokens:
        if token == "x":
            stack.append(x)
        elif isinstance(token, str):
            count = _ARITY.get(token, 2)
            arguments = stack[-count:]
            del stack[-count:]
            stack.append(_NUMPY[token](*arguments))
        else:
            stack.append(math.nan if token is None else token)
    return stack[0] * np.ones_like(x)
