"""Many at once, and kill -9: nothing that was stored is lost."""

from __future__ import annotations

import os
import random
import subprocess
import time
from pathlib import Path

import pytest

from git_helper.core import record
from git_helper.core.credential import Account, Credential
from git_helper.errors import GitHelperError
from git_helper.secret import Secret
from git_helper.stores.credential_file import FOOTER, HEADER, CredentialFile
from git_helper.system import files
from tests.support import BIN, run_helper

PROCESSES = 16
KILLS = 20
HOST = b"protocol=https\nhost=good.example\n"


def unexpected(source: str, error: GitHelperError) -> None:
    raise AssertionError(f"{source}: {error}")


@pytest.fixture
def store(home: Path) -> CredentialFile:
    """The store of the executable, read directly: every read fails on a damaged file."""
    return CredentialFile(str(home / ".local/share/git-helper/credentials"), lambda: files, unexpected)


def start(operation: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [BIN / "git-credential-git-helper", "--store", "file", operation],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def login(user: int, password: str = "p") -> bytes:
    return HOST + f"username=user-{user}\npassword={password}-{user}\n".encode()


def all_at_once(work: list[tuple[str, bytes]]) -> list[bytes]:
    """Starts every helper, gives all their input once all are there, and returns their answers."""
    helpers = [start(operation) for operation, _ in work]
    for helper, (_, text) in zip(helpers, work, strict=True):
        assert helper.stdin is not None
        helper.stdin.write(text + b"\n")
        helper.stdin.flush()
    answers = []
    for helper in helpers:
        stdout, stderr = helper.communicate(timeout=60)
        assert (helper.returncode, stderr) == (0, b"")
        answers.append(stdout)
    return answers


def users(store: CredentialFile) -> set[bytes]:
    return {account.username or b"" for account in store.accounts()}


def test_stores_of_many_processes_are_all_kept(store: CredentialFile) -> None:
    all_at_once([("store", login(number)) for number in range(PROCESSES)])
    assert users(store) == {b"user-%d" % number for number in range(PROCESSES)}
    assert all(
        account.credential.password == Secret((account.username or b"").replace(b"user", b"p"))
        for account in store.accounts()
    )


def test_storing_erasing_and_getting_at_once_disturb_nobody(store: CredentialFile) -> None:
    all_at_once([("store", login(number)) for number in range(8)])
    work = [
        *(("erase", login(number)) for number in range(4)),
        *(("store", login(number)) for number in range(8, 12)),
        *(("get", HOST + b"username=user-%d\n" % number) for number in range(4, 8)),
    ]
    answers = all_at_once(work)
    assert users(store) == {b"user-%d" % number for number in range(4, 12)}
    assert answers[8:] == [b"username=user-%d\npassword=p-%d\n" % (number, number) for number in range(4, 8)]


def test_the_same_account_from_many_ends_as_one_of_them(store: CredentialFile) -> None:
    all_at_once([("store", HOST + b"username=alice\npassword=%d\n" % number) for number in range(PROCESSES)])
    (account,) = store.accounts()
    assert account.credential.password in {Secret(b"%d" % number) for number in range(PROCESSES)}


def test_kill_9_loses_nothing_and_blocks_nobody(store: CredentialFile, home: Path) -> None:
    """A large store, so that writing it takes a while; the moments are spread over the whole run of the helper."""
    credential = Credential(b"a", Secret(b"p" * 500))
    accounts = [Account(b"https", b"h%d.example" % number, None, credential) for number in range(2000)]
    files.replace(store.path, HEADER + record.dump(accounts) + FOOTER)
    before = {account.key() for account in store.accounts()}
    began = time.monotonic()
    assert run_helper("--store", "file", "store", stdin=login(0)).returncode == 0
    lasts = time.monotonic() - began
    moments = random.Random(7)
    killed = 0
    for number in range(1, KILLS + 1):
        with start("store") as helper:
            assert helper.stdin is not None
            helper.stdin.write(login(number) + b"\n")
            helper.stdin.flush()
            time.sleep(moments.uniform(lasts * 0.3, lasts * 1.1))
            killed += helper.poll() is None
            helper.kill()
        keys = {account.key() for account in store.accounts()}
        assert before <= keys, "what was there is there"
        assert {key[3] for key in keys - before} <= {b"user-%d" % one for one in range(number + 1)}
    assert killed > 0, "no helper was killed while it ran"
    assert run_helper("--store", "file", "store", stdin=login(99)).returncode == 0
    assert b"user-99" in users(store)
    assert before <= {account.key() for account in store.accounts()}


def test_a_lock_that_a_dead_process_left_is_no_lock(store: CredentialFile, home: Path) -> None:
    run_helper("--store", "file", "store", stdin=login(1))
    lock = Path(store.path + ".lock")
    assert lock.exists()
    lock.write_bytes(b"%d" % (os.getpid() + 1))
    began = time.monotonic()
    assert run_helper("--store", "file", "store", stdin=login(2)).returncode == 0
    assert time.monotonic() - began < 9
    assert users(store) == {b"user-1", b"user-2"}


def test_a_damaged_store_is_said_kept_aside_and_mended(store: CredentialFile, home: Path) -> None:
    run_helper("--store", "file", "store", stdin=login(1))
    run_helper("--store", "file", "store", stdin=login(2))
    path = Path(store.path)
    damaged = path.read_bytes()[:-20]
    path.write_bytes(damaged)
    got = run_helper("get", stdin=HOST)
    assert (got.returncode, got.stdout) == (0, b"")
    assert b"it is damaged" in got.stderr
    done = run_helper("--store", "file", "store", stdin=login(3))
    assert done.returncode == 0
    assert b"p-2" not in done.stderr
    (aside,) = path.parent.glob("credentials.damaged-*")
    assert aside.read_bytes() == damaged
    assert aside.stat().st_mode & 0o777 == 0o600
    assert {b"user-3", b"user-2"} <= users(store)
