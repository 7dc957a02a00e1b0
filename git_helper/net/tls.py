"""TLS contexts: one for each distinct trust of a command, made when the first server needs it."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING, Protocol

import urllib3
from urllib3.exceptions import InsecureRequestWarning

from git_helper.errors import UsageError
from git_helper.net import bundled_roots, tls_failures
from git_helper.net.certificate_files import WrongPassphrase, load_client, load_roots
from git_helper.net.shared_context import SharedContext

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from git_helper.core.trust import ClientCertificate, Trust
    from git_helper.errors import Unreachable
    from git_helper.net.target import Target
    from git_helper.net.tls_failures import Certificate
    from git_helper.secret import Secret

    ContextFor = Callable[[Target], ssl.SSLContext]

_LISTENING_SECONDS = 1.0


class Kept(Protocol):
    """A passphrase that somebody keeps, who hears whether it is right."""

    @property
    def secret(self) -> Secret:
        """The passphrase."""

    def tell(self, *, opens: bool) -> None:
        """Called once, after it was tried."""


class Contexts:
    """A `ContextFor`: the context for each target. Thread-safe."""

    def __init__(
        self,
        trust_for: Callable[[Target], Trust],
        *,
        passphrase: Callable[[str], Secret | None] = lambda path: None,
        kept: Callable[[ClientCertificate], Kept | None] = lambda client: None,
        warn: Callable[[str], None] = lambda text: None,
        bundled: Callable[[], ssl.SSLContext] = bundled_roots.load,
        native: Callable[[], ssl.SSLContext] | None = None,
        read_certificate: Callable[[bytes], Certificate | None] = lambda der: None,
    ) -> None:
        """`passphrase`: of the key in a file, or None; asked once for each file, where none is `kept` that opens it.
        `warn`: gets each warning once.

        `bundled`: a new context that trusts Mozilla's list, `native` one that trusts whom the system trusts.
        `read_certificate`: what stands in a certificate (DER).
        """
        self._trust_for = trust_for
        self._ask = passphrase
        self._find_kept = kept
        self._warn = warn
        self._bundled = bundled
        self._native = native
        self._read_certificate = read_certificate
        self._made: dict[Trust, ssl.SSLContext] = {}
        self._passphrases: dict[str, Secret | None] = {}
        self._warned: set[str] = set()
        self._lock = threading.RLock()

    def __call__(self, target: Target) -> ssl.SSLContext:
        """The context for an https target. Raises UsageError when what is configured cannot serve; then nothing is sent."""
        trust = self._trust_for(target)
        with self._lock:
            for text in trust.warnings:
                self._warn_once(text)
            if trust not in self._made:
                self._made[trust] = self._context(trust)
            return self._made[trust]

    def untrusted(self, target: Target, error: Exception, connect: Callable[[ssl.SSLContext], object]) -> Unreachable:
        """Why there is no TLS with `target`. `connect` makes one more connection to it with the context that it gets."""
        trust, certificate = self._trust_for(target), None
        if tls_failures.needs_certificate(error):
            glance = Glance()
            connect(glance)
            certificate = None if glance.seen is None else self._read_certificate(glance.seen)
        elif tls_failures.hung_up(error) and trust.client is None:
            # In TLS 1.3 a server says after the handshake that it wants a certificate, and our request may cross that.
            glance = Glance(listens=True)
            connect(glance)
            error = glance.heard or error
        return tls_failures.untrusted(target.shown, error, trust, certificate)

    def _context(self, trust: Trust) -> ssl.SSLContext:
        if trust.verify and trust.roots.kind == "native":
            if self._native is None:
                raise UsageError("cannot use the certificates of the system here")
            context = self._native()
        elif trust.verify and trust.roots.kind == "bundled":
            context = self._bundled()
        else:
            context = SharedContext()
        _harden(context)
        if not trust.verify:
            _stop_verifying(context)
        elif trust.roots.kind == "files":
            load_roots(context, trust.roots, self._warn_once)
        if trust.client is not None:
            self._show(context, trust.client)
        return context

    def _show(self, context: ssl.SSLContext, client: ClientCertificate) -> None:
        tried: list[Kept] = []

        def kept(path: str) -> Secret | None:
            found = None if path in self._passphrases else self._find_kept(client)
            if found is None:
                return self._passphrase(path)
            tried.append(found)
            return found.secret

        try:
            load_client(context, client, kept)
        except WrongPassphrase:
            if not tried:
                raise
            tried[0].tell(opens=False)
            load_client(context, client, self._passphrase)
        else:
            for one in tried:
                self._passphrases[(client.key or client.certificate).path] = one.secret
                one.tell(opens=True)

    def _passphrase(self, path: str) -> Secret | None:
        if path not in self._passphrases:
            self._passphrases[path] = self._ask(path)
        return self._passphrases[path]

    def _warn_once(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            self._warn(text)


class Glance(ssl.SSLContext):
    """Looks at the certificate of a server that is not trusted, for the message: nothing can be sent with it.

    No handshake gives a connection that could be used, none verifies anything, and no certificate of ours is shown.
    """

    seen: bytes | None  # DER
    _listens: bool
    heard: ssl.SSLError | None

    def __new__(cls, *, listens: bool = False) -> Glance:
        """`listens`: waits for what the server has to say first, for a second at most."""
        self: Glance = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        self.seen = self.heard = None
        self._listens = listens
        _harden(self)
        _stop_verifying(self)
        return self

    def wrap_socket(self, *words: Any, **options: Any) -> ssl.SSLSocket:
        """Never returns."""
        with super().wrap_socket(*words, **options) as connection:
            self.seen = connection.getpeercert(binary_form=True)
            if self._listens:
                self._listen(connection)
        raise ssl.SSLError("seen enough")

    def _listen(self, connection: ssl.SSLSocket) -> None:
        connection.settimeout(_LISTENING_SECONDS)
        try:
            connection.recv(1)
        except ssl.SSLError as error:
            self.heard = error
        except OSError:
            pass

    def wrap_bio(self, *words: Any, **options: Any) -> ssl.SSLObject:
        """Never returns."""
        raise ssl.SSLError("seen nothing")


def _harden(context: ssl.SSLContext) -> None:
    """What must not depend on the version of Python or the configuration of OpenSSL."""
    # ssl.create_default_context() is strict since Python 3.13, which refuses authorities of many companies, and takes the
    # certificate of a server as an authority; before that, it is neither.
    context.verify_flags = ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False  # RFC 9110 §4.3.4: only the subjectAltName counts


def _stop_verifying(context: ssl.SSLContext) -> None:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    urllib3.disable_warnings(InsecureRequestWarning)  # ours names the host and the setting
