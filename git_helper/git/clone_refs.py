"""Which refs a clone wants, and what becomes of them: the choices of git-clone(1), "--branch", "--depth", "--bare"."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from dulwich.refs import check_ref_format

from git_helper.core.reference import Choice, Oid, RefKind, RefNotFound, RemoteRef, choose
from git_helper.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from git_helper.core.reference import Reference

HEADS, TAGS, REMOTES = b"refs/heads/", b"refs/tags/", b"refs/remotes/origin/"
_HEAD = b"HEAD"


@frozen
class Wish:
    """What is to be cloned. `depth`: commits of history, one branch or tag only; None: everything.

    `detach_at`: the commit that a submodule is to be at; its branches are those of a clone of its own.
    """

    reference: Reference
    depth: int | None = None
    bare: bool = False
    detach_at: Oid | None = None


@frozen
class Advertised:
    """The refs of a server. `refs`: names (bytes) and object names (hexadecimal, ASCII); `head`: what HEAD points to."""

    refs: Mapping[bytes, bytes]
    head: bytes | None = None

    @classmethod
    def of(cls, refs: Mapping[bytes, bytes | None], symrefs: Mapping[bytes, bytes], default_branch: str) -> Advertised:
        """As dulwich gives them. Names that git would not take are left out; a HEAD without target is guessed (remote.c)."""
        kept = {name: oid for name, oid in refs.items() if oid is not None and _is_name(name)}
        target = symrefs.get(_HEAD)
        if target is None and _HEAD in kept:
            likely = [HEADS + default_branch.encode(), HEADS + b"master", *sorted(kept)]
            same = (name for name in likely if name.startswith(HEADS) and kept.get(name) == kept[_HEAD])
            target = next(same, None)
        return cls(kept, target if target is not None and _is_name(target) else None)

    def listed(self, peel: Callable[[bytes], bytes] = bytes) -> list[RemoteRef]:
        """As `choose` takes them; `peel` leads from a tag to its commit."""
        found: list[RemoteRef] = []
        for name, oid in self.refs.items():
            target = self.head.decode("utf-8", "surrogateescape") if name == _HEAD and self.head else None
            peeled = peel(oid)
            commit = Oid(peeled.decode()) if peeled != oid else None
            found.append(RemoteRef(name.decode("utf-8", "surrogateescape"), Oid(oid.decode()), commit, target))
        return found


@frozen
class Layout:
    """What is written. `packed`: refs in the end; `branch`: the local branch, None for a detached HEAD.

    `branch_at`, `head`: commits in hexadecimal, None as long as there is none; `refspec`: what `git fetch` gets, if set;
    `remote_head`: the ref that refs/remotes/origin/HEAD points to.
    """

    packed: Mapping[bytes, bytes]
    branch: bytes | None = None
    branch_at: bytes | None = None
    head: bytes | None = None
    refspec: bytes | None = None
    remote_head: bytes | None = None
    warnings: tuple[str, ...] = field(default=())


def prefixes(reference: Reference) -> list[bytes]:
    """The beginnings of the names that are needed."""
    names = [_HEAD, HEADS, TAGS]
    own = [name.encode("utf-8", "surrogateescape") for name in reference.names()]
    return names + [name for name in own if reference.kind is RefKind.NAMED_REF]


def wants(wish: Wish, advertised: Advertised, *, any_commit: bool) -> list[bytes]:
    """The objects to ask for. `any_commit`: whether the server gives also what no ref names. Raises RefNotFound."""
    if not advertised.refs and wish.reference.kind is RefKind.DEFAULT:
        return []
    oid = wish.reference.oid
    named: bytes | None = None
    try:
        choice = choose(wish.reference, advertised.listed())
        if oid is None:
            named = choice.commit.hex.encode()
    except RefNotFound as error:
        unborn = wish.reference.kind is RefKind.DEFAULT
        if not unborn and (wish.depth is not None or not error.needs_history):
            raise
    own = [named] if named is not None else []
    for commit in (oid, wish.detach_at):
        if commit is not None and (any_commit or commit.hex.encode() in advertised.refs.values()):
            own.append(commit.hex.encode())
    if wish.depth is not None:
        return own
    everything = [at for name, at in advertised.refs.items() if name == _HEAD or name.startswith((HEADS, TAGS))]
    return list(dict.fromkeys([*everything, *own]))


def layout(
    wish: Wish,
    advertised: Advertised,
    peel: Callable[[bytes], bytes],
    commits: Callable[[str], Iterable[Oid]],
    is_there: Callable[[bytes], bool],
) -> Layout:
    """Where everything goes once it is there. `commits`: those whose names begin so; `is_there`: whether it has come.

    Raises RefNotFound, UnsupportedObjectFormat.
    """
    choice = _chosen(wish, advertised, peel, commits)
    if choice is None:
        return _without_head(wish, advertised, is_there)
    ref = None if choice.ref is None else choice.ref.encode("utf-8", "surrogateescape")
    branch = ref if ref is not None and ref.startswith(HEADS) else None
    commit = choice.commit.hex.encode()
    head = commit if wish.detach_at is None else wish.detach_at.hex.encode()
    packed = _packed(wish, advertised, ref, is_there)
    remote_head = None if advertised.head is None else REMOTES + advertised.head.removeprefix(HEADS)
    return Layout(
        packed,
        branch,
        commit if branch else None,
        head,
        None if wish.bare else _refspec(wish, ref),
        remote_head if remote_head in packed else None,
        choice.warnings,
    )


def _chosen(
    wish: Wish, advertised: Advertised, peel: Callable[[bytes], bytes], commits: Callable[[str], Iterable[Oid]]
) -> Choice | None:
    refs = advertised.listed(peel)
    try:
        return choose(wish.reference, refs)
    except RefNotFound as error:
        if wish.reference.kind is RefKind.DEFAULT:
            return None
        if not error.needs_history or wish.reference.rev is None:
            raise
        return choose(wish.reference, refs, commits(wish.reference.rev.lower()))


def _without_head(wish: Wish, advertised: Advertised, is_there: Callable[[bytes], bool]) -> Layout:
    """The server's HEAD is a branch that is still to be born."""
    packed = _packed(wish, advertised, None, is_there)
    head = None if wish.detach_at is None else wish.detach_at.hex.encode()
    return Layout(packed, advertised.head, None, head, None if wish.bare else _refspec(wish, None))


def _packed(
    wish: Wish, advertised: Advertised, ref: bytes | None, is_there: Callable[[bytes], bool]
) -> dict[bytes, bytes]:
    """Branches of the server become remote-tracking ones, tags stay; of a shallow clone only what has come."""
    packed: dict[bytes, bytes] = {}
    for name, oid in advertised.refs.items():
        if name.startswith(HEADS) and (wish.depth is None or name == ref):
            packed[name if wish.bare else REMOTES + name.removeprefix(HEADS)] = oid
        elif name.startswith(TAGS) and (wish.depth is None or is_there(oid)):
            packed[name] = oid
    return packed


def _refspec(wish: Wish, ref: bytes | None) -> bytes | None:
    if wish.depth is None:
        return b"+refs/heads/*:refs/remotes/origin/*"
    if ref is not None and ref.startswith(HEADS):
        return b"+%b:%b" % (ref, REMOTES + ref.removeprefix(HEADS))
    return b"+%b:%b" % (ref, ref) if ref is not None and ref.startswith(TAGS) else None


def _is_name(name: bytes) -> bool:
    return name == _HEAD or (name.startswith(b"refs/") and check_ref_format(name))  # type: ignore[arg-type]
