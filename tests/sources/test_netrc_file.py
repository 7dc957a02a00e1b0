"""The netrc file as a source: opened only when it can answer, broken with its line."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from git_helper.core import netrc
from git_helper.core.credential import Credential, Description
from git_helper.errors import StoreError
from git_helper.secret import Secret
from git_helper.sources.netrc_file import NetrcFile


def never() -> ModuleType:
    raise AssertionError("the parser is loaded for nothing")


def found(path: Path, host: bytes, protocol: bytes = b"https", user: bytes | None = None) -> list[Credential]:
    return list(NetrcFile(str(path), lambda: netrc, [b"plain.example"]).find(Description(protocol, host, None, user)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "netrc"
    file.write_bytes(b"machine Good.Example login alice password p\nmachine ::1 login six password 6\n")
    return file


def test_a_host_in_any_case_with_any_port(path: Path) -> None:
    for host in (b"good.example", b"GOOD.EXAMPLE:8443", b"good.example:443"):
        (one,) = found(path, host)
        assert (one.username, one.password) == (b"alice", Secret(b"p"))
    assert [one.username for one in found(path, b"[::1]:8443")] == [b"six"]


@pytest.mark.parametrize(
    ("protocol", "host", "answers"),
    [
        (b"http", b"good.example", 0),
        (b"smtp", b"good.example", 0),
        (b"https", b"good.example.", 0),
        (b"https", b"x.good.example", 0),
        (b"https", b"alice@good.example", 0),
        (b"http", b"[::1]:8080", 1),
    ],
)
def test_what_is_another_origin_gets_nothing(path: Path, protocol: bytes, host: bytes, answers: int) -> None:
    assert len(found(path, host, protocol)) == answers


def test_plain_http_where_it_is_allowed(tmp_path: Path) -> None:
    file = tmp_path / "netrc"
    file.write_bytes(b"machine plain.example login alice password p")
    assert found(file, b"plain.example", b"http")


def test_the_parser_stays_unloaded_when_the_host_does_not_occur(path: Path) -> None:
    assert not list(NetrcFile(str(path), never, ()).find(Description(b"https", b"other.example")))
    assert not list(NetrcFile(str(path) + ".missing", never, ()).find(Description(b"https", b"good.example")))


def test_a_broken_file_names_itself_and_its_line_but_no_word_of_it(tmp_path: Path) -> None:
    file = tmp_path / "netrc"
    file.write_bytes(b"machine good.example\nlogin alice password half canary\n")
    with pytest.raises(StoreError, match=r"netrc': line 2: ") as broken:
        found(file, b"good.example")
    assert "canary" not in broken.value.message


def test_a_file_that_cannot_be_read_is_broken(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot read"):
        found(tmp_path, b"good.example")


def test_a_file_that_somebody_names_has_to_be_there(tmp_path: Path) -> None:
    source = NetrcFile(str(tmp_path / "missing"), never, (), named=True)
    with pytest.raises(StoreError, match=r"cannot read '.*missing': no such file"):
        list(source.find(Description(b"https", b"good.example")))
    assert list(source.find(Description(b"https", b"good.example"))) == []


def test_a_file_without_end(tmp_path: Path) -> None:
    (tmp_path / "netrc").symlink_to("/dev/zero")
    with pytest.raises(StoreError, match="it is too big"):
        found(tmp_path / "netrc", b"good.example")


def test_a_hint_runs_nothing_but_itself(tmp_path: Path) -> None:
    heard: list[StoreError] = []
    file = tmp_path / "it's;$(touch x)"
    file.write_bytes(b"machine good.example login alice password p")
    file.chmod(0o644)
    source = NetrcFile(str(file), lambda: netrc, (), heard.append)
    assert len(list(source.find(Description(b"https", b"good.example")))) == 1
    assert heard[0].hint is not None
    subprocess.run(["sh", "-c", heard[0].hint], check=True, cwd=tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_broken_file_is_broken_once_and_then_as_good_as_none(tmp_path: Path) -> None:
    file = tmp_path / "netrc"
    file.write_bytes(b"machine good.example garbage")
    source = NetrcFile(str(file), lambda: netrc, ())
    with pytest.raises(StoreError):
        list(source.find(Description(b"https", b"good.example")))
    assert list(source.find(Description(b"https", b"good.example"))) == []


@pytest.mark.parametrize(("mode", "warnings"), [(0o600, 0), (0o640, 0), (0o644, 1), (0o604, 1)])
def test_a_file_that_others_can_read_is_warned_of_once_and_used(path: Path, mode: int, warnings: int) -> None:
    heard: list[StoreError] = []
    path.chmod(mode)
    source = NetrcFile(str(path), lambda: netrc, (), heard.append)
    assert list(source.find(Description(b"https", b"other.example"))) == []
    assert heard == [], "nothing of it is used"
    for _ in range(2):
        assert len(list(source.find(Description(b"https", b"good.example")))) == 1
    assert len(heard) == warnings
    assert all("world-readable" in error.message and error.hint == f"chmod 600 {path}" for error in heard)
