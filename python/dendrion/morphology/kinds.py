"""Kinds of sections, identified by names or by the numbers that SWC files use."""

from __future__ import annotations

import re
from typing import Any

from .._numbers import is_whole
from .._quoted import quoted
from .._suggest import nearest
from ..errors import ParameterError, ParameterTypeError, UnknownNameError

__all__ = ["KINDS", "code_of", "name_of"]

#: Number of each kind in SWC files.
KINDS = {"soma": 1, "axon": 2, "basal": 3, "apical": 4}

#: Names of kinds that are not in ``KINDS``.
_NUMBERED = re.compile("kind ([0-9]{1,10})")


def code_of(what: str, kind: Any) -> int:
    """Return the SWC number of a kind, given by name or number. ``what`` names the argument in error messages."""
    if isinstance(kind, str):
        if kind in KINDS:
            return KINDS[kind]
        if (number := _NUMBERED.fullmatch(kind)) is not None and int(number[1]) < 2**32:
            return int(number[1])
        meant = nearest(kind, KINDS)
        hint = f"; did you mean {meant!r}?" if meant else f"; expected one of: {', '.join(KINDS)}, or an SWC number"
        raise UnknownNameError(f"{what} = {quoted(kind)}: unknown kind{hint}", name=kind, known=KINDS)
    if not is_whole(kind):
        raise ParameterTypeError(f"{what} = {quoted(kind)}: expected one of: {', '.join(KINDS)}, or an SWC number")
    if not 0 <= kind < 2**32:
        raise ParameterError(f"{what} = {quoted(kind)}: expected an SWC number >= 0 and < 2^32")
    return int(kind)


def name_of(code: int) -> str:
    """Return the name of a kind; kinds without a name are called ``kind 7``."""
    return next((name for name, number in KINDS.items() if number == code), f"kind {code}")
