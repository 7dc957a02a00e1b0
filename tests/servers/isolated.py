"""git, and any other program, in an environment that knows nothing of the person who runs the tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_KEPT = ("PATH", "TMPDIR", "SYSTEMROOT", "PYTHONDONTWRITEBYTECODE")


def environment(home: Path, **extra: str) -> dict[str, str]:
    """A whole environment: `home` as HOME and root of the XDG folders, no system configuration, no prompt, no proxy.

    Author and committer have fixed names; dates are those of the clock unless `extra` fixes them.
    """
    person = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in PERSON.items()}
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
        "XDG_RUNTIME_DIR": str(home / ".run"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        **person,
        **extra,
    }


PERSON = {"NAME": "Ada Example", "EMAIL": "ada@good.example"}


def git(
    *arguments: str | Path,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: bytes = b"",
    check: bool = True,
    timeout: float = 120,
) -> subprocess.CompletedProcess[bytes]:
    """Runs git to its end, output captured; AssertionError with its stderr when `check` and it fails."""
    done = subprocess.run(
        ["git", *arguments], env=env, cwd=cwd, input=stdin, capture_output=True, timeout=timeout, check=False
    )
    if check and done.returncode:
        raise AssertionError(f"git {' '.join(map(str, arguments))} -> {done.returncode}\n{done.stderr.decode()}")
    return done
