"""A limit for calls that cannot be interrupted: a keyring may wait for ever behind a dialogue that nobody sees."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


def within(seconds: float, work: Callable[[], Result], late: Exception) -> Result:
    """What `work` returns or raises; raises `late` when it needs longer than `seconds`.

    The work goes on in its daemon thread, which does not keep the process alive.
    """
    results: list[Result] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # raised again below, in the caller's thread
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failures:
        raise failures[0]
    if not results:
        raise late
    return results[0]
