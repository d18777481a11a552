"""Output of errors, warnings and JSON."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from typing import Any

__all__ = ["discard_output", "failure", "interrupted", "print_json", "printable", "warned"]


def print_json(found: dict[str, Any]) -> None:
    """Print one JSON object."""
    print(json.dumps(found, indent=2, ensure_ascii=False))


def printable() -> None:
    """Make output streams escape the characters that their encoding does not support, instead of raising an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """Discard further output; otherwise, Python would raise an error when it flushes the stream at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def failure(error: BaseException, as_json: bool) -> None:
    """Print an error to standard error, or as a JSON object with its kind, message and position."""
    message = str(error)
    if as_json:
        place = {name: getattr(error, name) for name in ("line", "column") if getattr(error, name, None) is not None}
        _print_error({"kind": type(error).__name__, "message": message, **place})
    else:
        print(f"dendrion: {message}", file=sys.stderr)


def interrupted(as_json: bool) -> None:
    """Print that the run was interrupted."""
    if as_json:
        _print_error({"kind": "KeyboardInterrupt", "message": "stopped by Ctrl-C"})
    else:
        print("dendrion: stopped by Ctrl-C", file=sys.stderr)


def _print_error(error: dict[str, Any]) -> None:
    try:
        print_json({"error": error})
        sys.stdout.flush()
    except OSError:
        # Writing to standard output may itself have failed.
        discard_output()
        print(f"dendrion: {error['message']}", file=sys.stderr)


def warned(message: Warning | str, *where: object, **more: object) -> None:
    """Print a warning without the source line that Python would add, because that line is not the user's code."""
    print(f"dendrion: warning: {message}", file=sys.stderr)
