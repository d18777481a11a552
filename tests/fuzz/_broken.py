"""A target whose cases end in all the wrong ways, for the test of the driver."""

from __future__ import annotations

import os
import random
import time

from ._target import FaultError, Step

#: How a case may end.
HOW = ("ok", "ok", "failure", "error", "crash", "hang")


def case(random: random.Random, step: Step) -> list[str]:
    """End well, in a failure, in an error of the fuzzer, in a crash or in a hang, by turns."""
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
