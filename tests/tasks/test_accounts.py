"""`list` and `logout`: what the stores hold, and forgetting it."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_helper.core.credential import Account, Credential, Description
from git_helper.errors import GitHelperError, NotFound, UsageError
from git_helper.secret import Secret
from git_helper.stores.credential_file import CredentialFile
from git_helper.system import files
from git_helper.tasks.accounts import forget, kept

HOST = Description(b"https", b"good.example")


def unexpected(source: str, error: GitHelperError) -> None:
    raise AssertionError(f"{source}: {error}")


@pytest.fixture
def stores(tmp_path: Path) -> list[CredentialFile]:
    made = [CredentialFile(str(tmp_path / name), lambda: files, unexpected) for name in ("first", "second")]
    for store, host, user, path in (
        (0, b"good.example", b"bob", None),
        (1, b"good.example", b"alice", None),
        (1, b"good.example", b"alice", b"x"),
        (0, b"other.example", b"carol", None),
    ):
        made[store].store(Account(b"https", host, path, Credential(user, Secret(b"p"))))
    return made


def shown(stores: list[CredentialFile]) -> list[tuple[str, bytes | None]]:
    return [(one.account.url(), one.account.username) for one in kept(stores, unexpected)]


def test_every_account_of_every_store_is_listed_in_order(stores: list[CredentialFile]) -> None:
    assert shown(stores) == [
        ("https://good.example", b"alice"),
        ("https://good.example", b"bob"),
        ("https://good.example/x", b"alice"),
        ("https://other.example", b"carol"),
    ]
    assert {(one.store, one.protection) for one in kept(stores, unexpected)} == {("file", "plain text")}


def test_one_user_is_forgotten_everywhere(stores: list[CredentialFile]) -> None:
    assert len(forget(stores, HOST.narrowed(b"alice"), unexpected, everyone=False)) == 2
    assert shown(stores) == [("https://good.example", b"bob"), ("https://other.example", b"carol")]


def test_several_users_only_if_all_are_meant(stores: list[CredentialFile]) -> None:
    with pytest.raises(UsageError, match="alice, bob") as refused:
        forget(stores, HOST, unexpected, everyone=False)
    assert "--username alice" in (refused.value.hint or "")
    assert len(shown(stores)) == 4
    assert len(forget(stores, HOST, unexpected, everyone=True)) == 3
    assert shown(stores) == [("https://other.example", b"carol")]


def test_one_path_is_forgotten_alone(stores: list[CredentialFile]) -> None:
    assert len(forget(stores, Description(b"https", b"good.example", b"x"), unexpected, everyone=False)) == 1
    assert len(shown(stores)) == 3


@pytest.mark.parametrize("host", [b"evil.example", b"x.good.example", b"good.example:8443"])
def test_nothing_to_forget_is_said(stores: list[CredentialFile], host: bytes) -> None:
    with pytest.raises(NotFound, match=host.decode()):
        forget(stores, Description(b"https", host), unexpected, everyone=True)
    assert len(shown(stores)) == 4


@pytest.mark.parametrize("host", [b"good.example:443", b"Good.Example"])
def test_it_is_the_origin_that_counts(stores: list[CredentialFile], host: bytes) -> None:
    assert len(forget(stores, Description(b"https", host), unexpected, everyone=True)) == 3


def test_a_broken_store_hides_no_other(stores: list[CredentialFile]) -> None:
    Path(stores[0].path).write_bytes(b"damaged")
    said: list[str] = []
    found = kept(stores, lambda source, error: said.append(error.message))
    assert [one.account.username for one in found] == [b"alice", b"alice"]
    assert len(said) == 1 and "is damaged" in said[0]
