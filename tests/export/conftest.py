"""Recordings of networks that are run once for all tests."""

import pytest

from .runs import made


@pytest.fixture(scope="session")
def single():
    """Return a run without a batch."""
    return made()


@pytest.fixture(scope="session")
def batched():
    """Return a run with a batch of three, in single precision."""
    return made(batch=3, dtype="float32")


@pytest.fixture(scope="session")
def unrun():
    """Return recordings of a network that has not run."""
    return made(duration=0.0)


@pytest.fixture(scope="session", params=["single", "batched", "unrun"])
def run(request):
    """Return the recordings of each kind of run in turn."""
    return request.getfixturevalue(request.param)
