"""The login: which methods, which keys, in which order, and what to say when none of them opens the door (RFC 4252)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_helper.errors import NoCredential, Refused, StoreError
from git_helper.frozen import frozen
from git_helper.git.ssh.fields import packed
from git_helper.git.ssh.options import METHODS
from git_helper.git.ssh.private_key import Encrypted, UnusableKey
from git_helper.git.ssh.public_key import CERTIFIED, fingerprint
from git_helper.git.ssh.userauth import Answer, Disconnected, Questions
from git_helper.secret import visible
from git_helper.system.trace import note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_helper.git.ssh.answers import Answers
    from git_helper.git.ssh.identities import Identities, Identity
    from git_helper.git.ssh.public_key import Public
    from git_helper.git.ssh.transport import SshTransport
    from git_helper.git.ssh.userauth import UserAuth

SIGNATURES = (
    "ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "rsa-sha2-512-cert-v01@openssh.com",
    "rsa-sha2-256-cert-v01@openssh.com",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""The algorithms of our signatures (PubkeyAcceptedAlgorithms)."""
_MOST_ROUNDS = 50


@frozen
class Account:
    """Where to log in: `host` as a person knows it, with its port unless that is 22. `prompts`: times to ask."""

    user: str
    host: str
    methods: Sequence[str] = METHODS
    prompts: int = 3
    signatures: Sequence[str] = SIGNATURES

    def __str__(self) -> str:
        return visible(f"{self.user}@{self.host}")


