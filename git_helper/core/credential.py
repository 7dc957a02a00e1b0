"""What a credential is wanted for (`Description`, `Origin`), what it is (`Credential`), and how it is kept (`Account`).

All fields are bytes as git sends them: case kept, nothing trimmed, never decoded. Loaded on every `get`: no imports but
`Secret`.
"""

from git_helper.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_helper.core.wire import Message

# Servers that take a token as password accept any user name with it; git needs one.
ANY_USER = b"git"
AUTHTYPE = b"authtype"
STATE = b"state"
_DEFAULT_PORTS = {b"https": 443, b"http": 80}


class Description:
    """What a credential is wanted for: protocol, host (with any `:port`), and where known path and username."""

    __slots__ = ("host", "path", "protocol", "username")

    def __init__(
        self, protocol: bytes, host: bytes, path: "bytes | None" = None, username: "bytes | None" = None
    ) -> None:
        self.protocol = protocol
        self.host = host
        self.path = path
        self.username = username

    @classmethod
    def of(cls, message: "Message") -> "Description | None":
        """The message's description; None when it names no protocol and host (CVE-2020-11008: never guess them).

        Only `cert` has no host: git asks so for the passphrase of a client certificate, named by its path.
        """
        protocol, host, path = message.get(b"protocol"), message.get(b"host"), message.get(b"path")
        certificate = protocol == b"cert" and host == b"" and path
        if not protocol or host is None or (not host and not certificate):
            return None
        return cls(protocol, host, path, message.get(b"username"))

    def narrowed(self, username: bytes) -> "Description":
        """The same for one user."""
        return Description(self.protocol, self.host, self.path, username)

    def without_path(self) -> "Description":
        """The same for all of the host, as git asks unless credential.useHttpPath is set."""
        return Description(self.protocol, self.host, None, self.username)

    def pairs(self) -> "list[tuple[bytes, bytes]]":
        """As protocol attributes, in git's order."""
        pairs = [(b"protocol", self.protocol), (b"host", self.host)]
        if self.path is not None:
            pairs.append((b"path", self.path))
        if self.username is not None:
            pairs.append((b"username", self.username))
        return pairs

    def origin(self) -> "Origin | None":
        """The origin of an http or https description with a well-formed host, else None."""
        return Origin.parse(self.protocol, self.host)


class Origin:
    """Scheme, host in lower case (IPv6 in brackets) and effective port: what a credential belongs to (RFC 6454)."""

    __slots__ = ("host", "port", "scheme")

    def __init__(self, scheme: bytes, host: bytes, port: int) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port

    @classmethod
    def parse(cls, scheme: bytes, authority: bytes) -> "Origin | None":
        """`host`, `host:port`, `[v6]` or `[v6]:port`; None for anything else, user information included."""
        default = _DEFAULT_PORTS.get(scheme.lower())
        end = authority.find(b"]") + 1 if authority.startswith(b"[") else authority.find(b":")
        host, rest = (authority, b"") if end < 0 else (authority[:end], authority[end:])
        if default is None or not host or host.strip(_HOST_BYTES) or (host[:1] == b"[") != (b":" in host):
            return None
        if not rest:
            return cls(scheme.lower(), host.lower(), default)
        port = rest[1:]
        if rest[:1] != b":" or not port.isdigit() or len(port) > 5:
            return None
        return cls(scheme.lower(), host.lower(), int(port))

    def is_loopback(self) -> bool:
        """`localhost`, 127.0.0.0/8 in four numbers, or `[::1]`: nothing leaves this machine."""
        numbers = self.host.split(b".")
        ipv4 = len(numbers) == 4 and numbers[0] == b"127" and all(part.isdigit() for part in numbers)
        return ipv4 or self.host in (b"localhost", b"[::1]")

    def may_get_tokens(self, allow_http: "Iterable[bytes]" = ()) -> bool:
        """Whether variables, netrc and CI tokens may go there: over TLS, to this machine, or where plain http is allowed."""
        return self.scheme == b"https" or self.is_loopback() or self.host in {host.lower() for host in allow_http}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origin) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def authority(self) -> str:
        """`host`, with `:port` unless it is the scheme's default."""
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return self.host.decode("ascii") + port

    def __str__(self) -> str:
        return f"{self.scheme.decode()}://{self.authority()}"

    def _key(self) -> "tuple[bytes, bytes, int]":
        return self.scheme, self.host, self.port


_HOST_BYTES = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._[]:"


