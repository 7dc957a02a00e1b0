"""git's protocol, version 2 (gitprotocol-v2(5)): requests as bytes, answers from packets. Any transport can carry it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper import __version__
from git_helper.core.reference import Oid, RemoteRef
from git_helper.git.pkt_line import DELIMITER, FLUSH, Mark, NotGit, Packets, packets
from git_helper.git.refs import read_oid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

AGENT = f"agent=git-helper/{__version__}"
_MOST_REFS = 5_000_000
_MOST_CAPABILITIES = 1 << 20  # bytes


def ls_refs_request(prefixes: Iterable[str]) -> bytes:
    """Asks for the refs that begin with one of `prefixes`, peeled, with the targets of symbolic ones."""
    wanted = [b"ref-prefix " + prefix.encode("utf-8", "surrogateescape") for prefix in prefixes]
    return packets(["command=ls-refs", AGENT]) + DELIMITER + packets(["peel", "symrefs", *wanted]) + FLUSH


def read_refs(answer: Packets) -> tuple[RemoteRef, ...]:
    """The answer to `ls_refs_request`. Raises what Packets raises, UnsupportedObjectFormat."""
    refs: list[RemoteRef] = []
    while not isinstance(line := answer.line(), Mark):
        oid, _, rest = line.partition(b" ")
        name, *attributes = rest.split(b" ")
        if oid == b"unborn":
            continue
        if not name or len(refs) > _MOST_REFS:
            raise NotGit("the server's list of refs cannot be read")
        peeled = target = None
        for attribute in attributes:
            key, _, value = attribute.partition(b":")
            if key == b"peeled":
                peeled = read_oid(value, answer.subject)
            elif key == b"symref-target":
                target = _text(value)
        refs.append(RemoteRef(_text(name), read_oid(oid, answer.subject), peeled, target))
    return tuple(refs)


def fetch_request(wants: Iterable[Oid], depth: int | None = None, object_filter: str | None = None) -> bytes:
    """Asks for a pack with `wants` and, to `depth`, their history; nothing is said to be there already, no progress told.

    Deltas may name their base by its place; bases outside the pack are not allowed (no thin-pack).
    """
    lines = ["no-progress", "ofs-delta"]
    lines += [f"deepen {depth}"] if depth is not None else []
    lines += [f"filter {object_filter}"] if object_filter is not None else []
    lines += [f"want {oid}" for oid in wants]
    return packets(["command=fetch", AGENT]) + DELIMITER + packets([*lines, "done"]) + FLUSH


def read_pack(answer: Packets, feed: Callable[[bytes], None]) -> None:
    """The answer to `fetch_request`: the pack's bytes go to `feed`."""
    while (line := answer.line()) != b"packfile":
        if isinstance(line, Mark) and line is not Mark.DELIMITER:
            raise NotGit("the server sent no pack")
    answer.side_band(feed)


def read_capabilities(answer: Packets) -> dict[str, str]:
    """What follows `version 2`: each capability with its value, empty for none."""
    found: dict[str, str] = {}
    left = _MOST_CAPABILITIES
    while not isinstance(line := answer.line(), Mark):
        left -= len(line) + 1
        if left < 0:
            raise NotGit("the server's capabilities are too many")
        key, _, value = _text(line).partition("=")
        found[key] = value
    return found


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
