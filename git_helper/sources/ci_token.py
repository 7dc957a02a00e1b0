"""Ambient tokens of CI systems and vendor tools: asked late, and each only for its own host (CVE-2024-53858)."""

from __future__ import annotations

from git_helper.core.credential import Credential, Description, Origin
from git_helper.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class CiToken:
    """The ambient tokens of `environ`; plain http only by `allow_http`."""

    def __init__(
        self, environ: Mapping[str, str], to_bytes: Callable[[str], bytes], allow_http: Iterable[bytes]
    ) -> None:
        self._environ = environ
        self._to_bytes = to_bytes
        self._allow_http = allow_http

    def find(self, wanted: Description) -> Iterator[Credential]:
        """The tokens whose host is exactly the origin's, in a fixed order."""
        origin = wanted.origin()
        if origin is None or not origin.may_get_tokens(self._allow_http):
            return
        for variable, home, user in self._tokens():
            token = self._environ.get(variable)
            if token and home == (origin.host, origin.port) and wanted.username in (None, user):
                yield Credential(user, Secret(self._to_bytes(token)))

    def _tokens(self) -> Iterator[tuple[str, tuple[bytes, int] | None, bytes]]:
        """Variable, the (host, port) it belongs to, and the user name that its server documents."""
        get = self._environ.get
        # On GitHub Enterprise Server the runner's GITHUB_TOKEN belongs to that server, not to github.com.
        github = self._home(get("GITHUB_SERVER_URL") or "github.com")
        yield "GH_TOKEN", self._home("github.com"), b"x-access-token"
        yield "GITHUB_TOKEN", github, b"x-access-token"
        yield "GH_ENTERPRISE_TOKEN", self._home(get("GH_HOST")), b"x-access-token"
        port = get("CI_SERVER_PORT")
        yield "CI_JOB_TOKEN", self._home(get("CI_SERVER_HOST"), port), b"gitlab-ci-token"
        yield "GITLAB_TOKEN", self._home(get("GITLAB_HOST")), b"oauth2"
        yield "SYSTEM_ACCESSTOKEN", self._home(get("SYSTEM_COLLECTIONURI")), b"build"

    def _home(self, place: str | None, port: str | None = None) -> tuple[bytes, int] | None:
        """The (host, port) of `host`, `host:port` or a URL; None where there is none."""
        scheme, separator, rest = (place or "").rpartition("://")
        authority = self._to_bytes(rest.split("/")[0].rpartition("@")[2])
        if port and b":" not in authority:
            authority += b":" + self._to_bytes(port)
        origin = Origin.parse(self._to_bytes(scheme) if separator else b"https", authority)
        return None if origin is None else (origin.host, origin.port)
