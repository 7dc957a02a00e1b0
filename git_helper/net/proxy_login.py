"""The conversation with a proxy that wants to know who comes (RFC 9110 §11.7, RFC 1929).

Like that with a server, and apart from it: what lets us through goes to this proxy only, what servers ask for never does.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from git_helper.core.authorization import authorization
from git_helper.core.chain import Candidate
from git_helper.core.challenge import parse as parse_challenges
from git_helper.core.credential import Credential
from git_helper.errors import NoCredential, Refused
from git_helper.frozen import frozen
from git_helper.net.failures import LoginWanted
from git_helper.net.proxy import HTTP
from git_helper.net.remembered import Desk, Known
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_helper.errors import GitHelperError
    from git_helper.net.conversation import Credentials
    from git_helper.net.proxy import Proxy
    from git_helper.secret import Secret

    T = TypeVar("T")

_ITS_URL = "URL"


@frozen
class _Login:
    """What we come with. `proxy`: with its user name and password."""

    known: Known
    proxy: Proxy
    value: Secret


@dataclass
class _Door:
    """One proxy and user. `open_with`: what let us in last."""

    desk: Desk = field(default_factory=Desk)
    open_with: _Login | None = None


class ProxyLogins:
    """Every proxy of the process: whoever is asked about one is asked once. Thread-safe."""

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials
        self._doors: dict[Proxy, _Door] = {}
        self._lock = threading.Lock()

    def through(self, proxy: Proxy, send: Callable[[Proxy], T], withheld: GitHelperError | None = None) -> T:
        """What `send` gives for `proxy` with what lets us in.

        User name and password of its URL are sent at once, and a refusal is final. Else what let us in before; else
        nothing, and when it asks, each candidate of the sources once, the person last. `send` raises LoginWanted.
        Raises NoCredential, Refused, Cancelled, and `withheld` instead of sending a login.
        """
        if withheld is not None:
            return _without_login(proxy, send, withheld)
        with self._lock:
            door = self._doors.setdefault(proxy, _Door())
        used = door.open_with
        try:
            return self._sent(door, used, proxy, send)
        except LoginWanted as refusal:
            _check_basic(proxy, refusal)
            if proxy.password is not None:
                raise self._refused_url(proxy, proxy.password, refusal) from None
            with door.desk.lock:
                return self._searched(door, used, proxy, send, refusal)

    def _sent(self, door: _Door, login: _Login | None, proxy: Proxy, send: Callable[[Proxy], T]) -> T:
        answer = send(proxy if login is None else login.proxy)
        if login is not None:
            door.open_with = login
            if self._credentials is not None and login.known.first_success():
                self._credentials.approve(login.known.candidate, login.known.wanted)
        return answer

    def _searched(
        self, door: _Door, used: _Login | None, proxy: Proxy, send: Callable[[Proxy], T], refusal: LoginWanted
    ) -> T:
        refused_sources: list[str] = []
        if used is not None:
            self._refused(door, used, refused_sources, refusal)
        for login in self._later(door, proxy):
            if login.value in door.desk.refused:
                _note(login, refused_sources)
                continue
            try:
                return self._sent(door, login, proxy, send)
            except LoginWanted as error:
                self._refused(door, login, refused_sources, error)
        raise self._failure(proxy, refused_sources, refusal) from None

    def _later(self, door: _Door, proxy: Proxy) -> Iterator[_Login]:
        """While we waited for the desk, another request may have been let in."""
        if door.open_with is not None:
            yield door.open_with
        if self._credentials is None:
            return
        for candidate in door.desk.search(self._credentials.candidates(proxy.wanted, ask=True), ask=True):
            one = candidate.credential
            if one.username is not None and one.password is not None:
                through = proxy.with_login(one.username, one.password)
                yield _Login(Known(candidate, proxy.wanted), through, authorization(one))

    def _refused(self, door: _Door, login: _Login, sources: list[str], refusal: LoginWanted) -> None:
        _note(login, sources)
        if door.open_with is login:
            door.open_with = None
        if login.value not in door.desk.refused:
            door.desk.refused.add(login.value)
            if self._credentials is not None and refusal.certain:
                self._credentials.reject(login.known.candidate, login.known.wanted)

    def _refused_url(self, proxy: Proxy, password: Secret, refusal: LoginWanted) -> Refused:
        if self._credentials is not None and refusal.certain:
            candidate = Candidate(_ITS_URL, Credential(proxy.username or b"", password))
            self._credentials.reject(candidate, proxy.wanted)
        message = f"the proxy '{proxy.url}' refused the user name and password of '{proxy.setting}'"
        return Refused(message, f"leave them out of it and {_hint(proxy)}" if proxy.scheme in HTTP else None)

    def _failure(self, proxy: Proxy, refused: list[str], refusal: LoginWanted) -> GitHelperError:
        if refused:
            whom = f"every credential for the proxy '{proxy.url}', from: {', '.join(refused)}"
            return Refused(f"the proxy refused {whom}", _hint(proxy))
        asked = () if self._credentials is None else self._credentials.names(proxy.wanted, ask=True)
        return NoCredential(f"{refusal.message}; asked: {', '.join(asked) or 'nobody'}", _hint(proxy))


def _without_login(proxy: Proxy, send: Callable[[Proxy], T], withheld: GitHelperError) -> T:
    if proxy.password is not None:
        raise withheld
    try:
        return send(proxy)
    except LoginWanted:
        raise withheld from None


def _note(login: _Login, sources: list[str]) -> None:
    source = login.known.candidate.source
    if source not in sources:
        sources.append(source)


def _check_basic(proxy: Proxy, refusal: LoginWanted) -> None:
    """A password is not sent where nobody asks for one. Raises Refused."""
    schemes = [challenge.scheme for challenge in parse_challenges(refusal.challenges)]
    if schemes and "basic" not in schemes:
        raise Refused(
            f"cannot log in to the proxy '{proxy.url}': it takes no password, only: {visible(', '.join(schemes))}",
            "use a proxy on this machine that logs in for you, such as cntlm or px",
        ) from None


def _hint(proxy: Proxy) -> str:
    if proxy.scheme in HTTP:
        return f"store one: git-helper login --no-check {proxy.url}"
    return f"put user name and password into the URL: --proxy {proxy.scheme}://USER:PASSWORD@{proxy.authority}"
