"""Git LFS of a repository that SSH leads to: the server says where its API is and what opens it (git-lfs-authenticate).

git-lfs docs/api/authentication.md and server-discovery.md.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import field
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from git_helper.core.parse_error import ParseError
from git_helper.core.plain_url import PlainUrl
from git_helper.core.redaction import display_url
from git_helper.errors import NotFound, Refused, Unreachable
from git_helper.frozen import frozen
from git_helper.git.lfs import LfsClient, header_fields
from git_helper.git.lfs_objects import object_path
from git_helper.git.ssh.command import check_url, quoted
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from git_helper.core.giturl import GitUrl
    from git_helper.git.lfs import Sender
    from git_helper.git.lfs_pointer import LfsPointer
    from git_helper.git.ssh.command import Command

_LONGEST = 1 << 20
_PLAIN = re.compile(r"[A-Za-z0-9._~/+-]+", re.ASCII)
_COMMAND_NOT_FOUND = 127
_HINT = "name the repository by https, or leave its LFS files out: export GIT_LFS_SKIP_SMUDGE=1"


class Runner(Protocol):
    """What ssh.Connections does for us."""

    def run(self, url: GitUrl, line: str) -> Command:
        """`line` on the server of `url`. Raises what connecting raises."""


@frozen
class Access:
    """Where the API is, and the header fields that open it, which are as secret as a password."""

    endpoint: str
    headers: dict[str, str] = field(repr=False)


class SshLfs:
    """The LFS side of one repository (`LfsObjects` of full_clone). The server is asked only when objects are missing."""

    def __init__(self, runner: Runner, session: Sender, url: GitUrl) -> None:
        self._runner = runner
        self._session = session
        self._url = url

    def fetch(self, pointers: Iterable[LfsPointer], folder: str, progress: Callable[[int], None] | None = None) -> None:
        """See LfsClient.fetch. Raises what that, `authenticate` and connecting raise."""
        missing = [one for one in pointers if not os.path.exists(object_path(folder, one.oid))]
        if missing:
            access = authenticate(self._runner, self._url)
            LfsClient(self._session, self._url, access.endpoint, access.headers).fetch(missing, folder, progress)


def authenticate(runner: Runner, url: GitUrl) -> Access:
    """Asks the server. Raises NotFound when it knows no LFS, Refused, Unreachable, and what connecting raises."""
    check_url(url)
    path = url.remote_path
    # Not every server takes a quoted path here, as they do for git-upload-pack.
    line = f"git-lfs-authenticate {path if _PLAIN.fullmatch(path) else quoted(path)} download"
    command = runner.run(url, line)
    try:
        answer = _all(command, url)
        code = command.exit_code()
        command.said.wait(1)
        said = command.said.text()
    finally:
        command.close()
    shown = url.masked_clone_url
    if code == _COMMAND_NOT_FOUND or command.was_refused():
        raise NotFound(f"cannot fetch the Git LFS files of '{shown}': its server has no 'git-lfs-authenticate'", _HINT)
    if code:
        reason = said or f"git-lfs-authenticate ended with {code}"
        raise Refused(f"cannot fetch the Git LFS files of '{shown}': the server says: {reason}", _HINT)
    return _parsed(answer, url)


def _all(command: Command, url: GitUrl) -> bytes:
    found = b""
    while data := command.read(1 << 16):
        found += data
        if len(found) > _LONGEST:
            raise _not_understood(url, "it is too long")
    return found


def _parsed(answer: bytes, url: GitUrl) -> Access:
    try:
        content = json.loads(answer or b"{}")
    except (ValueError, RecursionError):
        raise _not_understood(url, "it is no JSON") from None
    given = content.get("header") or {} if isinstance(content, dict) else None
    if not isinstance(given, dict):
        raise _not_understood(url, "it is no object of JSON")
    endpoint = str(content.get("href") or _guessed(url))
    try:
        headers, scheme = header_fields(given), PlainUrl.parse(endpoint).scheme
    except ValueError as error:
        raise _not_understood(url, str(error)) from None
    except ParseError:
        scheme = ""
    if scheme != "https":
        raise Refused(
            f"cannot fetch the Git LFS files of '{url.masked_clone_url}': its server names "
            f"'{visible(display_url(endpoint))}', which is less safe than SSH",
            _HINT,
        )
    return Access(endpoint, headers)


def _guessed(url: GitUrl) -> str:
    """Where git-lfs looks when the server does not say."""
    host = url.host or ""
    path = quote(url.remote_path.strip("/").removesuffix(".git"))
    return f"https://{f'[{host}]' if ':' in host else host}/{path}.git/info/lfs"


def _not_understood(url: GitUrl, reason: str) -> Unreachable:
    return Unreachable(f"cannot read what git-lfs-authenticate of '{url.masked_clone_url}' says: {reason}", _HINT)
