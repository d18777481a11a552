"""Model files: networks in TOML or JSON, with large arrays in an npz file in the same folder.

``net.save("model.json")`` writes a network with its current parameters, and ``dendrion.Network.load("model.json")``
loads it. The format can be written by hand, and is the same in TOML and JSON; [schema][dendrion.files.schema] returns
its JSON Schema.
"""

from ._network import NetworkFiles
from ._schema import schema

__all__ = ["NetworkFiles", "schema"]
