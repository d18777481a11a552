"""Quantities of every supported package."""

import pytest

from .packages import NAMES, maker


@pytest.fixture(params=NAMES)
def q(request):
    """Return a function that makes a quantity from a number and a unit, for each package in turn."""
    return maker(request.param)