class Credential:
    """A user name with its password, or a ready `authtype` and `credential` for the Authorization header (git 2.46)."""

    __slots__ = ("authtype", "credential", "ephemeral", "expiry", "password", "refresh_token", "username")

    def __init__(
        self,
        username: "bytes | None" = None,
        password: "Secret | None" = None,
        *,
        authtype: "bytes | None" = None,
        credential: "Secret | None" = None,
        expiry: "int | None" = None,
        refresh_token: "Secret | None" = None,
        ephemeral: bool = False,
    ) -> None:
        self.username = username
        self.password = password
        self.authtype = authtype
        self.credential = credential
        self.expiry = expiry
        self.refresh_token = refresh_token
        self.ephemeral = ephemeral

    @classmethod
    def of(cls, message: "Message") -> "Credential":
        """The credential part of a message; `password_expiry_utc` is read as git does (0 or garbage: none)."""
        return cls(
            message.get(b"username"),
            _secret(message.get(b"password")),
            authtype=message.get(b"authtype"),
            credential=_secret(message.get(b"credential")),
            expiry=_leading_number(message.get(b"password_expiry_utc")),
            refresh_token=_secret(message.get(b"oauth_refresh_token")),
            ephemeral=message.flag(b"ephemeral"),
        )

    def is_complete(self) -> bool:
        """Whether git would stop asking: user name and password (both may be empty), or authtype and credential."""
        return self.is_basic() or self.is_ready()

    def is_basic(self) -> bool:
        """Whether it has a user name and a password."""
        return self.username is not None and self.password is not None

    def is_ready(self) -> bool:
        """Whether it has an authtype and a credential."""
        return self.authtype is not None and self.credential is not None

    def is_expired(self, now: float) -> bool:
        """Whether `password_expiry_utc` (seconds since 1970) has passed."""
        return self.expiry is not None and self.expiry <= now

    def expiring(self, at: int) -> "Credential":
        """The same, to expire at `at` (seconds since 1970) if it does not expire before."""
        return Credential(
            self.username,
            self.password,
            authtype=self.authtype,
            credential=self.credential,
            expiry=at if self.expiry is None else min(at, self.expiry),
            refresh_token=self.refresh_token,
            ephemeral=self.ephemeral,
        )

    def remainder(self) -> "Credential":
        """What is still of use after expiry: the user name and the refresh token, for a helper that can renew it."""
        return Credential(self.username, refresh_token=self.refresh_token)

    def pairs(self, *, ready: bool = True) -> "list[tuple[bytes, bytes]]":
        """As protocol attributes, user name included, authtype and credential only if `ready`.

        The one way of a secret onto the wire or into a store.
        """
        first, basic = [], []
        if ready and self.authtype is not None and self.credential is not None:
            first = [(AUTHTYPE, self.authtype), (b"credential", self.credential.reveal())]
        if self.ephemeral:
            first.append((b"ephemeral", b"1"))  # of another helper: git must not have it stored
        if self.username is not None:
            basic.append((b"username", self.username))
        if self.password is not None:
            basic.append((b"password", self.password.reveal()))
        if self.refresh_token is not None:
            basic.append((b"oauth_refresh_token", self.refresh_token.reveal()))
        if self.expiry is not None:
            basic.append((b"password_expiry_utc", b"%d" % self.expiry))
        return first + basic

    def same_secret(self, other: "Credential") -> bool:
        """Whether every secret that `other` has is ours too (git 2.42: only the very secret refused is erased)."""
        password = other.password is None or other.password == self.password
        return password and (other.credential is None or other.credential == self.credential)


class Account:
    """A credential as a store keeps it, with what it is for; identified by protocol, host, path and username."""

    __slots__ = ("credential", "host", "path", "protocol")

    def __init__(self, protocol: bytes, host: bytes, path: "bytes | None", credential: "Credential") -> None:
        self.protocol = protocol
        self.host = host
        self.path = path
        self.credential = credential

    @property
    def username(self) -> "bytes | None":
        """The account's user; None for a bare `authtype` credential."""
        return self.credential.username

    def key(self) -> "tuple[bytes, bytes, bytes | None, bytes | None]":
        """What a newer account must share to replace this one."""
        return self.protocol, self.host, self.path, self.username

    def answers(self, wanted: "Description") -> bool:
        """Exact equality of protocol and host; path and username too, where they are asked for."""
        return (
            self.protocol == wanted.protocol
            and self.host == wanted.host
            and (wanted.path is None or self.path == wanted.path)
            and (wanted.username is None or self.username == wanted.username)
        )

    def pairs(self) -> "list[tuple[bytes, bytes]]":
        """As protocol attributes; protocol and host first, so that a store can be searched for both at once."""
        return Description(self.protocol, self.host, self.path).pairs() + self.credential.pairs()

    def url(self) -> str:
        """For people: `protocol://host[/path]`, foreign bytes escaped by whoever shows it."""
        path = b"" if self.path is None else b"/" + self.path
        return (self.protocol + b"://" + self.host + path).decode("utf-8", "surrogateescape")


def _secret(value: "bytes | None") -> "Secret | None":
    return None if value is None else Secret(value)


def _leading_number(value: "bytes | None") -> "int | None":
    # strtoul() of git: trailing junk is ignored, 0 and garbage mean that there is no expiry.
    digits = (value or b"").lstrip(b" \t+")
    end = next((at for at in range(len(digits)) if digits[at] not in b"0123456789"), len(digits))
    return int(digits[: min(end, 19)] or 0) or None
