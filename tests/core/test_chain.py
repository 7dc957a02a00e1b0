"""Sources asked in order, lazily, until someone has enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pytest

from git_helper.core.chain import Chain
from git_helper.core.credential import Credential, Description
from git_helper.errors import Cancelled, GitHelperError, StoreError
from git_helper.secret import Secret

if TYPE_CHECKING:
    from git_helper.core.chain import Opener, Source

NOW = 1000.0
WANTED = Description(b"https", b"good.example")


class Known:
    """A source that knows the given credentials, as far as the wanted user name allows."""

    def __init__(self, *credentials: Credential) -> None:
        self.credentials = credentials
        self.asked: list[Description] = []

    def find(self, wanted: Description) -> Iterator[Credential]:
        self.asked.append(wanted)
        yield from self.credentials


class Broken:
    def __init__(self, error: GitHelperError) -> None:
        self.error = error

    def find(self, wanted: Description) -> Iterable[Credential]:
        raise self.error


def basic(user: bytes | None, password: bytes | None = b"p", **rest: int) -> Credential:
    return Credential(user, None if password is None else Secret(password), **rest)  # type: ignore[arg-type]


def opener(source: Source | None) -> Opener:
    return lambda wanted: source


def chain(*sources: Source | None, reports: list[str] | None = None) -> Chain:
    def report(name: str, error: GitHelperError) -> None:
        assert reports is not None, f"{name}: {error}"
        reports.append(f"{name}: {error}")

    return Chain([(str(number), opener(source)) for number, source in enumerate(sources)], report, NOW)


def test_a_source_is_opened_only_when_the_ones_before_did_not_suffice() -> None:
    opened: list[str] = []

    def opening(name: str, *credentials: Credential) -> tuple[str, Opener]:
        def open_it(wanted: Description) -> Source:
            opened.append(name)
            return Known(*credentials)

        return name, open_it

    asked = Chain([opening("a"), opening("b", basic(b"u")), opening("c", basic(b"v"))], lambda *_: None, NOW)
    candidates = asked.candidates(WANTED)
    assert opened == []
    assert next(candidates).source == "b"
    assert opened == ["a", "b"]
    assert [one.credential.username for one in candidates] == [b"v"]
    assert asked.names() == ["a", "b", "c"]


def test_a_user_name_learnt_on_the_way_narrows_later_sources() -> None:
    later = Known(basic(b"bob"), basic(b"alice", b"right"))
    (first, last) = chain(Known(basic(b"alice", None)), later).candidates(WANTED)
    assert later.asked[0].username == b"alice"
    assert first.credential.password == Secret(b"right")
    assert not last.credential.is_complete()


def test_nobody_changes_the_user_that_was_asked_for() -> None:
    assert not list(chain(Known(basic(b"bob"), basic(b"alice"))).candidates(WANTED.narrowed(b"carol")))


def test_what_is_known_in_part_comes_last() -> None:
    (only,) = chain(Known(basic(b"alice", None)), None, Known()).candidates(WANTED)
    assert (only.source, only.credential.username, only.credential.password) == ("0", b"alice", None)


def test_a_password_without_a_user_is_nothing_and_hides_nothing() -> None:
    assert not list(chain(Known(basic(None))).candidates(WANTED))
    (only,) = chain(Known(basic(None)), Known(basic(b"alice", None))).candidates(WANTED)
    assert only.credential.username == b"alice"


def test_an_expired_answer_is_no_answer() -> None:
    assert not list(chain(Known(basic(b"alice", expiry=1000))).candidates(WANTED))
    assert len(list(chain(Known(basic(b"alice", expiry=1001))).candidates(WANTED))) == 1


def test_of_an_expired_answer_a_helper_that_renews_gets_the_refresh_token() -> None:
    expired = Credential(b"alice", Secret(b"p"), expiry=1, refresh_token=Secret(b"r"))
    (only,) = chain(Known(expired)).candidates(WANTED)
    assert only.credential.pairs() == [(b"username", b"alice"), (b"oauth_refresh_token", b"r")]


def test_a_ready_header_is_of_no_use_to_who_cannot_use_it() -> None:
    ready = Credential(authtype=b"Bearer", credential=Secret(b"t"))
    assert len(list(chain(Known(ready)).candidates(WANTED))) == 1
    assert not list(chain(Known(ready)).candidates(WANTED, ready=False))


def test_a_broken_source_is_reported_and_skipped() -> None:
    reports: list[str] = []
    (only,) = chain(Broken(StoreError("is locked")), Known(basic(b"u")), reports=reports).candidates(WANTED)
    assert only.source == "1"
    assert reports == ["0: is locked"]


def test_who_cancels_ends_it() -> None:
    with pytest.raises(Cancelled):
        list(chain(Broken(Cancelled("no")), Known(basic(b"u"))).candidates(WANTED))
