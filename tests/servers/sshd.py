"""OpenSSH's own server on loopback, and the keys, certificates and agents that its clients need."""

from __future__ import annotations

import contextlib
import getpass
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.servers.listener import Listener
from tests.support import needs

USER = getpass.getuser()
"""Who may log in: sshd lets nobody else in unless it runs as root, and then it needs an account all the same."""
_SECONDS = 10


class Keys:
    """Makes keys in a folder, each once."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def key(self, name: str, kind: str = "ed25519", passphrase: str = "", form: str = "RFC4716") -> Path:
        """The private key `name`, with `name`.pub beside it. `form`: RFC4716 (OpenSSH's own), PEM or PKCS8."""
        path = self._folder / name
        if not path.exists():
            bits = ["-b", {"rsa": "2048", "ecdsa": "256"}[kind]] if kind != "ed25519" else []
            words = ["-q", "-t", kind, *bits, "-a", "1", "-m", form, "-N", passphrase, "-C", name, "-f", path]
            _keygen(*words)
        return path

    def certificate(
        self, name: str, authority: str, principals: str, *, host: bool = False, validity: str = "always:forever"
    ) -> Path:
        """`name`-cert.pub for the key `name`, signed by the key `authority`."""
        key, signer = self.key(name), self.key(authority)
        words = ["-q", "-s", signer, "-I", f"id-{name}", "-n", principals, "-V", validity, *["-h"] * host, f"{key}.pub"]
        _keygen(*words)
        return self._folder / f"{name}-cert.pub"


def public(key: Path) -> str:
    """The line of the public key: `type base64 comment`."""
    return Path(f"{key}.pub").read_text().rstrip("\n")


def fingerprint(key: Path) -> str:
    """`SHA256:…` as ssh-keygen tells it."""
    done = _keygen("-l", "-f", f"{key}.pub")
    return done.split(" ")[1]


def _keygen(*words: object) -> str:
    done = subprocess.run([needs("ssh-keygen"), *map(str, words)], capture_output=True, check=True, timeout=60)
    return done.stdout.decode()


class Sshd:
    """A server whose connections are carried by `sshd -i`, each by a process of its own.

    `settings`: keywords of sshd_config(5) with their values. `authorized`: public keys that let USER in.
    """

    def __init__(
        self,
        folder: Path,
        host_keys: Sequence[Path],
        authorized: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # it wants an empty folder of root's
        self._program = needs("sshd")
        self._config = folder / "sshd_config"
        self._log_path = folder / "sshd.log"
        self._log_path.touch()
        keys = folder / "authorized_keys"
        keys.write_text("".join(f"{line}\n" for line in authorized))
        lines = {
            "AuthorizedKeysFile": str(keys),
            "PermitRootLogin": "yes",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "StrictModes": "no",
            "UsePAM": "no",
            "PidFile": "none",
            "AcceptEnv": "GIT_PROTOCOL",
            "LoginGraceTime": "30",
            "LogLevel": "VERBOSE",
            "SetEnv": "SHLVL=2",  # or bash reads the start-up file of whoever runs the tests
            **(settings or {}),
        }
        text = "".join(f"HostKey {path}\n" for path in host_keys)
        text += "".join(f"{name} {value}\n" for name, value in lines.items())
        self._config.write_text(text)
        self._children: list[subprocess.Popen[bytes]] = []
        self._lock = threading.Lock()
        self.connections = 0
        self._listener = Listener(self._serve)
        self.port = self._listener.port

    def __enter__(self) -> Sshd:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.kill_sessions()

    @property
    def log(self) -> str:
        """What it has logged."""
        return self._log_path.read_text(errors="replace")

    def living(self) -> int:
        """The number of connections that are still served."""
        with self._lock:
            return sum(child.poll() is None for child in self._children)

    def wait_for_end(self) -> None:
        """Until no connection is served any more; AssertionError after ten seconds."""
        with self._lock:
            children = list(self._children)
        for child in children:
            try:
                child.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"a connection is still served:\n{self.log}") from None

    def kill_sessions(self) -> None:
        """Kills all processes that serve a connection."""
        self.signal_sessions(signal.SIGKILL)
        self.wait_for_end()

    def signal_sessions(self, number: signal.Signals) -> None:
        """Sends a signal to all processes that serve a connection."""
        with self._lock:
            for child in self._children:
                if child.poll() is None:
                    child.send_signal(number)

    def _serve(self, connection: socket.socket) -> None:
        with connection, self._lock, self._log_path.open("ab") as log:
            self.connections += 1
            child = subprocess.Popen(
                [self._program, "-i", "-e", "-f", str(self._config)],
                stdin=connection.fileno(),
                stdout=connection.fileno(),
                stderr=log,
                env={"PATH": os.environ.get("PATH", os.defpath)},
            )
            self._children.append(child)


@contextlib.contextmanager
def agent(folder: Path, *keys: Path, lifetime: int = 600) -> Iterator[str]:
    """ssh-agent with these keys, and their certificates where there are any; the path of its socket."""
    folder.mkdir(parents=True, exist_ok=True)
    place = str(folder / "agent")
    program = [needs("ssh-agent"), "-D", "-a", place]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()  # it says where it is once it listens
            for key in keys:
                environment = {**os.environ, "SSH_AUTH_SOCK": place}
                words = [needs("ssh-add"), "-q", "-t", str(lifetime), str(key)]
                subprocess.run(words, env=environment, check=True, capture_output=True, timeout=_SECONDS)
            yield place
        finally:
            child.terminate()
            child.wait(_SECONDS)
