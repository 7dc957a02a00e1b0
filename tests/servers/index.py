"""A package index on loopback: PEP 503 or 691 pages below /simple/, a find-links page at /links/, the files below /files/."""

from __future__ import annotations

import hashlib
import json
import ssl
from collections.abc import Mapping, Sequence

from tests.servers.http_message import Request, Response, plain
from tests.servers.loopback import LoopbackServer
from tests.servers.rules import Realm

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html; charset=utf-8"


class IndexServer(LoopbackServer):
    """Serves `projects`: the contents of the files of each, by name. Where several realms cover a path, the longest counts.

    answers: whole responses by path, in place of everything else. json: whether pages are in JSON for who accepts that.
    """

    def __init__(
        self,
        projects: Mapping[str, Mapping[str, bytes]],
        realms: Sequence[Realm] = (),
        *,
        json: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(tls=tls)
        self.projects = projects
        self.realms = list(realms)
        self.answers: dict[str, Response] = {}
        self.json = json

    @property
    def index_url(self) -> str:
        return f"{self.url}/simple/"

    def answer(self, request: Request) -> Response:
        covering = [realm for realm in self.realms if request.path.startswith(realm.prefix)]
        realm = max(covering, key=lambda one: len(one.prefix), default=None)
        if realm is not None and (user := realm.admit(request)) is None:
            return realm.refuse(request)
        if realm is not None:
            request.user = user
        if request.path in self.answers:
            return self.answers[request.path]
        first, _, rest = request.path.lstrip("/").partition("/")
        name = rest.strip("/")
        if first == "links" and not name:
            return Response(200, {"Content-Type": HTML}, "\n".join(map(self._anchors, self.projects)))
        if first == "simple" and (not name or name in self.projects):
            return self._page(name, JSON in request.headers.get("accept", "") and self.json)
        content = self.projects.get(name.partition("/")[0], {}).get(name.rpartition("/")[2])
        if first != "files" or content is None:
            return plain(404)
        return Response(200, {"Content-Type": "application/octet-stream"}, content)

    def _page(self, project: str, in_json: bool) -> Response:
        if not in_json:
            names = "".join(f'<a href="{name}/">{name}</a>\n' for name in self.projects)
            return Response(200, {"Content-Type": HTML}, self._anchors(project) if project else names)
        page: dict[str, object] = {"meta": {"api-version": "1.1"}}
        if not project:
            page["projects"] = [{"name": name} for name in self.projects]
        else:
            page |= {"name": project, "files": [self._file(project, name) for name in self.projects[project]]}
        return Response(200, {"Content-Type": JSON}, json.dumps(page))

    def _file(self, project: str, name: str) -> dict[str, object]:
        content = self.projects[project][name]
        hashes = {"sha256": hashlib.sha256(content).hexdigest()}
        return {"filename": name, "url": f"../../files/{project}/{name}", "hashes": hashes, "size": len(content)}

    def _anchors(self, project: str) -> str:
        return "".join(
            f'<a href="/files/{project}/{name}#sha256={hashlib.sha256(content).hexdigest()}">{name}</a>\n'
            for name, content in self.projects[project].items()
        )
