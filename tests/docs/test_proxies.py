"""docs/proxies.md: what it tells people to type is typed here, against proxies that other people wrote."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.surface import blocks
from tests.docs.test_readme import Step, steps
from tests.pseudo_terminal import ENTER, PseudoTerminal
from tests.servers.git_http import GitHttpServer
from tests.servers.real_proxies import RealProxy, microsocks, tinyproxy
from tests.servers.repositories import make_repository
from tests.support import BIN, ROOT

PAGE = (ROOT / "docs/proxies.md").read_text("utf-8")
CONSOLE = [steps(lines) for lines in blocks("console", PAGE)]
PASSWORD = "pr0xy-password"


@dataclass
class Reader:
    """Someone who has the proxies of the page, and a server that stands for git.example.com."""

    server: GitHttpServer
    closed: RealProxy
    open: RealProxy
    socks: RealProxy

    def here(self, text: str) -> str:
        places = {
            "https://git.example.com": f"http://localhost:{self.server.port}",
            "git.example.com": f"localhost:{self.server.port}",
            "proxy.example.com:3128": self.closed.netloc,
            "open.example.com:8080": self.open.netloc,
            "socks.example.com:1080": self.socks.netloc,
            "https_proxy=": "http_proxy=",
        }
        for there, here in places.items():
            text = text.replace(there, here)
        assert "example" not in text
        return text

    def play(self, step: Step) -> None:
        command = self.here(step.command)
        if " login " in command:
            with PseudoTerminal(["sh", "-c", command], env={"TERM": "dumb"}) as terminal:
                terminal.expect("Token for ada@")
                terminal.send(PASSWORD.encode() + ENTER)
                assert terminal.wait() == 0, terminal.shown
            return
        env = {**os.environ, "PASSWORD": PASSWORD}
        done = subprocess.run(["sh", "-c", command], env=env, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr.decode()}"
        assert PASSWORD not in (done.stdout + done.stderr).decode()
        if step.expected:
            pattern = re.escape("\n".join(map(self.here, step.expected))).replace(re.escape("..."), ".*")
            assert re.fullmatch(pattern + "\n", done.stdout.decode(), re.DOTALL), f"{command}: {done.stdout.decode()}"

    def ways(self, block: list[Step]) -> list[str]:
        """The way of each command that reached the server."""
        found: list[str] = []
        for step in block:
            before = {name: self._count(name) for name in ("closed", "open", "socks")}
            self.server.forget()
            self.play(step)
            if self.server.requests:
                used = [name for name, count in before.items() if self._count(name) > count]
                found.append(used[0] if used else "straight")
        return found

    def _count(self, name: str) -> int:
        proxy: RealProxy = getattr(self, name)
        # Both tell of each connection: tinyproxy `CONNECT (file descriptor …`, microsocks `client[4] …: connected to …`.
        return proxy.log.count("connected to") if name == "socks" else proxy.log.count("Request (file")


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    make_repository(tmp_path / "root/team/tool.git")
    with (
        GitHttpServer(tmp_path / "root") as server,
        tinyproxy(tmp_path / "closed", "ada", PASSWORD) as closed,
        tinyproxy(tmp_path / "open") as without,
        microsocks(tmp_path / "socks") as socks,
    ):
        yield Reader(server, closed, without, socks)


WAYS = [["open", "open", "straight"], ["straight"], ["socks"], ["closed", "closed"], ["closed"]]


@pytest.mark.parametrize(("block", "ways"), list(zip(CONSOLE, WAYS, strict=True)), ids=lambda one: str(one)[:40])
def test_what_is_to_be_typed_works_and_takes_the_way_that_is_told(
    reader: Reader, block: list[Step], ways: list[str]
) -> None:
    if "no_proxy" in block[0].command:
        reader.play(Step("git config --global http.proxy http://proxy.example.com:3128", ()))
    assert reader.ways(block) == ways
