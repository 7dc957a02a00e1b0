"""Which digests a file must have: what URLs, index pages and `--hash` options say about it (PEP 503, pip's hash checking)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.errors import GitHelperError, UsageError
from git_helper.frozen import frozen
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

Digest = tuple[str, str]
"""Algorithm and hexadecimal digest, in lower case."""

STRONG = ("sha256", "sha384", "sha512")
"""What nobody can make another file for; a cache may trust these."""
_KNOWN = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}


class DigestMismatch(GitHelperError):
    """The bytes are not those that were asked for."""

    exit_code = 4


@frozen
class Digests:
    """Each group must be met by one of its digests: a fragment is a group of one, all `--hash` options are one group."""

    groups: tuple[frozenset[Digest], ...] = ()

    @classmethod
    def of(cls, *groups: Iterable[Digest]) -> Digests:
        """Of what was found; empty groups and unknown algorithms demand nothing.

        Raises UsageError for what can match no file: who wrote it wanted the file to be checked.
        """
        known = [frozenset(_checked(one) for one in group if one[0] in _KNOWN) for group in groups]
        return cls(tuple(dict.fromkeys(group for group in known if group)))

    @property
    def algorithms(self) -> frozenset[str]:
        """What has to be computed for `check`, and sha256, by which files are kept."""
        return frozenset({"sha256"} | {name for group in self.groups for name, _ in group})

    @property
    def strong(self) -> list[Digest]:
        """Digests of which each is enough to know the file by, if there is only one way to meet its group."""
        return sorted(digest for group in self.groups if len(group) == 1 for digest in group if digest[0] in STRONG)

    def are_met(self, found: Mapping[str, str]) -> bool:
        """Whether the digests `found` (by algorithm) meet every group."""
        return all(_meets(group, found) for group in self.groups)

    def check(self, found: Mapping[str, str], shown: str) -> None:
        """Raises DigestMismatch for the file of `shown`."""
        for group in self.groups:
            if not _meets(group, found):
                wanted = " or ".join(sorted(f"{name}:{value}" for name, value in group))
                name = sorted(group)[-1][0]
                message = f"cannot trust '{shown}': its digest is {name}:{found[name]}, not {wanted}"
                raise DigestMismatch(message, "somebody changed the file, or the requirement is out of date")


def by_algorithm(digests: Iterable[Digest]) -> dict[str, str | list[str]]:
    """For JSON: the digest of each algorithm, all of them in a list where there are several."""
    found: dict[str, list[str]] = {}
    for name, value in dict.fromkeys(digests):
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _checked(one: Digest) -> Digest:
    name, value = one
    if len(value) != _KNOWN[name] or value.strip("0123456789abcdef"):
        raise UsageError(
            f"cannot check '{name}:{visible(value)}': it is no {name} in {_KNOWN[name]} hexadecimal digits"
        )
    return one


def _meets(group: Collection[Digest], found: Mapping[str, str]) -> bool:
    return any(found.get(name) == value for name, value in group)
