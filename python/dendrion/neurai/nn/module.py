"""Modules and their variables: the counterpart of NeurAI's ``neurai.nn.module``."""

from ...modules._ownership import Sentinel as _Sentinel
from ...modules.module import Module
from ...modules.variables import VarManager

__all__ = ["Module", "VarManager", "_Sentinel"]
