"""Our frozen classes behave as those of dataclasses(3) do: every test runs with both."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import pytest

from git_helper.frozen import frozen

Decorator = Callable[[type], Any]


@frozen
class Ours:
    number: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Theirs:
    number: int
    names: tuple[str, ...] = ()


@pytest.fixture(params=[frozen, dataclass(frozen=True)], ids=["ours", "theirs"])
def decorator(request: pytest.FixtureRequest) -> Decorator:
    found: Decorator = request.param
    return found


@pytest.fixture
def kind(decorator: Decorator) -> Any:
    class Kind:
        number: int
        name: str = "none"
        secret: bytes | None = field(default=None, repr=False)
        seen: list[int] = field(default_factory=list, compare=False)

        def __post_init__(self) -> None:
            if self.number < 0:
                raise ValueError("negative")

        @cached_property
        def twice(self) -> int:
            return 2 * self.number

    return decorator(Kind)


def test_made_of_words_and_names(kind: Any) -> None:
    one = kind(1, secret=b"s")
    assert (one.number, one.name, one.secret, one.seen, one.twice) == (1, "none", b"s", [], 2)
    assert kind(number=1, name="x") == kind(1, "x")
    assert kind(1).seen is not kind(1).seen
    assert [one.name for one in fields(kind)] == ["number", "name", "secret", "seen"]


@pytest.mark.parametrize(
    ("given", "named"), [((), {}), ((1, "x", None, [], 5), {}), ((1,), {"number": 1}), ((1,), {"other": 1})]
)
def test_made_of_anything_else_is_an_error(kind: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        kind(*given, **named)


def test_checked_when_made(kind: Any) -> None:
    with pytest.raises(ValueError, match="negative"):
        kind(-1)
    with pytest.raises(ValueError, match="negative"):
        replace(kind(1), number=-1)


def test_equal_by_what_is_compared(kind: Any, decorator: Decorator) -> None:
    class Kind(kind):  # type: ignore[misc]
        pass

    assert kind(1, seen=[1]) == kind(1, seen=[2])
    assert hash(kind(1, seen=[1])) == hash(kind(1, seen=[2]))
    assert kind(1) != kind(2)
    assert kind(1) != (1, "none", None)
    assert kind(1) != decorator(Kind)(1)


def test_nothing_can_be_changed(kind: Any) -> None:
    one = kind(1)
    with pytest.raises(FrozenInstanceError):
        one.number = 2
    with pytest.raises(FrozenInstanceError):
        del one.number
    assert (one.number, replace(one, number=2).number) == (1, 2)


def test_shown_without_what_is_secret(kind: Any) -> None:
    assert repr(kind(1, secret=b"s")).rpartition(".")[2] == "Kind(number=1, name='none', seen=[])"


def test_fields_are_inherited(decorator: Decorator) -> None:
    class Base:
        number: int
        name: str = "none"

    base: Any = decorator(Base)

    class More(base):  # type: ignore[misc]
        name: str = "more"
        last: int = 0

    class Same(base):  # type: ignore[misc]
        pass

    one = decorator(More)(1, last=2)
    assert (one.number, one.name, one.last) == (1, "more", 2)
    assert Same(3).number == 3


def test_what_a_class_says_itself_stays(decorator: Decorator) -> None:
    class Kind:
        number: int

        def __repr__(self) -> str:
            return "mine"

    assert repr(decorator(Kind)(1)) == "mine"


@pytest.mark.parametrize("kind", [Ours, Theirs])
def test_copies_are_equal(kind: type[Ours | Theirs]) -> None:
    one = kind(1, ("a",))
    assert copy.copy(one) == copy.deepcopy(one) == one
    match one:
        case Ours(number, names) | Theirs(number, names):
            assert (number, names) == (1, ("a",))
