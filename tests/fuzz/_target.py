"""The targets of the fuzzer.

A target is a module with a function ``case(random, step)``. It makes one case from a random generator, and calls
``step(text)`` before each input, with the input as text. It returns the results of the inputs as a list of words,
such as ``"ok"`` or the name of an error, and raises ``FaultError`` for a result that is not allowed. The same
random generator must result in the same case.

Inputs, such as calls or texts, are counted and have a time limit. A case may be a sequence of inputs, and is the unit
that can be repeated.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: For each target, its module and the number of cases that one process runs. Add new targets here.
TARGETS = {
    "api": (".api", 100),
    "equations": (".equations", 5),
    "nmodl": (".nmodl", 5),
    "swc": (".swc", 5),
    "models": (".models", 5),
    "arrays": (".arrays", 5),
    "states": (".states", 5),
}

Step = Callable[[str], None]
Case = Callable[[random.Random, Step], list[str]]


class FaultError(Exception):
    """A result that is not allowed.

    Parameters
    ----------
    key : str
        Identifies the fault. Failures with the same key are reported once, with their number.
    message : str
        What happened.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key, self.message = key, message


@dataclass(frozen=True)
class Settings:
    """Settings of a run, such as its limits."""

    seed: int = 0
    #: Time limit of one input (s).
    limit: float = 5.0
    #: Limit of the address space of a process (bytes).
    memory: int = 8 << 30
    #: Whether inputs are shown before they are run.
    show: bool = False


def generator(target: str, seed: int, number: int) -> random.Random:
    """Return the random generator of a case, which determines the case completely."""
    return random.Random(f"{target}/{seed}/{number}")


def case_of(target: str) -> Case:
    """Return the function that runs a case of a target, which is specified by its name or its module."""
    module: Any = importlib.import_module(TARGETS.get(target, (target, 1))[0], __package__)
    return module.case  # type: ignore[no-any-return]
