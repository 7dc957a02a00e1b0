"""Asking again when a server cannot answer for now (503 and the like), at the time it names or after a growing pause."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, TypeVar

from git_helper.registry.answers import Busy

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_helper.net.message import Interrupted

T = TypeVar("T")

ATTEMPTS = 4
_FIRST_PAUSE = 0.25


def patiently(ask: Callable[[], T], pause: Callable[[float], None] = time.sleep) -> T:
    """What `ask` gives; it is called again while it raises Busy. `pause` waits for seconds. Raises what the last one does."""
    for failures in range(1, ATTEMPTS):
        try:
            return ask()
        except Busy as error:
            pause(pause_after(failures, error))
    return ask()


def pause_after(failures: int, error: Interrupted) -> float:
    """Seconds: what the server wants, else twice as long each time, spread so that many clients do not come back at once."""
    if isinstance(error, Busy) and error.seconds is not None:
        return error.seconds
    return float(_FIRST_PAUSE * 2 ** (failures - 1)) * random.uniform(1.0, 1.5)  # noqa: S311 (no secret)
