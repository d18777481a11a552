"""Packages that only some need."""

from __future__ import annotations

import importlib
from typing import Any


def needed(package: str, extra: str, what: str) -> Any:
    """Return a package, or raise an ImportError that says how to install it.

    Parameters
    ----------
    package : str
        Its name where it is imported.
    extra : str
        The extra of Dendrion that brings it.
    what : str
        What needs it.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(f'{what} needs {package}: pip install "dendrion[{extra}]" ({error})') from error
