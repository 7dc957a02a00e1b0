"""A connection that is ready for commands: reached (through hops or a program), its host trusted, logged in."""

from __future__ import annotations

import contextlib
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from git_helper.errors import Refused, StoreError, Unreachable
from git_helper.git import ssh_identities
from git_helper.git.ssh_agent import Agent
from git_helper.git.ssh_answers import Answers
from git_helper.git.ssh_authentication import METHODS, SIGNATURES, Account, Login
from git_helper.git.ssh_channel import LONGER, ChannelCommand
from git_helper.git.ssh_command import VERSION_2
from git_helper.git.ssh_host_key import HostTrust
from git_helper.git.ssh_library import Channel, SSHException
from git_helper.git.ssh_options import algorithms
from git_helper.git.ssh_patterns import matches
from git_helper.git.ssh_proxy import Proxy
from git_helper.git.ssh_transport import Offers, SshTransport
from git_helper.git.ssh_userauth import Disconnected, UserAuth
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from git_helper.git.ssh_jumps import Hop
    from git_helper.git.ssh_options import SshOptions

CONNECT_SECONDS = 20.0
_KEEPALIVE_SECONDS = 30
_HOP_WINDOW = 2 << 20
"""Bytes: with 16 MiB a hop carries a quarter of this (6-ssh §3)."""
_MOST_HOPS = 16
_PAUSE = 1.0
"""Seconds between ConnectionAttempts."""


class Closable(Protocol):
    """A hop, or a program on the way."""

    def close(self) -> None:
        """Ends it."""


@dataclass(frozen=True)
class Means:
    """What connecting needs. `resolve`: the options for host, user and port of a URL; `shell`: of a ProxyCommand.

    `idle`: seconds for every answer of a server; `connect`: for reaching it, unless ConnectTimeout says otherwise.
    """

    resolve: Callable[[str, str | None, int | None], SshOptions]
    environ: Mapping[str, str]
    shell: str
    answers: Answers
    idle: float
    connect: float = CONNECT_SECONDS


class Connection:
    """Logged in. `below`: what it stands on, the nearest first."""

    def __init__(
        self, transport: SshTransport, below: Sequence[Closable], environment: dict[str, str], shown: str
    ) -> None:
        self._transport = transport
        self._below = below
        self._environment = environment
        self.shown = shown

    @property
    def is_alive(self) -> bool:
        """Whether it still is, as far as we know."""
        return self._transport.is_active()

    def run(self, command: str, idle: float) -> ChannelCommand:
        """Starts a command; several at once if the server likes. Raises TooManyChannels, Unreachable."""
        return ChannelCommand(self._transport, command, self._environment, idle, self.shown)

    def channel_to(self, host: str, port: int, seconds: float) -> Channel:
        """A line from the server to another one (ProxyJump, `direct-tcpip` of RFC 4254 §7.2)."""
        try:
            return self._transport.open_channel(
                "direct-tcpip", (host, port), ("127.0.0.1", 0), window_size=_HOP_WINDOW, timeout=seconds
            )
        except (SSHException, EOFError, OSError) as error:
            reason = str(error) if self._transport.is_active() else self._transport.why()
            place = visible(_place(host, port))
            raise Unreachable(f"cannot reach '{place}' from '{self.shown}': {visible(reason)}") from None

    def close(self) -> None:
        """Ends it and what it stands on."""
        self._transport.end()
        _close_all(self._below)


def connect(
    means: Means, host: str, user: str | None, port: int | None, jumps: Sequence[Hop] | None = None, hops: int = 0
) -> Connection:
    """A connection to `host`, spelled as in a URL; `jumps` stands instead of its own ProxyJump.

    Raises Unreachable, Refused, NoCredential, Cancelled; HostKeyRefused and what `means.resolve` raises.
    """
    options = means.resolve(host, user, port)
    return _Connecting(means, options, options.proxy_jump if jumps is None else jumps, jumps is not None, hops).run()


