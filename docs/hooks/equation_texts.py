"""Shows the equations of each mechanism with its class, because they contain parameters, units, defaults and bounds."""

from __future__ import annotations

import importlib
import textwrap
from typing import Any

import griffe


class EquationTexts(griffe.Extension):
    """Inserts ``equations`` before the parameters of a docstring."""

    def on_class(self, *, cls: griffe.Class, **_: Any) -> None:
        """Import the class, because its equations are read from the compiled library."""
        if cls.docstring is None or cls.parent is None or "equations" not in cls.members:
            return
        found = getattr(importlib.import_module(cls.parent.path), cls.name)
        # Helper classes have methods of this name.
        if isinstance(found.equations, str) and (text := textwrap.dedent(found.equations).strip()):
            head, section, rest = cls.docstring.value.partition("\nParameters\n")
            cls.docstring.value = f"{head.rstrip()}\n\n```text\n{text}\n```\n\n{section.lstrip()}{rest}"
