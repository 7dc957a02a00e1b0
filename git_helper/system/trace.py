"""Where the trace hears what happens, if a command has one (trace_file.py). Doors without a trace load nothing for it."""

from __future__ import annotations

from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Listener = Callable[[str, dict[str, Any]], None]

_listener: Listener | None = None


def listen(listener: Listener | None) -> None:
    """Who hears from now on, of the whole process; None: nobody."""
    global _listener
    _listener = listener


def note(event: str, **details: object) -> None:
    """Something happened. Details that are None are left out; the listener masks what may be a secret."""
    if _listener is not None:
        _listener(event, details)


class timed:  # noqa: N801 - used as a statement: `with timed(…) as seen`
    """Notes the event when it is over, with its seconds, what was put into `seen`, and how it failed."""

    def __init__(self, event: str, **details: object) -> None:
        self._event = event
        self._seen: dict[str, object] = dict(details)
        self._begin = 0.0

    def __enter__(self) -> dict[str, object]:
        if _listener is not None:
            self._begin = monotonic()
        return self._seen

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if _listener is None:
            return
        if error is not None:
            self._seen["failed"] = getattr(error, "message", None) or type(error).__name__
        self._seen["seconds"] = round(monotonic() - self._begin, 4)
        _listener(self._event, self._seen)
