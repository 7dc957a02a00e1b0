"""The head of an answer, and what may follow its body, with an end: http.client takes any number of these lines."""

from __future__ import annotations

from http.client import HTTPException, HTTPResponse

_MOST_INTERIM = 20
_MOST_TRAILERS = 100
_LONGEST_LINE = 1 << 16


class BoundedAnswer(HTTPResponse):
    """`response_class` of our connections. Raises HTTPException where a server goes on for ever."""

    _interim = 0

    def _read_status(self) -> tuple[str, int, str]:
        """Once for each `100 Continue` (RFC 9110 §15.2), then for the answer."""
        self._interim += 1
        if self._interim > _MOST_INTERIM:
            raise HTTPException("too many interim answers")
        status: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
        return status

    def _read_and_discard_trailer(self) -> None:
        """The fields behind a chunked body (RFC 9112 §7.1.2)."""
        for _ in range(_MOST_TRAILERS):
            line = self.fp.readline(_LONGEST_LINE + 1)
            if len(line) > _LONGEST_LINE:
                break
            if line in (b"\r\n", b"\n", b""):
                return
        raise HTTPException("too much follows the body")
