"""One encrypted connection (RFC 4253): paramiko's, with our choice of algorithms, limits, and reasons when it ends."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from git_helper.frozen import frozen
from git_helper.git.ssh.fields import packed
from git_helper.git.ssh.library import (
    Channel,
    IncompatiblePeer,
    KexCurve25519,
    Message,
    Packetizer,
    SSHException,
    Transport,
)
from git_helper.git.ssh.options import algorithms
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_helper.git.ssh.options import SshOptions

HOST_KEYS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""The host key algorithms that we know, without those of certificates. None uses SHA-1."""

# GCM first: twice as fast here as the CTR with which paramiko begins. No CBC, 3DES, MD5, SHA-1.
_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr")
_MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512")
_KEX = (
    *(name for name in Transport._preferred_kex if name.startswith("mlkem")),  # type: ignore[attr-defined]
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group14-sha256",
)

_LONGEST_PACKET = 1 << 18  # PACKET_MAX_SIZE of OpenSSH
_LONGEST_GREETING = 1 << 15
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux
_QUICK_READS = 100  # those of the handshake, the login and the first answers
_MOST_GREETING_LINES = 100
_CHANNEL_DATA, _CHANNEL_EXTENDED_DATA = 94, 95
_KEEPALIVE = bytes([80]) + packed(b"keepalive@openssh.com") + b"\1"
"""A global request that no server knows, and all answer (RFC 4254 §4)."""
_LONGEST_REASON = 500


class _Packets(Packetizer):
    """Packets that do not fill the memory before anybody has shown who they are."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.unanswered = 0
        """Questions of SshTransport.keep_alive since something came."""
        self._greeting = 0
        self._quick = _QUICK_READS if _QUICKACK is not None and isinstance(sock, socket.socket) else 0
        self._line = sock
        self._begins = True

    def start_handshake(self, timeout: float) -> None:
        """Nothing: the limit is in SshTransport.handshake. paramiko's would be one more thread, which nobody ends."""

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        if n > _LONGEST_PACKET:
            raise SSHException("it sent a packet that is too long")
        data = super().read_all(n, check_rekey)
        self.unanswered = 0
        if self._quick:
            self._quick -= 1
            self._acknowledge()
        return data

    def write_all(self, out: Any) -> None:
        begins, self._begins = self._begins, False
        try:
            super().write_all(out)
        except EOFError:
            # Who hangs up at once may have said why.
            if not begins:
                raise

    def _acknowledge(self) -> None:
        """Tells the server at once that its bytes have come: it holds small ones back until then (RFC 896, RFC 1122)."""
        try:
            self._line.setsockopt(socket.IPPROTO_TCP, _QUICKACK or 0, 1)
        except OSError:
            self._quick = 0  # a ProxyCommand's line is no TCP

    def _read_timeout(self, timeout: float) -> bytes:
        data: bytes = super()._read_timeout(timeout)  # type: ignore[misc]
        self._greeting += len(data)
        if self._greeting > _LONGEST_GREETING:
            raise SSHException("it sent too much before it began")
        return data


def _within_window(channel: Channel, message: Message, feed: Any) -> None:
    """Data for a channel; a server that does not keep to our window would fill the memory (RFC 4254 §5.2)."""
    feed(channel, message)
    if len(channel.in_buffer) + len(channel.in_stderr_buffer) > channel.in_window_size:
        raise SSHException("it sent more than we allowed it to send")


@frozen
class Offers:
    """The algorithms that we offer, the best first."""

    host_keys: Sequence[str] = HOST_KEYS
    ciphers: Sequence[str] = _CIPHERS
    macs: Sequence[str] = _MACS
    kex: Sequence[str] = _KEX

    @classmethod
    def of(cls, options: SshOptions, host_keys: Sequence[str]) -> Offers:
        """What the person's configuration leaves of them, or in which order it wants them."""
        return cls(
            host_keys,
            algorithms(options.ciphers, _CIPHERS, _CIPHERS),
            algorithms(options.macs, _MACS, _MACS),
            algorithms(options.kex_algorithms, _KEX, _KEX),
        )


