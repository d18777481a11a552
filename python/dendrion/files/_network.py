"""Saving and loading of networks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .. import _core
from .._paths import file_name
from .._suggest import suggests, unknown_name
from ..connections.synapse import MCSynapse
from ..errors import ParameterTypeError, StructureError
from ..modules.module import Module
from ..neurons.neuron import Neuron
from ..simulation._log import FILES
from ..training._sharing import NetworkSharing

if TYPE_CHECKING:
    from ..modules.identity import Identity
    from ..recordings._collection import What
    from ..simulation.network import Network

__all__ = ["NetworkFiles"]

Path = str | os.PathLike[str]


class NetworkFiles(NetworkSharing):
    """Methods for saving a network to a model file and loading it."""

    dt: float
    _sim: _core.Simulation
    _parts: dict[int, Module]
    _by_path: dict[str, Module]
    _identities: dict[int, Identity]
    #: Path, variable, interval (ms) and indices of each recording.
    _recorded: dict[str, What]
    #: Time to simulate (ms) according to the model file, or None.
    duration: float | None

    def _frozen_keys(self) -> set[str]:
        raise NotImplementedError

    def save(self, path: Path) -> None:
        """Write the network to a model file, with the current values of its parameters and weights.

        Long arrays, such as weights, are written to an npz file in the same folder. Its name is derived from its
        content, and the model file contains the name and a checksum. A network that is [loaded][dendrion.Network.load]
        from the file gives results that are bit-identical to those of this network after ``reset()``. To save the
        state of a simulation, use ``save_state``. Files are first written under a temporary name, so an existing file
        stays intact if writing fails or is interrupted.

        Parameters
        ----------
        path : str or path
            Path of the file, ending in ``.json`` or ``.toml``.

        Raises
        ------
        ModelFileError
            If the file name has a different ending.
        StructureError
            If the network has a [CustomGenerator][dendrion.CustomGenerator] with a function, or a recording with
            ``interpolate=True``, which cannot be stored.
        OSError
            If the file cannot be written.
        """
        populations = [m for m in self._parts.values() if isinstance(m, Neuron)]
        who = [self._who(p) for p in populations]
        frozen = sorted(self._frozen_keys())
        dense = [m.path for m in self._parts.values() if isinstance(m, MCSynapse) and m.shape is not None]
        for name in self._recorded:
            if getattr(self._recording(name), "_weight", None) is not None:
                raise StructureError(
                    f"{name}: a recording with interpolate=True cannot be saved to a model file; remove it first with "
                    "net.remove(recording)"
                )
        what = [(name, *what) for name, what in self._recorded.items()]
        name = file_name("network: save: path", path)
        with self._alone("save"):
            self._keep_up()
            self._sim.save_model(name, who, frozen, dense, what)
        FILES.info("saved the model to %s", name)

    def _recording(self, name: str) -> Any:
        raise NotImplementedError

    def _who(self, p: Neuron) -> tuple[str, str | None, int | None, int | None, int | None]:
        """Return the path, area and process of a population, and its ids if the user set them."""
        identity = self._identities[id(p)]
        number = identity.id if "id" in p._given else None
        first = identity.first if "neuron_start_id" in p._given else None
        return p.path, p.area_name, p.pid if p.pid else None, number, first

    @classmethod
    @suggests
    def load(
        cls,
        path: Path,
        *,
        threads: int | None = None,
        dt: float | None = None,
        seed: int | None = None,
        dtype: str | None = None,
    ) -> Network:
        """Load a network from a model file in TOML or JSON.

        The recordings that the file defines are in ``net.recordings``, keyed by name, and the time to simulate, if the
        file has one, is in ``net.duration``. Populations are [MCNeuron][dendrion.MCNeuron]s or, if they have a
        morphology, [CableNeuron][dendrion.CableNeuron]s. Their parts are attributes, as in ``net["cell"].soma``.

        Parameters
        ----------
        path : str or path
            Path of the file, ending in ``.toml`` or ``.json``.
        threads : int, optional
            Number of threads. Results do not depend on it.
        dt, seed, dtype : optional
            Time step (ms), seed and floating-point type, which override the settings in the file.

        Raises
        ------
        ModelFileError
            If the file is invalid. The message contains the line and the column, and a caret marks the position.
        OSError
            If the file cannot be read.
        """
        from ._load import load

        given = {"threads": threads, "dt": dt, "seed": seed, "dtype": dtype}
        file = file_name("Network.load: path", path)
        net = load(file, {name: value for name, value in given.items() if value is not None})
        FILES.info("loaded the model of %s", file)
        return net

    def __getitem__(self, path: str) -> Module:
        """Return the module with the path ``path``, as in ``net["cell/soma"]``."""
        found = self._by_path.get(path) if isinstance(path, str) else None
        if found is None:
            raise unknown_name("network: no module", path, [m.path for m in self._parts.values()])
        return found

    def __iter__(self) -> Any:
        # Otherwise Python would iterate by calling __getitem__ with 0, 1, 2, ...
        raise ParameterTypeError("network: is not iterable; use net.modules, or net['path'] for a single module")
