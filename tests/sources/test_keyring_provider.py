"""The keyring of pip and uv: the program and the library, under which names they are asked, and when they misbehave."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.core import load_keyring

from git_helper.core.credential import Description
from git_helper.core.indexes import Wanted
from git_helper.errors import StoreError, Timeout
from git_helper.secret import Secret
from git_helper.sources.keyring_provider import KeyringProgram, KeyringProvider
from git_helper.stores.keyring_library import KeyringLibrary
from git_helper.system.environment import environment
from tests.commands import CANARY, on_path, program
from tests.contracts.memory_keyring import ROOM, MemoryKeyring


class Entries:
    """A keyring that counts."""

    def __init__(self, entries: dict[str, str], failure: StoreError | None = None) -> None:
        self.entries = entries
        self.failure = failure
        self.calls: list[tuple[str, bytes | None]] = []

    def get(self, service: str, username: bytes | None) -> tuple[bytes, Secret] | None:
        self.calls.append((service, username))
        if self.failure is not None:
            raise self.failure
        password = self.entries.get(service)
        return None if password is None else (username or b"anyone", Secret(password.encode()))


def wanted(
    service: str | None = "https://good.example/simple/",
    protocol: bytes = b"https",
    host: bytes = b"good.example",
    user: bytes | None = None,
) -> Description:
    return Wanted(protocol, host, b"simple", user, service)


@pytest.mark.parametrize(
    ("given", "services"),
    [
        (wanted(), ["https://good.example/simple/", "good.example"]),
        (wanted(None), ["good.example"]),
        (wanted(None, host=b"good.example:8443"), ["good.example:8443"]),
        (wanted("http://[::1]:1/s", b"http", b"[::1]:1"), ["http://[::1]:1/s", "[::1]:1", "http://[::1]:1"]),
        (Description(b"https", b"good.example"), ["good.example"]),
        (wanted(None, b"http"), []),
        (wanted(None, b"http", b"plain.example"), ["plain.example", "http://plain.example"]),
        (wanted(None, b"ssh"), []),
        (wanted(user=b"ghp_" + b"x" * 36), []),
    ],
)
def test_the_names_it_is_asked_for(given: Description, services: list[str]) -> None:
    entries = Entries({})
    assert list(KeyringProvider(entries, [b"plain.example"]).find(given)) == []
    assert [service for service, _ in entries.calls] == services


def test_the_first_entry_counts_and_nothing_is_asked_twice() -> None:
    entries = Entries({"good.example": "p"})
    provider = KeyringProvider(entries, ())
    for _ in range(2):
        (one,) = provider.find(wanted(user=b"u"))
        assert (one.username, one.password) == (b"u", Secret(b"p"))
    assert entries.calls == [("https://good.example/simple/", b"u"), ("good.example", b"u")]


def test_what_is_broken_says_so_once_and_is_left_alone() -> None:
    entries = Entries({}, Timeout("late"))
    provider = KeyringProvider(entries, ())
    with pytest.raises(Timeout):
        list(provider.find(wanted()))
    assert list(provider.find(wanted(None, host=b"other.example"))) == []
    assert len(entries.calls) == 1


# The program


def script(tmp_path: Path, text: str) -> dict[str, str]:
    program(tmp_path, "keyring", f"#!{sys.executable}\n{text}\n")
    return {**environment(), "PATH": on_path(tmp_path)}


@pytest.mark.parametrize(
    ("said", "user", "entry"),
    [
        ("p\n", b"u", (b"u", b"p")),
        ("p \n", b"u", (b"u", b"p ")),
        ("p\n\n", b"u", (b"u", b"p\n")),
        ("p\r\n", b"u", (b"u", b"p\r")),
        ("p", b"u", (b"u", b"p")),
        ("ü\n", b"u", (b"u", "ü".encode())),
        ("\n", b"u", None),
        ("", b"u", None),
        ("v\np q\n", None, (b"v", b"p q")),
        ("v\n\n", None, None),
        ("v\n", None, None),
        ("v", None, None),
        ("", None, None),
    ],
)
def test_what_it_says_but_for_one_line_end(
    tmp_path: Path, said: str, user: bytes | None, entry: tuple[bytes, bytes] | None
) -> None:
    environ = script(tmp_path, f"import sys; sys.stdout.buffer.write({said.encode()!r})")
    found = KeyringProgram(environ).get("good.example", user)
    assert found == (None if entry is None else (entry[0], Secret(entry[1])))


def test_exit_1_means_that_there_is_none(tmp_path: Path) -> None:
    assert KeyringProgram(script(tmp_path, "raise SystemExit(1)")).get("good.example", b"u") is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("raise SystemExit(2)", "exit code 2"),
        ("import sys; sys.exit('no \\x1b[31m backend https://u:hidden@h/')\nraise SystemExit(2)", ""),
        ("raise RuntimeError('no backend for \\x1b https://u:hidden@h/')", "no backend for %1B https://u:****@h/"),
        ("print('x' * 100000)", "more than"),
    ],
)
def test_a_program_that_fails_is_broken(tmp_path: Path, text: str, says: str) -> None:
    keyring_program = KeyringProgram(script(tmp_path, text))
    if not says:
        assert keyring_program.get("good.example", b"u") is None
        return
    with pytest.raises(StoreError) as caught:
        keyring_program.get("good.example", b"u")
    assert says in caught.value.message
    assert "hidden" not in caught.value.message


def test_a_keyring_that_is_too_old_for_anyones_entry(tmp_path: Path) -> None:
    environ = script(
        tmp_path, "import sys; sys.stderr.write('keyring: error: unrecognized arguments: --mode creds'); sys.exit(2)"
    )
    with pytest.raises(StoreError, match="unrecognized arguments"):
        KeyringProgram(environ).get("good.example", None)


def test_a_program_that_never_answers_ends_in_time(tmp_path: Path) -> None:
    start = time.monotonic()
    with pytest.raises(Timeout, match="keyring"):
        KeyringProgram(script(tmp_path, "import time; time.sleep(60)"), 0.5).get("good.example", b"u")
    assert time.monotonic() - start < 10


def test_no_program(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not on PATH") as caught:
        KeyringProgram({"PATH": str(tmp_path)}).get("good.example", b"u")
    assert "pip install keyring" in (caught.value.hint or "")


def test_a_user_that_looks_like_an_option_is_no_argument(tmp_path: Path) -> None:
    environ = script(tmp_path, f"open({str(tmp_path / 'called')!r}, 'w')")
    with pytest.raises(StoreError, match="looks like an option"):
        KeyringProgram(environ).get("good.example", b"--keyring-path=/tmp")
    assert not (tmp_path / "called").exists()


def test_its_environment_holds_no_secret_of_ours(tmp_path: Path) -> None:
    environ = script(tmp_path, "import os; print('\\n'.join(f'{n}={v}' for n, v in os.environ.items()))")
    names = ("GIT_HELPER_TOKEN_GOOD_EXAMPLE", "GIT_HELPER_INDEX_LAB_PASSWORD", "UV_INDEX_LAB_PASSWORD")
    found = KeyringProgram(environ | dict.fromkeys(names, CANARY)).get("good.example", b"u")
    assert found is not None
    assert CANARY.encode() not in found[1].reveal()
    assert b"GIT_HELPER_CHAIN=1" in found[1].reveal(), "were it us, we would keep silent"


# The library


@pytest.fixture
def chosen() -> Iterator[None]:
    """Whatever a test makes the library's choice, it was another before."""
    before = keyring.get_keyring()
    MemoryKeyring.values.clear()
    yield
    keyring.set_keyring(before)


