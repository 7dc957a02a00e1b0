"""Real `git credential`, with our real executable as its helper."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support import BIN

OURS = "git-helper --store file"
"""As `credential.helper`: git finds us by its rule, and no test waits for a keyring that is not there."""

_ASKPASS = """#!/bin/sh
echo "asked: $*" >&2
case "$*" in Username*) echo typed-name ;; *) echo typed-password ;; esac
"""


class Said(NamedTuple):
    """What `git credential` said: its lines, and what it and its children wrote on stderr."""

    lines: list[str]
    stderr: str

    @property
    def asked(self) -> list[str]:
        """What git asked the person, for want of an answer."""
        return [line for line in self.stderr.split("\n") if line.startswith("asked: ")]


class GitCredential:
    """`git credential fill|approve|reject` in `folder`, with the given helpers; who is asked answers typed-name/-password."""

    def __init__(self, folder: Path, helpers: Sequence[str] = (OURS,)) -> None:
        askpass = folder / "askpass"
        askpass.write_text(_ASKPASS)
        askpass.chmod(0o755)
        self.helpers = helpers
        self.environ = {
            **os.environ,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "GIT_ASKPASS": str(askpass),
            "GIT_TERMINAL_PROMPT": "0",
        }

    def __call__(self, operation: str, text: str | bytes) -> Said:
        words = [word for helper in ("", *self.helpers) for word in ("-c", f"credential.helper={helper}")]
        done = subprocess.run(
            ["git", *words, "credential", operation],
            input=text.encode() if isinstance(text, str) else text,
            env=self.environ,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return Said(done.stdout.decode().split("\n")[:-1], done.stderr.decode())

    def approve(self, text: str | bytes) -> None:
        """After which nobody has said a word."""
        assert self("approve", text) == Said([], "")

    def reject(self, text: str | bytes) -> None:
        """After which nobody has said a word."""
        assert self("reject", text) == Said([], "")


def answer(said: Said) -> tuple[str, str] | None:
    """User name and password that came from a helper in silence; None when the person was asked for the password."""
    fields = dict(line.partition("=")[::2] for line in said.lines)
    if any("Password" in line for line in said.asked):
        assert fields["password"] == "typed-password"
        return None
    assert said.stderr == ""
    return fields["username"], fields["password"]
