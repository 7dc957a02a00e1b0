"""The 401 conversation with one origin: who is let in with what, in which order, and who hears how it went.

RFC 9110 §11; the order is git's (http.c, credential.c), told in the docstring of `Conversations.hold`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol

from git_helper.core.authorization import authorization
from git_helper.core.chain import Candidate
from git_helper.core.challenge import accepts_password
from git_helper.core.challenge import parse as parse_challenges
from git_helper.core.credential import Credential, Description
from git_helper.core.userinfo import is_plain_name, looks_like_token
from git_helper.errors import NoCredential, Refused
from git_helper.net.body import BufferBody, StreamBody
from git_helper.net.message import Headers
from git_helper.net.remembered import Desk, Known, Remembered
from git_helper.secret import Secret, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from git_helper.core.credential import Origin
    from git_helper.net.message import Request
    from git_helper.net.pools import Pools
    from git_helper.net.target import Target

URL = "URL"
"""The source of what the URL carried, as `Candidate.source`."""
_UNAUTHORIZED = 401


class Credentials(Protocol):
    """Where credentials come from and who keeps them. It reports its own failures and raises only Cancelled."""

    def scoped(self, wanted: Description) -> Description:
        """`wanted` without its path, where one credential serves the whole host; asked only when one is needed."""

    def candidates(self, wanted: Description, *, ask: bool) -> Iterator[Candidate]:
        """Each source's answers in order, lazily; with `ask` the person last, who may answer once more when refused."""

    def names(self, wanted: Description, *, ask: bool) -> Sequence[str]:
        """The sources that `candidates` asks, in order."""

    def approve(self, candidate: Candidate, wanted: Description) -> None:
        """It let us in; called once for each. `candidate.source` is `URL` for what the URL carried."""

    def reject(self, candidate: Candidate, wanted: Description) -> None:
        """The server refused it: only this very secret is to be forgotten."""


@dataclass(frozen=True)
class Exchange:
    """One answer. `known`: with what we came in; `asked`: the sources that were asked in vain."""

    status: int
    headers: Headers
    body: StreamBody | BufferBody
    known: Known | None = None
    asked: tuple[str, ...] = ()


class Conversations:
    """Every conversation of the process: what one learns, the others know. Thread-safe."""

    def __init__(self, pools: Pools, credentials: Credentials | None) -> None:
        self.pools = pools
        self.credentials = credentials
        self.remembered = Remembered()
        self._desks: dict[tuple[Origin, bytes | None, bytes | None], Desk] = {}
        self._lock = threading.Lock()

    def hold(self, request: Request, target: Target) -> Exchange:
        """The answer of `target`, redirects included, however many requests it takes.

        Name and password in the URL: they are sent at once, and 401 is final. Else what let us in before; else bare, but a
        name that is a token by its shape is sent at once. After a status of `request.search`: `name:` with an empty
        password, the sources, the person (only after 401); each candidate once, one request at a time for each origin,
        path and user. Raises NoCredential, Refused, Unreachable, UsageError, Cancelled.
        """
        return _Conversation(self, request, target).hold()

    def desk(self, origin: Origin, wanted: Description) -> Desk:
        """The one desk for what is wanted."""
        with self._lock:
            return self._desks.setdefault((origin, wanted.path, wanted.username), Desk())


