"""A sequence of calls that use the results of earlier calls, and the check of each call's outcome."""

from __future__ import annotations

import inspect
import math
import random
import reprlib
import traceback
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import dendrion as dn
import numpy as np

from ._hostile import hostile, matrices
from ._target import FaultError, Step

#: Folder of the package. Its stack frames give the position of a fault.
PACKAGE = Path(dn.__file__).parent

_repr = reprlib.Repr()
_repr.maxlevel, _repr.maxlist, _repr.maxstring, _repr.maxother = 2, 4, 40, 80


class Session:
    """Calls functions with arguments from its pool, and with hostile ones."""

    def __init__(self, random: random.Random, step: Step) -> None:
        self.random, self._step = random, step
        self.size = random.choice((1, 2, 3, 3, 4))
        #: The objects made so far, newest last.
        self.pool: list[Any] = []
        self.outcomes: list[str] = []
        self.nets: list[dn.Network] = []
        self.recordings: list[Any] = []
        self._matrices = matrices()
        self._diverged = False

    # Choice

    def chance(self, p: float) -> bool:
        """Return True with probability ``p``."""
        return self.random.random() < p

    def of(self, *kinds: type) -> Any:
        """Return an object of these types from the pool, preferably a recent one; ``None`` if there is none."""
        found = [item for item in self.pool if isinstance(item, kinds)]
        return found[-1 if self.chance(0.6) else self.random.randrange(len(found))] if found else None

    def hostile(self) -> Any:
        """Return a value that is probably invalid."""
        draw = self.random.random()
        if draw < 0.08 and self.pool:
            return self.random.choice(self.pool)
        if draw < 0.12 and self._matrices:
            return self.random.choice(self._matrices)()
        if draw < 0.15 and self.nets:
            return self.random.choice((*self.nets, *self.recordings))
        return hostile(self.random)

    # Calls

    def call(
        self, label: str, function: Callable[..., Any], /, *args: Any, is_read: bool = False, **given: Any
    ) -> Any | None:
        """Return the result of a call, or ``None`` if it raises an allowed error; raise FaultError for other errors."""
        shown = [*map(brief, args), *(f"{name}={brief(value)}" for name, value in given.items())]
        self._step(f"{label}({', '.join(shown)})".encode("ascii", "backslashreplace").decode())
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                warnings.simplefilter("ignore", dn.ModelWarning)
                result = function(*args, **given)
        except (dn.DendrionError, MemoryError, OSError) as error:
            _check_message(label, error)
            self.outcomes.append(type(error).__name__)
            # After such a run, states that are not finite can be read.
            self._diverged |= isinstance(error, dn.DivergenceError)
            return None
        except Exception as error:
            if not _is_allowed(error, function, args, given, is_read):
                raise wrong(label, error) from None
            self.outcomes.append(type(error).__name__)
            return None
        if self._has_to_be_finite(label):
            check_finite(label, result)
        self.outcomes.append("ok")
        return result

    def _has_to_be_finite(self, label: str) -> bool:
        """Return whether a call's result must be finite. It need not be after a divergence or for input with NaN."""
        return not self._diverged and not label.endswith((".soma", ".name", "()", ".spike_derivative", ".cv"))

    def keep(self, item: Any) -> Any:
        """Add an object to the pool."""
        if item is not None:
            self.pool.append(item)
        return item


def brief(value: Any) -> str:
    """Return a short text for a value."""
    try:
        return _repr.repr(value)
    except Exception:
        return f"<{type(value).__name__}>"


def wrong(label: str, error: BaseException) -> FaultError:
    """Return the failure for an error whose type is not allowed."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if Path(f.filename).is_relative_to(PACKAGE)]
    at = f"{Path(ours[-1].filename).relative_to(PACKAGE)}:{ours[-1].lineno}" if ours else "nowhere in the package"
    try:
        said = str(error)
    except Exception as second:
        said = f"a message that fails with {type(second).__name__}"
    message = "".join(traceback.format_list(frames)) + f"{type(error).__name__}: {said[:2000]}"
    return FaultError(f"{type(error).__name__} at {at}", f"{label}: {message}")


def _is_allowed(
    error: Exception, function: Callable[..., Any], args: tuple[Any, ...], given: Mapping[str, Any], is_read: bool
) -> bool:
    """Return whether an error of Python is allowed, for a missing attribute or a call with wrong arguments."""
    if is_read:
        return isinstance(error, AttributeError)
    if not isinstance(error, TypeError) or isinstance(error, UnicodeError):
        return False
    try:
        form = inspect.signature(function.__init__ if isinstance(function, type) else function)  # type: ignore[misc]
        form.bind(*([None] if isinstance(function, type) else []), *args, **given)
    except TypeError:
        return True
    except ValueError:
        pass
    return False


def _check_message(label: str, error: BaseException) -> None:
    try:
        said = str(error)
    except Exception as second:
        raise wrong(label, second) from None
    if isinstance(error, dn.DendrionError) and (len(said) > 12_000 or not said):
        raise FaultError(f"message of {len(said)} characters", f"{label}: {said[:500]}")


def check_finite(label: str, result: Any) -> None:
    """Raise an error if the result of a call contains numbers that are not finite."""
    if (
        isinstance(result, Mapping)
        and label.startswith("net.")
        and type(result).__module__.partition(".")[0] in ("builtins", "dendrion")
    ):
        for key, value in list(result.items()):
            check_finite(f"{label}[{key!r}]", value)
        return
    if label.startswith("getattr") and isinstance(result, float) and result == math.inf:
        # The times at which generators stop may be infinite.
        return
    is_real = isinstance(result, (np.ndarray, float)) and np.asarray(result).dtype.kind == "f"
    if is_real and not np.isfinite(result).all():
        raise FaultError(f"not finite: {label.partition('[')[0]}", f"{label} returned {brief(result)}")
