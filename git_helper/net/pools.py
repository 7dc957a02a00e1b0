"""One set of connections for the process, and one request on one of them: no redirects, no retries, no 401 conversation.

What is configured for a URL (trust, proxy, `http.*` of git's configuration) is decided here, for each request anew.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from urllib3 import HTTPHeaderDict
from urllib3.exceptions import HTTPError, LocationValueError, ProxyError, SSLError
from urllib3.util import Timeout

from git_helper import __version__
from git_helper.core.http_rules import HttpRules
from git_helper.core.settings import MOST_WAIT
from git_helper.errors import Unreachable, UsageError
from git_helper.net.calls import CONNECT_SECONDS
from git_helper.net.failures import Wait
from git_helper.net.proxy_login import ProxyLogins
from git_helper.net.target import REDIRECTS, Target
from git_helper.net.tls import Contexts
from git_helper.net.tunnel import ProxyRefusal, manager
from git_helper.secret import visible

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from urllib3 import BaseHTTPResponse, PoolManager

    from git_helper.errors import GitHelperError
    from git_helper.net.calls import Calls
    from git_helper.net.conversation import Credentials
    from git_helper.net.exchange import WithheldFor
    from git_helper.net.proxy import Proxy, ProxyFor
    from git_helper.net.tls import ContextFor
    from git_helper.secret import Secret

    RulesFor = Callable[[Target], HttpRules]

IDLE_SECONDS = 120.0
_GLANCE_SECONDS = 5.0
_LONGEST_LABEL = 63  # RFC 1035 §2.3.4
# Servers of Git hosts answer some things only to programs that look like git.
USER_AGENT = f"git/2.0 (git-helper/{__version__})"
_ORDINARY = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "gzip"}
_NO_RULES = HttpRules()


class RedirectRefused(Unreachable):
    """`http.followRedirects` forbids to go where the server sends us; slug `redirect-refused`."""

    error = "redirect-refused"


class _Question(NamedTuple):
    """One request, whatever way it takes."""

    method: str
    target: Target
    headers: HTTPHeaderDict
    body: bytes | None
    idle: float


class Pools:
    """Connections by trust and proxy. Thread-safe; answers hold their connection until they are read or closed."""

    def __init__(
        self,
        context_for: ContextFor,
        proxy_for: ProxyFor | None,
        timeout: float | None,
        *,
        rules_for: RulesFor | None = None,
        credentials: Credentials | None = None,
        withheld: WithheldFor = lambda target: None,
        calls: Calls | None = None,
    ) -> None:
        """`timeout`: seconds for each wait; None: 20 for a connection, 120 for every wait after that.

        `credentials`: for proxies that ask for a user name and password; `withheld`: those that get none.
        `calls`: connections that are under way.
        """
        self._context_for = context_for
        self._proxy_for = proxy_for
        self._rules_for = rules_for
        self._logins = ProxyLogins(credentials)
        self._withheld = withheld
        self._calls = calls
        self._timeout = timeout
        self._connect = CONNECT_SECONDS if timeout is None else timeout
        self._managers: dict[tuple[ssl.SSLContext | None, Proxy | None, ssl.SSLContext | None], PoolManager] = {}
        self._lock = threading.Lock()

    def open(
        self,
        method: str,
        target: Target,
        headers: Mapping[str, str],
        body: bytes | None = None,
        authorization: Secret | None = None,
    ) -> tuple[BaseHTTPResponse, Wait]:
        """The answer with its body unread, and the limits of reading it.

        Raises Unreachable, UsageError, and for proxies NoCredential, Refused and Cancelled.
        """
        rules = self._rules(target)
        idle = IDLE_SECONDS if rules.low_speed is None else min(float(rules.low_speed[1]), MOST_WAIT)
        sent = _headers(headers, rules, authorization)
        question = _Question(method, target, sent, body, idle if self._timeout is None else self._timeout)
        proxy = None if self._proxy_for is None else self._proxy_for(target)
        if proxy is None:
            answer = self._ask(question, None)
        else:
            answer = self._logins.through(proxy, lambda known: self._ask(question, known), self._reason(proxy, target))
        if rules.follow_redirects == "false" and answer[0].status in REDIRECTS:
            answer[0].close()
            raise RedirectRefused(
                f"cannot follow the redirect of '{target.shown}': 'http.followRedirects' is false",
                f"git config --global http.{target.origin}.followRedirects initial",
            )
        return answer

    def sends_authorization(self, target: Target) -> bool:
        """Whether `http.extraHeader` has an Authorization for `target`, so that no other is looked for."""
        return self._rules(target).has_authorization

    def close(self) -> None:
        """Closes every connection that nobody is using."""
        with self._lock:
            managers, self._managers = list(self._managers.values()), {}
        for one in managers:
            for key in one.pools.keys():  # noqa: SIM118 (it has no iterator, only a copy of its keys)
                pool = one.pools.get(key)
                if pool is not None:
                    pool.close()
            one.clear()

    def is_proactive(self, target: Target) -> bool:
        """Whether a credential is to be found before the first request (http.proactiveAuth)."""
        return self._rules(target).proactive

    def _rules(self, target: Target) -> HttpRules:
        return _NO_RULES if self._rules_for is None else self._rules_for(target)

    def _ask(self, question: _Question, proxy: Proxy | None) -> tuple[BaseHTTPResponse, Wait]:
        """Raises LoginWanted, Unreachable, UsageError."""
        target = question.target
        if max(map(len, target.origin.host.split(b"."))) > _LONGEST_LABEL:
            raise _no_host(target)  # Python's TLS would find out in the middle, and leave the connection open
        wait = Wait(target.shown, self._connect, question.idle, None if proxy is None else proxy.url)
        connections = self._manager(target, proxy)
        start = time.monotonic()
        try:
            raw = _answer(
                connections,
                question,
                direct=proxy is None,
                redirect=False,
                retries=False,
                preload_content=False,
                headers=question.headers,
                body=question.body,
                timeout=Timeout(connect=self._connect, read=question.idle),
            )
        except LocationValueError:
            raise _no_host(target) from None
        except (HTTPError, OSError) as error:
            raise self._failure(target, proxy, error) or wait.failed(error, time.monotonic() - start) from error
        refusal = None if proxy is None else _refusal(raw, proxy)
        if refusal is not None:
            raw.close()
            raise wait.refused_by_proxy(refusal)
        return raw, wait

    def _manager(self, target: Target, proxy: Proxy | None) -> PoolManager:
        context = self._context_for(target) if target.origin.scheme == b"https" else None
        proxy_context = self._proxy_context(proxy, target)
        with self._lock:
            key = (context, proxy, proxy_context)
            if key not in self._managers:
                self._managers[key] = manager(proxy, context, proxy_context, USER_AGENT, self._calls)
            return self._managers[key]

    def _proxy_context(self, proxy: Proxy | None, target: Target) -> ssl.SSLContext | None:
        if proxy is None or proxy.scheme != "https":
            return None
        return self._context_for(proxy.on_the_way_to(target))

    def _reason(self, proxy: Proxy, target: Target) -> GitHelperError | None:
        """Why no login may go to the proxy."""
        return self._withheld(proxy.on_the_way_to(target)) if proxy.scheme == "https" else None

    def _failure(self, target: Target, proxy: Proxy | None, error: Exception) -> Unreachable | None:
        """Why a server, or an https proxy, is not trusted; None for any other failure."""
        if not isinstance(self._context_for, Contexts):
            return None
        if isinstance(error, ProxyError):
            # Raised while nothing but the proxy had been reached.
            if proxy is None or proxy.scheme != "https":
                return None
            target, proxy, error = proxy.on_the_way_to(target), None, error.original_error
        if not isinstance(error, SSLError):
            return None
        return self._context_for.untrusted(target, error, partial(self._glance, target, proxy))

    def _glance(self, target: Target, proxy: Proxy | None, context: ssl.SSLContext) -> None:
        """One more connection on the same way, with a context that ends it before anything can be sent."""
        connections = manager(proxy, context, self._proxy_context(proxy, target), USER_AGENT)
        limit = min(self._connect, _GLANCE_SECONDS)
        with suppress(HTTPError, OSError):
            connections.urlopen("HEAD", target.url, redirect=False, retries=False, timeout=Timeout(limit, limit))


def _answer(connections: PoolManager, question: _Question, *, direct: bool, **options: Any) -> BaseHTTPResponse:
    """The URL has been read, so urllib3 need not do it again: what it compiles for that takes as long as a request.

    It does so on all ways but the ordinary one: through a proxy, to an address, and with `..` in the path.
    """
    target, origin = question.target, question.target.origin
    start = f"{origin.scheme.decode()}://{origin.authority()}"
    path = target.url.removeprefix(start)
    is_name = origin.host.replace(b".", b"").replace(b"-", b"").isalnum()
    if not direct or not is_name or path == target.url or not path.startswith("/") or "/." in path:
        return connections.urlopen(question.method, target.url, **options)
    pool = connections.connection_from_host(origin.host.decode(), origin.port, origin.scheme.decode())
    return pool.urlopen(question.method, path, assert_same_host=False, **options)


def _no_host(target: Target) -> UsageError:
    return UsageError(f"cannot request '{target.shown}': its host is no host name")


def _refusal(answer: BaseHTTPResponse, proxy: Proxy) -> ProxyRefusal | None:
    """The proxy's own answer to a plain request. To a wrong password, tinyproxy answers like a server."""
    by_name = answer.headers.get("Server", "").startswith("tinyproxy/") and "Via" not in answer.headers
    certain = answer.status == 407
    if not certain and not (answer.status == 401 and by_name and proxy.authorization is not None):
        return None
    challenges = tuple(answer.headers.getlist("Proxy-Authenticate"))
    reason = f"{answer.status} {visible(answer.reason or '')}".rstrip(" ")
    return ProxyRefusal(reason, wants_login=True, challenges=challenges, certain=certain)


def _headers(given: Mapping[str, str], rules: HttpRules, authorization: Secret | None) -> HTTPHeaderDict:
    """Ours, then what the request needs, then `http.extraHeader`, which replaces all but the caller's Authorization."""
    sent = HTTPHeaderDict(_ORDINARY)
    for name, value in given.items():
        sent[name] = value
    own = "Authorization" in sent
    extra = [(name, value) for name, value in rules.extra_headers if not (own and name.lower() == "authorization")]
    for name, _ in extra:
        sent.discard(name)
    for name, secret in extra:
        if secret is not None:
            sent.add(name, secret.reveal().decode("latin-1"))
    if authorization is not None:
        sent["Authorization"] = authorization.reveal().decode("latin-1")
    return sent
