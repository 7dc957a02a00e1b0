"""The conversation with a registry: who is let in with what, in which order (5-http "in short" of the design).

Registries hide what is private behind 401, 403 or 404; the statuses that make us look are those of `Request.search`.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from git_helper.core.authorization import authorization
from git_helper.core.chain import Candidate
from git_helper.core.credential import Credential
from git_helper.core.indexes import CredentialsWithNever, Userinfo, Wanted, path_segments, realm
from git_helper.core.userinfo import is_plain_name, looks_like_token
from git_helper.errors import GitHelperError, NoCredential, Refused
from git_helper.net.exchange import UNAUTHORIZED, URL, Exchange, Keeper, Questions
from git_helper.net.registry_memory import Found, RealmCache, RealmDesk
from git_helper.net.remembered import Known
from git_helper.secret import Secret, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_helper.core.credential import Origin
    from git_helper.core.indexes import Place
    from git_helper.net.exchange import WithheldFor
    from git_helper.net.message import Request
    from git_helper.net.pools import Pools
    from git_helper.net.target import Target

PERSON = "person"


class MissingCredentials(NoCredential):
    """An index that is always to be authenticated, and nobody has a credential; no request was sent."""

    error = "missing-credentials"


class AmbiguousCredentials(NoCredential):
    """A source knows several users for a URL that names none. `asked`: the sources up to it."""

    error = "ambiguous-credentials"

    def __init__(self, message: str, hint: str, asked: tuple[str, ...]) -> None:
        super().__init__(message, hint)
        self.asked = asked


class RegistryCredentials(Keeper, Protocol):
    """Where credentials for registries come from. It reports its own failures; raises Cancelled, AmbiguousCredentials."""

    def first(self, wanted: Wanted) -> Found:
        """The answer of the first source that has one; those behind it are not asked."""

    def person(self, wanted: Wanted) -> Iterator[Candidate] | None:
        """The person's answer, and another one when that was refused; None where nobody may be asked."""


class RegistryConversations:
    """Every conversation with registries of the process: what one learns, the others know. Thread-safe."""

    def __init__(self, pools: Pools, credentials: RegistryCredentials | None, withheld: WithheldFor) -> None:
        self.pools = pools
        self.withheld = withheld
        self.credentials = credentials
        self.cache = RealmCache()
        self._desks: dict[tuple[Origin, bytes | None], RealmDesk] = {}
        self._lock = threading.Lock()

    def hold(self, request: Request, target: Target, place: Callable[[Origin, str], Place]) -> Exchange:
        """The answer of `target`, redirects included, however many requests it takes. `place`: what is configured for it.

        User name and password of the URL or its index: sent at once, 401 is final. A user name alone: what let that user
        in before, else the first source that knows one for it, else `name:`. Nothing: what let us in at the longest
        prefix, else in the realm, else bare; what is refused then makes us ask the sources. The first source with an
        answer decides: what it gives is sent once, and if that is refused, no other one is asked but the person, and
        that only after 401. Raises NoCredential, Refused, Unreachable, UsageError, Cancelled.
        """
        return _Conversation(self, request, target, place(target.origin, target.path)).hold()

    def desk(self, origin: Origin, username: bytes | None) -> RealmDesk:
        """The one desk for a realm and user."""
        with self._lock:
            return self._desks.setdefault((origin, username), RealmDesk())