class _Connecting:
    """One attempt."""

    def __init__(
        self, means: Means, options: SshOptions, jumps: Sequence[Hop] | None, instead: bool, hops: int
    ) -> None:
        self._means = means
        self._options = options
        self._jumps = jumps
        self._command = None if instead else options.proxy_command
        self._hops = hops
        self._seconds = float(options.connect_timeout or means.connect)
        self._answers = Answers(None) if options.batch_mode else means.answers
        self._place = _place(options.original_host or options.hostname, options.port)
        self._shown = visible(f"{options.user}@{self._place}")

    def run(self) -> Connection:
        with contextlib.ExitStack() as undo:
            below: list[Closable] = []
            undo.callback(_close_all, below)
            trust = HostTrust(self._options, self._answers)
            sock = self._socket(below)
            undo.callback(sock.close)
            transport = SshTransport(sock, Offers.of(self._options, trust.algorithms()), _HOP_WINDOW)
            undo.callback(transport.end)
            self._exchange_keys(transport, below)
            trust.check(transport.host_key_blob or b"", self._address(sock))
            transport.set_keepalive(self._options.server_alive_interval or _KEEPALIVE_SECONDS)
            self._log_in(transport)
            undo.pop_all()
            return Connection(transport, below, self._environment(), self._shown)

    # ------------------------------------------------------------------ the way

    def _socket(self, below: list[Closable]) -> socket.socket | Channel:
        if self._jumps:
            if self._hops >= _MOST_HOPS:
                raise Unreachable(f"cannot reach '{self._shown}': the way leads through more than {_MOST_HOPS} hosts")
            hop = self._jumps[-1]
            connection = connect(self._means, hop.host, hop.user, hop.port, self._jumps[:-1] or None, self._hops + 1)
            below.append(connection)
            return connection.channel_to(self._options.hostname, self._options.port, self._seconds)
        if self._command is not None:
            may_ask = self._answers.may_ask
            proxy = Proxy(self._command, self._means.shell, self._means.environ, may_ask=may_ask)
            below.append(proxy)
            return proxy.socket
        for attempt in range(max(1, self._options.connection_attempts)):
            if attempt:
                time.sleep(_PAUSE)
            try:
                return self._direct()
            except Unreachable as error:
                failure = error
        raise failure

    def _direct(self) -> socket.socket:
        options = self._options
        family = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}.get(options.address_family, socket.AF_UNSPEC)
        try:
            found = socket.getaddrinfo(options.hostname, options.port, family, socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Unreachable(f"cannot reach '{self._shown}': its name is not known", "is it spelled right?") from None
        reason = "it has no address"
        for kind, _, _, _, address in found:
            sock = socket.socket(kind, socket.SOCK_STREAM)
            try:
                sock.settimeout(self._seconds)
                if options.bind_address is not None:
                    sock.bind((options.bind_address, 0))
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                return sock
            except TimeoutError:
                reason = f"no answer in {self._seconds:g} seconds"
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
            sock.close()
        raise Unreachable(f"cannot reach '{self._shown}': {reason}")

    def _exchange_keys(self, transport: SshTransport, below: Sequence[Closable]) -> None:
        try:
            transport.handshake(self._seconds)
        except TimeoutError:
            reason, hint = f"no answer in {self._seconds:g} seconds", LONGER
        except (SSHException, OSError, EOFError):
            reason, hint = transport.why(), None
        else:
            return
        for one in below:
            if isinstance(one, Proxy):
                one.said.wait(0.2)
                said = one.said.text()
                reason += f"; the ProxyCommand says: {said}" if said else ""
        raise Unreachable(f"cannot reach '{self._shown}': {reason}", hint)

    def _address(self, sock: socket.socket | Channel) -> str | None:
        """The address behind the name; None when somebody else has looked it up."""
        if isinstance(sock, Channel) or self._command is not None:
            return None
        return str(sock.getpeername()[0])

    # ------------------------------------------------------------------ the login

    def _log_in(self, transport: SshTransport) -> None:
        options, place = self._options, self._place
        account = Account(
            options.user,
            place,
            self._methods(),
            options.number_of_password_prompts,
            algorithms(options.pubkey_accepted_algorithms, SIGNATURES, SIGNATURES),
        )
        with contextlib.ExitStack() as stack:
            agent = self._agent(stack, transport) if options.pubkey_authentication else None
            found = self._identities(agent)
            identities = ssh_identities.Identities(found, agent, self._answers, options.number_of_password_prompts)
            auth = UserAuth(transport, options.user, self._means.idle)
            try:
                Login(auth, transport, account, identities, self._answers).run()
            except Disconnected as error:
                hint = None
                if "too many authentication failures" in str(error).lower():
                    hint = f"name the right key for this host: IdentitiesOnly and IdentityFile in {_CONFIG}"
                raise Refused(f"cannot log in to '{self._shown}': {error}", hint) from None
            except TimeoutError:
                reason = f"no answer in {self._means.idle:g} seconds"
                raise Unreachable(f"cannot log in to '{self._shown}': {reason}", LONGER) from None

    def _methods(self) -> tuple[str, ...]:
        options = self._options
        switches = {
            "publickey": options.pubkey_authentication,
            "keyboard-interactive": options.kbd_interactive_authentication,
            "password": options.password_authentication,
        }
        return tuple(name for name in options.preferred_authentications if name in METHODS and switches[name])

    def _agent(self, stack: contextlib.ExitStack, transport: SshTransport) -> Agent | None:
        place = self._options.identity_agent
        if place in (None, "SSH_AUTH_SOCK"):
            place = self._means.environ.get("SSH_AUTH_SOCK")
        if not place or place == "none":
            return None
        try:
            agent = stack.enter_context(Agent(place))
            agent.bind(transport)
        except StoreError:
            return None  # as OpenSSH: there are other keys
        return agent

    def _identities(self, agent: Agent | None) -> list[ssh_identities.Identity]:
        options = self._options
        if not options.pubkey_authentication:
            return []
        keys = [] if agent is None else ssh_identities.keys_of(agent)
        return ssh_identities.find(
            options.identity_files, options.certificate_files, keys, only=options.identities_only
        )

    def _environment(self) -> dict[str, str]:
        """What commands get: SendEnv, SetEnv, and git's own."""
        sent = {
            name: value
            for name, value in self._means.environ.items()
            if any(matches(name, pattern) for pattern in self._options.send_env)
        }
        assigned = dict(pair.split("=", 1) for pair in self._options.set_env)
        return {**sent, **assigned, **VERSION_2}


_CONFIG = "~/.ssh/config"


def _close_all(below: Sequence[Closable]) -> None:
    for one in below:
        one.close()


def _place(host: str, port: int) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port == 22 else f"{name}:{port}"
