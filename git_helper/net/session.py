"""The door to servers: a request goes in, its answer comes out, whatever redirects and refusals lie between."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from git_helper.core.userinfo import looks_like_token
from git_helper.errors import Unreachable
from git_helper.frozen import frozen
from git_helper.net import registry_conversation
from git_helper.net.conversation import Conversations, Credentials
from git_helper.net.exchange import URL
from git_helper.net.message import Answered, Headers, Request, Response
from git_helper.net.pools import Pools
from git_helper.net.target import MOST_REDIRECTS, REDIRECTS, BadRedirect, Redirected, Target
from git_helper.secret import Secret
from git_helper.system.trace import timed

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from git_helper.net.calls import Calls
    from git_helper.net.exchange import Exchange, WithheldFor
    from git_helper.net.pools import RulesFor
    from git_helper.net.proxy import ProxyFor
    from git_helper.net.registry_conversation import RegistryCredentials
    from git_helper.net.remembered import Known
    from git_helper.net.tls import ContextFor

__all__ = ["URL", "Answer", "Credentials", "Headers", "Redirected", "Request", "Response", "Session"]

# What says how to answer; all else (an extra header of git's configuration may hold a token) stays with its origin.
_HARMLESS = ("accept", "accept-encoding", "accept-language", "content-type", "git-protocol", "range", "user-agent")
_NOT_MODIFIED = 304


@frozen
class Answer:
    """Status and headers (names in lower case) of one answer; redirects are not followed."""

    status: int
    headers: dict[str, str]


class Session:
    """Connections, and what worked on them, for the whole process. Thread-safe; a context manager."""

    def __init__(
        self,
        context_for: ContextFor | ssl.SSLContext,
        timeout: float | None = None,
        *,
        credentials: Credentials | None = None,
        for_registries: RegistryCredentials | None = None,
        proxy_for: ProxyFor | None = None,
        proxy_credentials: Credentials | None = None,
        rules_for: RulesFor | None = None,
        withheld: WithheldFor = lambda target: None,
        check_hop: Callable[[Target], None] = lambda target: None,
        offline: bool = False,
        calls: Calls | None = None,
    ) -> None:
        """`context_for` may be one context for every origin. `timeout`: seconds for each wait; None: 20 for a
        connection, 120 for every wait after that.

        Without `credentials` (and `for_registries`, which requests with a `place` go by) only what a URL carries is sent;
        without `proxy_for` no proxy is used. `proxy_credentials`: for proxies that ask who we are. `rules_for`: `http.*` of
        git's configuration for a target. `withheld`: where no credential may go, whatever has one. `check_hop` raises where
        no redirect of a Git server may lead.
        `offline`: every question is Unreachable. `calls`: connections that are under way.
        """
        contexts = context_for if callable(context_for) else lambda _: context_for
        self._pools = Pools(
            contexts,
            proxy_for,
            timeout,
            rules_for=rules_for,
            credentials=proxy_credentials,
            withheld=withheld,
            calls=calls,
        )
        self._withheld = withheld
        self._check_hop = check_hop
        self._offline = offline
        self._conversations = Conversations(self._pools, credentials, withheld)
        self._for_registries = for_registries
        self._registries: registry_conversation.RegistryConversations | None = None
        self._lock = threading.Lock()

    def send(self, request: Request) -> Response:
        """The answer, whatever its status, but 401 where `request.search` has it; GET and HEAD follow redirects.

        Every hop is decided anew: another origin gets nothing of this one, and https never becomes http. Raises
        NoCredential, Refused, Unreachable (also for redirects that cannot be followed; Redirected for one of a POST),
        UsageError, Cancelled, and what `check_hop` does.
        """
        target = self._asked(Target.of(request))
        used: list[Known] = []
        for _ in range(MOST_REDIRECTS + 1):
            exchange = self._exchange(request, target)
            if exchange.known is not None:
                used.append(exchange.known)
            if exchange.status not in REDIRECTS:
                return self._answered(exchange, target, used)
            exchange.body.close()
            following = target.redirected(exchange.headers.get("Location"))
            if request.place is None:
                self._check_hop(following)
            if request.method not in ("GET", "HEAD"):
                raise Redirected(target, following, request.method)
            if following.origin != target.origin:
                request = replace(request, headers=_harmless(request))
            target = following
        raise BadRedirect(target, "too-many-redirects", f"more than {MOST_REDIRECTS} in a row")

    def get(self, url: str, authorization: Secret | None = None) -> Answer:
        """One bare GET: no source is asked, no redirect followed, the body not read. Raises Unreachable, UsageError,
        and what `withheld` has to say."""
        target = self._asked(Target.parse(url))
        reason = None if authorization is None else self._withheld(target)
        if reason is not None:
            raise reason
        source = None if authorization is None else "login"
        with timed("request", method="GET", url=target.shown, credential=source) as seen:
            raw, _ = self._pools.open("GET", target, {}, None, authorization)
            seen["status"] = raw.status
        raw.close()
        return Answer(raw.status, {name.lower(): value for name, value in raw.headers.items()})

    def close(self) -> None:
        """Closes all connections."""
        self._pools.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def _with_registries(self) -> registry_conversation.RegistryConversations:
        with self._lock:  # two of them would each ask for themselves
            if self._registries is None:
                self._registries = registry_conversation.RegistryConversations(
                    self._pools, self._for_registries, self._withheld
                )
            return self._registries

    def _asked(self, target: Target) -> Target:
        if self._offline:
            raise Unreachable(f"cannot ask '{target.shown}': --offline")
        return target

    def _exchange(self, request: Request, target: Target) -> Exchange:
        if request.place is None:
            return self._conversations.hold(request, target)
        return self._with_registries.hold(request, target, request.place)

    def _answered(self, exchange: Exchange, target: Target, used: list[Known]) -> Response:
        # Not at the redirect itself: some servers redirect whom they refuse to a page where people log in.
        worked = 200 <= exchange.status < 300 or exchange.status == _NOT_MODIFIED
        for known in used if worked else ():
            if known.keeper is not None and known.first_success():
                known.keeper.approve(known.candidate, known.wanted)
        answered = None if exchange.known is None else _who(exchange.known)
        return Response(exchange.status, exchange.headers, target.url, exchange.body, answered, exchange.asked)


def _harmless(request: Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name.lower() in _HARMLESS}


def _who(known: Known) -> Answered:
    credential = known.candidate.credential
    name = credential.username
    # A name of the URL that is let in without a password is one.
    is_token = known.candidate.source == URL and credential.password == Secret(b"")
    if name is not None and looks_like_token(name.decode("utf-8", "replace")):
        is_token = True
    return Answered(known.candidate.source, None if is_token else name)
