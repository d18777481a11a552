"""Objects that cannot be copied or pickled, with errors that name an alternative."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, SupportsIndex

from ..errors import ParameterTypeError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["CopiedAlone", "NotCopied"]


class NotCopied:
    """An object that cannot be copied or pickled."""

    #: The alternative that error messages suggest.
    _instead: ClassVar[str]

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise ParameterTypeError(f"{type(self).__name__}: cannot be copied or pickled; use {self._instead}")


class CopiedAlone:
    """An object whose copies do not belong to a network, and which cannot be pickled while it is in a network."""

    _net: Any

    def __copy__(self) -> Self:
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = memo[id(self)] = type(self).__new__(type(self))
        for name, value in self.__dict__.items():
            try:
                twin.__dict__[name] = copy.deepcopy(value, memo)
            except TypeError as error:
                if isinstance(error, ParameterTypeError):
                    raise
                # The value, such as a generator or an open file, belongs to the user.
                raise ParameterTypeError(f"{self!r}: {name} cannot be copied: {error}") from error
        return twin

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        if self._net is not None:
            raise ParameterTypeError(
                f"{self!r}: is or was part of a network and cannot be pickled; use net.save(path) for the model and "
                "net.save_state(path) for its state"
            )
        return super().__reduce_ex__(protocol)
