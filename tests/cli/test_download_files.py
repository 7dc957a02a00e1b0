"""`download` of what is not Git, through the real executable and a private index."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import CANARY, demo_files, download, leaks, run
from tests.pseudo_terminal import ENTER, PseudoTerminal
from tests.registry.file_server import FileServer, sha256
from tests.servers.git_http import GitHttpServer
from tests.servers.http_message import Request, Response
from tests.servers.repositories import make_repository
from tests.support import BIN

WHEEL, SOURCE = b"wheel" * 1000, b"source"
PAGE = f'<a href="/files/pkg-1.0-py3-none-any.whl#sha256={sha256(WHEEL)}">1</a><a href="/files/old-0.1.tar.gz">2</a>'


class PrivateIndex(FileServer):
    """Lets in `u` with the canary; hides itself from all others behind 401."""

    def answer(self, request: Request) -> Response:
        if request.user_password != f"u:{CANARY}":
            return Response(401, {"WWW-Authenticate": 'Basic realm="index"'}, b"")
        return super().answer(request)


@pytest.fixture
def index() -> Iterator[PrivateIndex]:
    page = PAGE.encode()
    content = {"/simple/pkg/": page, "/simple/old/": page}
    content |= {"/files/pkg-1.0-py3-none-any.whl": WHEEL, "/files/old-0.1.tar.gz": SOURCE}
    with PrivateIndex(content) as server:
        server.headers = {"Content-Type": "text/html"}
        yield server


@pytest.fixture
def netrc(home: Path) -> None:
    (home / ".netrc").write_text(f'machine 127.0.0.1 login u password "{CANARY}"\n')
    (home / ".netrc").chmod(0o600)


def test_pins_urls_and_git_together(index: PrivateIndex, netrc: None, tmp_path: Path) -> None:
    make_repository(tmp_path / "root/demo.git", 2, demo_files())
    with GitHttpServer(tmp_path / "root") as server:
        lines = [
            f"--index-url {index.url}/simple/",
            f"pkg==1.0 --hash=sha256:{sha256(WHEEL)}",
            f"old @ {index.url}/files/old-0.1.tar.gz",
            f"demo @ git+{server.url}/demo.git",
            "loose>=1",
            "elsewhere==1.0 ; python_version < '3'",
        ]
        (tmp_path / "r.txt").write_text("\n".join(lines))
        done = run("download", "-d", tmp_path / "out", "-r", tmp_path / "r.txt")
    assert done.returncode == 0, done.stderr.decode()
    wheel, source, tree = [Path(line) for line in done.stdout.decode().splitlines()]
    assert (wheel.name, wheel.read_bytes()) == ("pkg-1.0-py3-none-any.whl", WHEEL)
    assert (source.name, source.read_bytes()) == ("old-0.1.tar.gz", SOURCE)
    assert (tree / "greeting.py").is_file()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted([wheel.name, source.name, tree.name])
    said = done.stderr.decode()
    assert "left to the installer: 'loose>=1'" in said
    assert "skipped 'elsewhere==1.0'" in said
    assert [status for _, status in index.exchanges].count(401) == 1


def test_a_second_run_needs_no_server_for_the_file(index: PrivateIndex, netrc: None, tmp_path: Path) -> None:
    words = ["--index-url", f"{index.url}/simple/", "pkg==1.0"]
    download(*words, into=tmp_path / "one")
    index.forget()
    (path,) = download(*words, into=tmp_path / "two")
    assert path.read_bytes() == WHEEL
    assert {request.path for request in index.requests} == {"/simple/pkg/"}
    url = f"pkg @ {index.url}/files/pkg-1.0-py3-none-any.whl#sha256={sha256(WHEEL)}"
    (path,) = download("--offline", url, into=tmp_path / "three")
    assert path.read_bytes() == WHEEL


def test_the_json(index: PrivateIndex, netrc: None, tmp_path: Path) -> None:
    words = ["--index-url", f"{index.url}/simple/", "pkg==1.0", f"x @ {index.url}/files/none.whl", "old==7"]
    done = run("download", "--json", "-d", tmp_path / "out", *words)
    assert done.returncode == 6
    wheel, missing, unlisted = json.loads(done.stdout)
    assert wheel["path"] == str(tmp_path / "out/pkg-1.0-py3-none-any.whl")
    assert (wheel["name"], wheel["kind"], wheel["size"], wheel["cached"]) == ("pkg", "name", len(WHEEL), False)
    assert wheel["hashes"] == {"sha256": sha256(WHEEL)}
    assert wheel["credential"] == {"source": "netrc", "username": "u"}
    assert (missing["path"], missing["error"]) == (None, "download-failed")
    assert "none of 2 listed files fits" in unlisted["message"]
    assert CANARY not in done.stdout.decode() + done.stderr.decode()


def test_wrong_bytes_end_with_4_and_leave_nothing(index: PrivateIndex, netrc: None, tmp_path: Path) -> None:
    index.files["/files/pkg-1.0-py3-none-any.whl"] = SOURCE
    done = run("download", "-d", tmp_path / "out", "--index-url", f"{index.url}/simple/", "pkg==1.0")
    assert done.returncode == 4
    assert "its digest is sha256:" in done.stderr.decode()
    assert not (tmp_path / "out").exists()


def test_nobody_knows_a_credential(index: PrivateIndex, tmp_path: Path) -> None:
    words = ["--no-input", "--index-url", f"{index.url}/simple/"]
    done = run("download", "-d", tmp_path / "out", *words, "pkg==1.0", f"x @ {index.url}/files/old-0.1.tar.gz")
    assert done.returncode == 3
    assert f"git-helper login {index.url}" in done.stderr.decode()


def test_the_person_is_asked_once_for_everything(index: PrivateIndex, home: Path, tmp_path: Path) -> None:
    words = ["-d", str(tmp_path / "out"), "--index-url", f"{index.url}/simple/"]
    words += ["pkg==1.0", f"old @ {index.url}/files/old-0.1.tar.gz"]
    env = {"GIT_HELPER_STORE": "file"}
    with PseudoTerminal([BIN / "git-helper", "download", *words], env=env, stdout=tmp_path / "stdout") as terminal:
        terminal.expect("User name for ")
        terminal.send(b"u\r")
        terminal.expect("Token for ")
        terminal.send(CANARY.encode() + ENTER)
        assert terminal.wait() == 0
        assert not leaks(terminal.shown, CANARY)
        assert terminal.shown.count(b"Token for ") == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["old-0.1.tar.gz", "pkg-1.0-py3-none-any.whl"]
