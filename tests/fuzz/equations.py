"""Random texts in the language of equations."""

from __future__ import annotations

import dendrion as dn

from ._reader import reader

__all__ = ["case"]


def read(text: bytes) -> object:
    """Build a network with a channel that has these equations."""
    own = type("Own", (dn.Channel,), {"equations": text.decode()})
    cell = dn.MCNeuron(2, V_th=-50.0, V_reset=-60.0)
    cell.soma = dn.LeakyIF(2, V_rest=-65.0, C=1.0, gL=30.0, length=100.0, diameter=2.0)
    cell.own = own(2, on=cell.soma)
    return dn.Network([cell], dt=0.1)


case = reader("equations", read)