class _Conversation:
    """One request to one origin until it is answered."""

    def __init__(self, shared: Conversations, request: Request, target: Target) -> None:
        self._shared = shared
        self._request = request
        self._target = target
        host = target.origin.authority().encode("ascii")
        self._wanted = Description(target.origin.scheme, host, target.secrets_path, target.username)
        self._tried: set[Secret] = set()
        self._refusals: list[str] = []
        self._takes_password = True

    def hold(self) -> Exchange:
        if any(name.lower() == "authorization" for name in self._request.headers):
            return self._send(None)  # whoever wrote it knows best, as with git's http.extraHeader
        if self._target.password is not None:
            return self._with_own_password(self._target.password)
        if self._shared.remembered:
            self._scope()
        first = self._send(self._at_once())
        # What let us in elsewhere is no wrong password: another refusal than 401 is about this very URL.
        if first.status not in self._request.search or (first.known is not None and first.status != _UNAUTHORIZED):
            return first
        ask = first.status == _UNAUTHORIZED
        if ask and first.known is not None and first.known.candidate.source == URL and self._is_token():
            self._reject(first.known)
        self._scope()
        desk = self._shared.desk(self._target.origin, self._wanted)
        with desk.lock:
            for known in self._later(desk, ask=ask):
                exchange = self._try(known, desk)
                if exchange is not None:
                    return exchange
        return self._give_up(first, ask=ask)

    def _scope(self) -> None:
        if self._wanted.path is not None and self._shared.credentials is not None:
            self._wanted = self._shared.credentials.scoped(self._wanted)

    def _with_own_password(self, password: Secret) -> Exchange:
        known = self._own(password)
        exchange = self._send(known)
        if exchange.status == _UNAUTHORIZED and _UNAUTHORIZED in self._request.search:
            self._reject(known)
            raise Refused(
                f"the server refused the user name and password in the URL of '{self._target.shown}'",
                f"leave them out of the URL and log in: git-helper login {self._target.origin}",
            )
        return exchange

    def _at_once(self) -> Known | None:
        """What the first request carries."""
        known = self._shared.remembered.find(self._target.origin, self._wanted, self._target.path)
        if known is None and self._is_token():
            return self._own(Secret(b""))
        return known

    def _later(self, desk: Desk, *, ask: bool) -> Iterator[Known]:
        """What is tried after a refusal, in order. While we waited for the desk, another request may have been let in."""
        known = self._shared.remembered.find(self._target.origin, self._wanted, self._target.path)
        if known is not None:
            yield known
        if self._wanted.username is not None:
            yield self._own(Secret(b""))
        if self._shared.credentials is None:
            return
        # A token in place of a name is a secret: a question to the person would have to show it.
        ask = ask and not self._is_token()
        for candidate in desk.search(self._shared.credentials.candidates(self._wanted, ask=ask), ask=ask):
            if candidate.credential.is_complete():
                yield Known(candidate, self._wanted)

    def _try(self, known: Known, desk: Desk) -> Exchange | None:
        """The answer, unless `known` is of no use here or is refused."""
        credential = known.candidate.credential
        value = authorization(credential)
        if value in desk.refused:
            self._refused(known)
        if value in self._tried or value in desk.refused or not _is_sendable(value):
            return None
        if not (self._takes_password or credential.is_ready()):
            return None
        exchange = self._send(known)
        if exchange.status not in self._request.search:
            return exchange
        if exchange.status == _UNAUTHORIZED:
            desk.refused.add(value)
            if known.candidate.source != URL:
                self._reject(known)
        return None

    def _send(self, known: Known | None) -> Exchange:
        """One request. An answer that starts the search is read to its end, so that its connection is free meanwhile."""
        value = None if known is None else authorization(known.candidate.credential)
        if value is not None:
            self._tried.add(value)
        request = self._request
        raw, wait = self._shared.pools.open(request.method, self._target, request.headers, request.body, value)
        headers = Headers(raw.headers.items())
        body = StreamBody(raw, wait, request.limit)
        if raw.status not in request.search:
            if known is not None and 200 <= raw.status < 400:
                known = self._shared.remembered.add(self._target.origin, known, self._target.path)
            return Exchange(raw.status, headers, body, known)
        if raw.status == _UNAUTHORIZED:
            self._takes_password = accepts_password(parse_challenges(headers.getall("WWW-Authenticate")))
        if known is not None:
            self._refused(known)
        return Exchange(raw.status, headers, BufferBody(body.drain()), known)

    def _refused(self, known: Known) -> None:
        source = known.candidate.source
        # An empty password for a name in the URL was our own guess.
        if source != URL and source not in self._refusals:
            self._refusals.append(source)

    def _reject(self, known: Known) -> None:
        if self._shared.credentials is not None:
            self._shared.credentials.reject(known.candidate, known.wanted)

    def _give_up(self, first: Exchange, *, ask: bool) -> Exchange:
        credentials = self._shared.credentials
        asked = () if credentials is None else tuple(credentials.names(self._wanted, ask=ask and not self._is_token()))
        if ask:
            self._fail(asked)
        return Exchange(first.status, first.headers, first.body, None, asked)

    def _fail(self, asked: Iterable[str]) -> NoReturn:
        origin, user = self._target.origin, self._wanted.username
        name = "" if user is None else visible(user)
        name = name if is_plain_name(name) else ""  # `token@` and `user@` are one syntax
        whom = f"'{name}' at '{origin}'" if name else f"'{origin}'"
        login = f"git-helper login {origin}" + (f" --username {name}" if name else "")
        if self._refusals:
            raise Refused(
                f"the server refused every credential for {whom}, from: {', '.join(self._refusals)}",
                f"store one that works: {login}",
            )
        if self._is_token():
            raise Refused(f"the server refused the token in the URL for '{origin}'", f"store one that works: {login}")
        if not self._takes_password:
            raise NoCredential(f"no credential for {whom}: the server takes none that git-helper has or can ask for")
        raise NoCredential(f"no credential for {whom}; asked: {', '.join(asked) or 'nobody'}", f"store one: {login}")

    def _own(self, password: Secret) -> Known:
        """What the URL carried, or half of it with an empty password."""
        credential = Credential(self._target.username or b"", password)
        return Known(Candidate(URL, credential), self._wanted)

    def _is_token(self) -> bool:
        name = self._wanted.username
        return name is not None and looks_like_token(name.decode("utf-8", "replace"))


def _is_sendable(value: Secret) -> bool:
    """Whether it is one header field value (RFC 9110 §5.5), so that it cannot begin another."""
    return all(byte >= 0x20 and byte != 0x7F for byte in value.reveal())
