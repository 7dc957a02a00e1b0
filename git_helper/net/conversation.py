"""The 401 conversation with a Git server: who is let in with what, in which order, and who hears how it went.

RFC 9110 §11; the order is git's (http.c, credential.c), told in the docstring of `Conversations.hold`.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn, Protocol

from git_helper.core.authorization import authorization
from git_helper.core.chain import Candidate
from git_helper.core.configured import rules_of
from git_helper.core.credential import Credential, Description
from git_helper.core.userinfo import is_plain_name, looks_like_token
from git_helper.errors import NoCredential, Refused
from git_helper.net.exchange import UNAUTHORIZED, URL, Exchange, Keeper, Questions
from git_helper.net.remembered import Desk, Known, Remembered
from git_helper.secret import Secret, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from git_helper.core.credential import Origin
    from git_helper.net.exchange import WithheldFor
    from git_helper.net.message import Request
    from git_helper.net.pools import Pools
    from git_helper.net.target import Target


class Credentials(Keeper, Protocol):
    """Where credentials come from and who keeps them. It reports its own failures and raises only Cancelled."""

    def scoped(self, wanted: Description) -> Description:
        """`wanted` without its path, where one credential serves the whole host, and with the user name that is configured
        for it; asked only when one is needed."""

    def candidates(self, wanted: Description, *, ask: bool) -> Iterator[Candidate]:
        """Each source's answers in order, lazily; with `ask` the person last, who may answer once more when refused."""

    def names(self, wanted: Description, *, ask: bool) -> Sequence[str]:
        """The sources that `candidates` asks, in order."""


class Conversations:
    """Every conversation of the process: what one learns, the others know. Thread-safe."""

    def __init__(self, pools: Pools, credentials: Credentials | None, withheld: WithheldFor) -> None:
        self.pools = pools
        self.withheld = withheld
        self.credentials = credentials
        self.remembered = Remembered()
        self._desks: dict[object, Desk] = {}
        self._lock = threading.Lock()

    def hold(self, request: Request, target: Target) -> Exchange:
        """The answer of `target`, redirects included, however many requests it takes.

        Name and password in the URL: they are sent at once, and 401 is final. Else what let us in before; else bare, but a
        name that is a token by its shape is sent at once. After a status of `request.search`: `name:` with an empty
        password, the sources, the person (only after 401); each candidate once, one request at a time for each origin,
        path and user. With http.proactiveAuth this search comes before the bare request.

        Raises NoCredential, Refused, Unreachable, UsageError, Cancelled.
        """
        return _Conversation(self, request, target).hold()

    def desk(self, origin: Origin, wanted: Description) -> Desk:
        """The one desk for what is wanted."""
        with self._lock:
            key = (origin, wanted.path, wanted.username, rules_of(wanted))
            return self._desks.setdefault(key, Desk())


class _Conversation:
    """One request to one origin until it is answered."""

    def __init__(self, shared: Conversations, request: Request, target: Target) -> None:
        self._shared = shared
        self._request = request
        self._target = target
        host = target.origin.authority().encode("ascii")
        self._wanted = Description(target.origin.scheme, host, target.secrets_path, target.username)
        self._questions = Questions(shared.pools, shared.withheld, request, target)
        self._is_scoped = False
        self._refusals: list[str] = []

    def hold(self) -> Exchange:
        if self._questions.has_own_header():
            return self._send(None)
        if self._target.password is not None:
            return self._with_own_password(self._target.password)
        if self._shared.remembered:
            self._scope()
        known = self._at_once()
        if known is None and self._questions.is_proactive():
            found = self._searched(ask=True)
            if found is not None:
                return found
        first = self._send(known)
        # What let us in elsewhere is no wrong password: another refusal than 401 is about this very URL.
        if not self._questions.is_refused(first) or (first.known is not None and first.status != UNAUTHORIZED):
            return first
        ask = first.status == UNAUTHORIZED
        if ask and first.known is not None and first.known.candidate.source == URL and self._is_token():
            self._reject(first.known)
        return self._searched(ask=ask) or self._give_up(first, ask=ask)

    def _searched(self, *, ask: bool) -> Exchange | None:
        """The answer with the first candidate that is let in, one request at a time for each desk."""
        self._scope()
        desk = self._shared.desk(self._target.origin, self._wanted)
        with desk.lock:
            for known in self._later(desk, ask=ask):
                exchange = self._try(known, desk)
                if exchange is not None:
                    return exchange
        return None

    def _scope(self) -> None:
        if not self._is_scoped and self._shared.credentials is not None:
            self._wanted = self._shared.credentials.scoped(self._wanted)
            self._is_scoped = True

    def _with_own_password(self, password: Secret) -> Exchange:
        known = self._own(password)
        exchange = self._send(known)
        if exchange.status == UNAUTHORIZED and UNAUTHORIZED in self._request.search:
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
        if self._target.username is not None:
            yield self._own(Secret(b""))
        if self._shared.credentials is None:
            return
        # A token in place of a name is a secret: a question to the person would have to show it.
        ask = ask and not self._is_token()
        for candidate in desk.search(self._shared.credentials.candidates(self._wanted, ask=ask), ask=ask):
            if candidate.credential.is_complete():
                yield Known(candidate, self._wanted, self._shared.credentials)

    def _try(self, known: Known, desk: Desk) -> Exchange | None:
        """The answer, unless `known` is of no use here or is refused."""
        value = authorization(known.candidate.credential)
        if value in desk.refused:
            self._refused(known)
        if value in desk.refused or not self._questions.may_send(known):
            return None
        exchange = self._send(known)
        if not self._questions.is_refused(exchange):
            return exchange
        if exchange.status == UNAUTHORIZED:
            desk.refused.add(value)
            if known.candidate.source != URL:
                self._reject(known)
        return None

    def _send(self, known: Known | None) -> Exchange:
        exchange = self._questions.send(known)
        if known is None:
            return exchange
        if self._questions.is_refused(exchange):
            self._refused(known)
        elif 200 <= exchange.status < 400:
            return replace(exchange, known=self._shared.remembered.add(self._target.origin, known, self._target.path))
        return exchange

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
        if not self._questions.takes_password:
            raise NoCredential(f"no credential for {whom}: the server takes none that git-helper has or can ask for")
        raise NoCredential(f"no credential for {whom}; asked: {', '.join(asked) or 'nobody'}", f"store one: {login}")

    def _own(self, password: Secret) -> Known:
        """What the URL carried, or half of it with an empty password."""
        credential = Credential(self._target.username or b"", password)
        return Known(Candidate(URL, credential), self._wanted, self._shared.credentials)

    def _is_token(self) -> bool:
        name = self._target.username
        return name is not None and looks_like_token(name.decode("utf-8", "replace"))
