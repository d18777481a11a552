"""Random files of saved states."""

from __future__ import annotations

from pathlib import Path

import dendrion as dn

from ._reader import reader

__all__ = ["case"]


def read(file: bytes) -> None:
    """Load a state into a network to which it probably does not belong."""
    cell = dn.MCNeuron(5, V_th=-52.0, V_reset=-60.0, name="cell")
    cell.soma = dn.LeakyIF(5, V_rest=-65.0, C=100.0, gL=5.0)
    net = dn.Network([cell], dt=0.1)
    Path("state").write_bytes(file)
    net.load_state("state")
    net.run(1.0)


case = reader("states", read)
