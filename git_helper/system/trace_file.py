"""The trace of a command: one JSON object on each line, for requests, programs and what was said. Never a secret.

An object is when, which process, what, and details: text masked, and cut where it is long. Each is one write, so that
processes can share a file.
"""

from __future__ import annotations

import json
import os
import stat
import time
from typing import TYPE_CHECKING, Any

from git_helper.core.redaction import redact
from git_helper.errors import UsageError, reason
from git_helper.secret import visible
from git_helper.system import trace

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 2000
_descriptor: int | None = None


def start(path: str) -> None:
    """Appends to `path` from now on; a new file is for its owner only (0600), an old one becomes so.

    Raises UsageError when it cannot be written, or belongs to somebody else.
    """
    global _descriptor
    stop()
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_NOCTTY", 0), 0o600)
        try:
            _make_private(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
    except OSError as error:
        raise UsageError(
            f"cannot write the trace to '{visible(path)}': {reason(error)}", "name a file of yours"
        ) from None
    _descriptor = descriptor
    trace.listen(_write)


def stop() -> None:
    """Ends the trace."""
    global _descriptor
    trace.listen(None)
    descriptor, _descriptor = _descriptor, None
    if descriptor is not None:
        os.close(descriptor)


def _write(event: str, details: Mapping[str, object]) -> None:
    if _descriptor is None:
        return
    moment = time.time()
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + f".{int(moment * 1000) % 1000:03}Z"
    line: dict[str, Any] = {"time": when, "pid": os.getpid(), "event": event}
    line |= {name: _masked(value) for name, value in details.items() if value is not None}
    try:
        os.write(_descriptor, json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
    except OSError:
        stop()  # a full disk must not end what is traced


def _masked(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    masked = redact(text)  # before it is cut: half a URL may hide that it has a secret
    return masked if len(masked) <= _LONGEST else masked[:_LONGEST] + "…"


def _make_private(descriptor: int) -> None:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or not hasattr(os, "fchmod"):
        return  # such as /dev/stderr
    if stat.S_IMODE(found.st_mode) & 0o077:
        os.fchmod(descriptor, 0o600)
