"""Dendrion's unit texts have the same meaning in pint."""

import inspect
import re

import dendrion as dn
import pytest
from dendrion import _core
from dendrion.units.texts import COMMON, PARTS, alternatives, parsed

pint = pytest.importorskip("pint")

KINDS = [
    "compartment",
    "soma",
    "ampa",
    "nmda",
    "gaba",
    "coupling",
    "population",
    "poisson",
    "bernoulli",
    "dc",
    "projection",
]
KINDS += ["projection", "white_noise", "ou_noise", "conductance_noise", "stdp", "triplet_stdp", "tsodyks_markram"]
WRITTEN = [
    "mV^-1/ms",
    "J/mol/K",
    "nS*mV",
    "1/mV/ms",
    "µS",
    "mm2",
    "um3/ms",
    "kHz",
    "Gohm",
    "fC",
    "mol/L",
    "cm^2",
    "m**2",
    "um^0.5",
]


def _texts():
    tables = {one for kind in KINDS for _, unit, *_ in _core.parameters(kind) for one in alternatives(unit)}
    modules = [m for space in (dn, dn.channels) for m in vars(space).values() if inspect.isclass(m)]
    definitions = [m._definition for m in modules if getattr(m, "_definition", None) is not None]
    library = {unit for d in definitions for _, unit, *_ in (*d.parameters(), *d.variables())}
    assert len(tables) > 12
    assert len(library) > 8
    return sorted({*tables, *library, *COMMON, *WRITTEN})


def _as_pint_writes(text):
    """Return the unit in pint's syntax, in which fractional powers and products after a slash need parentheses."""
    text = text.replace("^1/2", "**0.5").replace("^", "**").replace(" ", "*") or "dimensionless"
    for symbol in ("um", "cm", "mm", "ms"):
        text = text.replace(f"{symbol}2", f"{symbol}**2").replace(f"{symbol}3", f"{symbol}**3")
    return text


@pytest.mark.parametrize("text", _texts())
def test_as_pint(text):
    quantity = pint.get_application_registry().Quantity(1.0, _as_pint_writes(text)).to_base_units()
    unit = parsed(text)
    assert quantity.magnitude == pytest.approx(10.0**unit.power, rel=1e-12)
    exponents = {name.strip("[]"): float(e) for name, e in quantity.dimensionality.items()}
    assert {name: parts / PARTS for name, parts in unit.dimension} == exponents


@pytest.mark.parametrize("text", ["mv", "5 mV", "mV/", "nS)", "ms^", "ms^1/0", "12", "cm2ms", "mV # V"])
def test_what_is_no_unit(text):
    with pytest.raises(ValueError, match=f"^{re.escape(repr(text))}: .*unit"):
        parsed(text)


def test_units_are_read_once():
    assert parsed("mV/ms") is parsed("mV/ms")
