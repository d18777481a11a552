"""Sequences of calls to the Python API, with the results of earlier calls and some hostile arguments."""

from __future__ import annotations

import random

from ._operations import OPERATIONS
from ._session import Session
from ._target import Step

__all__ = ["case"]

#: Approximate number of calls per case.
CALLS = 40


def case(random: random.Random, step: Step) -> list[str]:
    """Run a sequence of calls, and return the outcome of each."""
    session = Session(random, step)
    operations, weights = zip(*OPERATIONS, strict=True)
    while len(session.outcomes) < CALLS:
        before = len(session.outcomes)
        (operation,) = random.choices(operations, weights)
        operation(session)
        if len(session.outcomes) == before:
            # An operation that found nothing to do counts too, so that every case ends.
            session.outcomes.append("nothing")
    return [outcome for outcome in session.outcomes if outcome != "nothing"]
