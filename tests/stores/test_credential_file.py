"""The file store: private, whole, and never at a loss before a damaged file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from git_helper.core.credential import Credential
from git_helper.errors import GitHelperError, StoreError
from tests.contracts.openers import credential_file, folder
from tests.contracts.store_contract import asked, basic, everything, fields, users

HEADER = b"git-helper credentials 1\n\n"
ALICE = b"protocol=https\nhost=good.example\nusername=alice\npassword=secret\n\n"
BOB = b"protocol=https\nhost=good.example\nusername=bob\npassword=secret\n\n"
FOOTER = b"end\n"
DAMAGED = {
    "cut in the second account": (HEADER + ALICE + BOB)[:-20],
    "cut before the end line": HEADER + ALICE + BOB,
    "garbage between": HEADER + ALICE + b"\x00\xffgarbage\n\n" + BOB + FOOTER,
    "an account without a secret": HEADER + ALICE + b"protocol=https\nhost=x.example\n\n" + BOB + FOOTER,
    "a foreign header": b"something else 7\n\n" + ALICE + BOB + FOOTER,
    "nothing of ours": b"https://alice:secret@good.example\n",
    "empty": b"",
}


def kept_aside() -> list[Path]:
    """The copies of damaged files."""
    return sorted(folder().glob("credentials.damaged-*"))


def planted(content: bytes) -> Path:
    """The store's file with that content."""
    folder().mkdir(parents=True, mode=0o700)
    path = folder() / "credentials"
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def test_the_file_is_for_its_owner_only() -> None:
    old = os.umask(0)
    try:
        credential_file().store(basic(b"alice"))
    finally:
        os.umask(old)
    assert stat.S_IMODE(folder().stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder().iterdir()} == {0o600}


def test_a_wide_open_file_is_closed_when_it_is_written() -> None:
    path = planted(HEADER + ALICE + FOOTER)
    path.chmod(0o666)
    credential_file().store(basic(b"bob"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_reading_makes_no_folder_or_file() -> None:
    store = credential_file()
    assert list(store.find(asked())) == []
    assert store.erase(asked(), Credential()) == 0
    assert not folder().exists()


def test_nothing_is_left_beside_the_file() -> None:
    credential_file().store(basic(b"alice"))
    credential_file().erase(asked(), Credential())
    assert sorted(path.name for path in folder().iterdir()) == ["credentials", "credentials.lock"]


def test_storing_what_is_there_leaves_the_file_alone() -> None:
    path = planted(HEADER + ALICE + BOB + FOOTER)
    before = path.stat()
    credential_file().store(basic(b"alice"))
    assert path.stat().st_ino == before.st_ino
    credential_file().store(basic(b"bob"))
    assert path.read_bytes() == HEADER + BOB + ALICE + FOOTER


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    real = tmp_path / "elsewhere" / "real"
    folder().mkdir(parents=True)
    (folder() / "credentials").symlink_to(real)
    credential_file().store(basic(b"alice"))
    credential_file().store(basic(b"bob"))
    assert (folder() / "credentials").is_symlink()
    assert real.read_bytes() == HEADER + BOB + ALICE + FOOTER
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_kept_aside_and_its_readable_accounts_saved(content: bytes) -> None:
    path = planted(content)
    reports: list[GitHelperError] = []
    store = credential_file(lambda _, error: reports.append(error))
    store.store(basic(b"carol"))
    expected = [basic(b"carol")]
    expected += [basic(b"alice")] if ALICE in content else []
    expected += [basic(b"bob")] if BOB in content else []
    assert everything(store) == fields(*expected)
    assert users(store, asked()) == [account.username for account in expected]
    assert [copy.read_bytes() for copy in kept_aside()] == [content]
    assert stat.S_IMODE(kept_aside()[0].stat().st_mode) == 0o600
    assert len(reports) == 1
    assert str(kept_aside()[0]) in reports[0].message
    assert "secret" not in f"{reports[0].message} {reports[0].hint}"
    assert path.read_bytes().startswith(HEADER)


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_reading_a_damaged_file_is_an_error_and_changes_nothing(content: bytes) -> None:
    path = planted(content)
    with pytest.raises(StoreError) as refused:
        credential_file().accounts()
    assert str(path) in refused.value.message
    assert "secret" not in f"{refused.value.message} {refused.value.hint}"
    assert path.read_bytes() == content
    assert kept_aside() == []


def test_a_foreign_file_never_answers() -> None:
    planted(b"[url]\n" + ALICE + FOOTER)
    with pytest.raises(StoreError):
        users(credential_file(), asked())


def test_erasing_in_a_damaged_file_saves_the_others() -> None:
    planted(DAMAGED["garbage between"])
    reports: list[GitHelperError] = []
    store = credential_file(lambda _, error: reports.append(error))
    assert store.erase(asked(user=b"alice"), Credential()) == 1
    assert everything(store) == fields(basic(b"bob"))
    assert len(reports) == len(kept_aside()) == 1


def test_a_folder_in_place_of_the_file_is_an_error() -> None:
    (folder() / "credentials").mkdir(parents=True)
    for operation in (
        lambda: list(credential_file().find(asked())),
        lambda: credential_file().accounts(),
        lambda: credential_file().store(basic(b"alice")),
        lambda: credential_file().erase(asked(), Credential()),
    ):
        with pytest.raises(StoreError, match="credentials'"):
            operation()


def test_a_file_in_place_of_the_folder_is_an_error() -> None:
    folder().parent.mkdir(parents=True)
    folder().write_bytes(b"")
    with pytest.raises(StoreError, match="git-helper"):
        credential_file().store(basic(b"alice"))
    assert folder().read_bytes() == b""
