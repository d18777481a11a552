"""Values of modules on detailed cells: a single value, one per site of a cell, or one per cell and site."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError

__all__ = ["PerSite"]


class PerSite(NamedTuple):
    """The numbers of cells and of sites per cell.

    Values are stored flat, ordered by cell and then by site. Users see them as arrays of shape ``(cells, sites)``, or
    of shape ``(sites,)`` if they apply to all cells.
    """

    cells: int
    sites: int
    #: What a site is, for messages.
    name: str = "site"

    @property
    def members(self) -> int:
        """Number of pairs of a cell and a site."""
        return self.cells * self.sites

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of arrays with one value per cell and site."""
        return self.cells, self.sites

    @property
    def expected(self) -> str:
        """What is accepted, for messages."""
        return (
            f"a number, an array of shape ({self.sites},) with one value per {self.name}, or one of shape {self.shape} "
            f"with one value per cell and {self.name}"
        )

    def flat(self, what: str, array: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return an array of values in flat form after checking its shape."""
        if array.shape == (self.cells, 1):
            array = np.broadcast_to(array, self.shape)
        if array.shape not in ((self.sites,), self.shape):
            raise ParameterError(f"{what} = array of shape {array.shape}: expected {self.expected}")
        return np.array(array, dtype=np.float64).reshape(-1)

    def shaped(self, value: Any) -> Any:
        """Return values in the shape that users see."""
        is_each = isinstance(value, np.ndarray) and value.size == self.members and self.cells > 1
        return value.reshape(self.shape) if is_each else value

    def whole(self, value: Any) -> Any:
        """Return an array with one value per cell and site, or a single value."""
        return value if np.ndim(value) == 0 or np.size(value) == self.members else np.tile(value, self.cells)
