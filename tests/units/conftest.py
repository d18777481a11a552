"""Quantities of every package."""

import pytest

from .packages import NAMES, maker


@pytest.fixture(params=NAMES)
def q(request):
    """Return a function that makes quantities of a number and a unit; of each package in turn."""
    return maker(request.param)
