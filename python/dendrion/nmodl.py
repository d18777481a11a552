"""Mechanisms from NEURON's NMODL files.

A ``.mod`` file is translated to Dendrion's equation language and becomes a class like those that you write yourself:

>>> import dendrion as dn
>>> Leak = dn.nmodl.loads('''
... NEURON { SUFFIX leak NONSPECIFIC_CURRENT i RANGE g, e }
... PARAMETER { g = 1e-4 (S/cm2)  e = -65 (mV) }
... ASSIGNED { v (mV) i (mA/cm2) }
... BREAKPOINT { i = g * (v - e) }
... ''')
>>> Leak.__name__, Leak(2, g=2e-4).e
('leak', -65.0)

Density mechanisms become [Channel][dendrion.Channel] classes; point processes with a NET_RECEIVE block become
[Receptor][dendrion.Receptor] classes. If a file uses a feature that is not supported, the error message names the line
that uses it. The attribute ``notes`` of the class lists all assumptions and everything that was left out.
"""

from __future__ import annotations

import keyword
import os
from pathlib import Path
from typing import Any

from . import _core
from ._paths import file_name, is_encodable
from ._quoted import quoted
from .errors import EquationError, ParameterTypeError
from .neurons.equations import _RESERVED as _OF_MODULES
from .neurons.equations import Channel
from .neurons.receptors import Receptor

__all__ = ["load", "loads"]

#: Names that a parameter cannot have: attributes of modules, and Python keywords. An underscore is appended to them.
_RESERVED = frozenset((*dir(Channel), *dir(Receptor), *_OF_MODULES, *keyword.kwlist, "notes"))


def load(path: str | os.PathLike[str]) -> type[Channel] | type[Receptor]:
    """Return the class of the mechanism in a ``.mod`` file.

    Parameters
    ----------
    path : str or path
        Path of the ``.mod`` file.

    Raises
    ------
    EquationError
        If the file is invalid or uses a feature that is not supported. The message names the file, line and column, and
        marks the position with a caret.
    """
    path = Path(file_name("nmodl.load: path", path))
    try:
        return loads(_core.read_file(path).decode("utf-8", errors="replace"))
    except EquationError as error:
        raise EquationError(f"{path.name}: {error}") from None


def loads(source: str) -> type[Channel] | type[Receptor]:
    """Return the class of the mechanism in the source text of a ``.mod`` file; see [load][dendrion.nmodl.load].

    The attribute ``equations`` of the class contains the translated text; ``notes`` lists assumptions and omissions.
    """
    if not isinstance(source, str):
        raise ParameterTypeError(f"nmodl.loads: source = {quoted(source)}: expected the text of a .mod file")
    if not is_encodable(source):
        raise EquationError("nmodl.loads: source: expected text that can be encoded in UTF-8")
    name, receives, equations, notes = _core.nmodl(source, sorted(_RESERVED))
    members: dict[str, Any] = {"equations": equations, "notes": tuple(notes), "__module__": "dendrion.nmodl"}
    members["__doc__"] = f"{name}, translated from NMODL. The attribute ``equations`` has its equations."
    base = Receptor if receives else Channel
    return type(name, (base,), members)
