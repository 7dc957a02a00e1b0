"""pypiserver, a package index that other people wrote: HTML pages with hashes, files, and a password for everything."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support import needs

_SECONDS = 30
_LINE = re.compile(r'"(?:GET|HEAD) (\S+) HTTP/[0-9.]+" ([0-9]{3}) ')


@dataclass(frozen=True)
class PypiServer:
    """An index that runs. `netloc`: host:port."""

    netloc: str
    _log: Path

    @property
    def url(self) -> str:
        """Of the index."""
        return f"http://{self.netloc}/simple/"

    def asked(self, count: int = 0) -> list[tuple[str, int]]:
        """Path and status of each request so far; waits for `count` and for a pause: the log comes after the answer."""
        found: list[tuple[str, str]] = []
        for _ in range(100):
            before, found = found, _LINE.findall(self._log.read_text("utf-8", "replace"))
            if len(found) >= count and found == before:
                break
            time.sleep(0.05)
        return [(path, int(status)) for path, status in found]


@contextlib.contextmanager
def pypi_server(folder: Path, files: Mapping[str, bytes], user: str, password: str) -> Iterator[PypiServer]:
    """Serves `files` to `user` only: 401 without a credential, 403 with a wrong one."""
    program = needs("pypi-server")
    packages, accounts, log = folder / "packages", folder / "htpasswd", folder / "pypi-server.log"
    packages.mkdir(parents=True)
    for name, content in files.items():
        (packages / name).write_bytes(content)
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    accounts.write_text(f"{user}:{{SHA}}{base64.b64encode(digest).decode()}\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    words = [
        program,
        "run",
        "-v",
        "-i",
        "127.0.0.1",
        "-p",
        str(port),
        "-P",
        str(accounts),
        "-a",
        "list,download,update",
    ]
    words += ["--server", "wsgiref", "--hash-algo", "sha256", "--disable-fallback", str(packages)]
    with (
        open(log, "wb") as output,
        subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output) as child,
    ):
        try:
            _wait_for(port, child, log)
            yield PypiServer(f"127.0.0.1:{port}", log)
        finally:
            child.terminate()
            try:
                child.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()


def _wait_for(port: int, child: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), _SECONDS):
            return
        assert child.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)
