"""One question to one origin with this or that credential, and its answer: what every conversation is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from git_helper.core.authorization import authorization
from git_helper.core.challenge import accepts_password
from git_helper.core.challenge import parse as parse_challenges
from git_helper.errors import Refused
from git_helper.frozen import frozen
from git_helper.net.body import BufferBody, StreamBody
from git_helper.net.message import Headers
from git_helper.system.trace import timed

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_helper.core.chain import Candidate
    from git_helper.core.credential import Description
    from git_helper.errors import GitHelperError
    from git_helper.net.message import Request
    from git_helper.net.pools import Pools
    from git_helper.net.remembered import Known
    from git_helper.net.target import Target
    from git_helper.secret import Secret

    WithheldFor = Callable[[Target], GitHelperError | None]
    """Why no credential may be sent to a target; None where one may."""

URL = "URL"
"""The source of what the URL carried, as `Candidate.source`."""
UNAUTHORIZED = 401


class Keeper(Protocol):
    """Hears how candidates did. It reports its own failures."""

    def approve(self, candidate: Candidate, wanted: Description) -> None:
        """It let us in; called once for each. `candidate.source` is `URL` for what the URL carried."""

    def reject(self, candidate: Candidate, wanted: Description) -> None:
        """The server refused it: only this very secret may be forgotten."""


@frozen
class Exchange:
    """One answer. `known`: with what we came in; `asked`: the sources that were asked in vain."""

    status: int
    headers: Headers
    body: StreamBody | BufferBody
    known: Known | None = None
    asked: tuple[str, ...] = ()


class Questions:
    """The requests of one conversation. `tried`: what was sent; `takes_password`: whether the last 401 left room for one."""

    def __init__(self, pools: Pools, withheld: WithheldFor, request: Request, target: Target) -> None:
        self._pools = pools
        self._withheld = withheld
        self._request = request
        self._target = target
        self.tried: set[Secret] = set()
        self.takes_password = True

    def has_own_header(self) -> bool:
        """Whether the caller or git's http.extraHeader brings Authorization: who wrote it knows best."""
        return self._brings_one() or self._pools.sends_authorization(self._target)

    def _brings_one(self) -> bool:
        return any(name.lower() == "authorization" for name in self._request.headers)

    def is_proactive(self) -> bool:
        """Whether a credential is looked for before the server asks for one."""
        return UNAUTHORIZED in self._request.search and self._pools.is_proactive(self._target) and self._may_search

    def is_refused(self, exchange: Exchange) -> bool:
        """Whether the answer makes us look for a credential."""
        return exchange.status in self._request.search and self._may_search

    @property
    def _may_search(self) -> bool:
        return self._withheld(self._target) is None

    def check(self) -> None:
        """Raises why no credential may be sent, before anybody is asked for one."""
        reason = self._withheld(self._target)
        if reason is not None:
            raise reason

    def may_send(self, known: Known) -> bool:
        """Whether it is new, can be one header field value (RFC 9110 §5.5), and is what the server takes."""
        credential = known.candidate.credential
        value = authorization(credential)
        if value in self.tried or any(byte < 0x20 or byte == 0x7F for byte in value.reveal()):
            return False
        return self.takes_password or credential.is_ready()

    def send(self, known: Known | None) -> Exchange:
        """One request. An answer that starts a search is read to its end, so that its connection is free meanwhile."""
        value = None if known is None else authorization(known.candidate.credential)
        if value is not None or self.has_own_header():
            self.check()
        if value is not None:
            self.tried.add(value)
        request = self._request
        source = None if known is None else known.candidate.source
        with timed("request", method=request.method, url=self._target.shown, credential=source) as seen:
            raw, wait = self._pools.open(request.method, self._target, request.headers, request.body, value)
            seen["status"] = raw.status
        headers = Headers(raw.headers.items())
        body = StreamBody(raw, wait, request.limit, decode=request.takes_packed)
        if raw.status not in request.search:
            return Exchange(raw.status, headers, body, known)
        if raw.status == UNAUTHORIZED:
            if self._withheld(self._target) is not None:
                body.close()
                self.check()
            if known is None and not self._brings_one() and self._pools.sends_authorization(self._target):
                body.close()
                raise self._refused_extra()
            self.takes_password = accepts_password(parse_challenges(headers.getall("WWW-Authenticate")))
        return Exchange(raw.status, headers, BufferBody(body.drain()), known)

    def _refused_extra(self) -> Refused:
        return Refused(
            f"the server refused the Authorization of 'http.extraHeader' for '{self._target.shown}'",
            f"see where it stands: git config --show-origin --get-urlmatch http.extraHeader {self._target.origin}",
        )
