"""Modules and their variables, as ``neurai.nn.module`` has them."""

from ...modules._ownership import Sentinel as _Sentinel
from ...modules.module import Module
from ...modules.variables import VarManager

__all__ = ["Module", "VarManager", "_Sentinel"]
