"""Starting: each command to its first byte on the screen or the wire

From the start of the process to the first byte that it prints or sends to a server (over TLS: its greeting); then it is
killed. The goal is a time, so it means something on a quiet machine only: compare the bare interpreter's there.
"""

from __future__ import annotations

import contextlib
import os
import random
import selectors
import shutil
import signal
import socket
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.benchmarks._harness import Bench, BrokenSubjectError
from scripts.benchmarks._subject import TIMES, Verdict

LIMIT, SECONDS = 0.250, 30
PYTHON = "python -I -S"
COMMIT = "0123456789" * 4


@dataclass
class Start:
    """A command with its `stdin`; what of it was measured in seconds. `limit`: its goal, if it has one."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    stdin: bytes = b""
    limit: float | None = None
    times: list[float] = field(default_factory=list)


def measure(bench: Bench) -> None:
    """All in one table."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        starts = [*_ours(bench, server.getsockname()[1]), *_peers(bench)]
        for number in range(bench.rounds):
            for start in random.Random(number).sample(starts, len(starts)):
                start.times.append(first_byte(start, server))
    _print(bench, starts)


def first_byte(start: Start, server: socket.socket) -> float:
    """Seconds until it prints, or sends something to `server`. Raises BrokenSubjectError when it does neither."""
    _forget(server)
    begin = time.perf_counter()
    with _running(start) as output, contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        selector.register(server, selectors.EVENT_READ)
        while ready := selector.select(SECONDS):
            for key, _ in ready:
                if key.fileobj is server:
                    connection = stack.enter_context(server.accept()[0])
                    selector.register(connection, selectors.EVENT_READ)
                elif os.read(key.fd, 1 << 16):
                    return time.perf_counter() - begin
                else:
                    raise BrokenSubjectError(f"'{start.name}' ended without a byte")
    raise BrokenSubjectError(f"'{start.name}' said nothing for {SECONDS} seconds")


def _forget(server: socket.socket) -> None:
    """Takes what the last command, which was killed, left in the queue."""
    server.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
    server.setblocking(True)


@contextlib.contextmanager
def _running(start: Start) -> Iterator[int]:
    """Runs it without a terminal; gives what it prints, errors too."""
    (output, its_output), (its_input, given) = os.pipe(), os.pipe()
    os.write(given, start.stdin)
    os.close(given)
    actions = [(os.POSIX_SPAWN_DUP2, its_input, 0), *((os.POSIX_SPAWN_DUP2, its_output, number) for number in (1, 2))]
    words = [*start.command]
    child = os.posix_spawn(words[0], words, dict(start.environ), file_actions=actions, setsid=True)
    os.close(its_input)
    os.close(its_output)
    try:
        yield output
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(output)


def _ours(bench: Bench, port: int) -> list[Start]:
    environ, helper = bench.environ("ours"), bench.installation.program("git-helper")
    url, plain = f"https://localhost:{port}/team/tool", f"http://localhost:{port}/team/tool"
    listed = bench.folder / "requirements.txt"
    listed.write_text(f"requests>=2\ntool @ git+{url}@v1 ; python_version > '3'\n")
    out = str(bench.folder / "out")
    words = {
        "--help": ["--help"],
        "--version": ["--version"],
        "resolve --help": ["resolve", "--help"],
        "list": ["list", "--json"],
        "token": ["token", "https://good.example"],
        "parse": ["parse", f"git+{url}@v1"],
        "settings": ["settings"],
        "cache dir": ["cache", "dir"],
        "configure --dry-run": ["configure", "--dry-run"],
        "login": ["login", "--with-token", url],
        "resolve, http": ["resolve", f"git+{plain}@v1"],
        "resolve, https": ["resolve", f"git+{url}@v1"],
        "resolve -r": ["resolve", "-r", str(listed)],
        "download": ["download", "-d", out, f"git+{url}@{COMMIT}"],
        "index": ["index", f"{url}/simple/"],
        "clone": ["clone", url, out],
    }
    return [
        Start(f"git-helper {name}", [helper, *rest, *_store(name)], environ, b"token\n", LIMIT)
        for name, rest in words.items()
    ]


def _store(name: str) -> list[str]:
    """No command is to look for an OS keyring here."""
    return [] if name.startswith("--") or name.endswith("--help") else ["--store", "file"]


def _peers(bench: Bench) -> list[Start]:
    environ, python = bench.environ("peers"), bench.installation.program("python")
    starts = [
        Start(PYTHON, [python, "-I", "-S", "-c", "print(1)"], environ),
        Start("pip --version", [python, "-m", "pip", "--version"], environ),
        Start("a Typer command --help", [bench.installation.program("typer-get"), "--help"], environ),
    ]
    for words in (["git", "--version"], ["uv", "--help"], ["gh", "--help"], ["poetry", "--version"]):
        found = shutil.which(words[0])
        if found is None:
            bench.skip(" ".join(words), "not installed")
        else:
            starts.append(Start(" ".join(words), [str(Path(found)), *words[1:]], environ))
    return starts


def _print(bench: Bench, starts: Sequence[Start]) -> None:
    base = next(statistics.median(start.times) for start in starts if start.name == PYTHON)
    lines = [f"| | ms (min to max) | {TIMES} {PYTHON} | goal |", "|---|---|---|---|"]
    for start in starts:
        median = statistics.median(start.times)
        goal = ""
        if start.limit is not None:
            met = median <= start.limit
            goal = f"S13 ≤ {start.limit * 1e3:.0f} ms {'✓' if met else '✗'}"
            bench.judge(Verdict("S13", f"{start.name}: {median * 1e3:.0f} ms to its first byte", met))
        spread = f"{median * 1e3:.1f} ({min(start.times) * 1e3:.1f} to {max(start.times) * 1e3:.1f})"
        lines.append(f"| {start.name} | {spread} | {median / base:.1f} | {goal} |")
    bench.note("\n".join(lines))
