"""A command on a server by way of the system's ssh: GIT_SSH_COMMAND, core.sshCommand and GIT_SSH (git(1), connect.c)."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from typing import TYPE_CHECKING

from git_helper.errors import Unreachable, UsageError
from git_helper.frozen import frozen
from git_helper.git.ssh.child import Child
from git_helper.git.ssh.command import LONGER, VERSION_2
from git_helper.secret import visible
from git_helper.system.trace import note

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

VARIANTS = ("auto", "ssh", "plink", "putty", "tortoiseplink", "simple")
_READ = 1 << 20
_SECONDS_TO_DETECT = 10.0
_SECONDS_TO_END = 1.0


@frozen
class SshProgram:
    """Which program, and how to talk to it. `words`: what stands before its arguments; `variant`: one of VARIANTS."""

    words: tuple[str, ...]
    name: str
    variant: str = "auto"

    @classmethod
    def chosen(
        cls, environ: Mapping[str, str], git_setting: Callable[[str], str | None], shell: Callable[[], str]
    ) -> SshProgram | None:
        """What the person has chosen in git's way; None when nothing is, and we are our own program.

        `git_setting` gives a value of git's configuration, `shell` the path of a POSIX shell. Raises UsageError.
        """
        variant = environ.get("GIT_SSH_VARIANT") or git_setting("ssh.variant") or "auto"
        if variant not in VARIANTS:
            raise UsageError(f"cannot use '{visible(variant)}' as GIT_SSH_VARIANT or ssh.variant")
        line = environ.get("GIT_SSH_COMMAND") or git_setting("core.sshCommand")
        if line:
            first = line.lstrip(" ").partition(" ")[0].strip("'\"")
            # A shell of its own for it, as for git's: its quotes and variables are the person's affair.
            return cls((shell(), "-c", line + ' "$@"', line), first, variant)
        program = environ.get("GIT_SSH")
        return cls((program,), program, variant) if program else None

    def arguments(self, host: str, user: str | None, port: int | None, command: str, variant: str) -> list[str]:
        """All words. Raises UsageError for a variant that knows no ports."""
        words = list(self.words)
        if variant == "ssh":
            words += ["-o", "SendEnv=GIT_PROTOCOL"]
        if variant == "tortoiseplink":
            words.append("-batch")
        if port is not None:
            if variant == "simple":
                raise UsageError(
                    f"cannot give a port to '{visible(self.name)}'", "say what it is: export GIT_SSH_VARIANT=ssh"
                )
            words += ["-p" if variant == "ssh" else "-P", str(port)]
        return [*words, host if user is None else f"{user}@{host}", command]

    def detect(self, environ: Mapping[str, str], host: str) -> str:
        """The variant: by its name, or by whether it knows -G, as OpenSSH does."""
        if self.variant != "auto":
            return "plink" if self.variant == "putty" else self.variant
        name = os.path.basename(self.name).lower().removesuffix(".exe")
        if name in ("ssh", "plink", "tortoiseplink"):
            return name
        note("program", name=name)
        try:
            done = subprocess.run(
                [*self.words, "-G", "-o", "SendEnv=GIT_PROTOCOL", host],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=dict(environ),
                timeout=_SECONDS_TO_DETECT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return "simple"
        return "simple" if done.returncode else "ssh"


class ProgramCommand:
    """A Command that a child carries; `idle`: seconds without any byte, after which the child is ended.

    `may_ask`: whether it may use our terminal. Raises Unreachable when it does not start.
    """

    def __init__(
        self, words: Sequence[str], environ: Mapping[str, str], idle: float, shown: str, *, may_ask: bool
    ) -> None:
        self._shown = shown
        self._idle = idle
        failure = f"cannot reach '{shown}': '{visible(os.path.basename(words[0]))}' does not start"
        self._child = Child(words, {**environ, **VERSION_2}, failure, may_ask=may_ask)
        self.said = self._child.said
        self._waiting_since: float | None = None
        self._too_slow = False
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._end_when_idle, daemon=True)
        self._watch.start()

    @property
    def is_open(self) -> bool:
        """Whether it still runs."""
        return self._child.runs

    def read(self, size: int) -> bytes:
        """See Command."""
        self._waiting_since = time.monotonic()
        try:
            data = os.read(self._child.stdout.fileno(), max(size, _READ))
        finally:
            self._waiting_since = None
        if not data and self._too_slow:
            reason = f"nothing came for {self._idle:g} seconds"
            raise Unreachable(f"the answer of '{self._shown}' stopped: {reason}", LONGER)
        return data

    def write(self, data: bytes) -> None:
        """See Command."""
        self._waiting_since = time.monotonic()
        try:
            view = memoryview(data)
            while view:
                view = view[self._child.stdin.write(view) :]
                self._waiting_since = time.monotonic()
        except OSError:
            pass
        finally:
            self._waiting_since = None

    def exit_code(self) -> int | None:
        """See Command."""
        return self._child.exit_code(_SECONDS_TO_END)

    def was_refused(self) -> bool:
        """See Command. ssh itself ends with 255."""
        return self.exit_code() == 255

    def close(self) -> None:
        """See Command."""
        self._ended.set()
        self._child.end()
        self._watch.join(_SECONDS_TO_END)

    def _end_when_idle(self) -> None:
        while not self._ended.wait(min(self._idle / 4, 1.0)):
            since = self._waiting_since
            if since is not None and time.monotonic() - since > self._idle:
                self._too_slow = True
                self._child.stop()
                return
