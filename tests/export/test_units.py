"""Units in the language of equations are converted correctly to SI units and to the package quantities."""

import dendrion as dn
import numpy as np
import pytest
import quantities as pq
from dendrion.export._units import quantity, si


@pytest.mark.parametrize(
    ("unit", "name", "factor"),
    [
        ("mV", "volts", 1e-3),
        ("pA", "amperes", 1e-12),
        ("nS", "siemens", 1e-9),
        ("ms", "seconds", 1e-3),
        ("1", "1", 1.0),
        ("mM", "mol/m^3", 1.0),
        ("uM", "mol/m^3", 1e-3),
        ("uS/cm2", "S/m^2", 1e-2),
        ("pA/um2", "A/m^2", 1.0),
        ("1/ms", "1/s", 1e3),
        ("pA ms", "A*s", 1e-15),
        ("mV*ms^-1", "V/s", 1.0),
        ("Gohm", "ohms", 1e9),
        ("µA/cm^2", "A/m^2", 1e-2),
        ("mol/L", "mol/m^3", 1e3),
        ("mV2", "V^2", 1e-6),
        ("um^0.5", "m^0.5", 1e-3),
        ("kHz", "hertz", 1e3),
    ],
)
def test_units_of_the_si(unit, name, factor):
    assert si(unit) == (name, pytest.approx(factor, rel=1e-15))
    # The package quantities has its own tables of units.
    ours = pq.Quantity(1.0, quantity(pq, unit)).simplified
    theirs = pq.Quantity(factor, _WORDS.get(name, name)).simplified
    assert ours.dimensionality == theirs.dimensionality
    np.testing.assert_allclose(ours.magnitude, theirs.magnitude, rtol=1e-12)


_WORDS = {
    "volts": "V",
    "amperes": "A",
    "siemens": "S",
    "seconds": "s",
    "ohms": "ohm",
    "hertz": "Hz",
    "1": "dimensionless",
    "1/s": "1/s",
    **{f"{a}^{b}": f"{a}**{b}" for a, b in (("V", "2"), ("m", "0.5"))},
    **{f"{a}/m^{b}": f"{a}/m**{b}" for a, b in (("mol", "3"), ("S", "2"), ("A", "2"))},
}


@pytest.mark.parametrize("unit", ["", "mW", "mV/", "10", "mV/(ms)", "m V2x"])
def test_what_is_no_unit(unit):
    with pytest.raises(dn.ParameterError, match="unit = "):
        si(unit)


def test_units_of_all_library_channels_are_known():
    units = {unit for c in vars(dn.channels).values() for unit in _units(c)}
    assert {"mM", "pA/um2", "1/ms"} <= units
    for unit in units:
        quantity(pq, unit or "1")


def _units(cls):
    definition = getattr(cls, "_definition", None)
    return [unit for _, unit in definition.variables()] if definition is not None else []