class Login:
    """One login over `auth`. `notes`: what is to be said in the end, if it fails."""

    def __init__(
        self,
        auth: UserAuth,
        transport: SshTransport,
        account: Account,
        identities: Identities,
        answers: Answers,
        notes: Sequence[str] = (),
    ) -> None:
        self._auth = auth
        self._transport = transport
        self._account = account
        self._identities = identities
        self._answers = answers
        self._refused: list[str] = []
        self._notes = list(notes)
        self._locked: str | None = None
        self._nobody = False
        self._attempts = {"password": 0, "keyboard-interactive": 0}
        self._steps = {
            "publickey": self._publickey,
            "keyboard-interactive": self._keyboard_interactive,
            "password": self._password,
        }

    def run(self) -> None:
        """Logs in. Raises Refused, NoCredential (somebody should be asked, nobody is there), Disconnected, Cancelled."""
        self._auth.begin()
        answer = self._first() or self._auth.asks_for_methods()
        methods: tuple[str, ...] = ()
        for _ in range(_MOST_ROUNDS):
            if answer.success:
                return
            if answer.special is not None:
                raise Disconnected("it does not keep to the protocol")
            if answer.partial:
                self._identities.start_again()
            methods = answer.methods
            found = self._step(methods)
            if found is None:
                break
            answer = found
        raise self._failure(methods)

    def _first(self) -> Answer | None:
        """A key that would be offered anyway: its answer tells the methods, too, and saves a round trip."""
        identity = self._identities.upcoming()
        if identity is None or identity.public is None or self._account.methods[:1] != ("publickey",):
            return None
        return self._publickey()

    def _step(self, methods: Sequence[str]) -> Answer | None:
        """The answer to the next thing that can be tried; None when there is nothing left."""
        for name in self._account.methods:
            if name in methods and name in self._steps:
                answer = self._steps[name]()
                if answer is not None:
                    return answer
        return None

    # ------------------------------------------------------------------ methods

    def _publickey(self) -> Answer | None:
        while (identity := self._identities.next()) is not None:
            try:
                answer = self._offer(identity)
            except Encrypted as error:
                self._locked = self._locked or identity.file
                self._unusable(identity, error.message)
            except UnusableKey as error:
                if identity.file is None or os.path.exists(identity.file):
                    self._unusable(identity, error.message)
            except StoreError as error:
                self._notes.append(error.message)
            else:
                if answer is not None:
                    return answer
        return None

    def _unusable(self, identity: Identity, reason: str) -> None:
        self._notes.append(f"the key '{visible(identity.name)}' cannot be used: {reason}")
        note("login", host=str(self._account), method="publickey", identity=identity.name, failed=reason)

    def _offer(self, identity: Identity) -> Answer | None:
        public = self._identities.public(identity)
        algorithm = self._algorithm(public)
        if algorithm is None:
            self._notes.append(f"the key '{visible(identity.name)}' makes no signature that both sides take")
            return None
        answer = self._auth.asks_for(algorithm, public.blob)
        self._trace("publickey", answer, identity=identity.name, type=algorithm, fingerprint=fingerprint(public.plain))
        if answer.special is None:
            if not answer.success and "publickey" in answer.methods:
                self._refused.append(identity.name)
            return answer
        if answer.special.get_text() != algorithm or answer.special.get_binary() != public.blob:
            raise Disconnected("it answered about another key than it was asked for")
        answer = self._auth.with_key(
            algorithm, public.blob, lambda data: self._identities.sign(identity, data, algorithm)
        )
        self._trace("publickey", answer, identity=identity.name)
        if not answer.success and not answer.partial:
            self._refused.append(identity.name)
        return answer

    def _algorithm(self, public: Public) -> str | None:
        """RSA keys have several kinds of signature; the server says which it takes (RFC 8308 §3.1)."""
        names = [name for name in public.algorithms() if name in self._account.signatures]
        said: bytes = getattr(self._transport, "server_extensions", {}).get("server-sig-algs", b"")
        if public.type != "ssh-rsa" or not said:
            return next(iter(names), None)
        taken = said.decode("ascii", "replace").split(",")
        return next((name for name in names if name in taken or name.removesuffix(CERTIFIED) in taken), None)

    def _password(self) -> Answer | None:
        if not self._may_try("password"):
            return None
        again = self._attempts["password"] > 1
        password = self._answers.password(self._account.user, self._account.host, again=again)
        if password is None:
            self._nobody = True
            return None
        answer = self._auth.with_password(password)
        self._trace("password", answer)
        if answer.special is None:
            return answer
        self._attempts["password"] = self._account.prompts
        self._notes.append("the password has expired and must be changed: log in with ssh once")
        return None

    def _keyboard_interactive(self) -> Answer | None:
        if not self._may_try("keyboard-interactive"):
            return None
        answer = self._auth.request("keyboard-interactive", packed(b"") + packed(b""))
        for _ in range(_MOST_ROUNDS):
            self._trace("keyboard-interactive", answer)
            if answer.special is None:
                return answer
            words = self._answers.keyboard_interactive(self._account.host, Questions.read(answer.special))
            if words is None:
                self._nobody = True
                return None
            answer = self._auth.respond(words)
        raise Disconnected("it does not stop asking")

    def _trace(self, method: str, answer: Answer, **key: str) -> None:
        """`goes on`: the server would take it, or asks; the identity it is about is `key`."""
        outcome = "accepted" if answer.success or answer.partial else "goes on" if answer.special else "refused"
        note("login", host=str(self._account), method=method, outcome=outcome, **key)

    def _may_try(self, method: str) -> bool:
        if not self._answers.may_ask:
            self._nobody = True
            return False
        self._attempts[method] += 1
        return self._attempts[method] <= self._account.prompts

    # ------------------------------------------------------------------ failure

    def _failure(self, methods: Sequence[str]) -> Refused | NoCredential:
        reasons = []
        if self._refused:
            reasons.append("it refused " + ", ".join(f"'{visible(name)}'" for name in dict.fromkeys(self._refused)))
        elif "publickey" in methods and not self._notes:
            reasons.append("there is no key to offer")
        reasons += self._notes
        if any(count > 0 for count in self._attempts.values()) and not self._nobody:
            reasons.append("it refused the password")
        if self._auth.banner:
            reasons.append(f"it says: {visible(self._auth.banner.strip())}")
        accepted = ", ".join(visible(name) for name in methods) or "nothing"
        message = f"cannot log in to '{self._account}' (it accepts {accepted}): " + "; ".join(
            reasons or ["nothing fits"]
        )
        if self._locked is not None:
            return NoCredential(message, f"open the key for this session: ssh-add {visible(self._locked)}")
        if self._nobody:
            return NoCredential(message, "run it on a terminal, or set up a key: ssh-keygen; ssh-add")
        return Refused(message, f"see which keys there are and what the server says: ssh -v {self._account}")