@pytest.mark.usefixtures("chosen")
def test_the_library_by_user_and_of_anyone() -> None:
    keyring.set_keyring(load_keyring("tests.registry.world.PipKeyring"))
    library = KeyringLibrary()
    assert library.get("good.example", b"u") is None
    assert library.get("good.example", None) is None
    library.set("good.example", "ü".encode(), Secret(b"p "))
    assert library.get("good.example", "ü".encode()) == ("ü".encode(), Secret(b"p "))
    assert library.get("good.example", None) == ("ü".encode(), Secret(b"p "))
    assert keyring.get_password("good.example", "ü") == "p "


@pytest.mark.usefixtures("chosen")
def test_a_library_that_hangs_is_locked_or_talks() -> None:
    keyring.set_keyring(load_keyring(f"{ROOM}.HangingKeyring"))
    with pytest.raises(Timeout):
        KeyringLibrary(0.2).get("good.example", b"u")
    keyring.set_keyring(load_keyring(f"{ROOM}.LockedKeyring"))
    with pytest.raises(StoreError, match="failed with 'KeyringLocked'"):
        KeyringLibrary().get("good.example", b"u")
    keyring.set_keyring(load_keyring(f"{ROOM}.TalkativeKeyring"))
    with pytest.raises(StoreError) as caught:
        KeyringLibrary().set("good.example", b"u", Secret(CANARY.encode()))
    assert CANARY not in f"{caught.value!r} {caught.value.__context__!r} {caught.value.hint}"
