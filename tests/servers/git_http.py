"""A private Git server on loopback: the real `git http-backend` behind realms, redirects and faults."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers.http_backend import HttpBackend
from tests.servers.http_message import Request, Response, plain
from tests.servers.loopback import LoopbackServer
from tests.servers.rules import Fault, Realm, Redirect, under

__all__ = ["Fault", "GitHttpServer", "Realm", "Redirect", "Request", "Response"]


class GitHttpServer(LoopbackServer):
    """`with GitHttpServer(root, realms=[Realm("/", [("alice", "secret")])]) as server: … server.url`

    root: folder of bare repositories; root/team/demo.git is served at url/team/demo.git. Pushing needs a user of a
    realm, unless config says {"http.receivepack": "true"}. realms, public, redirects and faults may be changed while it
    runs; the longest prefix wins. config: git configuration of the server side. protocol_v2=False: a server that only
    knows v0. backend_log: a file that gets what git says on the server side.
    """

    def __init__(
        self,
        root: Path,
        *,
        realms: Sequence[Realm] = (),
        public: Sequence[str] = (),
        redirects: Sequence[Redirect] = (),
        faults: Sequence[Fault] = (),
        config: Mapping[str, str] | None = None,
        protocol_v2: bool = True,
        backend_log: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(host=host, port=port, tls=tls)
        self.root = root
        self.realms = list(realms)
        self.public = list(public)
        self.redirects = list(redirects)
        self.faults = list(faults)
        self._backend = HttpBackend(root.resolve(), config or {}, protocol_v2, backend_log)
        self._struck: list[Fault] = []

    def answer(self, request: Request) -> Response:
        """In this order: redirects, faults instead of an answer, realms, git, faults in its answer."""
        for redirect in sorted(self.redirects, key=lambda rule: len(rule.prefix), reverse=True):
            if under(redirect.prefix, request.path):
                return redirect.response(request)
        if response := self._replaced(request):
            return response
        if realm := self._realm(request.path):
            request.user = realm.admit(request)
            if request.user is None:
                return realm.refuse(request)
            pushes = request.path.endswith("/git-receive-pack") or "service=git-receive-pack" in request.query
            if pushes and realm.writers is not None and request.user not in realm.writers:
                return plain(403, f"{request.user} may not push here")
        if response := self._replaced(request):
            return response
        spoilers = [fault for fault in self.faults if fault.status is None and self._strikes(fault, request)]
        variables = {"SERVER_NAME": self.host, "SERVER_PORT": str(self.port)}
        response = self._backend.answer(request, variables)
        for fault in spoilers:
            response = fault.spoil(response, self.hold)
        return response

    def stop_children(self) -> None:
        self._backend.stop()

    def _realm(self, path: str) -> Realm | None:
        open_realms = [Realm(prefix, public=True) for prefix in self.public]
        matching = [realm for realm in (*self.realms, *open_realms) if under(realm.prefix, path)]
        best = max(matching, key=lambda realm: len(realm.prefix.rstrip("/")), default=None)
        return None if best is None or best.public else best

    def _replaced(self, request: Request) -> Response | None:
        for fault in self.faults:
            if fault.status is not None and self._strikes(fault, request):
                lines = [("Content-Type", fault.content_type or "text/plain")]
                return fault.spoil(Response(fault.status, lines, fault.body or f"{fault.status}\n"), self.hold)
        return None

    def _strikes(self, fault: Fault, request: Request) -> bool:
        if not fault.covers(request):
            return False
        with self._changed:
            if fault.times is not None and self._struck.count(fault) >= fault.times:
                return False
            self._struck.append(fault)
            return True
