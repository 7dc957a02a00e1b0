"""What the tests of the conversation share: sources that count who asks them, servers with a door, a ready session."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

import trustme

from git_helper.core.chain import Candidate
from git_helper.core.credential import Credential, Description
from git_helper.core.http_rules import HttpRules
from git_helper.errors import GitHelperError
from git_helper.net.proxy import Proxy
from git_helper.net.session import Session
from git_helper.net.target import Target
from git_helper.secret import Secret
from tests.servers.http_message import Request, Response
from tests.servers.recording import Script
from tests.servers.rules import Realm

CANARY = "c4n4ry-p4ssw0rd"


def basic(user: str, password: str, source: str = "netrc") -> Candidate:
    """A candidate with user name and password."""
    return Candidate(source, Credential(user.encode(), Secret(password.encode())))


def bearer(token: str, source: str = "helper") -> Candidate:
    """A candidate for a ready Authorization header."""
    return Candidate(source, Credential(authtype=b"Bearer", credential=Secret(token.encode())))


class Told:
    """Keeps which candidates worked, and which did not: where they are from, and whose they are."""

    def __init__(self) -> None:
        self.approved: list[tuple[str, bytes | None]] = []
        self.rejected: list[tuple[str, bytes | None]] = []
        self._lock = threading.Lock()

    def approve(self, candidate: Candidate, wanted: Description) -> None:
        with self._lock:
            self.approved.append((candidate.source, candidate.credential.username))

    def reject(self, candidate: Candidate, wanted: Description) -> None:
        with self._lock:
            self.rejected.append((candidate.source, candidate.credential.username))


class Sources(Told):
    """Answers with `known`, then with those of the `person` where asking is allowed; keeps what it is told."""

    def __init__(self, *known: Candidate, person: Sequence[Candidate] = ()) -> None:
        super().__init__()
        self.known = known
        self.person = person
        self.wanted: list[Description] = []
        self.questions = 0

    def scoped(self, wanted: Description) -> Description:
        return wanted

    def candidates(self, wanted: Description, *, ask: bool) -> Iterator[Candidate]:
        with self._lock:
            self.wanted.append(wanted)
        yield from self._of(wanted, self.known)
        if ask:
            for candidate in self._of(wanted, self.person):
                self.questions += 1
                yield candidate

    def names(self, wanted: Description, *, ask: bool) -> Sequence[str]:
        return ["netrc", "helper", *(["person"] if ask else [])]

    @staticmethod
    def _of(wanted: Description, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
        for one in candidates:
            if wanted.username is None or one.credential.username in (None, wanted.username):
                yield one


def guarded(*realms: Realm, body: bytes = b"in") -> Script:
    """A script: `body` for whoever a realm admits, or where there is none; the longest prefix wins."""

    def answer(request: Request) -> Response:
        within = [realm for realm in realms if request.path.startswith(realm.prefix)]
        realm = max(within, key=lambda one: len(one.prefix), default=None)
        if realm is not None and realm.admit(request) is None:
            return realm.refuse(request)
        return Response(200, body=body)

    return answer


def tls_pair(name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The context of a server called `name`, and one that trusts it."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert(name).configure_cert(server)
    authority.configure_trust(client)
    return server, client


def no_tls(target: Target) -> ssl.SSLContext:
    """For sessions that must not need a trust."""
    raise AssertionError(f"nobody speaks TLS here: {target}")


@contextlib.contextmanager
def session(
    sources: Sources | None = None,
    *,
    timeout: float | None = 10.0,
    context_for: Callable[[Target], ssl.SSLContext] = no_tls,
    proxy_for: Callable[[Target], Proxy | None] | None = None,
    proxy_sources: Sources | None = None,
    rules_for: Callable[[Target], HttpRules] | None = None,
    withheld: Callable[[Target], GitHelperError | None] = lambda target: None,
) -> Iterator[Session]:
    """A session that is closed at the end."""
    with Session(
        context_for,
        timeout,
        credentials=sources,
        proxy_for=proxy_for,
        proxy_credentials=proxy_sources,
        rules_for=rules_for,
        withheld=withheld,
    ) as one:
        yield one
