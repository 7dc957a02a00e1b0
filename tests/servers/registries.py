"""Package registries as the clouds run them: who is let in, how they refuse, and where their files really come from.

`World` is all of them on one loopback server, under their own names: a proxy leads there, and one authority vouches.
"""

from __future__ import annotations

import io
import socket
import ssl
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import trustme

from tests.net.tunnel import TunnelProxy
from tests.servers.http_message import Request, Response
from tests.servers.loopback import LoopbackServer

TOKEN = "c4n4ry-t0ken/of+the=registry"
SIGNATURE = "sig=s1gned"
FILE = "demo-1.0-py3-none-any.whl"


def _wheel() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("demo.py", "")
        archive.writestr("demo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
    return packed.getvalue()


WHEEL = _wheel()


@dataclass(frozen=True)
class Registry:
    """`index`: the path of its pages; `files`: that of its files. `storage`: the host that a file's URL redirects to, if any.

    `admits`: which user names go with the token. `unknown`, `wrong`: the statuses without and with a wrong credential.
    `elsewhere`: where it sends those who ask for a project that it does not have.
    """

    host: str
    index: str
    files: str
    admits: Callable[[str], bool]
    unknown: int = 401
    wrong: int = 401
    challenges: tuple[str, ...] = ()
    storage: str | None = None
    redirect: int = 302
    elsewhere: str | None = None
    is_page: bool = False

    def answer(self, request: Request) -> Response:
        if not self._is_let_in(request):
            status = self.unknown if request.authorization is None else self.wrong
            lines = [("WWW-Authenticate", challenge) for challenge in self.challenges] if status == 401 else []
            return Response(status, lines, b"")
        if request.path == f"{self.files}{FILE}":
            if self.storage is not None:
                return Response(self.redirect, {"Location": f"https://{self.storage}/blob/{FILE}?{SIGNATURE}"}, b"")
            return Response(200, {"Content-Type": "application/octet-stream"}, WHEEL)
        html = {"Content-Type": "text/html"}
        if request.path == f"{self.index}demo/" or (self.is_page and request.path == self.index):
            return Response(200, html, f'<a href="{self.files}{FILE}">{FILE}</a>')
        if request.path == self.index:
            return Response(200, html, '<a href="demo/">demo</a>')
        if self.elsewhere is not None and request.path.startswith(self.index):
            return Response(302, {"Location": self.elsewhere + request.path.removeprefix(self.index)}, b"")
        return Response(404, {}, b"")

    def _is_let_in(self, request: Request) -> bool:
        user, colon, password = (request.user_password or "").partition(":")
        return bool(colon) and password == TOKEN and self.admits(user)


def _storage(request: Request) -> Response:
    """S3 and its like: a signature, and nothing else that could be one."""
    if request.authorization is not None or request.query != SIGNATURE:
        return Response(400, {"Content-Type": "application/xml"}, "<Error><Code>InvalidArgument</Code></Error>")
    return Response(200, {"Content-Type": "application/octet-stream"}, WHEEL)


REGISTRIES: Mapping[str, Registry] = {
    "azure-artifacts": Registry(
        "pkgs.dev.azure.com",
        "/example/project/_packaging/feed/pypi/simple/",
        "/example/project/_packaging/feed/pypi/download/demo/1.0/",
        lambda user: user != "",
        challenges=(
            "Bearer authorization_uri=https://login.windows.net/00000000-0000-0000-0000-000000000000",
            'Basic realm="https://pkgsprodwcus0.pkgs.visualstudio.com/"',
            "TFS-Federated",
        ),
        storage="blobs.example.net",
        redirect=303,
    ),
    "google-artifact-registry": Registry(
        "europe-west1-python.pkg.dev",
        "/project/repository/simple/",
        "/project/repository/demo/",
        lambda user: user in ("oauth2accesstoken", "_json_key_base64"),
        unknown=403,
        storage="storage.example.net",
    ),
    "aws-codeartifact": Registry(
        "domain-123456789012.d.codeartifact.eu-central-1.amazonaws.com",
        "/pypi/repository/simple/",
        "/pypi/repository/simple/demo/1.0/",
        lambda user: user == "aws",
        challenges=('Basic realm="domain/repository"',),
        storage="assets.example.net",
        redirect=307,
    ),
    "jfrog-artifactory": Registry(
        "example.jfrog.io",
        "/artifactory/api/pypi/python/simple/",
        "/artifactory/api/pypi/python/packages/",
        lambda user: user in ("ada", ""),
        unknown=404,
        challenges=('Basic realm="Artifactory Realm"',),
        storage="cdn.example.net",
    ),
    "gitlab": Registry(
        "gitlab.com",
        "/api/v4/projects/7/packages/pypi/simple/",
        "/api/v4/projects/7/packages/pypi/files/00/",
        lambda user: user in ("__token__", "gitlab-ci-token", "deploy"),
        unknown=404,
        challenges=('Basic realm="GitLab Packages Registry"',),
        elsewhere="https://public.example.org/simple/",
    ),
    "gitea-forgejo": Registry(
        "codeberg.org",
        "/api/packages/team/pypi/simple/",
        "/api/packages/team/pypi/files/demo/1.0/",
        lambda user: user == "ada",
        challenges=('Basic realm="Gitea Package API"',),
    ),
    "nginx": Registry(
        "packages.example.com",
        "/wheels/",
        "/wheels/",
        lambda user: user == "ada",
        challenges=('Basic realm="wheels"',),
        is_page=True,
    ),
}
STORAGES = frozenset(one.storage for one in REGISTRIES.values() if one.storage is not None)
PUBLIC = "public.example.org"


class World(LoopbackServer):
    """A context manager: every registry, its storage and a public index. `environment`: what leads a program there."""

    def __init__(self, folder: Path) -> None:
        authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        hosts = {one.host: one.answer for one in REGISTRIES.values()} | dict.fromkeys(STORAGES, _storage)
        self._answers: Mapping[str, Callable[[Request], Response]] = hosts | {PUBLIC: lambda _: Response(404)}
        authority.issue_cert(*self._answers).configure_cert(tls)
        super().__init__(tls=tls)
        self._roots = folder / "authority.pem"
        authority.cert_pem.write_to_path(self._roots)
        self._router = _Router(self)

    def __enter__(self) -> Self:
        super().__enter__()
        self._router.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._router.__exit__(*exception)
        super().__exit__(*exception)

    @property
    def environment(self) -> dict[str, str]:
        return {"https_proxy": self._router.url, "SSL_CERT_FILE": str(self._roots)}

    def answer(self, request: Request) -> Response:
        return self._answers[request.headers["host"]](request)

    def seen_by(self, *hosts: str) -> list[Request]:
        """What those hosts were asked."""
        return [request for request in self.requests if request.headers["host"] in hosts]


class _Router(TunnelProxy):
    """Whatever host is asked for, the way leads to the one server."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def _connect(self, host: str, port: int) -> socket.socket:
        return super()._connect(self._world.host, self._world.port)
