"""Conversion of units to SI units and to the package ``quantities``."""

from __future__ import annotations

from typing import Any

from ..errors import ParameterError
from ..units.texts import Factor, factors

#: For each unit symbol, the exponents of the SI units of which it consists, and the power of ten.
_SYMBOLS: dict[str, tuple[dict[str, int], int]] = {
    **{symbol: ({symbol: 1}, 0) for symbol in ("V", "s", "A", "m", "K", "S", "F", "ohm", "Hz", "C", "J", "mol")},
    "M": ({"mol": 1, "m": -3}, 3),
    "L": ({"m": 3}, -3),
}

#: Names of SI units as used in Neurodata Without Borders.
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


def checked(unit: str) -> tuple[Factor, ...]:
    """Return the factors of a unit (``1`` for dimensionless values), or raise a ParameterError."""
    try:
        if not unit:
            raise ValueError("'': expected a unit such as mV, or 1")
        return factors(unit)
    except ValueError as error:
        raise ParameterError(f"unit = {error}") from None


def si(unit: str) -> tuple[str, float]:
    """Return the name of the SI unit, and the factor that converts values to it.

    For ``mV``, the result is ``("volts", 0.001)``; for ``uS/cm2``, it is ``("S/m^2", 0.01)``.
    """
    powers: dict[str, float] = {}
    ten = 0.0
    for _, tens, symbol, power in checked(unit):
        base, exponent = _SYMBOLS[symbol]
        ten += (exponent + tens) * power
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
    """Return a unit of the package ``quantities``; ``pq`` is that module."""
    found = pq.dimensionless
    for prefix, tens, symbol, power in checked(unit):
        factor = getattr(pq, prefix + symbol, None)
        if not isinstance(factor, pq.UnitQuantity):
            factor = pq.UnitQuantity(prefix + symbol, float(f"1e{tens}") * getattr(pq, symbol))
        factor = factor if power == 1 else factor**power
        found = factor if found is pq.dimensionless else found * factor
    return found
