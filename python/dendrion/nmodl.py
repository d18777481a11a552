"""Mechanisms from NEURON's NMODL files.

A ``.mod`` file becomes a text in the language of equations, and a class like any other of yours:

>>> import dendrion as dn
>>> Leak = dn.nmodl.loads('''
... NEURON { SUFFIX leak NONSPECIFIC_CURRENT i RANGE g, e }
... PARAMETER { g = 1e-4 (S/cm2)  e = -65 (mV) }
... ASSIGNED { v (mV) i (mA/cm2) }
... BREAKPOINT { i = g * (v - e) }
... ''')
>>> Leak.__name__, Leak(2, g=2e-4).e
('leak', -65.0)

Density mechanisms are [Channel][dendrion.Channel]s, point processes with a NET_RECEIVE
are [Receptor][dendrion.Receptor]s.
What the reader cannot take is an error that names the line; what it assumed or left out stands in ``notes``.
"""

from __future__ import annotations

import keyword
import os
from pathlib import Path
from typing import Any

from . import _core
from .errors import EquationError
from .neurons.equations import _RESERVED as _OF_MODULES
from .neurons.equations import Channel
from .neurons.receptors import Receptor

__all__ = ["load", "loads"]

#: Names that a parameter cannot have: attributes of modules and keywords of Python. ``lambda`` becomes ``lambda_``.
_RESERVED = frozenset((*dir(Channel), *dir(Receptor), *_OF_MODULES, *keyword.kwlist, "notes"))


def load(path: str | os.PathLike[str]) -> type[Channel] | type[Receptor]:
    """Return the class of the mechanism in a ``.mod`` file.

    Parameters
    ----------
    path : str or path
        The file.

    Raises
    ------
    EquationError
        With file, line, column and a caret, where it is wrong or has what Dendrion does not take.
    """
    path = Path(path)
    try:
        return loads(_core.read_file(path).decode("utf-8", errors="replace"))
    except EquationError as error:
        raise EquationError(f"{path.name}: {error}") from None


def loads(source: str) -> type[Channel] | type[Receptor]:
    """Return the class of the mechanism in the text of a ``.mod`` file; see [load][dendrion.nmodl.load].

    Its ``equations`` are the text it became, its ``notes`` what was assumed or left out.
    """
    name, receives, equations, notes = _core.nmodl(source, sorted(_RESERVED))
    members: dict[str, Any] = {"equations": equations, "notes": tuple(notes), "__module__": "dendrion.nmodl"}
    members["__doc__"] = f"{name}, from NMODL. Its text is in ``equations``."
    base = Receptor if receives else Channel
    return type(name, (base,), members)
