"""Units of the language of equations, taken apart and put into the words of others."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ..errors import ParameterError

_PREFIXES = {"": 0, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "c": -2, "k": 3, "M": 6, "G": 9}

#: Symbols: powers of the SI's units, and the power of ten of these that it is.
_SYMBOLS: dict[str, tuple[dict[str, int], int]] = {
    **{symbol: ({symbol: 1}, 0) for symbol in ("V", "s", "A", "m", "K", "S", "F", "ohm", "Hz", "C", "J", "mol")},
    "M": ({"mol": 1, "m": -3}, 3),
    "L": ({"m": 3}, -3),
}

#: Names of the SI's units, as Neurodata Without Borders has them.
_NAMES = {
    "V": "volts",
    "A": "amperes",
    "S": "siemens",
    "s": "seconds",
    "F": "farads",
    "ohm": "ohms",
    "C": "coulombs",
    "Hz": "hertz",
    "K": "kelvins",
    "J": "joules",
    "m": "meters",
    "mol": "moles",
}

_FACTOR = re.compile(r"\s*([/*]?)\s*(?:1(?!\d)|([A-Za-zµμ]+)(\d*)(?:\s*(?:\^|\*\*)\s*(-?\d+(?:\.\d+)?))?)\s*")


class Factor(NamedTuple):
    """A prefix and a symbol to a power, such as the ``cm2`` of ``uS/cm2``: c, m and -2."""

    prefix: str
    symbol: str
    power: float


def factors(unit: str) -> list[Factor]:
    """Return the factors of a unit such as ``mV``, ``uS/cm2``, ``1/ms`` or ``pA ms``; none of ``1``."""
    found, at = [], 0
    while at < len(unit) or not unit:
        match = _FACTOR.match(unit, at)
        if match is None or match.end() == at:
            raise ParameterError(f"unit = {unit!r}: expected one such as mV, uS/cm2 or 1/ms")
        at = match.end()
        sign, name, digits, exponent = match.groups()
        if name is not None:
            power = float(digits or 1) * float(exponent or 1) * (-1 if sign == "/" else 1)
            found.append(Factor(*_taken_apart(unit, name), power))
    return found


def _taken_apart(unit: str, name: str) -> tuple[str, str]:
    """Return the prefix and the symbol of a name."""
    name = name.replace("µ", "u").replace("μ", "u")
    if name in _SYMBOLS:
        return "", name
    if name[0] in _PREFIXES and name[1:] in _SYMBOLS:
        return name[0], name[1:]
    raise ParameterError(f"unit = {unit!r}: {name!r} is no unit")


def si(unit: str) -> tuple[str, float]:
    """Return the unit of the SI in words, and the factor that values are multiplied by to be in it.

    ``mV`` gives ``("volts", 0.001)``, ``uS/cm2`` gives ``("S/m^2", 0.01)``.
    """
    powers: dict[str, float] = {}
    ten = 0.0
    for prefix, symbol, power in factors(unit):
        base, exponent = _SYMBOLS[symbol]
        ten += (exponent + _PREFIXES[prefix]) * power
        for name, times in base.items():
            powers[name] = powers.get(name, 0.0) + times * power
    conversion = float(f"1e{ten:.0f}") if ten == round(ten) else 10.0**ten
    return _words({name: power for name, power in powers.items() if power}), conversion


def _words(powers: dict[str, float]) -> str:
    if len(powers) == 1 and (only := next(iter(powers))) and powers[only] == 1:
        return _NAMES[only]
    above = [_power(name, power) for name, power in powers.items() if power > 0]
    below = [f"/{_power(name, -power)}" for name, power in powers.items() if power < 0]
    return ("*".join(above) or "1") + "".join(below)


def _power(name: str, power: float) -> str:
    return name if power == 1 else f"{name}^{power:g}"


def quantity(pq: Any, unit: str) -> Any:
    """Return a unit of the package ``quantities``, whose module is ``pq``."""
    found = pq.dimensionless
    for prefix, symbol, power in factors(unit):
        factor = getattr(pq, prefix + symbol, None)
        if not isinstance(factor, pq.UnitQuantity):
            factor = pq.UnitQuantity(prefix + symbol, float(f"1e{_PREFIXES[prefix]}") * getattr(pq, symbol))
        factor = factor if power == 1 else factor**power
        found = factor if found is pq.dimensionless else found * factor
    return found