class _Conversation:
    """One request to one origin until it is answered."""

    def __init__(self, shared: RegistryConversations, request: Request, target: Target, place: Place) -> None:
        self._shared = shared
        self._target = target
        self._place = place
        self._questions = Questions(shared.pools, shared.withheld, request, target)
        self._segments = path_segments(target.path)
        self._userinfo = Userinfo(target.username, target.password).joined(place.userinfo)
        self._realm = realm(target.origin)
        self._desk = shared.desk(self._realm, self._userinfo.username)
        host = self._realm.authority().encode("ascii")
        self._wanted = Wanted(target.origin.scheme, host, place.path, self._userinfo.username, place.service)
        self._refusals: list[str] = []

    def hold(self) -> Exchange:
        if self._questions.has_own_header() or self._target.is_signed:
            return self._questions.send(None)
        if self._place.authenticate == "never":
            return self._without()
        if self._userinfo.password is not None:
            return self._with_own(self._userinfo.password)
        if self._is_token():
            return self._with_own(Secret(b""))
        known, is_own = self._cached() or (None, False)
        if known is None and (self._wanted.username is not None or self._place.authenticate == "always"):
            return self._searched(None)
        first = self._send(known)
        # What lets us in here is no wrong password: another refusal than 401 is about this very URL.
        if not self._questions.is_refused(first) or (is_own and first.status != UNAUTHORIZED):
            return first
        return self._searched(first)

    # ------------------------------------------------------------------ what is given

    def _without(self) -> Exchange:
        if self._target.username is not None or self._target.password is not None:
            raise CredentialsWithNever(self._shown)
        exchange = self._questions.send(None)
        if exchange.status == UNAUTHORIZED:
            raise NoCredential(
                f"no credential for '{self._shown}' (the server answered 401): it is never to be authenticated",
                'set authenticate = "auto" for this index',
            )
        return exchange

    def _with_own(self, password: Secret) -> Exchange:
        known = self._own(password)
        value = (self._place.segments, authorization(known.candidate.credential))
        exchange = None if value in self._desk.refused else self._send(known)
        if exchange is None or (exchange.status == UNAUTHORIZED and self._questions.is_refused(exchange)):
            self._desk.refused.add(value)  # many of the same might lock the account
            raise Refused(
                f"the server refused the user name and password in the URL of '{self._shown}' (it answered 401)",
                f"leave them out of the URL and log in: git-helper login {self._target.origin}",
            )
        return exchange

    # ------------------------------------------------------------------ what is looked up

    def _searched(self, first: Exchange | None) -> Exchange:
        """The answer with what is found. `first`: the one without, if we asked so; it stands where nothing helps."""
        self._questions.check()
        with self._desk.lock:
            # While we waited for the desk, another request may have been let in.
            known, _ = self._cached() or (None, False)
            if known is None or not self._questions.may_send(known):
                return self._asked(first)
        exchange = self._send(known)
        if not self._questions.is_refused(exchange):
            return exchange
        with self._desk.lock:
            return self._asked(first or exchange)

    def _asked(self, first: Exchange | None) -> Exchange:
        is_needed = first is None or first.status == UNAUTHORIZED
        try:
            found = self._desk.found((self._wanted.service, self._wanted.path), self._look_up)
        except AmbiguousCredentials as error:
            if first is None or is_needed:
                raise
            return replace(first, known=None, asked=error.asked)
        exchange = self._with_found(found, first)
        if exchange is not None and not self._questions.is_refused(exchange):
            return exchange
        if exchange is not None and is_needed and exchange.status != UNAUTHORIZED:
            return replace(exchange, asked=found.asked)
        if first is not None and not is_needed:
            return replace(first, known=None, asked=found.asked)
        return self._with_person(found.asked)

    def _with_found(self, found: Found, first: Exchange | None) -> Exchange | None:
        if found.candidate is not None:
            return self._attempt(Known(found.candidate, self._wanted, self._shared.credentials))
        if first is None and self._place.authenticate != "always":
            return self._attempt(self._own(Secret(b"")))
        return None

    def _look_up(self) -> Found:
        """The first of: what another index of the realm carries, the sources."""
        neighbour = self._place.neighbour
        if neighbour is not None and self._wanted.username in (None, neighbour.username):
            credential = Credential(neighbour.username or b"", neighbour.password)
            return Found(Candidate(URL, credential), (URL,))
        credentials = self._shared.credentials
        return Found(None, ()) if credentials is None else credentials.first(self._wanted)

    def _with_person(self, asked: tuple[str, ...]) -> Exchange:
        credentials = self._shared.credentials
        answers = None if credentials is None else credentials.person(self._wanted)
        if answers is not None:
            asked = (*asked, PERSON)
            for candidate in self._desk.person(answers):
                exchange = self._attempt(Known(candidate, self._wanted, credentials))
                if exchange is not None and exchange.status != UNAUTHORIZED:
                    return exchange
        raise self._failure(asked)

    # ------------------------------------------------------------------ requests

    def _attempt(self, known: Known) -> Exchange | None:
        """The answer; None when it is of no use to ask so."""
        value = (self._place.segments, authorization(known.candidate.credential))
        if value in self._desk.refused:
            self._refused(known)
            return None
        if not self._questions.may_send(known):
            return None
        exchange = self._send(known)
        if exchange.status == UNAUTHORIZED and self._questions.is_refused(exchange):
            self._desk.refused.add(value)
            self._refused(known)
            if known.keeper is not None:
                known.keeper.reject(known.candidate, known.wanted)
        return exchange

    def _refused(self, known: Known) -> None:
        source = known.candidate.source
        is_guess = source == URL and known.candidate.credential.password == Secret(b"")
        if not is_guess and source not in self._refusals:
            self._refusals.append(source)

    def _send(self, known: Known | None) -> Exchange:
        exchange = self._questions.send(known)
        if known is not None and 200 <= exchange.status < 400 and not self._target.lent:
            known = self._shared.cache.add(self._realm, self._place.segments, known)
            return replace(exchange, known=known)
        return exchange

    def _cached(self) -> tuple[Known, bool] | None:
        return self._shared.cache.find(self._realm, self._wanted.username, self._segments)

    def _own(self, password: Secret) -> Known:
        credential = Credential(self._userinfo.username or b"", password)
        return Known(Candidate(URL, credential), self._wanted, self._shared.credentials)

    # ------------------------------------------------------------------ words

    def _failure(self, asked: tuple[str, ...]) -> GitHelperError:
        name = visible(self._wanted.username or b"")
        name = name if is_plain_name(name) else ""  # `token@` and `user@` are one syntax
        whom = f"'{name}' at '{self._shown}'" if name else f"'{self._shown}'"
        login = f"git-helper login {self._target.origin}" + (f" --username {name}" if name else "")
        if self._refusals:
            sources = ", ".join(self._refusals)
            reason = f"the server refused the credential for {whom} (it answered 401), from: {sources}"
            return Refused(reason, f"store one that works: {login}")
        if not self._questions.takes_password:
            return NoCredential(f"no credential for {whom}: the server takes none that git-helper has or can ask for")
        who, hint = ", ".join(asked) or "nobody", f"store one: {login}"
        if self._place.authenticate == "always":
            reason = f"no credential for {whom}, which is always to be authenticated; asked: {who}"
            return MissingCredentials(reason, hint)
        return NoCredential(f"no credential for {whom} (the server answered 401); asked: {who}", hint)

    def _is_token(self) -> bool:
        """A token in place of a name is a secret: no source and no person is told it."""
        name = self._wanted.username
        return name is not None and looks_like_token(name.decode("utf-8", "replace"))

    @property
    def _shown(self) -> str:
        return self._place.shown or self._target.shown
