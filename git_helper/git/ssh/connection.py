"""A connection that is ready for commands: its host trusted, logged in."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from git_helper.errors import Refused, StoreError, Unreachable
from git_helper.git.ssh.agent import Agent, agent_place
from git_helper.git.ssh.answers import Answers
from git_helper.git.ssh.authentication import SIGNATURES, Account, Login
from git_helper.git.ssh.channel import ChannelCommand
from git_helper.git.ssh.command import LONGER, VERSION_2
from git_helper.git.ssh.host_key import HostTrust
from git_helper.git.ssh.identities import Identities, Identity, ordered
from git_helper.git.ssh.library import Channel, SSHException
from git_helper.git.ssh.options import algorithms
from git_helper.git.ssh.patterns import matches
from git_helper.git.ssh.transport import Offers, SshTransport
from git_helper.git.ssh.userauth import Disconnected, UserAuth
from git_helper.secret import visible
from git_helper.system.trace import timed

if TYPE_CHECKING:
    import socket

    from git_helper.git.ssh.proxy import Proxy
    from git_helper.git.ssh.way import Leg, Line, Means

_KEEPALIVE_SECONDS = 30
_HOP_WINDOW = 2 << 20
"""Bytes: with 16 MiB a hop carries a quarter of this (6-ssh §3)."""
_CONFIG = "~/.ssh/config"


class Closable(Protocol):
    """A hop, or a program on the way."""

    def close(self) -> None:
        """Ends it."""


class Connection:
    """Logged in. `below`: what it stands on."""

    def __init__(self, transport: SshTransport, below: Closable, environment: dict[str, str], shown: str) -> None:
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
            return self._transport.open("direct-tcpip", _HOP_WINDOW, seconds, (host, port))
        except TimeoutError:
            reason, hint = f"no answer in {seconds:g} seconds", LONGER
        except (SSHException, EOFError, OSError) as error:
            reason, hint = str(error) if self._transport.is_active() else self._transport.why(), None
        raise Unreachable(f"cannot reach '{visible(host)}:{port}' from '{self.shown}': {visible(reason)}", hint)

    def close(self) -> None:
        """Ends it and what it stands on."""
        self._transport.end()
        self._below.close()


def log_in(means: Means, answers: Answers, leg: Leg, line: Line) -> Connection:
    """The connection of `leg`, whose way begins with `line`, which belongs to it from now on.

    Raises Unreachable, Refused, NoCredential, Cancelled; HostKeyRefused and what `means.resolve` raises.
    """
    with contextlib.ExitStack() as undo:
        below: Closable = line
        sock: socket.socket | Channel = line.socket
        address, proxy = line.address, line.proxy
        if leg.hop is not None:
            below = connection = log_in(means, answers, leg.hop, line)
            undo.callback(connection.close)
            sock = connection.channel_to(leg.options.hostname, leg.options.port, leg.seconds)
            address, proxy = None, None
        else:
            undo.callback(line.close)
        found = _Connecting(means, leg, Answers(None) if leg.options.batch_mode else answers)
        transport = found.run(undo, sock, address, proxy)
        undo.pop_all()
        return Connection(transport, below, found.environment(), leg.shown)


class _Connecting:
    """One attempt."""

    def __init__(self, means: Means, leg: Leg, answers: Answers) -> None:
        self._means = means
        self._leg = leg
        self._options = leg.options
        self._answers = answers

    def run(
        self, undo: contextlib.ExitStack, sock: socket.socket | Channel, address: str | None, proxy: Proxy | None
    ) -> SshTransport:
        """Trusts the host, then logs in; `undo` gets what is to be done when that fails."""
        trust = HostTrust(self._options, self._answers)
        transport = SshTransport(sock, Offers.of(self._options, trust.algorithms()), _HOP_WINDOW)
        undo.callback(transport.end)
        self._exchange_keys(transport, proxy)
        trust.check(transport.host_key_blob or b"", address)
        interval = self._options.server_alive_interval
        transport.keep_alive(
            interval or _KEEPALIVE_SECONDS, (self._options.server_alive_count_max or None) if interval else None
        )
        self._log_in(transport)
        return transport

    def _exchange_keys(self, transport: SshTransport, proxy: Proxy | None) -> None:
        try:
            with timed("handshake", host=self._leg.shown) as seen:
                transport.handshake(self._leg.seconds)
                seen["server"] = transport.remote_version
        except TimeoutError:
            reason, hint = f"no answer in {self._leg.seconds:g} seconds", self._leg.hint
        except (SSHException, OSError, EOFError):
            reason, hint = transport.why(), None
        else:
            return
        if proxy is not None:
            proxy.said.wait(0.2)
            said = proxy.said.text()
            reason += f"; the ProxyCommand says: {said}" if said else ""
        raise Unreachable(f"cannot reach '{self._leg.shown}': {reason}", hint)

    # ------------------------------------------------------------------ the login

    def _log_in(self, transport: SshTransport) -> None:
        options = self._options
        account = Account(
            options.user,
            self._leg.place,
            options.methods,
            options.number_of_password_prompts,
            algorithms(options.pubkey_accepted_algorithms, SIGNATURES, SIGNATURES),
        )
        with contextlib.ExitStack() as stack:
            agent, notes = self._agent(stack, transport)
            identities = Identities(
                self._identities(agent, notes), agent, self._answers, options.number_of_password_prompts
            )
            auth = UserAuth(transport, options.user, self._means.idle)
            try:
                Login(auth, transport, account, identities, self._answers, notes).run()
            except Disconnected as error:
                hint = None
                if "too many authentication failures" in str(error).lower():
                    hint = f"name the right key for this host: IdentitiesOnly and IdentityFile in {_CONFIG}"
                raise Refused(f"cannot log in to '{self._leg.shown}': {error}", hint) from None
            except TimeoutError:
                reason = f"no answer in {self._means.idle:g} seconds"
                raise Unreachable(f"cannot log in to '{self._leg.shown}': {reason}", LONGER) from None

    def _agent(self, stack: contextlib.ExitStack, transport: SshTransport) -> tuple[Agent | None, list[str]]:
        """The agent; and what to say of it in the end, if nothing else opens the door either: there are other keys."""
        place = agent_place(self._options, self._means.environ)
        if place is None or not self._options.pubkey_authentication:
            return None, []
        try:
            agent = stack.enter_context(Agent(place, self._means.idle))
            agent.bind(transport)
        except StoreError as error:
            return None, [error.message]
        return agent, []

    def _identities(self, agent: Agent | None, notes: list[str]) -> list[Identity]:
        options = self._options
        if not options.pubkey_authentication:
            return []
        keys = []
        try:
            keys = [] if agent is None else agent.keys()
        except StoreError as error:
            notes.append(error.message)
        return ordered(options.identity_files, options.certificate_files, keys, only=options.identities_only)

    def environment(self) -> dict[str, str]:
        """What commands get: SendEnv, SetEnv, and git's own."""
        sent = {
            name: value
            for name, value in self._means.environ.items()
            if any(matches(name, pattern) for pattern in self._options.send_env)
        }
        assigned = dict(pair.split("=", 1) for pair in self._options.set_env)
        return {**sent, **assigned, **VERSION_2}
