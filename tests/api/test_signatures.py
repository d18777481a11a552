"""NeurAI's nine classes have the same parameters, in the same order and with the same defaults."""

import inspect
import json
from pathlib import Path

import dendrion as dn
import pytest

SEED = json.loads((Path(__file__).parent / "signatures.json").read_text())
EMPTY = inspect.Parameter.empty


def default_of(parameter):
    """Return a default in NeurAI's notation."""
    value = parameter.default
    if value is EMPTY:
        return "<required>"
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return repr(value) if not isinstance(value, (dn.SolverMethodODE, dn.SolverMethodSDE)) else value


def seed_default(value):
    """Convert a default of NeurAI. Members of enumerations are looked up by name, so that aliases are resolved."""
    if isinstance(value, str) and value.startswith("SolverMethod"):
        enum, member = value.split(".")
        return getattr(dn, enum)[member]
    return value


@pytest.mark.parametrize("name", SEED)
def test_parameters_are_the_seeds(name):
    cls, expected = getattr(dn, name), SEED[name]
    parameters = inspect.signature(cls).parameters
    positional = [p for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [p.name for p in positional] == [p for p, _ in expected["parameters"]]
    assert [default_of(p) for p in positional] == [seed_default(d) for _, d in expected["parameters"]]
    added = [p for p in parameters.values() if p.kind is not p.POSITIONAL_OR_KEYWORD]
    assert all(p.kind is p.KEYWORD_ONLY for p in added)
    assert issubclass(cls, getattr(dn, expected["base"]))


def test_gaba_is_like_ampa():
    ampa, gaba = (inspect.signature(c).parameters for c in (dn.AMPA, dn.GABA))
    assert list(ampa) == list(gaba)
    assert {n for n in ampa if ampa[n].default != gaba[n].default} == {"E"}


def test_every_public_name_has_a_docstring():
    for name in dn.__all__:
        assert inspect.getdoc(getattr(dn, name)), name
