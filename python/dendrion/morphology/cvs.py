"""Control volumes (CVs), the pieces of a cell that have a uniform potential, and policies that set their number."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._numbers import array_of, real
from .._quoted import counted, quoted
from .._suggest import Suggesting
from ..errors import ParameterError, ParameterTypeError
from ..modules._fixed import FixedOnceMade

if TYPE_CHECKING:
    from .morphology import Morphology
    from .places import Location, Region

__all__ = ["CVs", "DLambda", "MaxLength", "PerSection", "divided", "policy_of", "positive"]

#: Arguments of a division: the name and the numbers of a rule, r_axial (ohm cm) and C (uF/cm2).
Given = tuple[tuple[str, list[float]], float, float]


class MaxLength(FixedOnceMade):
    """Divide each section into the smallest number of CVs of equal length that are not longer than ``length``.

    Parameters
    ----------
    length : float
        Maximum length of a CV (um).
    """

    length: float

    def __init__(self, length: float) -> None:
        self.length = positive("MaxLength: length", length, "um")

    def __repr__(self) -> str:
        return f"MaxLength({self.length:g})"


class PerSection(FixedOnceMade):
    """Divide each section into ``n`` CVs.

    Parameters
    ----------
    n : int or array of int
        Number of CVs per section: one number for all sections, or one for each section.
    """

    n: NDArray[np.int64]

    def __init__(self, n: ArrayLike) -> None:
        expected = "an integer >= 1, or one per section"
        counts = array_of("PerSection: n", n, expected)
        if counts.dtype.kind not in "iu" or counts.ndim > 1 or counts.size == 0:
            raise ParameterTypeError(f"PerSection: n = {quoted(n)}: expected {expected}")
        if (counts < 1).any():
            raise ParameterError(f"PerSection: n = {quoted(n)}: expected {expected}")
        if (counts > 2**31).any():
            raise ParameterError(f"PerSection: n = {quoted(n)}: expected at most 1,000,000 CVs per cell")
        self.n = counts.astype(np.int64)
        self.n.flags.writeable = False

    def __repr__(self) -> str:
        return f"PerSection({self.n})" if self.n.ndim == 0 else f"PerSection(<{self.n.size} numbers>)"


class DLambda(FixedOnceMade):
    """Divide each section into the smallest odd number of CVs no longer than a fraction of the length constant.

    The length constant of an alternating current of frequency ``f`` on a cable of diameter ``d`` is
    ``sqrt(d/(4 pi f r_axial C))``. This is the d_lambda rule of NEURON (Carnevale and Hines 2006, The NEURON Book,
    section 5.6), and gives the same numbers of CVs as NEURON.

    Parameters
    ----------
    fraction : float
        Maximum length of a CV as a fraction of the length constant.
    frequency : float
        Frequency of the alternating current (Hz).
    """

    fraction: float
    frequency: float

    def __init__(self, fraction: float = 0.1, frequency: float = 100.0) -> None:
        self.fraction = positive("DLambda: fraction", fraction, "")
        self.frequency = positive("DLambda: frequency", frequency, "Hz")

    def __repr__(self) -> str:
        return f"DLambda({self.fraction:g}, frequency={self.frequency:g})"


def positive(what: str, value: Any, unit: str) -> float:
    """Return a number > 0, converted from a quantity to ``unit``."""
    expected = f"a number > 0{f' ({unit})' if unit else ''}"
    number = real(what, value, expected, unit)
    if not (np.isfinite(number) and number > 0.0):
        raise ParameterError(f"{what} = {number}: expected {expected}")
    return number


def policy_of(what: str, policy: Any) -> tuple[str, list[float]]:
    """Return the name and the numbers of a CV policy after checking that it is valid."""
    if isinstance(policy, MaxLength):
        return "MaxLength", [policy.length]
    if isinstance(policy, DLambda):
        return "DLambda", [policy.fraction, policy.frequency]
    if isinstance(policy, PerSection):
        return "PerSection", np.atleast_1d(policy.n).astype(float).tolist()
    raise ParameterTypeError(f"{what} = {quoted(policy)}: expected MaxLength(...), PerSection(...) or DLambda(...)")


def divided(morphology: Morphology, given: Given) -> CVs:
    """Divide a morphology with checked arguments of [Morphology.cvs][dendrion.Morphology.cvs]."""
    return CVs(morphology, morphology._core.discretize(*given), given)


class CVs(FixedOnceMade, Suggesting):
    """The control volumes of a morphology, ordered by section and by position along the section.

    [Morphology.cvs][dendrion.Morphology.cvs] returns them. ``len(cvs)`` is the number of control volumes.
    """

    def __init__(
        self, morphology: Morphology | None = None, cvs: _core.Cvs | None = None, given: Given | None = None
    ) -> None:
        if morphology is None or given is None or not isinstance(cvs, _core.Cvs):
            raise ParameterTypeError("CVs: cannot be created directly; use Morphology.cvs(policy)")
        self._morphology, self._cvs, self._given = morphology, cvs, given

    def __copy__(self) -> CVs:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> CVs:
        # Control volumes and morphologies never change, so copies of modules share them.
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return divided, (self._morphology, self._given)

    def __len__(self) -> int:
        return len(self._cvs)

    def __repr__(self) -> str:
        return f"<CVs: {len(self)} in {counted(len(self._morphology.sections), 'section')}>"

    @cached_property
    def section(self) -> NDArray[np.int64]:
        """Index of the section of each CV."""
        return _fixed(self._cvs.column("section").astype(np.int64))

    @cached_property
    def x(self) -> NDArray[np.float64]:
        """Position of the centre of each CV on its section, from 0 to 1."""
        return _fixed(self._cvs.column("x"))

    @cached_property
    def length(self) -> NDArray[np.float64]:
        """Length of each CV (um)."""
        return _fixed(self._cvs.column("length"))

    @cached_property
    def diameter(self) -> NDArray[np.float64]:
        """Mean diameter of each CV (um): the diameter of a cylinder with the same length and area."""
        return _fixed(self._cvs.column("diameter"))

    @cached_property
    def area(self) -> NDArray[np.float64]:
        """Area of the membrane of each CV (um2), integrated along its frusta."""
        return _fixed(self._cvs.column("area"))

    @cached_property
    def distance(self) -> NDArray[np.float64]:
        """Path length from the centre of the soma to the centre of each CV (um)."""
        return _fixed(self._cvs.column("distance"))

    def at(self, location: Location) -> int:
        """Return the index of the CV that contains a location. A location on a boundary belongs to the distal CV."""
        from .places import Location

        if not isinstance(location, Location):
            raise ParameterTypeError(f"CVs: at: location = {quoted(location)}: expected a Location, such as tree.at(0)")
        self._morphology._checked("CVs: at", location)
        return self._cvs.cv_at(location.section, location.x)

    def select(self, region: Region | str) -> NDArray[np.int64]:
        """Return the indices of the CVs in a region, which is a Region or the name of a kind."""
        from .places import as_region

        chosen = as_region("CVs: select: region", region)
        return np.array(self._morphology._core.select(self._cvs, chosen._code, chosen._ranges()), dtype=np.int64)


def _fixed(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
