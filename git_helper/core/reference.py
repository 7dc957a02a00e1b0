"""What a revision may mean (`Reference`), and which commit of a server's refs it is (`choose`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from git_helper.core.parse_error import ParseError
from git_helper.errors import NotFound, UsageError
from git_helper.frozen import frozen
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHORTEST_HASH = 7
_HEX = re.compile(r"[0-9a-fA-F]+")
# git check-ref-format(1), rules 1 to 10; `;` is ours: it is a marker without the blank before it.
_NO_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\;]|\.\.|@\{|//|^[/-]|/$|(?:^|/)\.|\.lock(?:/|$)|\.$|^@$")
_REF_SPACES = ("heads", "tags", "pull", "merge-requests", "changes", "remotes", "notes")


@dataclass(frozen=True, slots=True)
class Oid:
    """A whole object name in lower-case hexadecimal: 40 digits (SHA-1) or 64 (SHA-256)."""

    hex: str

    def __post_init__(self) -> None:
        if len(self.hex) not in (40, 64) or not _HEX.fullmatch(self.hex):
            raise ValueError("an object name has 40 or 64 hexadecimal digits")
        object.__setattr__(self, "hex", self.hex.lower())

    @property
    def algorithm(self) -> str:
        """`sha1` or `sha256`."""
        return "sha1" if len(self.hex) == 40 else "sha256"

    def __str__(self) -> str:
        return self.hex


class RefKind(StrEnum):
    """How sure a revision is before a server was asked; the values are `rev_kind` of `parse --json`."""

    DEFAULT = "default"
    BRANCH_OR_TAG = "branch-or-tag"
    NAMED_REF = "named-ref"
    MAYBE_COMMIT = "maybe-commit"
    COMMIT = "commit"


@frozen
class Reference:
    """A revision as the person wrote it; `rev` is None for the default branch."""

    rev: str | None
    kind: RefKind

    @classmethod
    def parse(cls, rev: str | None) -> Reference:
        """A decoded revision; ParseError `invalid-revision` for what is no ref name and no hash, as `main~1`."""
        if rev is None or rev == "HEAD":
            return cls(rev, RefKind.DEFAULT)
        if len(rev) in (40, 64) and _HEX.fullmatch(rev):
            return cls(rev, RefKind.COMMIT)
        wrong = _NO_REF.search(rev)
        if wrong is not None or not rev or visible(rev) != rev:
            hint = "put a space before ';'" if ";" in rev else "write a branch, a tag, 'refs/…' or a commit hash"
            span = wrong.span() if wrong else (0, len(rev))
            raise ParseError("invalid-revision", rev, "it is no revision", span, hint)
        return cls(rev, _kind(rev))

    @property
    def oid(self) -> Oid | None:
        """The commit when the revision is a whole hash."""
        return Oid(self.rev) if self.rev is not None and self.kind is RefKind.COMMIT else None

    def names(self) -> tuple[str, ...]:
        """The full ref names it can mean, in the order in which they win; none for a whole hash."""
        if self.rev is None or self.kind is RefKind.DEFAULT:
            return ("HEAD",)
        if self.kind is RefKind.NAMED_REF:
            return (self.rev,)
        return () if self.kind is RefKind.COMMIT else (f"refs/heads/{self.rev}", f"refs/tags/{self.rev}")

    def ref_prefixes(self) -> tuple[str, ...]:
        """`ref-prefix` lines for protocol v2's ls-refs (with `peel` and `symrefs`); none: nothing need be asked."""
        return ("HEAD", "refs/heads/", "refs/tags/") if self.kind is RefKind.MAYBE_COMMIT else self.names()


def _kind(rev: str) -> RefKind:
    if rev.startswith("refs/"):
        return RefKind.NAMED_REF
    if not _HEX.fullmatch(rev) or not SHORTEST_HASH <= len(rev) <= 64:
        return RefKind.BRANCH_OR_TAG
    return RefKind.MAYBE_COMMIT


@dataclass(frozen=True, slots=True)
class RemoteRef:
    """A ref that a server advertises; `peeled` for an annotated tag, `target` for a symbolic ref such as HEAD."""

    name: str
    oid: Oid
    peeled: Oid | None = None
    target: str | None = None

    @property
    def commit(self) -> Oid:
        """What the ref stands for when a commit is wanted."""
        return self.peeled or self.oid


@frozen
class Choice:
    """The commit, the full name of the ref that gave it (None for a hash), and warnings to show."""

    commit: Oid
    ref: str | None
    warnings: tuple[str, ...] = ()


