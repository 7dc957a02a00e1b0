"""What a clone fetches: all objects, verified, and the refs, written as `git clone` writes them (gitrepository-layout(5)).

The talk with the server is dulwich's, over whatever its client is made of; what it gives is ours to check.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dulwich.errors import GitProtocolError, HangupException, NotGitRepository
from dulwich.objects import ObjectID

from git_helper.core.redaction import redact
from git_helper.core.reference import Oid
from git_helper.errors import NotFound, Unreachable
from git_helper.git import repository_files
from git_helper.git.clone_refs import Advertised, Wish, layout, prefixes, wants
from git_helper.git.links import tagged
from git_helper.git.pack_entries import COMMIT, TAG
from git_helper.git.pack_errors import DamagedPack, Limits
from git_helper.git.pack_file_index import write_index
from git_helper.git.pkt_line import NotGit, ServerError
from git_helper.git.received_pack import ReceivedPack
from git_helper.git.refs import unsupported_format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dulwich.client import FetchPackResult, GitClient
    from dulwich.refs import Ref

    from git_helper.core.giturl import GitUrl
    from git_helper.git.clone_refs import Layout
    from git_helper.git.stored_objects import StoredObjects

    Progress = Callable[[int, int, int], None]

_OID = re.compile(rb"[0-9a-f]{40}")
# What dulwich lets through when bytes are not what it expects.
_PROTOCOL_ERRORS = (
    GitProtocolError,
    HangupException,
    NotGitRepository,
    ValueError,
    AssertionError,
    KeyError,
    IndexError,
)


@dataclass
class Fetched:
    """A repository without files yet. `head`: the commit to be at (20 bytes), None for an empty repository."""

    layout: Layout
    objects: StoredObjects | None
    head: bytes | None
    warnings: list[str] = field(default_factory=list)


class NoHistory:
    """Says to the server that nothing is here yet."""

    shallow: frozenset[bytes] = frozenset()

    def __next__(self) -> None:
        return None

    def __iter__(self) -> Iterator[None]:
        return self

    def ack(self, oid: bytes) -> None:
        """Nothing was said that could be acknowledged."""

    def nak(self) -> None:
        """The same."""


class Fetch:
    """Everything but the files of one repository, into `folder` (made here). `scratch`: a folder for big objects.

    `path`: of the repository, as the client wants it (empty over HTTP). `tell` gets the server's messages, `progress`
    bytes so far, objects so far and objects in all. A context manager: what it gives can be read until it is left.
    """

    def __init__(
        self,
        client: GitClient,
        url: GitUrl,
        folder: str,
        scratch: str,
        *,
        path: str = "",
        limits: Limits | None = None,
        default_branch: str = "master",
        tell: Callable[[bytes], None] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._client = client
        self._url = url
        self._folder = folder
        self._path = path
        self._default_branch = default_branch
        self._tell = tell
        self._temporary = os.path.join(scratch, "incoming.pack")
        self._pack = ReceivedPack(self._temporary, scratch, limits or Limits(), progress)

    def run(self, wish: Wish) -> Fetched:
        """Fetches and verifies. Raises what the client, ReceivedPack, `choose` raise; Unreachable, NotFound, OSError."""
        repository_files.make_repository(self._folder)
        if wish.depth is None:
            self._pack.prepare()
        result, depth = self._fetch(wish)
        if result.object_format not in (None, "sha1"):
            raise unsupported_format(result.object_format, self._url.masked_clone_url)
        advertised = self._advertised(result.refs, result.symrefs)
        objects = self._finish(_shallow(result.new_shallow or ()))
        found = layout(
            wish,
            advertised,
            lambda oid: _peeled(objects, oid),
            lambda prefix: _starting(objects, prefix),
            lambda oid: objects is not None and bytes.fromhex(oid.decode()) in objects.numbers,
        )
        _check_refs(found, objects)
        repository_files.write_refs(self._folder, found, lambda oid: _peeled(objects, oid))
        attached = found.branch if wish.detach_at is None else None
        repository_files.write_head(self._folder, attached, found.head)
        warnings = [*found.warnings]
        if depth != wish.depth:
            warnings.append("the server cannot leave out history, so all of it was fetched")
        return Fetched(found, objects, None if found.head is None else bytes.fromhex(found.head.decode()), warnings)

    def close(self) -> None:
        """Closes the pack."""
        self._pack.close()

    def __enter__(self) -> Fetch:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _fetch(self, wish: Wish) -> tuple[FetchPackResult, int | None]:
        """The answer, and the depth that was asked for in the end."""
        try:
            return self._ask(wish, wish.depth), wish.depth
        except Unreachable as error:
            if wish.depth is None or "shallow" not in error.message or self._pack.received:
                raise
            return self._ask(wish, None), None

    def _ask(self, wish: Wish, depth: int | None) -> FetchPackResult:
        shown = self._url.masked_clone_url

        def determine_wants(refs: Mapping[Ref, ObjectID], depth: int | None = None) -> list[ObjectID]:  # noqa: ARG001
            if any(len(oid) != 40 for oid in refs.values()):
                raise unsupported_format("sha256", shown)
            any_commit = self._client.protocol_version == 2
            advertised = self._advertised(refs, {})
            return [ObjectID(oid) for oid in wants(wish, advertised, any_commit=any_commit)]

        try:
            return self._client.fetch_pack(
                self._path,
                determine_wants,
                NoHistory(),
                self._feed,
                self._tell,
                depth=depth,
                ref_prefix=prefixes(wish.reference),
            )
        except ServerError as error:
            if "not our ref" in error.message:
                raise _no_commit(wish, shown) from error
            raise
        except _PROTOCOL_ERRORS as error:
            said = redact(str(error)[:2000])[:300]
            reason = f"cannot clone '{shown}': the server's answer cannot be read" + (f" ({said})" if said else "")
            raise NotGit(reason) from error

    def _advertised(self, refs: Mapping[Ref, ObjectID | None], symrefs: Mapping[Ref, Ref]) -> Advertised:
        targets = {bytes(name): bytes(target) for name, target in symrefs.items()}
        return Advertised.of({bytes(name): oid for name, oid in refs.items()}, targets, self._default_branch)

    def _feed(self, data: bytes) -> int:
        self._pack.feed(data)
        return len(data)

    def _finish(self, shallow: set[bytes]) -> StoredObjects | None:
        """All that was received, verified and put in its place with its index; None when there was nothing."""
        if not self._pack.received:
            return None
        objects = self._pack.finish()
        self._pack.links.check(objects.numbers, {bytes.fromhex(oid.decode()) for oid in shallow})
        final = os.path.join(self._folder, "objects", "pack", f"pack-{objects.checksum.hex()}")
        write_index(final + ".idx", objects)
        objects.move(self._temporary, final + ".pack")
        repository_files.write_shallow(self._folder, shallow)
        return objects


def _shallow(named: Iterable[bytes]) -> set[bytes]:
    """The commits whose parents were left out, in hexadecimal. Raises NotGit for what is no name."""
    found = set(named)
    if not all(_OID.fullmatch(oid) for oid in found):
        raise NotGit("the server named an object by what is no name")
    return found


def _peeled(objects: StoredObjects | None, oid: bytes) -> bytes:
    """What a tag names in the end, in hexadecimal; other objects name themselves."""
    seen = 0
    while objects is not None:
        number = objects.numbers.get(bytes.fromhex(oid.decode()))
        if number is None or objects.kinds[number] != TAG:
            break
        oid = tagged(objects.load(number)[1])
        seen += 1
        if seen > 100:
            raise DamagedPack("tags name one another")
    return oid


def _starting(objects: StoredObjects | None, prefix: str) -> list[Oid]:
    if objects is None:
        return []
    half = bytes.fromhex(prefix[: len(prefix) // 2 * 2])
    commits = (
        oid.hex() for oid, number in objects.numbers.items() if oid.startswith(half) and objects.kinds[number] == COMMIT
    )
    return [Oid(oid) for oid in commits if oid.startswith(prefix)]


def _check_refs(found: Layout, objects: StoredObjects | None) -> None:
    """Whatever a ref names has come, and HEAD is a commit."""
    known = {} if objects is None else objects.numbers
    for name, oid in found.packed.items():
        if bytes.fromhex(oid.decode()) not in known:
            raise DamagedPack(f"the object of '{redact(name.decode('utf-8', 'replace'))}' is missing")
    if found.head is None:
        return
    number = known.get(bytes.fromhex(found.head.decode()))
    if number is None or objects is None or objects.kinds[number] != COMMIT:
        hint = "is it pushed, and to a branch or tag? name one of these instead"
        raise NotFound(f"cannot find the commit '{found.head.decode()}'", hint)


def _no_commit(wish: Wish, shown: str) -> NotFound:
    commit = wish.detach_at or wish.reference.oid
    hint = "is it pushed, and to a branch or tag? name one of these instead"
    return NotFound(f"cannot find the commit '{commit}' in '{shown}'", hint)
