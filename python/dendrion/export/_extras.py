"""Import of optional packages."""

from __future__ import annotations

import importlib
from typing import Any


def needed(package: str, extra: str, what: str) -> Any:
    """Return an optional package, or raise an ImportError that explains how to install it.

    Parameters
    ----------
    package : str
        Name under which the package is imported.
    extra : str
        The extra that installs the package, such as ``nwb`` in ``dendrion[nwb]``.
    what : str
        The function that requires the package, for the message.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(
            f'{what} requires {package}; install it with: pip install "dendrion[{extra}]" ({error})'
        ) from error
