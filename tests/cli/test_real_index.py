"""A real index, pypiserver, with a password: what we ask it and what it says."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.commands import CANARY, leaks, resolved, run

SECONDS = 60
# passlib 1.7.4, which reads its htpasswd, fails with bcrypt 5 and can do without.
_START = "import sys; sys.modules['bcrypt'] = None; from pypiserver.__main__ import main; main(sys.argv[1:])"
WHEEL = "demo_pkg-1.0-py3-none-any.whl"


@pytest.fixture(scope="module")
def netloc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where pypiserver serves a wheel to `u` alone."""
    if importlib.util.find_spec("pypiserver") is None:
        pytest.skip("'pypiserver' is not installed")
    folder = tmp_path_factory.mktemp("pypiserver")
    (folder / "packages").mkdir()
    with zipfile.ZipFile(folder / "packages" / WHEEL, "w") as archive:
        archive.writestr("demo_pkg-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: demo-pkg\nVersion: 1.0\n")
    digest = base64.b64encode(hashlib.sha1(CANARY.encode()).digest()).decode()  # noqa: S324 (a form of htpasswd)
    (folder / "htpasswd").write_text(f"u:{{SHA}}{digest}\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["run", "-i", "127.0.0.1", "-p", str(port), "-P", "htpasswd", "-a", "list,download,update", "packages"]
    command = [sys.executable, "-W", "ignore", "-c", _START, *words, "--disable-fallback"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=folder, stdin=quiet, stdout=quiet, stderr=quiet) as process:
        try:
            _wait_for(process, f"http://127.0.0.1:{port}/health")
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for(process: subprocess.Popen[bytes], url: str) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(url, timeout=SECONDS):  # noqa: S310 (http on loopback)
            return
        time.sleep(0.05)
    pytest.fail("pypiserver does not answer")


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
