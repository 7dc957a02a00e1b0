"""A Git server in a process of its own, so that what it costs is not ours."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from scripts.benchmarks._installation import ROOT

_SECONDS = 30
_MEMORY = Path("/dev/shm")  # noqa: S108 (a folder below it is made by tempfile)


@dataclass(frozen=True)
class Seen:
    """What a server saw: requests, and bytes of the bodies of requests and answers."""

    requests: int
    received: int
    sent: int


@dataclass
class Remote:
    """`url` leads to the server, `far` through the relay, if there is one."""

    url: str
    far: str | None
    _process: subprocess.Popen[bytes]

    def seen(self) -> Seen:
        """What it saw since this was asked last."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"record\n")
        self._process.stdin.flush()
        records = _line(self._process.stdout)
        return Seen(len(records), sum(one[1] for one in records), sum(one[2] for one in records))


@contextlib.contextmanager
def serving(
    root: Path, *, authority: Path | None = None, round_trip: float | None = None, replay: bool = False
) -> Iterator[Remote]:
    """Serves the bare repositories below `root`; https when `authority` (a file to write) is given.

    replay: what was asked before is answered from memory. round_trip: seconds, of a second way to it. RuntimeError when it
    does not start.
    """
    words = [sys.executable, "-m", "scripts.benchmarks._serving", str(root)]
    words += [] if authority is None else ["--authority", str(authority)]
    words += ["--replay"] if replay else []
    words += [] if round_trip is None else ["--round-trip", str(round_trip)]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            said = _line(process.stdout)
            yield Remote(said["url"], said["far"], process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _line(stream: IO[bytes] | None) -> Any:
    line = b"" if stream is None else stream.readline()
    if not line:
        raise RuntimeError("the server of the benchmark has ended")
    return json.loads(line)


@contextlib.contextmanager
def places(folder: Path) -> Iterator[list[tuple[str, Path]]]:
    """Folders to write to, and what they are on: memory first, where there is such a file system, then `folder`'s disk."""
    here = file_system(folder)
    with contextlib.ExitStack() as stack:
        found = []
        if here != "tmpfs" and file_system(_MEMORY) == "tmpfs" and os.access(_MEMORY, os.W_OK):
            name = stack.enter_context(tempfile.TemporaryDirectory(prefix="ghb-", dir=_MEMORY))
            found.append(("tmpfs", Path(name)))
        yield [*found, (here, folder)]


def file_system(folder: Path) -> str:
    """Its kind as the kernel names it; "disk" where it does not say."""
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return "disk"
    above = {str(folder), *map(str, folder.resolve().parents), str(folder.resolve())}
    return max(((len(mount[1]), mount[2]) for mount in mounts if mount[1] in above), default=(0, "disk"))[1]
