"""A sequence of calls, whose results later calls take, and the check of how each call ends."""

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

#: The package, whose frames name the place of a fault.
PACKAGE = Path(dn.__file__).parent

_repr = reprlib.Repr()
_repr.maxlevel, _repr.maxlist, _repr.maxstring, _repr.maxother = 2, 4, 40, 80


class Session:
    """Calls functions with arguments out of its pool, and with hostile ones."""

    def __init__(self, random: random.Random, step: Step) -> None:
        self.random, self._step = random, step
        self.size = random.choice((1, 2, 3, 3, 4))
        #: What was made, newest last.
        self.pool: list[Any] = []
        self.outcomes: list[str] = []
        self.nets: list[dn.Network] = []
        self.recordings: list[Any] = []
        self._matrices = matrices()
        self._diverged = False

    # Choice

    def chance(self, p: float) -> bool:
        """Return whether something of a probability happens."""
        return self.random.random() < p

    def of(self, *kinds: type) -> Any:
        """Return something of a kind out of the pool, the newest rather; ``None`` where there is nothing."""
        found = [item for item in self.pool if isinstance(item, kinds)]
        return found[-1 if self.chance(0.6) else self.random.randrange(len(found))] if found else None

    def hostile(self) -> Any:
        """Return a value that is likely wrong."""
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
        """Call a function, and return what it returns, ``None`` after an error; raise FaultError for a wrong one."""
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
            # States that are not finite can be read after such a run.
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
        """Return whether what a call returned has to be finite: not after a divergence, nor what was made of NaN."""
        return not self._diverged and not label.endswith((".soma", ".name", "()", ".spike_derivative", ".cv"))

    def keep(self, item: Any) -> Any:
        """Put something into the pool."""
        if item is not None:
            self.pool.append(item)
        return item


def brief(value: Any) -> str:
    """Return a value as text, short."""
    try:
        return _repr.repr(value)
    except Exception:
        return f"<{type(value).__name__}>"


def wrong(label: str, error: BaseException) -> FaultError:
    """Return the failure for an error of a kind that is not allowed."""
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
    """Return whether another error is right: of an attribute that is missing, or of a call of the wrong form."""
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
    """Raise for numbers that are not finite in what a call returned."""
    if (
        isinstance(result, Mapping)
        and label.startswith("net.")
        and type(result).__module__.partition(".")[0] in ("builtins", "dendrion")
    ):
        for key, value in list(result.items()):
            check_finite(f"{label}[{key!r}]", value)
        return
    if label.startswith("getattr") and isinstance(result, float) and result == math.inf:
        # The times at which generators stop.
        return
    is_real = isinstance(result, (np.ndarray, float)) and np.asarray(result).dtype.kind == "f"
    if is_real and not np.isfinite(result).all():
        raise FaultError(f"not finite: {label.partition('[')[0]}", f"{label} returned {brief(result)}")