class RefNotFound(NotFound):
    """Slug `ref-not-found` or `ambiguous-commit`; `tried` are the full names that were looked for.

    With `needs_history` the revision may still be the short hash of a commit in the history of branches and tags.
    """

    def __init__(
        self,
        rev: str,
        reason: str,
        tried: tuple[str, ...],
        hint: str | None,
        error: str = "ref-not-found",
        needs_history: bool = False,
    ) -> None:
        super().__init__(visible(f"cannot find '{rev}': {reason}"), None if hint is None else visible(hint))
        self.error = error
        self.tried = tried
        self.needs_history = needs_history
        self._found_out = rev, reason

    def name_repository(self, shown: str) -> None:
        """Says in the message where it is not, for who asks several repositories."""
        rev, reason = self._found_out
        self.message = visible(f"cannot find '{rev}' in '{shown}': {reason}")


class UnsupportedObjectFormat(UsageError):
    """Slug `unsupported-object-format`: a SHA-256 object name; no Git library we use can fetch one."""

    error = "unsupported-object-format"


def choose(reference: Reference, refs: Iterable[RemoteRef], history: Iterable[Oid] | None = None) -> Choice:
    """The commit that `reference` names among `refs`: branch, tag, then hash; `refs/…` exactly; HEAD for none.

    `refs` answer `reference.ref_prefixes()`; more are welcome, they make better hints. `history` are the commits
    reachable from branches and tags, when the caller has fetched them, for a short hash that is no tip.
    Raises RefNotFound, UnsupportedObjectFormat.
    """
    by_name = {ref.name: ref for ref in refs}
    oid = reference.oid
    if oid is not None:
        return _by_hash(oid, by_name)
    found = [by_name[name] for name in reference.names() if name in by_name]
    if not found:
        return _by_short_hash(reference, by_name, history)
    first = found[0]
    warnings = () if len(found) == 1 else (_both(str(reference.rev)),)
    return Choice(first.commit, first.target or first.name, warnings)


def _both(rev: str) -> str:
    return visible(f"'{rev}' is a branch and a tag; the branch is used: write 'refs/tags/{rev}' for the tag")


def _by_hash(oid: Oid, refs: Mapping[str, RemoteRef]) -> Choice:
    if oid.algorithm != "sha1":
        raise UnsupportedObjectFormat(
            f"cannot use '{oid}': SHA-256 repositories are not supported", "name a commit by its 40 hexadecimal digits"
        )
    for ref in refs.values():
        if ref.oid == oid and ref.peeled is not None:
            return Choice(ref.peeled, ref.name)
    return Choice(oid, None)


def _by_short_hash(reference: Reference, refs: Mapping[str, RemoteRef], history: Iterable[Oid] | None) -> Choice:
    rev = reference.rev or "HEAD"
    if reference.kind is not RefKind.MAYBE_COMMIT:
        raise RefNotFound(rev, _reason(reference, refs), reference.names(), _hint(reference, refs))
    prefix = rev.lower()
    tips = [ref for name, ref in refs.items() if _counts(name)]
    matches = {ref.commit for ref in tips if any(oid.hex.startswith(prefix) for oid in (ref.oid, ref.commit))}
    matches.update(oid for oid in history or () if oid.hex.startswith(prefix))
    if len(matches) == 1:
        commit = matches.pop()
        if commit.algorithm == "sha1":
            return Choice(commit, None)
        return _by_hash(commit, {})
    if matches:
        hint = "write more digits: " + ", ".join(sorted(oid.hex for oid in matches)[:5])
        raise RefNotFound(rev, "several commits begin so", reference.names(), hint, "ambiguous-commit")
    reason = "no branch or tag has this name, and no commit of them begins so"
    # More digits than SHA-1 has: no history can tell more.
    needs_history = history is None and len(rev) <= 40
    raise RefNotFound(rev, reason, reference.names(), _hint(reference, refs), needs_history=needs_history)


def _counts(name: str) -> bool:
    return name == "HEAD" or name.startswith(("refs/heads/", "refs/tags/"))


def _reason(reference: Reference, refs: Mapping[str, RemoteRef]) -> str:
    if reference.kind is RefKind.DEFAULT:
        return "the repository has no default branch" if refs else "the repository has no HEAD; it may be empty"
    return "the server has none of " + ", ".join(reference.names())


def _hint(reference: Reference, refs: Mapping[str, RemoteRef]) -> str | None:
    """What the person may have meant."""
    rev = reference.rev or ""
    if reference.kind is RefKind.DEFAULT:
        return "name a branch: add '@' and its name to the URL"
    if reference.kind is RefKind.MAYBE_COMMIT:
        elsewhere = next((ref.name for ref in refs.values() if ref.oid.hex.startswith(rev.lower())), None)
        return "use the full hash" + (f" or {elsewhere}" if elsewhere else "")
    if _HEX.fullmatch(rev) and 4 <= len(rev) < SHORTEST_HASH:
        return f"abbreviated hashes need at least {SHORTEST_HASH} digits"
    if f"refs/{rev}" in refs or ("/" in rev and rev.partition("/")[0] in _REF_SPACES):
        return f"write 'refs/{rev}'"
    if rev.startswith("origin/"):
        return f"'origin/…' is a name of your clone: write '{rev[7:]}'"
    return None
