"""`login`: a token is checked against its server, then kept; one that is refused is never stored."""

from __future__ import annotations

import datetime
import enum
from typing import TYPE_CHECKING, Protocol

from git_helper.core import wire
from git_helper.core.authorization import authorization
from git_helper.core.credential import ANY_USER, Account, Credential, Description, Origin
from git_helper.core.redaction import subject
from git_helper.errors import NoCredential, NotFound, Refused, Unreachable, UsageError
from git_helper.frozen import frozen
from git_helper.secret import Secret, visible

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from git_helper.core.chain import Store

_TOKEN_LIMIT = 1 << 16
_SSH = "ssh uses keys: see ssh-add(1)"


class Answer(Protocol):
    """What of a server's answer matters here."""

    @property
    def status(self) -> int:
        """The status code."""


class Prompter(Protocol):
    """Asks a person; None without a terminal. Raises Cancelled."""

    def ask_username(self) -> bytes | None:
        """The user name; may be empty."""

    def ask_secret(self, username: bytes) -> Secret | None:
        """The token of that user, typed unseen; may be empty."""


class Transport(Protocol):
    """What of `net/session.py` is needed here."""

    def get(self, url: str, authorization: Secret | None = None) -> Answer:
        """One GET that follows no redirect. Raises Unreachable."""


class Check(enum.Enum):
    """What the server's answers prove."""

    ACCEPTED = "the server accepted it"
    UNPROVEN = "the server did not ask for it, so it is unproven"
    UNCLEAR = "the server asked for it, but its answer does not say that it is good"
    SKIPPED = "not checked"


@frozen
class Place:
    """What the person wants to log in to: the description git will use, and the repository's path, if one was given."""

    description: Description
    repository: str

    @property
    def origin(self) -> Origin:
        """Scheme, host and port."""
        origin = self.description.origin()
        if origin is None:
            raise UsageError(f"cannot read the host of '{visible(self.description.host)}'")
        return origin

    def probe_urls(self) -> list[str]:
        """What is asked for, until something is found: what git asks first for a repository, an index itself.

        The server's root where there is no path; a path may be either, unless its end tells.
        """
        index = f"{self.origin}/{self.repository}/" if self.repository else f"{self.origin}/"
        if not self.repository or self.is_index:
            return [index]
        repository = f"{self.origin}/{self.repository}/info/refs?service=git-upload-pack"
        return [repository] if self.repository.endswith(".git") else [repository, index]

    @property
    def is_index(self) -> bool:
        """Whether the URL says that it is a package index."""
        return self.repository.rpartition("/")[2] in ("simple", "+simple")


@frozen
class Typed:
    """What the command line gave: a user name, a stream to read the token from, and when it expires (seconds since 1970)."""

    username: str | None
    token: BinaryIO | None
    expires: int | None


@frozen
class Outcome:
    """What was stored, where, and how far it was checked."""

    account: Account
    store: Store
    check: Check


def login(
    place: Place,
    typed: Typed,
    prompter: Prompter,
    transport: Transport | None,
    store: Callable[[], Store | None],
    *,
    with_path: bool,
) -> Outcome:
    """Asks for what is missing, checks it (unless there is no `transport`) and keeps it.

    `with_path`: for the one repository (credential.useHttpPath) instead of the whole host. Raises NoCredential, Refused,
    NotFound, Unreachable, Cancelled, StoreError; then nothing is stored.
    """
    credential = _typed(place, typed, prompter)
    outcome = Check.SKIPPED if transport is None else check(place, credential, transport)
    target = store()
    if target is None:
        raise UsageError("cannot keep the token: the store is 'none'", "choose one: git-helper login --store file URL")
    wanted = place.description
    account = Account(wanted.protocol, wanted.host, wanted.path if with_path else None, credential)
    target.store(account)
    return Outcome(account, target, outcome)


def _typed(place: Place, typed: Typed, prompter: Prompter) -> Credential:
    named = typed.username.encode("utf-8", "surrogateescape") if typed.username is not None else None
    in_url = place.description.username
    if named is not None and in_url is not None and named != in_url:
        raise UsageError("the URL and --username name two users", "give one of them")
    user = named if named is not None else in_url
    if typed.token is not None:
        # Tokens have one line; exactly its line break is dropped, blanks may belong to a password.
        text = typed.token.read(_TOKEN_LIMIT + 1)
        if len(text) > _TOKEN_LIMIT:
            raise UsageError(f"the token is longer than {_TOKEN_LIMIT} bytes")
        token: Secret | None = Secret(text.removesuffix(b"\n").removesuffix(b"\r"))
        user = ANY_USER if user is None else user
    else:
        user = prompter.ask_username() or ANY_USER if user is None else user
        token = prompter.ask_secret(user)
    if token is None:
        raise NoCredential(
            f"cannot ask for the token of '{visible(place.description.host)}': there is no terminal",
            f"give it on standard input: git-helper login {place.origin} --with-token < FILE",
        )
    if token == Secret(b""):
        raise UsageError("the token is empty", "type it at the prompt, or give it by --with-token < FILE")
    credential = Credential(user, token, expiry=typed.expires)
    try:
        wire.serialize(credential.pairs())
    except ValueError as error:
        raise UsageError(f"cannot use the token: {error}") from error
    return credential


