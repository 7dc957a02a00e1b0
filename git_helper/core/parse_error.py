"""What every parser of URLs, requirements and revisions raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.core.redaction import subject
from git_helper.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


class ParseError(UsageError):
    """`error` is a slug for programs, `span` the offsets (from, to) of what is wrong in the text that was parsed.

    `reason`: what is wrong, without the text. `details` are further fields for `parse --json`, such as the `scheme` that is
    not supported or the `line` of a file. The message shows the text without anything that may be a secret.
    """

    def __init__(
        self,
        error: str,
        text: str,
        reason: str,
        span: tuple[int, int],
        hint: str | None = None,
        details: Mapping[str, str | int] | None = None,
    ) -> None:
        shown = subject(text)
        super().__init__(f"cannot use '{shown}': {reason}" if shown else f"cannot use an empty text: {reason}", hint)
        self.error = error
        self.reason = reason
        self.span = span
        self.details: Mapping[str, str | int] = dict(details or {})

    def shifted(self, offset: int) -> ParseError:
        """This error, its span now in a longer text in which what was parsed begins at `offset`."""
        self.span = (self.span[0] + offset, self.span[1] + offset)
        return self

    def described(self) -> dict[str, object]:
        """The object of `parse --json` for an unusable argument (1-product §1.4)."""
        described: dict[str, object] = {
            "ok": False,
            "error": self.error,
            "message": self.message,
            "span": list(self.span),
        }
        if self.hint is not None:
            described["hint"] = self.hint
        return described | dict(self.details)
