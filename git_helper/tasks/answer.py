"""Answers git: the operations of the credential-helper protocol (gitcredentials(7), git-credential(1)).

A whole helper as functions of its streams. What cannot be trusted gets no answer, in silence: git goes on with its next
helper, and a person sees no noise of ours.
"""

from git_helper.core import wire
from git_helper.core.credential import AUTHTYPE, STATE, Account, Credential, Description
from git_helper.errors import Cancelled, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from git_helper.core.chain import Candidate, Chain, Store

OPERATIONS = ("get", "store", "erase", "capability")
# git gives this back with `store`, by which we know our own answer: it needs no storing, wherever it came from.
SEEN = b"git-helper:seen=1"
PERSON = "person"


def capability(stdout: "BinaryIO") -> None:
    """Says what we understand, for callers that ask before they use it."""
    stdout.write(b"version 0\ncapability authtype\ncapability state\n")


def get(
    stdin: "BinaryIO", stdout: "BinaryIO", chain: "Callable[[bool], Chain]", explain: "Callable[[str], None]"
) -> None:
    """Prints the first complete answer, or what is known in part, or nothing; `quit` when the person said no.

    `explain` hears, never with a secret, who answered, or why nobody did. Raises StoreError for an answer that no line
    can carry.
    """
    message = wire.parse(wire.read(stdin))
    wanted = Description.of(message)
    if message.problem is not None or wanted is None:
        explain(f"no answer: {message.problem or 'the request names no protocol and host'}")
        return
    able = message.list(b"capability")
    ready = AUTHTYPE in able
    sources = chain(ready)
    try:
        candidate = next(sources.candidates(wanted, ready=ready), None)
    except Cancelled as error:
        explain(error.message)
        stdout.write(b"quit=1\n")
        return
    if candidate is None:
        explain(f"no answer; asked: {', '.join(sources.names())}")
        return
    explain(f"answered by: {candidate.source}")
    try:
        stdout.write(wire.serialize(_answer(candidate, able)))
    except ValueError as error:
        raise StoreError(f"cannot use the answer of '{candidate.source}': {error}") from error


def _answer(candidate: "Candidate", able: "list[bytes]") -> "list[tuple[bytes, bytes]]":
    """The answer's attributes: capabilities first, because git reads the others by them."""
    credential = candidate.credential
    ready = AUTHTYPE in able and credential.is_ready()
    lines = [(b"capability[]", AUTHTYPE)] if ready else []
    # What the person typed is new: git must bring it back, so that it is kept once the server took it.
    mark = STATE in able and credential.is_complete() and candidate.source != PERSON
    if mark:
        lines.append((b"capability[]", STATE))
    lines += credential.pairs(ready=ready)
    if mark:
        lines.append((b"state[]", SEEN))
    return lines


def store(
    stdin: "BinaryIO",
    now: float,
    elsewhere: "Callable[[], Chain]",
    target: "Callable[[], Store | None]",
    max_age: "float | None" = None,
) -> None:
    """Keeps a whole credential that worked, unless it is ours, ephemeral, expired, or lives in a source read each time.

    `elsewhere`: the sources that must not be copied (git tells `store` to every helper, whoever answered).
    `max_age`: seconds after which it expires, where the person wants none to last.
    """
    message = wire.parse(wire.read(stdin))
    wanted = Description.of(message)
    credential = Credential.of(message)
    if message.problem is not None:
        raise StoreError(f"cannot store the credential: {message.problem}")
    if wanted is None or credential.ephemeral or not credential.is_complete() or credential.is_expired(now):
        return
    if SEEN in message.list(b"state"):
        return
    if any(_is_copy(other.credential, credential) for other in elsewhere().candidates(wanted)):
        return
    place = target()
    if max_age is not None:
        credential = credential.expiring(int(now + max_age))
    if place is not None:
        place.store(Account(wanted.protocol, wanted.host, wanted.path, credential))


def _is_copy(kept: "Credential", new: "Credential") -> bool:
    return kept.is_complete() and kept.same_secret(new)


def erase(stdin: "BinaryIO", stores: "Callable[[], list[Store]]") -> None:
    """Forgets every account that matches; where git names the refused secret, only those that hold it.

    Every store is asked, even after one that is broken. Raises the last StoreError.
    """
    message = wire.parse(wire.read(stdin))
    wanted = Description.of(message)
    if message.problem is not None or wanted is None:
        return
    broken: StoreError | None = None
    for place in stores():
        try:
            place.erase(wanted, Credential.of(message))
        except StoreError as error:
            broken = error
    if broken is not None:
        raise broken
