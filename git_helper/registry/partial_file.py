"""What has arrived of a file so far, kept between attempts and between runs (RFC 9110 §13.1.5, §14)."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from git_helper.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from git_helper.net.message import Headers

PARTIAL_CONTENT = 206
_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.ASCII)
_MOST_NOTE = 4096


class PartialFile:
    """The file at `path` and, beside it, what the server called the whole. For one user at a time, under a lock."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._note = path + ".note"

    @property
    def size(self) -> int:
        """Bytes so far."""
        try:
            return os.path.getsize(self.path)
        except OSError:
            return 0

    def headers(self, *, known: bool) -> dict[str, str]:
        """Asks for what is missing; for everything when nobody could tell that the file has changed meanwhile.

        `known`: digests are, so that a wrong joint is noticed.
        """
        size = self.size
        validator = self._validator() if size else None
        if not size or (validator is None and not known):
            return {}
        wanted = {"Range": f"bytes={size}-"}
        return wanted if validator is None else wanted | {"If-Range": validator}

    def open(self, status: int, headers: Headers) -> BinaryIO:
        """The file, to write the body of this answer to: at its end for 206, else from the start.

        Raises Unreachable when the answer is another part than was asked for; then nothing is left of the file.
        """
        if status == PARTIAL_CONTENT:
            found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
            if found is None or int(found[1]) != self.size:
                self.forget()
                raise Unreachable("the server sent another part of the file than was asked for")
            return open(self.path, "ab")
        self.forget()
        self._keep(headers)
        return open(self.path, "wb")

    def move(self, place: str) -> None:
        """Makes it the file at `place`: it is whole. Raises OSError."""
        os.replace(self.path, place)
        _remove(self._note)

    def forget(self) -> None:
        """Removes what there is."""
        _remove(self.path)
        _remove(self._note)

    def _validator(self) -> str | None:
        try:
            with open(self._note, encoding="ascii") as file:
                value = json.loads(file.read(_MOST_NOTE))
        except (OSError, ValueError):
            return None
        return value if isinstance(value, str) else None

    def _keep(self, headers: Mapping[str, str]) -> None:
        """A strong validator; a date is one too when the file was old enough, which `If-Range` leaves to the server."""
        tag = headers.get("ETag", "")
        validator = tag if tag.startswith('"') else headers.get("Last-Modified", "") if not tag else ""
        if validator.isascii() and validator.isprintable() and 0 < len(validator) < _MOST_NOTE // 4:
            with open(self._note, "w", encoding="ascii") as file:  # half of it is no JSON
                json.dump(validator, file)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
