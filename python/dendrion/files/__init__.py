"""Model files: networks in TOML or JSON, with arrays in an npz beside them.

``net.save("model.json")`` writes a network as it is now, ``dendrion.Network.load("model.json")`` makes it again. The
format, which can be written by hand, is the same in TOML; [schema][dendrion.files.schema] returns its JSON Schema.
"""

from ._network import NetworkFiles
from ._schema import schema

__all__ = ["NetworkFiles", "schema"]
