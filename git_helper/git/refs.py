"""What a server has: its refs as `core.reference.choose` takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.core.reference import Oid, RemoteRef, UnsupportedObjectFormat
from git_helper.frozen import frozen
from git_helper.git.pkt_line import NotGit
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_helper.net.message import Answered


@frozen
class Refs:
    """`refs` in the server's order; `credential`: the source and the user name that opened the door, None for nobody."""

    refs: tuple[RemoteRef, ...]
    credential: Answered | None = None

    def __iter__(self) -> Iterator[RemoteRef]:
        return iter(self.refs)

    def tips(self) -> list[RemoteRef]:
        """HEAD, branches and tags, one for each commit; a tag only where no branch is there."""
        roots = ("refs/heads/", "refs/tags/")
        found: dict[Oid, RemoteRef] = {}
        for ref in sorted(self.refs, key=lambda ref: ref.peeled is not None):
            if ref.name == "HEAD" or ref.name.startswith(roots):
                found.setdefault(ref.commit, ref)
        return list(found.values())


def read_oid(text: bytes, shown: str) -> Oid:
    """An object name of the wire, from the repository that is shown as `shown`. Raises NotGit, UnsupportedObjectFormat."""
    try:
        oid = Oid(text.decode("ascii"))
    except ValueError:
        raise NotGit("the server named an object by what is no name") from None
    if oid.algorithm != "sha1":
        raise unsupported_format(oid.algorithm, shown)
    return oid


def unsupported_format(name: str, shown: str) -> UnsupportedObjectFormat:
    """A repository, shown as `shown`, whose object names are not SHA-1."""
    return UnsupportedObjectFormat(
        f"cannot use '{shown}': its object names are {visible(name.upper())}, and only SHA-1 is supported",
        f"clone it with git itself: git clone {shown}",
    )
