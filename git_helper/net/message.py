"""What goes to a server and what comes back, free of how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from git_helper.errors import Unreachable
from git_helper.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from git_helper.core.credential import Origin
    from git_helper.core.indexes import Place
    from git_helper.secret import Secret

BLOCK = 1 << 16  # bytes


@frozen
class Request:
    """One question. `url`: http or https, without userinfo; what that carried is in `username` and `password`.

    `body` is sent anew with each credential. `path`: the path that sources are asked for (credential.useHttpPath), or
    None. `search`: the statuses after which credentials are looked for; empty: whatever comes is the answer. `limit`:
    bytes of body, decoded, after which the answer is an error. `place`: of registries, what is configured for an origin and
    a path, asked for every hop. `headers` with names that carry no secrets (Accept,
    Git-Protocol and the like) follow a redirect to another origin, the others stay behind.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    username: bytes | None = field(default=None, repr=False)
    password: Secret | None = None
    path: bytes | None = None
    search: frozenset[int] = frozenset({401})
    limit: int | None = None
    place: Callable[[Origin, str], Place] | None = field(default=None, repr=False, compare=False)

    @property
    def takes_packed(self) -> bool:
        """Whether the body may be gzip on the way. Who asks for `identity` wants the bytes of the file as they are."""
        return not any(
            name.lower() == "accept-encoding" and value == "identity" for name, value in self.headers.items()
        )


class Interrupted(Unreachable):
    """The connection failed or the answer was cut off: another try may go on from there."""


class Answered(NamedTuple):
    """Who let us in: the source, and the user name unless that is itself a token."""

    source: str
    username: bytes | None


class Headers(Mapping[str, str]):
    """The header fields of an answer; names in any case, fields of one name joined by `, ` (RFC 9110 §5.3)."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields: dict[str, list[str]] = {}
        for name, value in fields:
            self._fields.setdefault(name.lower(), []).append(value)

    def getall(self, name: str) -> list[str]:
        """Each field of that name by itself."""
        return list(self._fields.get(name.lower(), ()))

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._fields[name.lower()])

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


class Body(Protocol):
    """The bytes of an answer."""

    def read1(self, size: int) -> bytes:
        """At least one byte and at most `size`, as soon as there are some; empty at the end. Raises Unreachable."""

    def close(self) -> None:
        """Lets the connection go; may be called twice."""


class Response:
    """An answer whose body is still to be read; a context manager, leaving it lets the connection go.

    `url`: where the answer came from in the end, without userinfo; it may hold a signature. `credential`: who let us in.
    `asked`: the sources that were asked in vain, where the status says that a credential was missing.
    """

    def __init__(
        self,
        status: int,
        headers: Headers,
        url: str,
        body: Body,
        credential: Answered | None = None,
        asked: tuple[str, ...] = (),
    ) -> None:
        self.status = status
        self.headers = headers
        self.url = url
        self.credential = credential
        self.asked = asked
        self._body = body

    def read(self, size: int = -1) -> bytes:
        """Exactly `size` bytes, fewer only at the end; all that is left when negative.

        Raises Unreachable when the body stalls, is cut off, is damaged or exceeds `Request.limit`.
        """
        parts: list[bytes] = []
        left = size
        while left:
            part = self._body.read1(min(left, BLOCK) if left > 0 else BLOCK)
            if not part:
                break
            parts.append(part)
            left -= len(part) if left > 0 else 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read1(self, size: int = BLOCK) -> bytes:
        """What there is, at most `size` bytes; waits for the first one, empty at the end. Raises as `read`."""
        return self._body.read1(size)

    def close(self) -> None:
        """Lets the connection go; what was not read is lost."""
        self._body.close()

    def __enter__(self) -> Response:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Response {self.status}>"
