"""A target whose cases fail in all possible ways, for the test of the driver."""

from __future__ import annotations

import os
import random
import time

from ._target import FaultError, Step

#: The ways in which cases end.
HOW = ("ok", "ok", "failure", "error", "crash", "hang")


def case(random: random.Random, step: Step) -> list[str]:
    """Succeed, fail, raise an error of the fuzzer, crash or hang, depending on the case."""
    how = random.choice(HOW)
    step(how)
    if how == "failure":
        raise FaultError("wrong", "a wrong error")
    if how == "error":
        raise ZeroDivisionError("a mistake of the fuzzer")
    if how == "crash":
        os.abort()
    if how == "hang":
        time.sleep(1000.0)
    return [how]
