"""``dendrion schema``."""

from __future__ import annotations

import argparse

from ..files import schema as model_schema
from ._report import print_json

__all__ = ["schema"]


def schema(given: argparse.Namespace) -> None:
    """Print the JSON Schema of model files."""
    print_json(model_schema())
