"""git's protocol before version 2 (gitprotocol-pack(5), gitprotocol-capabilities(5)): the list of refs, then a pack."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from git_helper.core.reference import Oid, RemoteRef
from git_helper.frozen import frozen
from git_helper.git.pkt_line import FLUSH, Mark, NotGit, Packets, packet, packets
from git_helper.git.protocol_v2 import AGENT, read_capabilities
from git_helper.git.refs import read_oid, unsupported_format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PEELED = "^{}"
_NO_REFS = "capabilities^{}"
_MOST_REFS = 5_000_000
# Some servers answer only who can take these (Azure DevOps multi_ack, dulwich thin-pack). Both change nothing for us:
# who has no objects gets one NAK, and a pack with every base in it.
_WISHED = ("multi_ack_detailed", "side-band-64k", "thin-pack", "ofs-delta", "shallow")


@frozen
class Advertisement:
    """What a server says first. Version 2: only capabilities. `refs` are those of versions 0 and 1.

    `capabilities` by name; several of one name (symref) are joined by blanks.
    """

    version: int
    capabilities: dict[str, str] = field(default_factory=dict)
    refs: tuple[RemoteRef, ...] = ()


def read_advertisement(answer: Packets) -> Advertisement:
    """The answer to `info/refs?service=git-upload-pack`, or what a program on the server says first over SSH."""
    line = answer.line()
    if isinstance(line, bytes) and line.startswith(b"# service="):
        while not isinstance(line, Mark):
            line = answer.line()
        line = answer.line()
    if line == b"version 2":
        advertisement = Advertisement(2, read_capabilities(answer))
    else:
        version = 1 if line == b"version 1" else 0
        advertisement = _read_refs(answer, answer.line() if version else line, version)
    object_format = advertisement.capabilities.get("object-format", "sha1")
    if object_format != "sha1":
        raise unsupported_format(object_format, answer.subject)
    return advertisement


def _read_refs(answer: Packets, line: bytes | Mark, version: int) -> Advertisement:
    capabilities: dict[str, str] = {}
    found: dict[str, Oid] = {}
    if isinstance(line, bytes):
        line, _, words = line.partition(b"\0")
        for word in _text(words).split(" "):
            key, _, value = word.partition("=")
            capabilities[key] = f"{capabilities[key]} {value}" if key in capabilities else value
    object_format = capabilities.get("object-format", "sha1")
    if object_format != "sha1":
        raise unsupported_format(object_format, answer.subject)
    while not isinstance(line, Mark):
        oid, blank, name = line.partition(b" ")
        if not blank or len(found) > _MOST_REFS:
            raise NotGit("the server's list of refs cannot be read")
        if oid != b"shallow" and _text(name) != _NO_REFS:
            found[_text(name)] = read_oid(oid, answer.subject)
        line = answer.line()
    targets = dict(pair.split(":", 1) for pair in capabilities.get("symref", "").split(" ") if ":" in pair)
    refs = tuple(
        RemoteRef(name, oid, found.get(name + _PEELED), targets.get(name))
        for name, oid in found.items()
        if not name.endswith(_PEELED)
    )
    return Advertisement(version, capabilities, refs)


def fetch_request(
    wants: Iterable[Oid], capabilities: dict[str, str], depth: int | None = None, object_filter: str | None = None
) -> bytes:
    """Asks for a pack with `wants` and, to `depth`, their history; `capabilities` are the server's."""
    wished = [*_WISHED, *["filter"] * bool(object_filter), "no-progress"]
    spoken = [name for name in wished if name in capabilities]
    spoken += [AGENT] if "agent" in capabilities else []
    first, *others = [f"want {oid}" for oid in wants]
    lines = [" ".join([first, *spoken]), *others]
    lines += [f"deepen {depth}"] if depth is not None else []
    lines += [f"filter {object_filter}"] if object_filter is not None else []
    return packets(lines) + FLUSH + packet("done")


def read_pack(answer: Packets, feed: Callable[[bytes], None]) -> None:
    """The answer to `fetch_request`: the pack's bytes go to `feed`."""
    line = answer.line()
    while isinstance(line, Mark) or line.startswith((b"shallow ", b"unshallow ")):
        line = answer.line()
    if line != b"NAK" and not line.startswith(b"ACK "):
        raise NotGit("the server sent no pack")
    if answer.peek(4) == b"PACK":  # a server without side-band
        answer.rest(feed)
    else:
        answer.side_band(feed)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