def parse_place(text: str) -> Place:
    """`https://[user@]host[:port][/path]` or a bare host. Raises UsageError; a password in it is refused unread."""
    raw = text.encode("utf-8", "surrogateescape")
    if b"://" not in raw:
        if b"//" in raw:
            raise UsageError(f"cannot read the URL '{subject(text)}'", "write https://host, or just the host")
        raw = b"https://" + raw
    fields = dict(wire.url_fields(raw))
    if b"password" in fields:
        raise UsageError(
            "a URL with a password is not accepted: others can see the command line",
            "give the user name only, and the token at the prompt or by --with-token",
        )
    protocol = fields.get(b"protocol", b"").lower().removeprefix(b"git+")
    if protocol not in (b"https", b"http"):
        hint = _SSH if protocol == b"ssh" else "write https://host, or just the host"
        raise UsageError(f"cannot use '{subject(text)}': not an http or https URL", hint)
    # An encoded blank is a name's own: dev.azure.com/organisation/My%20Project.
    if b" " in raw or any(byte < 0x20 or byte == 0x7F for value in (raw, *fields.values()) for byte in value):
        raise UsageError(f"cannot read the URL '{subject(text)}': it has control characters or blanks")
    path = raw.partition(b"://")[2].partition(b"/")[2].partition(b"?")[0].partition(b"#")[0].rstrip(b"/")
    origin = Origin.parse(protocol, fields.get(b"host", b""))
    if origin is None:
        is_scp_form = "://" not in text and ":" in text.partition("@")[2]
        hint = _SSH if is_scp_form else "write https://host"
        raise UsageError(f"cannot read the URL '{subject(text)}': it names no host", hint)
    # git asks for the host as its URL spells it: lower case, and no port where it is the usual one.
    host = origin.authority().encode("ascii")
    description = Description(protocol, host, fields.get(b"path"), fields.get(b"username"))
    return Place(description, path.decode("utf-8", "surrogateescape"))


def check(place: Place, credential: Credential, transport: Transport) -> Check:
    """Asks the server without and with the credential. Raises Refused, NotFound, Unreachable."""
    shown = visible(place.description.host)
    for url in place.probe_urls():
        anonymous = transport.get(url).status
        status = transport.get(url, authorization(credential)).status
        if status == 429 or status >= 500:
            raise Unreachable(
                f"cannot check the token at '{shown}': the server answered {status}",
                "try again later; --no-check stores it all the same",
            )
        if status in (401, 403):
            raise Refused(
                f"the server refused the token for '{shown}' ({status})",
                "check that it is not expired and may read what you need; --no-check stores it all the same",
            )
        # Some indexes have no page of all projects, and some servers no root, but let nobody else even know that.
        if status == 404 and anonymous in (401, 403) and (place.is_index or not place.repository):
            return Check.ACCEPTED
        if status != 404 or not place.repository:
            if anonymous in (401, 403, 404) and 200 <= status < 300:
                return Check.ACCEPTED
            return Check.UNCLEAR if anonymous in (401, 403) else Check.UNPROVEN
    raise NotFound(
        f"the server knows no repository or index '{visible(place.repository)}' that this token may read",
        f"check the path, or log in to the whole host: git-helper login {place.origin}",
    )


def expiry(text: str, now: float) -> int:
    """`90d`, `12h`, `30m`, a date `2027-01-31` (its end, UTC) or seconds since 1970, as the last.

    Raises UsageError, also for a time that has passed.
    """
    at = _moment(text, now)
    if at <= now:
        raise UsageError(f"the time '{visible(text)}' has passed", "write 90d, 12h or a date to come")
    return at


def _moment(text: str, now: float) -> int:
    if text[-1:] in _UNITS:
        return int(now) + seconds_of(text)
    if text.isdecimal() and len(text) < 12:
        return int(text)
    try:
        date = datetime.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=datetime.UTC)
    except ValueError:
        raise UsageError(f"cannot read the time '{visible(text)}'", "write 90d, 12h or 2027-01-31") from None
    return int(date.timestamp()) + 86400


_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds_of(text: str) -> int:
    """`90d`, `12h`, `30m` or `2w` in seconds. Raises UsageError."""
    number, unit = text[:-1], text[-1:]
    if not (number.isdecimal() and unit in _UNITS and len(number) < 8):
        raise UsageError(f"cannot read the time '{visible(text)}'", "write 90d, 12h, 30m or 2w")
    return int(number) * _UNITS[unit]
