"""Recordings of states and spikes."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from .._quoted import counted
from .._suggest import Suggesting
from ..connections.synapse import MCSynapse
from ..errors import ParameterTypeError, RunError, StructureError
from ..modules._copies import NotCopied
from ..modules._fixed import Fixed
from ..simulation._log import FILES
from ._trains import SpikeStatistics

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from ..inputs.generators import Generator
    from ..modules.module import Module
    from ..morphology.cvs import CVs
    from ..neurons.neuron import Neuron
    from ..simulation.network import Network

__all__ = ["Recording", "SpikeRecording"]

FilePath = str | os.PathLike[str]

A = TypeVar("A")


class _Records(Protocol):
    """The simulation interface that recordings use; loaded recordings implement it too."""

    def batch(self) -> int: ...
    def steps(self) -> int: ...
    def values(self, probe: int) -> NDArray[np.floating]: ...
    def sample_steps(self, probe: int) -> NDArray[np.uint64]: ...
    def recording_begin(self, probe: int) -> int: ...
    def spikes(self, probe: int, sample: int) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]: ...
    def version(self) -> int: ...


class _Ran(Protocol):
    """The network interface that recordings use; loaded recordings implement it too."""

    @property
    def dt(self) -> float: ...
    @property
    def _sim(self) -> _Records: ...


class _Probe(Fixed, NotCopied, Suggesting):
    _otherwise: ClassVar[str] = "recordings are read-only; change a copy of the data, such as recording.values.copy()"
    _built = True
    _instead: ClassVar[str] = "recording.save(path) and dn.load_recording(path), or its arrays"
    #: The attributes that can be indexed, for error messages.
    _indexed: ClassVar[str]
    #: Path of the population or generator; ``None`` for connections.
    _population: str | None
    #: Index of each recorded member in its population, generator or projection.
    _index: NDArray[np.int64]
    #: The network that makes the recording; ``None`` if it was loaded from a file or its probe was removed.
    _owner: weakref.ref[Network] | None = None
    #: The network from which the probe was removed.
    _removed_from: weakref.ref[Network] | None = None
    #: Maximum size (bytes) of arrays that are cached for the next access; larger ones are read again.
    _most_kept: int | None = None

    def __init__(self, net: Network, probe: int, label: str) -> None:
        self._net: _Ran = net
        self._id, self._name, self._owner = probe, label, weakref.ref(net)
        self._cached: tuple[int, dict[str, Any]] | None = None

    def _once(self, name: str, make: Callable[[], A]) -> A:
        """Return the result of ``make``, cached until new data are recorded. Arrays become read-only."""
        version = self._net._sim.version()
        cached = self.__dict__.get("_cached")
        if cached is None or cached[0] != version:
            # Discard outdated arrays first, so that there is never more than one copy.
            cached = self._cached = (version, {})
        found = cached[1].get(name)
        if found is None:
            found = make()
            arrays = [a for a in (found if isinstance(found, tuple) else (found,)) if isinstance(a, np.ndarray)]
            for array in arrays:
                array.flags.writeable = False
            if self._most_kept is None or sum(a.nbytes for a in arrays) <= self._most_kept:
                cached[1][name] = found
        return cast(A, found)

    def _forget_cached(self) -> None:
        """Discard cached arrays that are about to become outdated."""
        self._cached = None

    def _is_recorded_by(self, net: object) -> bool:
        """Return whether this is a recording of ``net``."""
        return self._owner is not None and self._owner() is net

    def _is_probe_of(self, net: object) -> bool:
        """Return whether this is a recording of ``net``, or was one before the probe was removed."""
        return self._is_recorded_by(net) or (self._removed_from is not None and self._removed_from() is net)

    def clear(self) -> None:
        """Clear the recording and free its memory.

        The probe keeps recording: time is not reset, and the next sample or spike is recorded at the current step or
        later. All samples of a batch are cleared, and recordings on disk are cleared too.

        Raises
        ------
        RunError
            If the recording was loaded from a file, or its probe was removed.
        """
        net = None if self._owner is None else self._owner()
        if net is None:
            raise RunError(f"clear: {self._name} does not belong to a network; expected a probe of a network")
        net._clear(self._recorded())

    @property
    def name(self) -> str:
        """Path of the recorded module and variable, such as ``pyramidal/soma.V``."""
        return self._name

    @property
    def _batch(self) -> int:
        """Batch size; 0 without a batch."""
        return self._net._sim.batch()

    def _title(self) -> str:
        return self._name

    def _recorded(self) -> Recording | SpikeRecording:
        return cast("Recording | SpikeRecording", self)

    def __getitem__(self, index: Any) -> NoReturn:
        raise ParameterTypeError(f"{self._name}: a {type(self).__name__} cannot be indexed; use {self._indexed}")

    def __iter__(self) -> NoReturn:
        raise ParameterTypeError(f"{self._name}: a {type(self).__name__} is not a sequence; use {self._indexed}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}: {self._extent()}>"

    def _extent(self) -> str:
        """Return the number, kind, unit and time range of the data."""
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def save(self, path: FilePath, *, overwrite: bool = False) -> None:
        """Save the recording to a NumPy archive (npz), which [load_recording][dendrion.load_recording] can read.

        Values are not rounded, and saving the same recording again gives identical bytes. The file is written under a
        temporary name first, so it is either complete or does not exist.

        Parameters
        ----------
        path : str or path
            Path of the file, such as ``"soma.npz"``.
        overwrite : bool
            Whether to replace an existing file.

        Raises
        ------
        ParameterError
            If the file exists already, or its folder does not exist.
        """
        from ..export._save import save

        save(self._recorded(), path, overwrite=overwrite)
        FILES.info("saved %s to %s", self._name, os.fspath(path))

    def to_nwb(self, path: FilePath, *, overwrite: bool = False, **metadata: Any) -> None:
        """Save the recording to a Neurodata Without Borders file; see [export.nwb][dendrion.export.nwb].

        Parameters
        ----------
        path : str or path
            Path of the file, ending in ``.nwb``.
        overwrite : bool
            Whether to replace an existing file.
        **metadata
            Metadata of the session, such as ``experimenter="..."``.
        """
        from ..export import nwb

        nwb(self._recorded(), path, overwrite=overwrite, **metadata)

    def to_sonata(self, path: FilePath, *, overwrite: bool = False, sample: int | None = None) -> None:
        """Save the recording to a SONATA file; see [export.sonata][dendrion.export.sonata].

        Parameters
        ----------
        path : str or path
            Path of the file, such as ``"spikes.h5"``.
        overwrite : bool
            Whether to replace an existing file.
        sample : int, optional
            The sample of the batch to save. Required for batched runs.
        """
        from ..export import sonata

        sonata(self._recorded(), path, overwrite=overwrite, sample=sample)


class Recording(_Probe):
    """Samples of a state or current, up to the current time. Created by ``Network.probe``."""

    _indexed: ClassVar[str] = "its arrays, such as recording.values[-1] or recording.values[:, 0]"
    _cv: NDArray[np.int64] | None = None
    #: The control volumes of the recorded detailed cells, if the recording was made by a network.
    _cvs: CVs | None = None
    #: If values are interpolated, the weight of the second of the two values from which each column is computed.
    _weight: NDArray[np.float64] | None = None

    def __init__(
        self,
        net: Network,
        probe: int,
        label: str,
        gid: NDArray[np.int64] | None,
        every: int,
        columns: int,
        index: NDArray[np.int64] | None = None,
        cv: NDArray[np.int64] | None = None,
        weight: NDArray[np.float64] | None = None,
    ) -> None:
        super().__init__(net, probe, label)
        self._gid, self._every, self._columns, self._cv, self._weight = gid, every, columns, cv, weight
        path, _, variable = label.rpartition(".")
        module = net._by_path[path]
        owner = _population_of(net, module)
        self._unit = module._unit_of_variable(variable) or "1"
        self._population = None if owner is None else owner.path
        self._cvs = None if cv is None else getattr(owner, "cvs", None)
        if index is None and gid is not None and owner is not None:
            index = gid - net._identities[id(owner)].first
        self._index = np.arange(columns, dtype=np.int64) if index is None else index
        fix(self._index, self._gid, self._cv)

    @property
    def unit(self) -> str:
        """Unit of the values, such as ``mV``; ``1`` if they are dimensionless."""
        return self._unit

    @property
    def dt(self) -> float:
        """Time between samples (ms)."""
        return self._every * self._net.dt

    @property
    def index(self) -> NDArray[np.int64]:
        """Index of each column's neuron in its population, from 0; for weights, the index of the connection."""
        return self._index

    @property
    def gid(self) -> NDArray[np.int64] | None:
        """Network-wide id of each column's neuron; ``None`` for connections."""
        return self._gid

    @property
    def cv_index(self) -> NDArray[np.int64] | None:
        """Index of each column's control volume, for variables of detailed cells; otherwise ``None``.

        Columns are ordered by cell and then by site. Exports store these indices under the name ``cv``.
        """
        return self._cv

    @property
    def t(self) -> NDArray[np.float64]:
        """Times of the samples (ms), of shape ``(samples,)``, read-only."""
        return self._once("t", self._read_t)

    @property
    def values(self) -> NDArray[np.floating]:
        """Samples of shape ``(samples, neurons)``, or ``(batch, samples, neurons)`` with a batch.

        They have the dtype of the network. Each sample is the value at the beginning of the step that starts at its
        time. The array is read-only and cached until the network runs again; use ``values.copy()`` to get a writable
        array.
        """
        return self._once("values", self._read_values)

    def _read_t(self) -> NDArray[np.float64]:
        return np.multiply(self._net._sim.sample_steps(self._id), self._net.dt, dtype=np.float64)

    def _read_values(self) -> NDArray[np.floating]:
        """Return the values in a new array."""
        values = self._net._sim.values(self._id)
        if self._weight is None:
            return values
        first, second = values[..., 0::2], values[..., 1::2]
        return (first + self._weight * (second - first)).astype(values.dtype)

    def __len__(self) -> int:
        return len(self.t)

    def _extent(self) -> str:
        t, of = self.t, counted(self._columns, "connection" if self._population is None else "neuron")
        if self._cv is not None:
            of = f"{counted(self._columns, 'site')} in {counted(len(np.unique(self._index)), 'neuron')}"
        batch = f"{self._batch} x " if self._batch else ""
        span = f", t = {t[0]:g} to {t[-1]:g} ms, every {self.dt:g} ms" if len(t) else ""
        return f"{batch}{counted(len(t), 'sample')} of {of}, {self._unit}{span}"

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row per sample, indexed by time (ms), and with one column per neuron.

        After runs with a batch, columns are pairs of sample and neuron. For detailed cells, a further level contains
        the control volume (``cv``). For weights, columns are connections. ``attrs`` contains ``name``, ``unit``, ``dt``
        (ms) and, for neurons, ``gid``.
        """
        from ..export._pandas import recording_frame

        return recording_frame(self)

    def to_xarray(self) -> xr.DataArray:
        """Return an array with dimensions ``time`` and ``neuron``, preceded by ``sample`` if there is a batch.

        Coordinates are the time (ms), the index of the neuron in its population, its ``gid`` and, for detailed cells,
        the control volume ``cv``; weights have the dimension ``connection`` instead of ``neuron``. The
        ``units`` attributes state the units of values and coordinates.
        """
        from ..export._xarray import recording_array

        return recording_array(self)

    def to_neo(self) -> Any:
        """Return a ``neo.AnalogSignal`` with units and one channel per neuron; with a batch, a list of them.

        The array annotations ``neuron`` (``connection`` for weights), ``gid`` and, for detailed cells, ``cv`` identify
        the channels.
        """
        from ..export._neo import analog_signals

        signals = analog_signals(self)
        return signals if self._batch else signals[0]


class SpikeRecording(_Probe, SpikeStatistics):
    """Spikes of a population or generator, sorted by time and then by neuron or source. Created by ``Network.probe``.

    If a source of a generator spikes several times in a step, each of these spikes is listed. After runs with a batch,
    ``t`` and ``i`` list the spikes of all samples, one sample after another; ``sample`` is the sample of each spike,
    and ``dense`` and ``counts`` have a first axis for samples.

    ``t``, ``i``, ``sample`` and ``gid`` are read-only arrays that are cached until the network runs again.
    """

    _indexed: ClassVar[str] = "its arrays or lists, such as spikes.t[0] or spikes.trains()[0]"
    #: Network-wide id of the population's first neuron; ``None`` for a generator.
    _first: int | None

    def __init__(
        self,
        net: Network,
        probe: int,
        label: str,
        module: Neuron | Generator,
        index: NDArray[np.int64] | None = None,
    ) -> None:
        super().__init__(net, probe, label)
        identity = net._identities.get(id(module))
        self._size, self._population = module.size, module.path
        self._first = None if identity is None else identity.first
        self._index = np.arange(module.size, dtype=np.int64) if index is None else np.unique(index)
        fix(self._index)

    @property
    def size(self) -> int:
        """Number of neurons or sources in the population or generator."""
        return self._size

    @property
    def dt(self) -> float:
        """Time step (ms)."""
        return self._net.dt

    @property
    def t(self) -> NDArray[np.float64]:
        """Time of each spike (ms)."""
        return self._once("t", lambda: np.multiply(self._spikes()[1], self._net.dt, dtype=np.float64))

    @property
    def sample(self) -> NDArray[np.int64]:
        """Sample of the batch to which each spike belongs; 0 without a batch."""
        return self._spikes()[0]

    @property
    def i(self) -> NDArray[np.int64]:
        """Index of each spike's neuron or source."""
        return self._once("i", lambda: self._spikes()[2].astype(np.int64))

    @property
    def index(self) -> NDArray[np.int64]:
        """Index of each recorded neuron or source, ascending."""
        return self._index

    @property
    def gid(self) -> NDArray[np.int64]:
        """Network-wide id of each spike's neuron. Not available for generators."""
        if self._first is None:
            raise StructureError(f"{self._name}: gid: sources of generators have no gid; expected a population")
        first = self._first
        return self._once("gid", lambda: first + self.i)

    def dense(self) -> NDArray[np.bool_]:
        """Return an array of shape ``(steps, size)`` from t = 0 on, which is True where there is at least one spike."""
        spikes = self._spikes()
        table = np.zeros(self._shape(), dtype=bool)
        table[spikes] = True
        return table if self._batch else table[0]

    def counts(self) -> NDArray[np.int64]:
        """Return the number of spikes in each step, from t = 0 on, as an array of shape ``(steps, size)``."""
        # If the network runs in another thread, reading the spikes first ensures that the table has enough steps.
        spikes = self._spikes()
        table = np.zeros(self._shape(), dtype=np.int64)
        np.add.at(table, spikes, 1)
        return table if self._batch else table[0]

    def _shape(self) -> tuple[int, int, int]:
        return max(self._batch, 1), self._net._sim.steps(), self._size

    def _spikes(self) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint32]]:
        """Return the sample, step and neuron of each spike."""
        return self._once("spikes", self._read_spikes)

    def _read_spikes(self) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint32]]:
        samples = range(max(self._batch, 1))
        each = [self._net._sim.spikes(self._id, sample) for sample in samples]
        which = np.repeat(np.arange(len(each), dtype=np.int64), [len(steps) for steps, _ in each])
        return which, np.concatenate([s for s, _ in each]), np.concatenate([i for _, i in each])

    def _begin(self) -> int:
        """Return the first step of the recording: all spikes from this step on are recorded."""
        return self._net._sim.recording_begin(self._id)

    def __len__(self) -> int:
        return len(self._spikes()[0])

    def _extent(self) -> str:
        t, of = self.t, counted(self._size, "source" if self._first is None else "neuron")
        batch = f"{self._batch} x " if self._batch else ""
        span = f", t = {t.min():g} to {t.max():g} ms" if len(t) else ""
        return f"{counted(len(t), 'spike')} of {batch}{of}{span}"

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row per spike: ``t`` (ms), ``i``, ``gid``, and ``sample`` if there is a batch.

        Spikes of generators have no ``gid``. ``attrs`` contains ``name``, ``units``, ``size`` and ``dt`` (ms).
        """
        from ..export._pandas import spike_frame

        return spike_frame(self)

    def to_xarray(self) -> xr.Dataset:
        """Return a data set along ``spike``: ``t`` (ms), ``i``, ``gid``, and ``sample`` if there is a batch.

        Spikes of generators have no ``gid``. The ``units`` attributes state the units of the variables.
        """
        from ..export._xarray import spike_dataset

        return spike_dataset(self)

    def to_neo(self) -> list[Any]:
        """Return a list with one ``neo.SpikeTrain`` per neuron or source; with a batch, one such list per sample.

        The annotations ``population``, ``neuron`` and ``gid`` identify each spike train.
        """
        from ..export._neo import spike_trains

        trains = spike_trains(self)
        return trains if self._batch else trains[0]


def fix(*arrays: NDArray[np.int64] | None) -> None:
    """Make arrays read-only."""
    for array in arrays:
        if array is not None:
            array.flags.writeable = False


def _population_of(net: Network, module: Module) -> Module | None:
    """Return the population to which a module belongs, or None for connections."""
    owner: Module | None = None if isinstance(module, MCSynapse) else module
    while owner is not None and id(owner) not in net._identities:
        owner = owner.parent
    return owner
