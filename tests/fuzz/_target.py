"""What a target of the fuzzer is, and which there are.

A target is a module with a function ``case(random, step)``. It makes one case from a random generator, and calls
``step(text)`` before each input, with the input as text. It returns how the inputs ended, as a list of one word each,
such as ``"ok"`` or the name of an error, and raises ``FaultError`` for an ending that is not allowed. The same
generator has to make the same case.

An input is what is counted and has a time limit, such as a call or a text. A case, which may be a sequence of inputs,
is what can be repeated.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: By name the module of each target, and the cases that one process runs. A new target gets a line here.
TARGETS = {
    "api": (".api", 100),
    "equations": (".equations", 5),
    "nmodl": (".nmodl", 5),
    "models": (".models", 5),
    "states": (".states", 5),
}

Step = Callable[[str], None]
Case = Callable[[random.Random, Step], list[str]]


class FaultError(Exception):
    """An ending that is not allowed.

    Parameters
    ----------
    key : str
        Names the fault: failures of one key are reported once, with their number.
    message : str
        What happened.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key, self.message = key, message


@dataclass(frozen=True)
class Settings:
    """Which cases are run, and within which limits."""

    seed: int = 0
    #: Seconds that one input may take.
    limit: float = 5.0
    #: Bytes of address space of a process.
    memory: int = 8 << 30
    #: Whether inputs are shown before they are run.
    show: bool = False


def generator(target: str, seed: int, number: int) -> random.Random:
    """Return the random generator of a case, which alone determines it."""
    return random.Random(f"{target}/{seed}/{number}")


def case_of(target: str) -> Case:
    """Return the function that runs a case of a target, given by its name or its module."""
    module: Any = importlib.import_module(TARGETS.get(target, (target, 1))[0], __package__)
    return module.case  # type: ignore[no-any-return]
