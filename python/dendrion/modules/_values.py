"""Arrays of values that belong to a network. They are copies, so changing an element would have no effect."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import AssignmentError

__all__ = ["ValueArray", "read_only"]


class ValueArray(np.ndarray[Any, np.dtype[Any]]):
    """A read-only array with the values of a parameter or a state.

    ``soma.gL *= 2`` computes a new array, which Python then assigns to ``soma.gL``. Assigning to an element raises an
    error, because the array is a copy. Operations return plain arrays.
    """

    def __setitem__(self, key: Any, value: Any) -> None:
        if not self.flags.writeable:
            raise AssignmentError(
                "cannot assign to elements of this array, which is a copy of the values in the module; change a copy "
                "and assign it as a whole: values = module.name.copy(); values[...] = ...; module.name = values"
            )
        super().__setitem__(key, value)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        plain = np.asarray(array)
        return plain[()] if return_scalar or plain.ndim == 0 else plain

    def copy(self, order: Any = "C") -> Any:
        """Return a plain, writable array."""
        return np.array(self, order=order, copy=True, subok=False)

    def __repr__(self) -> str:
        return repr(np.asarray(self))

    def __str__(self) -> str:
        return str(np.asarray(self))

    def __reduce__(self) -> Any:
        return np.array, (np.asarray(self).copy(),)


def _in_place(operation: Any) -> Any:
    def operator(self: ValueArray, other: Any) -> Any:
        return operation(self, other)

    return operator


# In-place operators return new arrays, as for immutable numbers.
for _name, _operation in (
    ("add", np.add),
    ("sub", np.subtract),
    ("mul", np.multiply),
    ("truediv", np.true_divide),
    ("floordiv", np.floor_divide),
    ("mod", np.remainder),
    ("pow", np.power),
):
    setattr(ValueArray, f"__i{_name}__", _in_place(_operation))


def read_only(value: Any) -> Any:
    """Return an array as a read-only copy, and other values unchanged."""
    if not isinstance(value, np.ndarray):
        return value
    copied = np.array(value, copy=True).view(ValueArray)
    copied.setflags(write=False)
    return copied
