"""Every NeurAI parameter has the effect that ``docs/neurai.md`` describes."""

import inspect

import dendrion as dn
import pytest

from .table import MEANING, NEURAI, PAGE, page

PARAMETERS = [(kind, parameter) for kind in NEURAI for parameter, _ in NEURAI[kind]["parameters"]]


# A single step is compared with the equation, so its length does not matter.
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
