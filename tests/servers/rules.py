"""What a server does with a path prefix: who may in, where it sends people, what goes wrong there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tests.servers.http_message import Dropped, Request, Response, plain


def under(prefix: str, path: str) -> bool:
    """Whole segments: "/team" and "/team/" cover /team and /team/x, not /teams; "/" covers everything."""
    root = prefix.rstrip("/")
    return path == root or path.startswith(root + "/")


@dataclass(frozen=True)
class Realm:
    """Paths that only some people may read.

    credentials: (user, secret) pairs. With scheme "Bearer" the secret is the token and the user only its name.
    deny: the status for a request without a credential, and for a wrong one unless `wrong` says another.
    challenges: values of WWW-Authenticate with a 401; empty: one for `scheme`.
    writers: users who may push, others get 403; None: everyone who may read.
    """

    prefix: str
    credentials: Sequence[tuple[str, str]] = ()
    scheme: Literal["Basic", "Bearer"] = "Basic"
    deny: int = 401
    challenges: Sequence[str] = ()
    wrong: int | None = None
    writers: Sequence[str] | None = None
    public: bool = False
    name: str = "loopback"

    def admit(self, request: Request) -> str | None:
        """The user whose credential the request carries; None when it carries no good one."""
        for user, secret in self.credentials:
            good = secret if self.scheme == "Bearer" else f"{user}:{secret}"
            if good == (request.bearer if self.scheme == "Bearer" else request.user_password):
                return user or "token"
        return None

    def refuse(self, request: Request) -> Response:
        status = self.deny if request.authorization is None or self.wrong is None else self.wrong
        challenges = self.challenges or [f'{self.scheme} realm="{self.name}"']
        return plain(status, headers=[("WWW-Authenticate", value) for value in challenges] if status == 401 else ())


@dataclass(frozen=True)
class Redirect:
    """Sends `prefix` and what is below it to `location` (a URL or a path), with the rest of the path and the query."""

    prefix: str
    location: str
    status: int = 302

    def response(self, request: Request) -> Response:
        rest = request.target.partition("?")[0][len(self.prefix.rstrip("/")) :]
        query = f"?{request.query}" if request.query else ""
        return plain(self.status, headers=[("Location", self.location.rstrip("/") + rest + query)])


@dataclass(frozen=True)
class Fault:
    """What goes wrong below `prefix`, for paths that end in `suffix` and one `method` where these are given.

    status: answered (with `body`) instead of the real thing. content_type: replaces the real one.
    stall_after, drop_after: number of bytes of the answer's body after which it waits, or the connection is cut.
    stall: seconds to wait; None: until `server.release()`. reset: cut with RST, not FIN.
    times: only the first n requests. authenticated: only requests that their realm let in.
    """

    prefix: str = "/"
    suffix: str = ""
    method: str | None = None
    status: int | None = None
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = ()
    content_type: str | None = None
    stall_after: int | None = None
    stall: float | None = None
    drop_after: int | None = None
    reset: bool = False
    times: int | None = None
    authenticated: bool = False

    def covers(self, request: Request) -> bool:
        return (
            under(self.prefix, request.path)
            and request.path.endswith(self.suffix)
            and self.method in (None, request.method)
            and (request.user is not None or not self.authenticated)
        )

    def spoil(self, response: Response, hold: Callable[[float | None], None]) -> Response:
        """`response` with this fault in it."""
        lines = [*response.header_lines(), *self.headers]
        if self.content_type is not None:
            lines = [line for line in lines if line[0].lower() != "content-type"]
            lines.append(("Content-Type", self.content_type))
        if self.stall_after is None and self.drop_after is None:
            return Response(response.status, lines, response.body)
        body = response.body.encode() if isinstance(response.body, str) else response.body
        blocks = [body] if isinstance(body, bytes) else body
        return Response(response.status, lines, self._spoilt(blocks, hold))

    def _spoilt(self, blocks: Iterable[bytes], hold: Callable[[float | None], None]) -> Iterator[bytes]:
        sent = 0
        try:
            for block in blocks:
                while block:
                    if sent == self.stall_after:
                        hold(self.stall)
                    if sent == self.drop_after:
                        raise Dropped(reset=self.reset)
                    stops = [stop - sent for stop in (self.stall_after, self.drop_after) if stop and stop > sent]
                    end = min([len(block), *stops])
                    part, block = block[:end], block[end:]
                    sent += len(part)
                    yield part
            if sent == self.stall_after:
                hold(self.stall)
            if self.drop_after is not None:
                raise Dropped(reset=self.reset)
        finally:
            if close := getattr(blocks, "close", None):
                close()
