"""HDF5 files that are written completely or not at all."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any

from ..recordings.recording import FilePath
from ._extras import needed
from ._files import new_file


@contextlib.contextmanager
def new_hdf5(what: str, path: FilePath, overwrite: bool, extra: str, suffix: str = "") -> Iterator[Any]:
    """Yield an ``h5py.File`` to write into, which is renamed to ``path`` if nothing fails, and removed otherwise.

    Parameters
    ----------
    what, path, overwrite, suffix
        See ``new_file``.
    extra : str
        The extra that installs h5py, such as ``sonata`` in ``dendrion[sonata]``.
    """
    h5py = needed("h5py", extra, what)
    with new_file(what, path, overwrite, suffix) as partial, open(partial, "w+b", buffering=0) as file:
        watched = _Watched(file)
        try:
            with h5py.File(watched, "w") as opened:
                yield opened
        except Exception:
            # HDF5's own error does not state why a write failed; the recorded failure does.
            if watched.failure is None:
                raise
        if watched.failure is not None:
            raise watched.failure


#: Number of bytes that are written in one system call.
_PIECE = 1 << 23


class _Watched(io.RawIOBase):
    """A file that remembers the first failed write and ignores all writes after it.

    HDF5 writes its buffers when objects are freed, and errors at that time are lost. A file that was truncated because
    the disk was full would then look complete.
    """

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self.failure: BaseException | None = None

    def write(self, data: Any) -> int:
        # Python handles signals between system calls, so a large array is written in pieces.
        left = memoryview(data).cast("B")
        length = len(left)
        while left and self.failure is None:
            try:
                left = left[self._file.write(left[:_PIECE]) :]
            except BaseException as failure:
                self.failure = failure
        return length

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer) or 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def truncate(self, size: int | None = None) -> int:
        try:
            return self._file.truncate(size)
        except BaseException as failure:
            self.failure = self.failure or failure
            return size or 0
