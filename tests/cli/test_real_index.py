"""A real index, pypiserver, with a password: what we ask it and what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import CANARY, leaks, resolved, run
from tests.servers.packages import wheel
from tests.servers.pypi_server import pypi_server

WHEEL, CONTENT = wheel("demo_pkg", "1.0", {})


@pytest.fixture(scope="module")
def netloc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where pypiserver serves a wheel to `u` alone."""
    with pypi_server(tmp_path_factory.mktemp("pypiserver"), {WHEEL: CONTENT}, "u", CANARY) as server:
        yield server.netloc


def netrc(home: Path) -> None:
    path = home / ".netrc"
    path.write_text(f'machine 127.0.0.1 login u password "{CANARY}"\n')
    path.chmod(0o600)


def test_without_a_credential_it_says_who_was_asked(netloc: str) -> None:
    done = run("index", f"http://{netloc}/simple/")
    assert (done.returncode, done.stdout) == (3, b"")
    assert b"the server answered 401" in done.stderr


def test_its_projects_files_and_pages(netloc: str, home: Path, tmp_path: Path) -> None:
    netrc(home)
    assert run("index", f"http://{netloc}/simple/").stdout == b"demo-pkg\n"
    done = run("index", f"http://{netloc}/simple/", "--project", "Demo.Pkg", "--json")
    (listing,) = json.loads(done.stdout)
    assert [file["filename"] for file in listing["files"]] == [WHEEL]
    assert listing["credential"] == {"source": "netrc", "username": "u"}
    (file,) = listing["files"]
    assert run("index", "--find-links", f"http://{netloc}/packages/").stdout.startswith(WHEEL.encode())
    (tmp_path / "r.txt").write_text(f"-i http://{netloc}/simple/\ndemo-pkg @ {file['url']}\nother\n")
    found = resolved("-r", tmp_path / "r.txt")
    assert [one.get("status") for one in found] == [200, None, 200]
    assert found[0]["size"] > 100
    assert not leaks(done.stdout + done.stderr, CANARY)
