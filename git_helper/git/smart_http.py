"""Repositories over smart HTTP (gitprotocol-http(5)): version 2 at once, older servers after they said what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from git_helper.errors import GitHelperError
from git_helper.git import protocol_v0, protocol_v2
from git_helper.git.http_answers import ADVERTISEMENT, RESULT, RepositoryNotFound, check_answer
from git_helper.git.pkt_line import REFS_LIMIT, NotGit, Packets, ServerError
from git_helper.git.refs import Refs
from git_helper.git.remote_repository import RemoteRepository
from git_helper.net.message import Request
from git_helper.net.target import Redirected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from git_helper.core.giturl import GitUrl
    from git_helper.core.reference import Oid
    from git_helper.git.protocol_v0 import Advertisement
    from git_helper.net.message import Answered, Response

    Feed = Callable[[bytes], None]
    T = TypeVar("T")

_INFO_REFS = "/info/refs?service=git-upload-pack"
_VERSION_2 = {"Git-Protocol": "version=2"}


class Sender(Protocol):
    """What `net.session.Session` does for us."""

    def send(self, request: Request) -> Response:
        """The answer; a context manager."""


class HttpRepository(RemoteRepository):
    """One repository on a server.

    Raises what the session raises, and Unreachable (NotGit: the answer is not git's), Refused (ServerError: what the
    server says), NotFound, UnsupportedObjectFormat. Not thread-safe; any number of them may share a session.
    """

    def __init__(self, session: Sender, url: GitUrl) -> None:
        self._session = session
        self._url = url
        self._base = url.safe_url.rstrip("/")
        self._advertisement: Advertisement | None = None
        self._credential: Answered | None = None

    def ls_refs(self, prefixes: Iterable[str]) -> Refs:
        """The refs that begin with one of `prefixes`, in one small request; more than these from older servers."""
        wanted = tuple(prefixes)

        def version_2() -> Refs:
            with self._post(protocol_v2.ls_refs_request(wanted), REFS_LIMIT) as response:
                return Refs(protocol_v2.read_refs(self._packets(response)), response.credential)

        return self._converse(version_2, lambda advertisement: Refs(advertisement.refs, self._credential))

    # ------------------------------------------------------------------ packs

    def request_pack(self, wants: list[Oid], feed: Feed, depth: int | None, object_filter: str | None = None) -> None:
        """See RemoteRepository."""

        def version_2() -> None:
            with self._post(protocol_v2.fetch_request(wants, depth, object_filter)) as response:
                protocol_v2.read_pack(self._packets(response), feed)

        def version_0(advertisement: Advertisement) -> None:
            known = advertisement.capabilities
            deepen = depth if "shallow" in known else None
            body = protocol_v0.fetch_request(wants, known, deepen, object_filter)
            with self._post(body, version=0) as response:
                protocol_v0.read_pack(self._packets(response), feed)

        self._converse(version_2, version_0)

    def can(self, feature: str) -> bool:
        """See RemoteRepository."""
        advertisement = self._advertise()
        if advertisement.version == 2:
            return feature in advertisement.capabilities.get("fetch", "").split(" ")
        return feature in advertisement.capabilities

    # ------------------------------------------------------------------ requests

    def _converse(self, version_2: Callable[[], T], version_0: Callable[[Advertisement], T]) -> T:
        """Speaks version 2 at once. A server that does not answer it is asked what it speaks, and at which URL."""
        failure: GitHelperError | None = None
        base = self._base
        if self._advertisement is None:
            try:
                return version_2()
            except (ServerError, NotGit, RepositoryNotFound, Redirected) as error:
                failure = error
        advertisement = self._advertise()
        if advertisement.version != 2:
            return version_0(advertisement)
        if isinstance(failure, ServerError) and base == self._base:
            raise failure
        return version_2()

    def _advertise(self) -> Advertisement:
        """What the server speaks and can; asked once. Follows the repository to a new URL, as git does."""
        if self._advertisement is None:
            headers = {**_VERSION_2, "Accept": "*/*"}
            asked = self._request("GET", self._base + _INFO_REFS, headers, limit=REFS_LIMIT)
            with self._session.send(asked) as response:
                check_answer(response, self.shown, ADVERTISEMENT)
                advertisement = protocol_v0.read_advertisement(self._packets(response))
                if not response.url.endswith(_INFO_REFS):
                    raise NotGit(f"cannot use '{self.shown}': it redirects to what is no repository")
                self._base = response.url.removesuffix(_INFO_REFS)
                self._credential = response.credential
            self._advertisement = advertisement
        return self._advertisement

    def _post(self, body: bytes, limit: int | None = None, version: int = 2) -> Response:
        headers = {"Content-Type": "application/x-git-upload-pack-request", "Accept": RESULT}
        headers |= _VERSION_2 if version == 2 else {}
        response = self._session.send(self._request("POST", f"{self._base}/git-upload-pack", headers, body, limit))
        try:
            check_answer(response, self.shown, RESULT)
        except BaseException:
            response.close()
            raise
        return response

    def _request(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None = None, limit: int | None = None
    ) -> Request:
        """Userinfo belongs to the origin that the person wrote it for; elsewhere a redirect has led us."""
        parts = urlsplit(self._base)
        same = _origin(parts) == _origin(urlsplit(self._url.safe_url))
        user, password = (self._url.user, self._url.password) if same else (None, None)
        name = None if user is None else user.reveal()
        path = unquote_to_bytes(parts.path.strip("/"))
        return Request(method, url, headers, body, name, password, path, limit=limit)

    def _packets(self, response: Response) -> Packets:
        secrets = [secret for secret in (self._url.password, self._url.user) if secret is not None]
        packets = Packets(response.read1, self.shown, secrets)
        if packets.at_end():
            raise NotGit(f"'{self.shown}' gave an empty answer")
        return packets

    @property
    def shown(self) -> str:
        """See RemoteRepository."""
        return self._url.masked_clone_url


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
