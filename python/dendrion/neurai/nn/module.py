"""Modules and their variables, as ``neurai.nn.module`` has them."""

from ..._ownership import Sentinel as _Sentinel
from ...module import Module
from ...variables import VarManager

__all__ = ["Module", "VarManager", "_Sentinel"]
