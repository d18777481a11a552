"""Arrays of model files."""

from __future__ import annotations

from pathlib import Path

import dendrion as dn

from ._reader import reader

__all__ = ["case"]

#: A model that refers to two arrays.
MODEL = """
dendrion = 2
arrays = "arrays.npz"
[populations.cell]
size = 3
V_th = -50
V_reset = -60
compartments.soma = { kind = "LeakyIF", V_rest = -65, C = { array = "a" }, gL = { array = "weights" } }
"""


def read(file: bytes) -> object:
    """Load a model that refers to arrays in this file."""
    Path("arrays.npz").write_bytes(file)
    Path("model.toml").write_text(MODEL)
    return dn.Network.load("model.toml")


case = reader("arrays", read)
