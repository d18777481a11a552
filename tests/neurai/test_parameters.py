"""Every parameter of NeurAI acts as ``docs/neurai.md`` says."""

import inspect

import dendrion as dn
import pytest

from .table import MEANING, NEURAI, PAGE, page

PARAMETERS = [(kind, parameter) for kind in NEURAI for parameter, _ in NEURAI[kind]["parameters"]]


# One step is held against the equation, however long it is.
@pytest.mark.filterwarnings("ignore::dendrion.TimeStepWarning")
@pytest.mark.parametrize(("kind", "parameter"), PARAMETERS)
def test_it_acts(kind, parameter):
    _, _, check = MEANING[kind, parameter]
    check(kind)


def test_every_parameter_has_a_check():
    assert set(MEANING) == set(PARAMETERS)
    for kind in NEURAI:
        positional = [
            p for p in inspect.signature(getattr(dn, kind)).parameters.values() if p.kind is not p.KEYWORD_ONLY
        ]
        assert [p.name for p in positional] == [parameter for k, parameter in PARAMETERS if k == kind]


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == page(), "run `python -m tests.seed.table`"
