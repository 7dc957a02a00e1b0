"""What a server or a program says on stderr: drained by a thread of its own, kept within bounds, cleaned for people."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from git_helper.core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from git_helper.secret import Secret

_LONGEST_LINE = 2000
_MOST_LINES = 200
_SHOWN_LINES = 5
_LONGEST_SHOWN = 400


class Said:
    """Reads with `read` until nothing more comes; a full pipe on that side would stop everything on the other.

    `read` gives some bytes, none at the end, and may raise OSError. Of more than 200 lines the last ones are kept.
    """

    def __init__(self, read: Callable[[], bytes], secrets: Iterable[Secret] = ()) -> None:
        self._read = read
        self._secrets = tuple(secrets)
        self._lock = threading.Lock()
        self._kept: deque[bytes] = deque(maxlen=_MOST_LINES)
        self._rest = b""
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def text(self) -> str:
        """The last lines of all, in one."""
        with self._lock:
            lines = [*self._kept, self._rest]
        shown = [cleaned[:_LONGEST_SHOWN] for line in lines if (cleaned := self._clean(line))]
        return "; ".join(shown[-_SHOWN_LINES:])

    def wait(self, seconds: float) -> None:
        """For the end of it, because its other side has ended."""
        self._thread.join(seconds)

    def _drain(self) -> None:
        while True:
            try:
                data = self._read()
            except (OSError, ValueError):
                return
            if not data:
                return
            with self._lock:
                *lines, rest = (self._rest + data).replace(b"\r", b"\n").split(b"\n")
                self._kept.extend(line[:_LONGEST_LINE] for line in lines[-_MOST_LINES:] if line)
                self._rest = rest[-_LONGEST_LINE:]

    def _clean(self, line: bytes) -> str:
        return redact(line.decode("utf-8", "replace").strip(" \t"), self._secrets)
