"""A whole helper as functions of its streams."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from git_helper.core.chain import Chain
from git_helper.core.credential import Account, Credential, Description
from git_helper.errors import Cancelled, GitHelperError, StoreError
from git_helper.secret import Secret
from git_helper.stores.credential_file import CredentialFile
from git_helper.system import files
from git_helper.tasks import answer

if TYPE_CHECKING:
    from git_helper.core.chain import Opener, Store

NOW = 1000.0
ASK = b"protocol=https\nhost=good.example\n"
ABLE = b"capability[]=authtype\ncapability[]=state\n"
WHOLE = ASK + b"username=alice\npassword=p\n"
BEARER = Credential(authtype=b"Bearer", credential=Secret(b"t"))


def unexpected(source: str, error: GitHelperError) -> None:
    raise AssertionError(f"{source}: {error}")


class Known:
    """A source that gives its credentials, or raises."""

    def __init__(self, *credentials: Credential | GitHelperError) -> None:
        self.credentials = credentials

    def find(self, wanted: Description) -> Iterator[Credential]:
        for one in self.credentials:
            if isinstance(one, GitHelperError):
                raise one
            yield one


def chain(*credentials: Credential | GitHelperError, name: str = "known") -> Chain:
    openers: list[tuple[str, Opener]] = [(name, lambda wanted: Known(*credentials))]
    return Chain(openers, unexpected, NOW)


def got(request: bytes, *credentials: Credential | GitHelperError, name: str = "known") -> bytes:
    stdout = io.BytesIO()
    answer.get(io.BytesIO(request), stdout, lambda ready: chain(*credentials, name=name), lambda text: None)
    return stdout.getvalue()


@pytest.fixture
def store(tmp_path: Path) -> CredentialFile:
    return CredentialFile(str(tmp_path / "credentials"), lambda: files, unexpected)


def keep(store: Store | None, data: bytes, *elsewhere: Credential, max_age: float | None = None) -> None:
    answer.store(io.BytesIO(data), NOW, lambda: chain(*elsewhere), lambda: store, max_age)


def alice(password: bytes = b"p", **rest: object) -> Credential:
    return Credential(b"alice", Secret(password), **rest)  # type: ignore[arg-type]


def test_the_answer_is_user_name_and_password() -> None:
    assert got(ASK, alice()) == b"username=alice\npassword=p\n"


def test_the_first_whole_answer_counts() -> None:
    assert got(ASK, Credential(b"bob"), alice(), alice(b"later")) == b"username=alice\npassword=p\n"


def test_nothing_known_is_no_answer() -> None:
    assert got(ASK) == b""
    assert got(ASK, Credential(b"bob")) == b"username=bob\n"


@pytest.mark.parametrize(
    "request_", [b"", b"\n", b"host=good.example\n", b"protocol=https\n", ASK + b"host=evil.example\n", ASK + b"junk\n"]
)
def test_nobody_is_asked_for_what_cannot_be_trusted(request_: bytes) -> None:
    def never(ready: bool) -> Chain:
        raise AssertionError("the chain is opened")

    stdout = io.BytesIO()
    answer.get(io.BytesIO(request_), stdout, never, lambda text: None)
    assert stdout.getvalue() == b""


def test_what_came_back_from_us_is_marked_for_who_understands_it() -> None:
    assert got(ABLE + ASK, alice()) == (b"capability[]=state\nusername=alice\npassword=p\nstate[]=git-helper:seen=1\n")
    assert b"state" not in got(ABLE + ASK, alice(), name="person"), "what was typed must come back to be kept"
    assert b"state" not in got(ABLE + ASK, Credential(b"bob"))


def test_a_ready_header_goes_only_to_who_announced_it() -> None:
    assert got(ABLE + ASK, BEARER) == (
        b"capability[]=authtype\ncapability[]=state\nauthtype=Bearer\ncredential=t\nstate[]=git-helper:seen=1\n"
    )
    assert got(ASK, BEARER) == b""
    assert got(ASK, BEARER, alice()) == b"username=alice\npassword=p\n"
    assert got(b"capability[]=other\n" + ASK, BEARER) == b""
    both = alice(authtype=b"Bearer", credential=Secret(b"t"))
    assert got(ASK, both) == b"username=alice\npassword=p\n"
    assert got(b"capability[]=authtype\n" + ASK, both).startswith(b"capability[]=authtype\nauthtype=Bearer\n")


def test_all_that_is_known_of_an_answer_is_said() -> None:
    credential = alice(expiry=2000, refresh_token=Secret(b"r"), ephemeral=True)
    assert got(ASK, credential).split() == [
        b"ephemeral=1",
        b"username=alice",
        b"password=p",
        b"oauth_refresh_token=r",
        b"password_expiry_utc=2000",
    ]


def test_who_cancels_tells_git_to_quit() -> None:
    assert got(ASK, Cancelled("no")) == b"quit=1\n"


@pytest.mark.parametrize("password", [b"p\r", b"p\nhost=evil.example", b"p\0"])
def test_an_answer_that_no_line_can_carry_is_an_error_that_names_its_source(password: bytes) -> None:
    with pytest.raises(StoreError, match="'known'") as refused:
        got(ASK, alice(password))
    assert "evil" not in refused.value.message


def test_capability_says_what_we_understand() -> None:
    stdout = io.BytesIO()
    answer.capability(stdout)
    assert stdout.getvalue() == b"version 0\ncapability authtype\ncapability state\n"


@pytest.mark.parametrize(
    "data",
    [
        WHOLE,
        WHOLE + b"\n",
        ASK + b"username=\npassword=\n",
        ABLE + ASK + b"authtype=Bearer\ncredential=t\n",
        WHOLE + b"password_expiry_utc=1001\noauth_refresh_token=r\n",
        WHOLE + b"path=a/b\nstate[]=other:seen=1\ncontinue=1\nntlm=allow\nephemeral=0\n",
    ],
)
def test_a_whole_credential_is_kept_and_given_back(store: CredentialFile, data: bytes) -> None:
    keep(store, data)
    (account,) = store.accounts()
    lines = set(data.split(b"\n"))
    assert {key + b"=" + value for key, value in account.pairs()} <= lines
    assert account.credential.is_complete()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        ASK,
        ASK + b"username=alice\n",
        ASK + b"password=p\n",
        ASK + b"authtype=Bearer\n",
        b"protocol=https\nhost=\nusername=alice\npassword=p\n",
        b"host=good.example\nusername=alice\npassword=p\n",
        b"protocol=https\nusername=alice\npassword=p\n",
        WHOLE + b"ephemeral=1\n",
        WHOLE + b"ephemeral=true\n",
        WHOLE + b"ephemeral=" + b"9" * 5000 + b"\n",
        WHOLE + b"password_expiry_utc=1000\n",
        WHOLE + b"state[]=other:x\nstate[]=git-helper:seen=1\n",
    ],
)
def test_what_is_not_for_keeping_leaves_no_trace(store: CredentialFile, data: bytes) -> None:
    keep(store, data)
    assert not Path(store.path).exists()
    assert not Path(store.path + ".lock").exists()


def test_what_lives_in_a_source_read_each_time_is_not_copied(store: CredentialFile) -> None:
    keep(store, WHOLE, alice(b"other"), alice())
    assert store.accounts() == []
    keep(store, WHOLE, alice(b"other"))
    assert len(store.accounts()) == 1


def test_an_age_limit_shortens_the_life_of_what_is_kept(store: CredentialFile) -> None:
    keep(store, WHOLE, max_age=60)
    assert store.accounts()[0].credential.expiry == 1060
    keep(store, WHOLE + b"password_expiry_utc=1010\n", max_age=60)
    assert store.accounts()[0].credential.expiry == 1010


@pytest.mark.parametrize(("more", "times"), [(b"", 1), (b"ephemeral=1\n", 0), (b"password_expiry_utc=999\n", 0)])
def test_the_store_is_opened_only_to_keep_something_and_there_may_be_none(more: bytes, times: int) -> None:
    opened: list[bytes] = []

    def no_store() -> None:
        opened.append(more)

    answer.store(io.BytesIO(WHOLE + more), NOW, chain, no_store)
    assert len(opened) == times


@pytest.mark.parametrize("data", [WHOLE + b"password=p\r\r\n", WHOLE + b"host=evil.example\n", WHOLE + b"junk\n"])
def test_a_message_that_cannot_be_trusted_is_refused_with_a_word(store: CredentialFile, data: bytes) -> None:
    with pytest.raises(StoreError, match="cannot store"):
        keep(store, data)
    assert store.accounts() == []


def erased(stores: list[Store], data: bytes) -> None:
    answer.erase(io.BytesIO(data), lambda: stores)


@pytest.mark.parametrize(
    ("data", "left"),
    [
        (ASK, [b"bob-elsewhere"]),
        (ASK + b"username=alice\n", [b"bob", b"bob-elsewhere"]),
        (WHOLE, [b"bob", b"bob-elsewhere"]),
        (ASK + b"username=alice\npassword=newer\n", [b"alice", b"bob", b"bob-elsewhere"]),
        (ASK + b"path=a\n", [b"alice", b"bob", b"bob-elsewhere"]),
        (b"protocol=https\n", [b"alice", b"bob", b"bob-elsewhere"]),
        (b"host=good.example\n", [b"alice", b"bob", b"bob-elsewhere"]),
        (b"protocol=https\nhost=\n", [b"alice", b"bob", b"bob-elsewhere"]),
        (b"\n", [b"alice", b"bob", b"bob-elsewhere"]),
        (ASK + b"host=evil.example\n", [b"alice", b"bob", b"bob-elsewhere"]),
    ],
)
def test_erasing_takes_what_matches_and_nothing_else(store: CredentialFile, data: bytes, left: list[bytes]) -> None:
    for host, user in ((b"other.example", b"bob-elsewhere"), (b"good.example", b"bob"), (b"good.example", b"alice")):
        store.store(Account(b"https", host, None, Credential(user, Secret(b"p"))))
    erased([store], data)
    assert sorted(one.username or b"" for one in store.accounts()) == left


class BrokenStore(CredentialFile):
    """A store that is locked."""

    def erase(self, wanted: Description, refused: Credential) -> int:
        raise StoreError("is locked")


def test_a_broken_store_does_not_keep_the_next_one_from_forgetting(store: CredentialFile) -> None:
    keep(store, WHOLE)
    with pytest.raises(StoreError, match="is locked"):
        erased([BrokenStore("x", lambda: files, unexpected), store], WHOLE)
    assert store.accounts() == []
