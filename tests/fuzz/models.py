"""Random model files."""

from __future__ import annotations

from pathlib import Path

import dendrion as dn

from ._reader import reader

__all__ = ["case"]


def read(file: bytes) -> None:
    """Load a model, save it, and load it again."""
    path = Path("model.json" if file.lstrip().startswith(b"{") else "model.toml")
    path.write_bytes(file)
    dn._core.check_model(str(path))
    net = dn.Network.load(path)
    net.save("again.json")
    dn.Network.load("again.json")


case = reader("models", read)
