"""What a registry's status means when its answer is not what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.errors import NotFound, Refused, Unreachable
from git_helper.net.message import Interrupted

if TYPE_CHECKING:
    from git_helper.net.message import Response

MOST_SECONDS = 30.0
"""The longest that a server may ask us to wait (Retry-After, RFC 9110 §10.2.3)."""
_FOR_NOW = (408, 425, 429, 500, 502, 503, 504)


class Busy(Interrupted):
    """The server cannot answer for now; `seconds`: when it wants to be asked again, if it says so."""

    def __init__(self, message: str, seconds: float | None = None) -> None:
        super().__init__(message, "try again later")
        self.seconds = seconds


def check_status(response: Response, shown: str) -> None:
    """Raises NotFound, Refused, Busy or Unreachable unless the answer is a success; `shown`: its URL for people.

    Registries hide what is private behind 403 and 404, so the message tells who was asked for a credential.
    """
    status = response.status
    if 200 <= status < 300:
        return
    asked = f"; asked for a credential: {', '.join(response.asked)}" if response.asked else ""
    login = f"git-helper login {'/'.join(shown.split('/')[:3])}"
    if status in (404, 410):
        hint = f"check the URL; a registry may hide what is private: {login}"
        raise NotFound(f"cannot find '{shown}': the server answered {status}{asked}", hint)
    if status in (401, 403):
        hint = f"store a credential that may read it: {login}"
        raise Refused(f"the server refuses '{shown}': it answered {status}{asked}", hint)
    if status in _FOR_NOW:
        raise Busy(f"cannot read '{shown}': the server answered {status}", _retry_after(response))
    raise Unreachable(f"cannot read '{shown}': the server answered {status}")


def _retry_after(response: Response) -> float | None:
    text = response.headers.get("Retry-After", "").strip(" \t")
    return min(float(text), MOST_SECONDS) if text.isascii() and text.isdigit() and len(text) < 10 else None
