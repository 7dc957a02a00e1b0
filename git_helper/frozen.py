"""Frozen dataclasses whose methods are all the same ones: writing and compiling six for each class is what takes time.

A command meets dozens of such classes before its first request. Objects take a microsecond longer to make; for those that
come by the hundred thousand, `dataclass(frozen=True, slots=True)` is the better one.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(kind: type[T]) -> type[T]:
    """What `dataclass(frozen=True)` makes of a class, for fields that differ in default, `repr` and `compare` only."""
    if kind.__doc__ is None:
        kind.__doc__ = kind.__name__  # else dataclass would look up a signature for it, for some milliseconds
    made = dataclass(init=False, repr=False, eq=False)(kind)
    for name, method in _METHODS.items():
        if name not in vars(kind):
            setattr(made, name, method)
    return made


def _init(self: Any, *given: Any, **named: Any) -> None:
    known: dict[str, Field[Any]] = self.__dataclass_fields__
    values = dict(zip(known, given, strict=False))
    if named or len(given) != len(known):
        _complete(type(self), values, given, named)
    vars(self).update(values)
    if hasattr(self, "__post_init__"):
        self.__post_init__()


def _complete(kind: type, values: dict[str, Any], given: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Adds what is named, and defaults; `values` are those that were `given` by their places."""
    known: dict[str, Field[Any]] = kind.__dataclass_fields__  # type: ignore[attr-defined]
    if len(given) > len(known) or not known.keys() >= named.keys() or values.keys() & named.keys():
        raise TypeError(f"{kind.__name__}() takes each of {', '.join(known)} once")
    values |= named
    for name in known.keys() - values.keys():
        values[name] = _default(kind, known[name])


def _default(kind: type, one: Field[Any]) -> Any:
    if one.default_factory is not MISSING:
        return one.default_factory()
    if one.default is MISSING:
        raise TypeError(f"{kind.__name__}() misses '{one.name}'")
    return one.default


def _fields(self: Any) -> Iterator[Field[Any]]:
    return iter(self.__dataclass_fields__.values())


def _repr(self: Any) -> str:
    shown = (f"{one.name}={getattr(self, one.name)!r}" for one in _fields(self) if one.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _compared(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, one.name) for one in _fields(self) if one.compare)


def _eq(self: Any, other: object) -> bool:
    return _compared(self) == _compared(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_compared(self))


def _setattr(self: Any, name: str, _: object) -> None:
    raise FrozenInstanceError(f"cannot set '{name}' of {type(self).__name__}")


def _delattr(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete '{name}' of {type(self).__name__}")


_METHODS = {
    "__init__": _init,
    "__repr__": _repr,
    "__eq__": _eq,
    "__hash__": _hash,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
}
