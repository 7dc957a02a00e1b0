"""Ways to repositories, over HTTP or SSH as their URLs say (`Connections` of full_clone), and their LFS sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from git_helper.errors import UsageError
from git_helper.git import lfs, pool
from git_helper.git.smart_http import HttpRepository

if TYPE_CHECKING:
    from collections.abc import Callable

    from dulwich.client import GitClient

    from git_helper.core.giturl import GitUrl
    from git_helper.git.full_clone import LfsObjects
    from git_helper.git.pool import Sender
    from git_helper.git.remote_repository import RemoteRepository


class Ssh(Protocol):
    """What speaks SSH."""

    def client(self, url: GitUrl) -> GitClient:
        """dulwich's client for whole clones."""

    def repository(self, url: GitUrl) -> RemoteRepository:
        """A repository to be asked for refs and single commits."""

    def lfs(self, session: Sender, url: GitUrl) -> LfsObjects:
        """Its LFS side."""


class Connections:
    """`rewrite`: to where a URL's repository really is (insteadOf). `open_ssh` is called when a URL wants it."""

    def __init__(
        self,
        session: Sender,
        rewrite: Callable[[GitUrl], GitUrl] = lambda url: url,
        open_ssh: Callable[[], Ssh] | None = None,
    ) -> None:
        self._session = session
        self._rewrite = rewrite
        self._open_ssh = open_ssh

    def repository(self, url: GitUrl) -> RemoteRepository:
        """The repository, to be asked for refs and single commits. Raises UsageError."""
        place, ssh = self._way(url)
        return HttpRepository(self._session, place) if ssh is None else ssh.repository(place)

    def client(self, url: GitUrl) -> tuple[GitClient, str]:
        """dulwich's client for it, and the path to ask that for. Raises UsageError."""
        place, ssh = self._way(url)
        return (pool.http_client(self._session, place) if ssh is None else ssh.client(place)), ""

    def lfs(self, url: GitUrl, endpoint: str | None) -> LfsObjects:
        """Its LFS side; where SSH leads, unless `endpoint` names another. Raises UsageError."""
        place, ssh = self._way(url)
        if ssh is not None and endpoint is None:
            return ssh.lfs(self._session, place)
        return lfs.LfsClient(self._session, place, endpoint)

    def _way(self, url: GitUrl) -> tuple[GitUrl, Ssh | None]:
        place = self._rewrite(url)
        if place.scheme in ("https", "http"):
            return place, None
        if place.scheme == "ssh" and self._open_ssh is not None:
            return place, self._open_ssh()
        shown, hint = place.masked_clone_url, "use git+https:// or git+ssh://, or git itself"
        raise UsageError(f"cannot fetch from '{shown}': '{place.scheme}' is not supported", hint)
