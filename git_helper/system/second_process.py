"""A second interpreter beside this one, for work that would hold up this one: bytes go in, bytes come out.

It sees nothing of ours but the modules that it loads: no environment, no terminal, no signals of the terminal. It ends when
its input does, so it never outlives us for long.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys

if sys.platform == "linux":
    import fcntl

_ROOM = 1 << 20
_BUFFER = 1 << 18
_START = "import sys; sys.path[:] = sys.argv[2:]; import importlib; importlib.import_module(sys.argv[1]).main()"


def can_have_one() -> bool:
    """Whether there is a way to start it, and a processor for it to run on."""
    if not hasattr(os, "posix_spawn") or not sys.executable or getattr(sys, "frozen", False):
        return False
    affinity = getattr(os, "sched_getaffinity", None)
    return (len(affinity(0)) if affinity is not None else os.cpu_count() or 1) > 1


def command(module: str) -> list[str]:
    """Words that run `main()` of a module of ours."""
    no_bytecode = ["-B"] if sys.dont_write_bytecode else []
    return [sys.executable, "-I", "-S", *no_bytecode, "-c", _START, module, *filter(os.path.isabs, sys.path)]


class SecondProcess:
    """Runs `words`. Raises OSError when they cannot be started."""

    def __init__(self, words: list[str]) -> None:
        its_input, self._input = os.pipe()
        try:
            self._output, its_output = os.pipe()
        except OSError:
            os.close(its_input)
            os.close(self._input)
            raise
        try:
            with open(os.devnull, "wb") as nothing:
                actions = [
                    (os.POSIX_SPAWN_DUP2, its_input, 0),
                    (os.POSIX_SPAWN_DUP2, its_output, 1),
                    (os.POSIX_SPAWN_DUP2, nothing.fileno(), 2),
                ]
                self._pid: int | None = os.posix_spawn(words[0], words, {}, file_actions=actions, setpgroup=0)
        except BaseException:
            os.close(self._input)
            os.close(self._output)
            raise
        finally:
            os.close(its_input)
            os.close(its_output)
        for descriptor in (self._input, self._output):
            _widen(descriptor)
        os.set_blocking(self._input, False)
        self._poll = select.poll()
        self._poll.register(self._input, select.POLLOUT)
        self._poll.register(self._output, select.POLLIN)
        self._is_open = True

    def talk(self, data: memoryview) -> tuple[int, bytes | None]:
        """Waits until it takes bytes of `data`, or says something, or both: how many it took, and what it said.

        None when it says nothing now; no bytes when it will say nothing any more. Bytes that it does not want are lost.
        """
        events = dict(self._poll.poll())
        taken, said = 0, None
        if self._output in events:
            said = os.read(self._output, _BUFFER)
        if self._input in events:
            try:
                taken = os.write(self._input, data[:_BUFFER])
            except BlockingIOError:
                pass
            except BrokenPipeError:
                taken = len(data)
        return taken, said

    def hear(self) -> bytes:
        """Waits for what it says next, after it got its last input; no bytes when that was all."""
        if self._is_open:
            self._is_open = False
            os.close(self._input)
        return os.read(self._output, _BUFFER)

    def close(self) -> None:
        """Ends it, whatever it is doing."""
        if self._is_open:
            self._is_open = False
            os.close(self._input)
        if self._pid is not None:
            pid, self._pid = self._pid, None
            os.close(self._output)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _widen(descriptor: int) -> None:
    """More room in the pipe, where the system lets us (fcntl(2)): fewer turns."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _ROOM)
