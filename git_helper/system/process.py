"""Child processes with limits: bytes in, bytes out, a time limit, an output limit, and nobody left behind."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from git_helper.errors import StoreError, Timeout
from git_helper.secret import visible
from git_helper.system.trace import timed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO

OUTPUT_LIMIT = 1 << 20  # bytes
_START_SECONDS = 5.0
_GRACE = 0.2  # seconds for what is still in the pipes, and for a child to clean up before it is killed
_CHUNK = 1 << 16
_KILL: int = getattr(signal, "SIGKILL", signal.SIGTERM)


# Traces would show what is said; what else is secret here is for us.
_SECRET = ("GIT_TRACE", "GIT_HELPER_TOKEN_", "GIT_HELPER_INDEX_", "UV_INDEX_")


def for_children(environ: Mapping[str, str]) -> dict[str, str]:
    """What a program that is not ours may know of the environment: neither our tokens nor passwords of indexes."""
    return {name: value for name, value in environ.items() if not name.startswith(_SECRET)}


class Finished(NamedTuple):
    """How a child ended: its exit code (negative: the signal that killed it), and what it wrote."""

    code: int
    stdout: bytes
    stderr: bytes


def run(
    argv: Sequence[str],
    stdin: bytes | None,
    timeout: float,
    environ: Mapping[str, str],
    limit: int = OUTPUT_LIMIT,
    *,
    folder: str | None = None,
    pass_stderr: bool = False,
) -> Finished:
    """Runs `argv` (its first word a full path) in a session of its own and waits for it.

    It reads `stdin` (None: the null device) and never our own input, and has no terminal. Its stderr is kept (up to `limit`
    bytes), or goes to ours.
    Raises Timeout after `timeout` seconds, StoreError when it cannot start or writes more than `limit` bytes to stdout;
    then the child and all its descendants in the session are gone.
    """
    with timed("program", name=_name(argv)) as seen:
        done = _run(argv, stdin, timeout, environ, limit, folder, pass_stderr)
        seen["exit_code"] = done.code
    return done


def _run(
    argv: Sequence[str],
    stdin: bytes | None,
    timeout: float,
    environ: Mapping[str, str],
    limit: int,
    folder: str | None,
    pass_stderr: bool,
) -> Finished:
    with _starting:
        try:
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=None if pass_stderr else subprocess.PIPE,
                env=dict(environ),
                cwd=folder,
                bufsize=0,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise StoreError(f"cannot run '{_name(argv)}': {reason}") from error
        talk = _Talk(child, stdin, limit)
        _running.add(talk)
    try:
        in_time = talk.wait(timeout)
    finally:
        talk.end()
        _running.discard(talk)
    if talk.flooded:
        raise StoreError(f"cannot run '{_name(argv)}': it wrote more than {limit} bytes")
    if not in_time:
        raise Timeout(f"cannot run '{_name(argv)}': no answer in {timeout:g} seconds")
    return Finished(child.returncode, bytes(talk.stdout), bytes(talk.stderr))


def _name(argv: Sequence[str]) -> str:
    # Only the program: other words may hold secrets.
    return visible(os.path.basename(argv[0]))


class _Talk:
    """Three threads that move bytes, so that no full pipe blocks another (and Windows cannot select() on pipes)."""

    def __init__(self, child: subprocess.Popen[bytes], stdin: bytes | None, limit: int) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.flooded = False
        self._child = child
        self._limit = limit
        self._output = threading.Thread(target=self._read, args=(child.stdout, self.stdout), daemon=True)
        self._threads = [
            self._output,
            threading.Thread(target=self._read, args=(child.stderr, self.stderr), daemon=True),
            threading.Thread(target=self._write, args=(child.stdin, stdin or b""), daemon=True),
        ]

    def wait(self, seconds: float) -> bool:
        """Moves bytes until the child has ended; False when that took too long."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.start()
        # The end of its output is the end of nearly every child and wakes us at once. But a daemon that the child left
        # behind may hold the pipe open for ever, so the child itself is looked at, too.
        while self._output.is_alive() and self._child.poll() is None and time.monotonic() < deadline:
            self._output.join(min(_GRACE, max(0.0, deadline - time.monotonic())))
        try:
            self._child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        self._join()
        return True

    def end(self) -> None:
        """Stops the child and its group if it still runs."""
        if self._child.poll() is None:
            self._signal(signal.SIGTERM)
            self._join()
            # Not reaped yet, so its number and its group are still its own.
            self._signal(_KILL)
            self._child.wait()
            self._join()

    def stop(self) -> None:
        """Asks the child and its group to end, and waits for nobody."""
        self._signal(signal.SIGTERM)

    def _join(self) -> None:
        until = time.monotonic() + _GRACE
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))

    def _write(self, stream: IO[bytes] | None, data: bytes) -> None:
        if stream is None:
            return
        # A child may exit without reading: git ignores that, too.
        view = memoryview(data)
        try:
            while view:
                view = view[stream.write(view) :]
        except OSError:
            pass
        finally:
            _close(stream)

    def _read(self, stream: IO[bytes] | None, kept: bytearray) -> None:
        if stream is None:
            return
        try:
            while chunk := stream.read(_CHUNK):
                if len(kept) + len(chunk) > self._limit and kept is self.stdout:
                    self.flooded = True
                    self._signal(_KILL)
                    break
                kept += chunk[: max(0, self._limit - len(kept))]
        except OSError:
            pass
        finally:
            _close(stream)

    def _signal(self, number: int) -> None:
        try:
            if sys.platform == "win32":
                self._child.kill()
            elif self._child.returncode is None:
                os.killpg(self._child.pid, number)
        except OSError:
            pass


_running: set[_Talk] = set()
"""Children under way: the threads that wait for them may not live to end them, and no signal of the terminal comes there."""

_starting = threading.Lock()
"""Held while a child is started and written down, and by whoever ends them, so that none slips through."""


@atexit.register
def _end_running() -> None:
    _starting.acquire(timeout=_START_SECONDS)  # for ever: nobody starts another one
    for talk in tuple(_running):
        talk.stop()


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except OSError:
        pass