class SshTransport(Transport):
    """A connection over `sock`, which belongs to it from now on.

    `host_key_blob` and `host_signature` are those of the first key exchange. For one thread until the login is done.
    """

    # RFC 8731 gave it a second name.
    _kex_info = {**Transport._kex_info, "curve25519-sha256": KexCurve25519}  # type: ignore[attr-defined]  # noqa: RUF012
    _channel_handler_table = {  # noqa: RUF012
        **Transport._channel_handler_table,  # type: ignore[attr-defined]
        _CHANNEL_DATA: lambda channel, m: _within_window(channel, m, Channel._feed),  # type: ignore[attr-defined]
        _CHANNEL_EXTENDED_DATA: lambda channel, m: _within_window(channel, m, Channel._feed_extended),  # type: ignore[attr-defined]
    }

    def __init__(self, sock: socket.socket | Channel, offers: Offers, window: int) -> None:
        super().__init__(sock, default_window_size=window, packetizer_class=_Packets)
        self.host_key_blob: bytes | None = None
        self.host_signature = b""
        self._offers = offers
        self._disconnected: str | None = None
        self._greeting: list[str] = []
        self._failure: Exception | None = None

    @property
    def preferred_keys(self) -> Sequence[str]:
        """What paramiko asks for."""
        return self._offers.host_keys

    @property
    def preferred_ciphers(self) -> Sequence[str]:
        """What paramiko asks for."""
        return self._offers.ciphers

    @property
    def preferred_macs(self) -> Sequence[str]:
        """What paramiko asks for."""
        return self._offers.macs

    @property
    def preferred_kex(self) -> Sequence[str]:
        """What paramiko asks for."""
        return self._offers.kex

    def handshake(self, seconds: float) -> None:
        """Exchanges keys. Raises SSHException, OSError; TimeoutError after `seconds`."""
        # Ours is the limit that counts: paramiko's at the same moment would look like a connection that was closed.
        self.banner_timeout = seconds + 5.0
        done = threading.Event()
        self.start_client(event=done)
        if not done.wait(seconds):
            raise TimeoutError
        if not self.is_active() or not self.initial_kex_done:
            raise SSHException(self.why())

    def open(self, kind: str, window: int, seconds: float, to: tuple[str, int] | None = None) -> Channel:
        """A new channel. Raises SSHException, OSError, EOFError; TimeoutError without an answer."""
        begun = time.monotonic()
        try:
            return self.open_channel(kind, to, to and ("127.0.0.1", 0), window_size=window, timeout=seconds)
        except SSHException:
            if self.is_active() and time.monotonic() - begun >= seconds:
                raise TimeoutError from None
            raise

    def keep_alive(self, interval: int, most: int | None) -> None:
        """Asks for a sign of life after each `interval` seconds in which we said nothing.

        When `most` of them in a row find no answer, nor anything else comes, the connection ends; None: never by this.
        """
        packets: Any = self.packetizer

        def ask() -> None:
            if most is not None and packets.unanswered >= most:
                raise SSHException(f"no sign of life for {interval * most} seconds (ServerAliveInterval)")
            if self.clear_to_send.is_set():  # else keys are being renewed, and it does answer
                packets.unanswered += 1
                self._send_message(Message(_KEEPALIVE))  # type: ignore[attr-defined]

        packets.set_keepalive(interval, ask)

    def why(self) -> str:
        """Why the connection has ended, in words for people; what the server said comes first."""
        if self._disconnected is not None:
            return f"it hung up: {self._disconnected}"
        failure = self._failure or self.saved_exception
        if isinstance(failure, IncompatiblePeer):
            return f"it knows none of our algorithms ({_cleaned(str(failure)).rpartition('(')[2].rstrip(')')})"
        if isinstance(failure, SSHException):
            return _cleaned(str(failure))
        # A reset is how a connection is closed to whoever still had something to say.
        if isinstance(failure, OSError) and failure.strerror and not isinstance(failure, ConnectionError):
            return failure.strerror.lower()
        if self._greeting and not self.initial_kex_done:
            return f"it said: {' '.join(self._greeting)}"
        return "it closed the connection"

    def end(self, seconds: float = 2.0) -> None:
        """Closes everything and waits for the thread, which must be gone before the number of its socket is free."""
        self.stop_thread()
        try:
            if isinstance(self.sock, socket.socket):
                self.sock.shutdown(socket.SHUT_RDWR)
            else:
                self.sock.close()
        except (OSError, EOFError, SSHException):
            pass
        if self.is_alive():
            self.join(seconds)
        self.sock.close()

    def run(self) -> None:
        """The thread; nothing that goes wrong in it may reach stderr."""
        try:
            super().run()
        except Exception as error:
            self.saved_exception = error

    # ------------------------------------------------------------------ what paramiko calls

    def _verify_key(self, host_key: bytes, sig: bytes) -> None:
        super()._verify_key(host_key, sig)  # type: ignore[misc]
        # OpenSSH looks at each exchange; paramiko would take any other key when keys are renewed.
        if self.host_key_blob is None:
            self.host_key_blob, self.host_signature = bytes(host_key), bytes(sig)
        elif self.host_key_blob != bytes(host_key):
            raise SSHException("it came with another host key when keys were renewed")

    def _parse_disconnect(self, m: Message) -> None:
        m.get_int()
        self._disconnected = _cleaned(m.get_text()) or "no reason given"

    def _check_banner(self) -> None:
        """The server's version, and what it says before that (RFC 4253 §4.2)."""
        for _ in range(_MOST_GREETING_LINES):
            try:
                line = self.packetizer.readline(self.banner_timeout)
            except (EOFError, ConnectionError):
                said = f": {' '.join(self._greeting)}" if self._greeting else ""
                raise SSHException(f"it closed the connection before it began{said}") from None
            except UnicodeDecodeError:
                raise SSHException("it does not speak SSH") from None
            if line.startswith("SSH-"):
                break
            self._greeting = [*self._greeting, _cleaned(line)][-3:]
        else:
            raise SSHException("it does not speak SSH")
        self.remote_version = line
        if not line.startswith(("SSH-2.0-", "SSH-1.99-")):
            raise IncompatiblePeer("(no acceptable version)")

    def get_exception(self) -> Exception | None:
        """What paramiko asks for, and forgets."""
        failure = super().get_exception()
        self._failure = failure or self._failure
        return failure


def _cleaned(text: str) -> str:
    return visible(text.strip(" \t\r\n"))[:_LONGEST_REASON]
