"""JSON Schema of model files, for editors and other tools."""

from __future__ import annotations

import json
from typing import Any

from .. import _core

__all__ = ["schema"]


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of model files, with the unit, default and description of each parameter."""
    found: dict[str, Any] = json.loads(_core.model_schema())
    return found
