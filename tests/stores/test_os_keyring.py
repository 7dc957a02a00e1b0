"""The keyring store when keyrings misbehave: it ends in time, says what is wrong and shows no secret."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from git_helper.core.credential import Credential
from git_helper.errors import GitHelperError, StoreError, Timeout
from git_helper.stores.keyring_shelf import INDEX
from git_helper.stores.os_keyring import OsKeyring, answering, works
from git_helper.system import files
from tests.contracts.memory_keyring import ROOM, FileKeyring, FullKeyring, MemoryKeyring
from tests.contracts.openers import SECRET_SERVICE, folder, keyring
from tests.contracts.store_contract import asked, basic, everything, fields, users
from tests.servers.secret_service import quick_folder, running
from tests.support import ROOT

HIDDEN = "hunter2"
ITEM = "git-helper:https://good.example"
OPERATIONS: dict[str, Callable[[OsKeyring], object]] = {
    "find": lambda store: list(store.find(asked())),
    "accounts": lambda store: store.accounts(),
    "store": lambda store: store.store(basic(b"alice", HIDDEN.encode())),
    "erase": lambda store: store.erase(asked(), Credential()),
}


@pytest.fixture(autouse=True)
def empty() -> None:
    """Forgets what the test before has kept."""
    MemoryKeyring.values.clear()


def stored() -> dict[str, str]:
    """The items of the back ends in memory, by service name."""
    return {service: value for (service, _), value in MemoryKeyring.values.items()}


# Layout


def test_one_item_holds_the_accounts_of_a_protocol_host_and_path() -> None:
    store = keyring("MemoryKeyring")
    for account in (basic(b"alice"), basic(b"bob"), basic(b"alice", path=b"team/a"), basic(b"bob", path=b"team/a")):
        store.store(account)
    assert sorted(stored()) == [ITEM, f"{ITEM}/team/a", INDEX]
    assert {username for _, username in MemoryKeyring.values} == {"accounts"}
    assert "secret" not in stored()[INDEX]


def test_names_are_printable_and_different_for_different_scopes() -> None:
    store = keyring("MemoryKeyring")
    odd = [b"\xff\n"[:1], b"a b", b"a%20b", b"x/y", b"x", b"", b"[red]", "ü".encode()]
    for value in odd:
        store.store(basic(b"alice", path=value))
        store.store(basic(b"alice", host=value + b".example"))
    assert len(stored()) == 2 * len(odd) + 1
    assert all(name.isascii() and name.isprintable() and " " not in name for name in stored())


def test_what_is_there_is_not_written_again() -> None:
    keyring("FileKeyring").store(basic(b"alice"))
    before = FileKeyring.path().stat()
    keyring("FileKeyring").store(basic(b"alice"))
    assert FileKeyring.path().stat().st_ino == before.st_ino


def test_reading_and_vain_erasing_make_no_lock_file() -> None:
    store = keyring("MemoryKeyring")
    assert list(store.find(asked())) == []
    assert store.erase(asked(), Credential()) == 0
    assert not folder().exists()


def test_only_what_is_needed_is_read() -> None:
    keyring("MemoryKeyring").store(basic(b"alice"))
    MemoryKeyring.values[INDEX, "accounts"] = "damaged"
    assert next(keyring("MemoryKeyring").find(asked())).username == b"alice"


# Damage


def test_a_damaged_item_is_named_and_left_alone() -> None:
    store = keyring("MemoryKeyring")
    store.store(basic(b"alice"))
    store.store(basic(b"bob", host=b"other.example"))
    MemoryKeyring.values[ITEM, "accounts"] = f"protocol=https\npassword={HIDDEN}"
    for operation in OPERATIONS.values():
        with pytest.raises(StoreError, match=ITEM) as failed:
            operation(store)
        assert HIDDEN not in "".join(traceback.format_exception(failed.value))
    assert stored()[ITEM] == f"protocol=https\npassword={HIDDEN}"
    assert users(store, asked(b"other.example")) == [b"bob"]


@pytest.mark.parametrize("damage", ["parts:a:1:00", "base64:?", "not ours\n\nprotocol=https\nhost=good.example\n"])
def test_a_damaged_index_is_reported_and_built_anew(damage: str) -> None:
    reports: list[GitHelperError] = []
    store = keyring("MemoryKeyring", lambda _, error: reports.append(error))
    store.store(basic(b"alice"))
    MemoryKeyring.values[INDEX, "accounts"] = damage
    store.store(basic(b"bob"))
    assert everything(store) == fields(basic(b"alice"), basic(b"bob"))
    assert INDEX in reports[0].message


# Failing back ends


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_a_hanging_keyring_ends_in_time(operation: Callable[[OsKeyring], object]) -> None:
    store = keyring("HangingKeyring", seconds=0.2)
    begin = time.monotonic()
    with pytest.raises(Timeout) as late:
        operation(store)
    assert 0.2 <= time.monotonic() - begin < 10
    assert late.value.hint is not None
    assert "0.2 s" in late.value.message
    assert "configure --store file" in late.value.hint


def test_once_late_nobody_waits_again() -> None:
    store = keyring("HangingKeyring", seconds=1)
    with pytest.raises(Timeout):
        store.accounts()
    begin = time.monotonic()
    for _ in range(5):
        with pytest.raises(Timeout):
            store.accounts()
    assert time.monotonic() - begin < 1


def test_an_interpreter_with_a_stuck_keyring_ends() -> None:
    program = (
        "from tests.contracts.openers import keyring\n"
        "from git_helper.errors import Timeout\n"
        "try: keyring('HangingKeyring', seconds=0.2).accounts()\n"
        "except Timeout: print('late')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"late\n", b"")


def test_a_lock_that_is_held_is_named() -> None:
    with files.locked(str(folder() / "keyring")), pytest.raises(Timeout, match="another process holds it"):
        keyring("MemoryKeyring", seconds=0.5).store(basic(b"alice"))
    assert stored() == {}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_a_locked_keyring_is_said_to_be_locked(operation: Callable[[OsKeyring], object]) -> None:
    with pytest.raises(StoreError, match="it is locked") as locked:
        operation(keyring("LockedKeyring"))
    assert locked.value.hint is not None
    assert "unlock" in locked.value.hint


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_without_a_keyring_there_is_a_way_out(operation: Callable[[OsKeyring], object]) -> None:
    with pytest.raises(StoreError, match="none can be reached") as missing:
        operation(keyring("keyring.backends.fail.Keyring"))
    assert missing.value.hint is not None
    assert "git-helper configure --store file" in missing.value.hint


def test_the_words_of_a_back_end_are_not_passed_on() -> None:
    with pytest.raises(StoreError, match="PasswordSetError") as refused:
        keyring("TalkativeKeyring").store(basic(b"alice", HIDDEN.encode()))
    assert HIDDEN not in "".join(traceback.format_exception(refused.value))
    assert refused.value.__context__ is None


# keyring 25.7 leaves its connection open when the collection stays locked.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_a_real_keyring_that_is_locked_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="gh-", dir=quick_folder()) as place, running(Path(place)) as service:
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", SECRET_SERVICE)
        keyring(SECRET_SERVICE).store(basic(b"alice"))
        assert works() == SECRET_SERVICE
        service.lock()
        for operation in OPERATIONS.values():
            with pytest.raises(StoreError, match="it is locked"):
                operation(keyring(SECRET_SERVICE, seconds=10))
        assert works() is None
    gc.collect()  # those connections, while that warning is ignored


@pytest.mark.parametrize("left", [0, 1, 2, 3])
def test_a_full_keyring_leaves_all_as_it_was(left: int) -> None:
    FullKeyring.left = 1000
    store = keyring("FullKeyring")
    store.store(basic(b"alice"))
    FullKeyring.left = left
    for new in (basic(b"bob"), basic(b"bob", path=b"a"), basic(b"bob", host=b"other.example")):
        before = everything(store)
        try:
            store.store(new)
        except StoreError:
            assert everything(store) == before
            assert list(store.find(asked(new.host, new.path, b"bob"))) == []
        else:
            assert everything(store) == sorted([*before, new.pairs()])


def test_a_real_keyring_that_is_gone_does_not_hang(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={home}/nothing")
    with pytest.raises(StoreError, match="none can be reached"):
        keyring(SECRET_SERVICE).accounts()


# Choice


def chosen(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As a person who set the variable."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name if "." in name else f"{ROOM}.{name}")


@pytest.mark.parametrize("name", ["MemoryKeyring", "FileKeyring", "WinVaultKeyring"])
def test_a_back_end_that_answers_is_named_and_left_empty(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    chosen(monkeypatch, name)
    assert works() == f"{ROOM}.{name}"
    assert stored() == {}
    assert name == "MemoryKeyring" or json.loads(FileKeyring.path().read_bytes()) == {}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("keyring.backends.fail.Keyring", "none can be reached"),
        ("keyring.backends.null.Keyring", "does not give back"),
        ("FirstLineKeyring", "does not give back"),
        ("StickyKeyring", "does not give back"),
        ("LockedKeyring", "it is locked"),
        ("TalkativeKeyring", "PasswordSetError"),
        ("UnloadableKeyring", "cannot load"),
        ("MissingKeyring", "cannot load"),
        ("no.such.module.Keyring", "cannot load"),
        ("nonsense", "cannot load"),
    ],
)
def test_a_back_end_that_does_not_answer_is_not_chosen(monkeypatch: pytest.MonkeyPatch, name: str, reason: str) -> None:
    chosen(monkeypatch, name)
    assert works() is None
    with pytest.raises(StoreError, match=reason):
        answering()


def test_a_hanging_back_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen(monkeypatch, "HangingKeyring")
    begin = time.monotonic()
    assert works(0.2) is None
    assert time.monotonic() - begin < 10


def found_by_keyring(*modules: str) -> str:
    """What `works` says in a process of its own where these modules are imported."""
    lines = [
        *(f"import {module}" for module in modules),
        "from git_helper.stores.os_keyring import works",
        "print(works())",
    ]
    command = [sys.executable, "-c", "\n".join(lines)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=True, text=True).stdout.strip()


def test_without_a_recommended_back_end_there_is_none() -> None:
    assert found_by_keyring() == "None"


def test_of_many_back_ends_only_a_recommended_one_is_chosen() -> None:
    # memory_keyring.py has back ends of low priority and one recommended; keyring itself would chain them all.
    assert found_by_keyring(ROOM) == f"{ROOM}.RecommendedKeyring"


def test_the_variable_wins_over_the_recorded_back_end(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen(monkeypatch, "MemoryKeyring")
    keyring("keyring.backends.fail.Keyring").store(basic(b"alice"))
    assert ITEM in stored()


def test_a_recorded_back_end_is_taken_without_a_search() -> None:
    program = (
        "import sys\n"
        "from tests.contracts.openers import keyring\n"
        "keyring('MemoryKeyring').accounts()\n"
        "print(sorted(name for name in sys.modules if name.startswith('keyring.backends.')))\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=True, text=True)
    assert done.stdout == "['keyring.backends.fail']\n"  # which keyring itself always imports


def test_a_recorded_back_end_that_was_uninstalled_is_looked_for_anew() -> None:
    with pytest.raises(StoreError, match="OS keyring") as failed:
        keyring("gone.since.Keyring").store(basic(b"alice"))
    assert "gone.since" not in failed.value.message
