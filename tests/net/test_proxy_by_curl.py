"""Which proxy counts, asked of the real curl with generated environments.

Left out is where we are not like curl on purpose: an empty variable, HTTP_PROXY, ports and `*` in a list of no_proxy.
"""

from __future__ import annotations

import random
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from git_helper.net.proxy import proxies
from git_helper.net.target import Target
from tests.servers.isolated import environment
from tests.support import needs

VARIABLES = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
FORMS = (
    "http://127.0.0.1:{}",
    "127.0.0.1:{}",
    "http://127.0.0.1:{}/",
    "HTTP://localhost:{}",
    "localhost:{}/x",
    "u:p%40w@127.0.0.1:{}",
)
HOSTS = (
    "good.example",
    "a.good.example",
    "evilgood.example",
    "GOOD.example",
    "good.example.",
    "localhost",
    "127.0.0.1",
    "127.1.2.3",
)
EXEMPT = (
    *("good.example", ".good.example", "..good.example", "*.good.example", "GOOD.EXAMPLE", "good.example.", ".", "x*"),
    *("ood.example", "example", ".example", "localhost", "other", "127.0.0.1", "127.0.0.0/8", "127.1.0.0/16", "0.0.1"),
    *("127.1.2.3/32", "127.0.0.1/33", "127.0.0.0/x", "10.0.0.0/8", "::1", "fd00::/8", "127.1", "1.2.3", "1/8"),
)


class Said(threading.Thread):
    """Says a status of its own to whoever comes."""

    def __init__(self, status: int) -> None:
        super().__init__(daemon=True)
        self.status = status
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def run(self) -> None:
        while True:
            client, _ = self._listener.accept()
            with client:
                client.settimeout(5)
                said = b""
                while b"\r\n\r\n" not in said and (block := client.recv(1 << 12)) and block[:1] != b"\x16":
                    said += block
                if b"\r\n\r\n" in said:
                    client.sendall(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % self.status)
                if said.startswith(b"QUIT"):
                    break
        self._listener.close()

    def stop(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as last:
            last.sendall(b"QUIT\r\n\r\n")
        self.join(10)


@pytest.fixture(scope="module")
def listeners() -> Iterator[list[Said]]:
    """A server, then proxies."""
    made = [Said(status) for status in (299, 461, 462, 463)]
    for one in made:
        one.start()
    yield made
    for one in made:
        one.stop()


@pytest.mark.parametrize("seed", range(3))
def test_the_same_proxy_counts_as_in_curl(seed: int, listeners: list[Said], tmp_path: Path) -> None:
    by, curl, (server, *ways) = random.Random(seed), needs("curl"), listeners
    proxied = 0
    for _ in range(12):
        env = {name: by.choice(FORMS).format(by.choice(ways).port) for name in VARIABLES if by.random() < 0.45}
        for name in ("no_proxy", "NO_PROXY"):
            if by.random() < 0.6:
                env[name] = (
                    by.choice((",", ", ", " ")).join(by.choices(EXEMPT, k=by.randint(1, 3)))
                    if by.random() < 0.95
                    else "*"
                )
        urls = [f"{by.choice(('http', 'https'))}://{by.choice(HOSTS)}:{server.port}/x" for _ in range(8)]
        words = [curl, "-q", "-s", "-m", "5", "-w", "%{http_code} %{http_connect}\n"]
        for host in HOSTS[:6]:
            words += ["--resolve", f"{host.rstrip('.')}:{server.port}:127.0.0.1"]
        words += [word for url in urls for word in ("-o", "/dev/null", url)]
        done = subprocess.run(words, env={**environment(tmp_path), **env}, capture_output=True, check=False)
        lines = done.stdout.decode().splitlines()
        assert len(lines) == len(urls), done.stderr.decode()
        for url, line in zip(urls, lines, strict=True):
            theirs = [one.port for one in ways if str(one.status) in line.split(" ")]
            ours = proxies(env)(Target.parse(url))
            assert ([] if ours is None else [ours.port]) == theirs, (url, env)
            proxied += len(theirs)
    assert 30 < proxied < 90
