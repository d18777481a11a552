"""What the command prints where something is wrong, and JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

__all__ = ["failure", "interrupted", "print_json", "warned"]


def print_json(found: dict[str, Any]) -> None:
    """Print one JSON object."""
    print(json.dumps(found, indent=2, ensure_ascii=False))


def failure(error: BaseException, as_json: bool) -> None:
    """Say what went wrong: on standard error, or as an object with its kind, message and place."""
    message = str(error)
    if as_json:
        place = {name: getattr(error, name) for name in ("line", "column") if getattr(error, name, None) is not None}
        print_json({"error": {"kind": type(error).__name__, "message": message, **place}})
    else:
        print(f"dendrion: {message}", file=sys.stderr)


def interrupted(as_json: bool) -> None:
    """Say that the run was stopped."""
    if as_json:
        print_json({"error": {"kind": "KeyboardInterrupt", "message": "stopped by Ctrl-C"}})
    else:
        print("dendrion: stopped by Ctrl-C", file=sys.stderr)


def warned(message: Warning | str, *where: object, **more: object) -> None:
    """Say what Python would say with a line of code that no one here wrote."""
    print(f"dendrion: warning: {message}", file=sys.stderr)
