"""What tests of whole commands share: running them, helpers and a git that write down how they are called."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.servers.isolated import environment, git
from tests.servers.repositories import Entry, make_repository, python_project, resolve
from tests.support import run_helper

CANARY = "c4n4ry/Tok+3n=sekrit"
"""A secret whose plain, percent-encoded and base64 forms all differ."""


def run(
    *words: str | Path, env: Mapping[str, str | None] | None = None, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """`git-helper` with the file store. Whatever becomes of it, it is no bug."""
    done = run_helper(*map(str, words), name="git-helper", env={"GIT_HELPER_STORE": "file", **(env or {})}, **options)
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    assert b"a bug" not in done.stderr, done.stderr.decode()
    return done


def resolved(*words: str | Path, **options: Any) -> list[dict[str, Any]]:
    """The list that `resolve --format json` prints."""
    found: list[dict[str, Any]] = json.loads(run("resolve", "--format", "json", *words, **options).stdout)
    return found


def download(*words: str | Path, into: Path, **options: Any) -> list[Path]:
    """The paths that a `download` prints, which has to succeed."""
    done = run("download", "-d", into, *words, **options)
    assert done.returncode == 0, done.stderr.decode()
    return [Path(line) for line in done.stdout.decode().split("\n")[:-1]]


def cache_of(home: Path) -> Path:
    """Where the cache is unless somebody says otherwise."""
    return home / ".cache/git-helper"


class Helper:
    """`git-credential-<name>` that answers with the lines and writes down each operation and user name."""

    def __init__(self, folder: Path, name: str, *answer: str) -> None:
        folder.mkdir(exist_ok=True)
        self._record = folder / f"{name}.calls"
        self.inputs = folder / f"{name}.inputs"
        lines = " ".join(f"'{line}'" for line in answer)
        script = f"""#!/bin/sh
input=$(cat)
printf '%s\\n' "$input" >>'{self.inputs}'
echo "$1 $(printf '%s\\n' "$input" | grep '^username=')" >>'{self._record}'
test "$1" != get || printf '%s\\n' {lines or "''"}
"""
        program(folder, f"git-credential-{name}", script)

    @property
    def calls(self) -> list[str]:
        """Such as `get`, `get username=u`, `store username=u`."""
        if not self._record.exists():
            return []
        return [line.strip() for line in self._record.read_text().split("\n")[:-1]]


def program(folder: Path, name: str, script: str) -> Path:
    """An executable in `folder`."""
    path = folder / name
    path.write_text(script)
    path.chmod(0o755)
    return path


def on_path(folder: Path) -> str:
    """PATH with `folder` in front."""
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def configure(*pairs: tuple[str, str]) -> None:
    """Adds to the global configuration of git."""
    for key, value in pairs:
        subprocess.run(["git", "config", "--global", "--add", key, value], check=True)


def written_forms(secret: str) -> Iterator[bytes]:
    """The secret as it might appear: plain, percent-encoded, in base64 at any place of a longer text."""
    yield secret.encode()
    yield quote(secret, safe="").encode()
    yield quote(secret).encode()
    for start in range(3):
        encoded = base64.b64encode(b"x" * start + secret.encode())
        yield encoded[4 if start else 0 : -4]


def leaks(content: bytes, *secrets: str) -> list[bytes]:
    """The forms of the secrets that `content` holds."""
    return [form for secret in secrets for form in written_forms(secret) if form in content]


def everything_below(*folders: Path, without: tuple[str, ...] = ()) -> bytes:
    """Names and contents of all files below the folders but those of the names in `without`."""
    parts: list[bytes] = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.name in without:
                continue
            parts.append(os.fsencode(path))
            if path.is_symlink():
                parts.append(os.readlink(os.fsencode(path)))
            elif path.is_file():
                parts.append(path.read_bytes())
    return b"\n".join(parts)


def refs_repository(path: Path) -> dict[str, str]:
    """The repository of 4-git-urls §2.4 with the project gpkg; the commit of each ref, and of `UNREF`, which has none."""
    make_repository(path, 2, python_project(name="gpkg"))
    env = environment(path.parent, GIT_COMMITTER_DATE="1700100000 +0000", GIT_AUTHOR_DATE="1700100000 +0000")
    tree = resolve(path, "main^{tree}")

    def commit(message: str) -> str:
        made = git("-C", path, "commit-tree", "-p", "main", "-m", message, tree, env=env)
        return made.stdout.decode().strip()

    names = ("refs/heads/same", "refs/tags/same", "refs/heads/feature/x", "refs/heads/deadbee", "refs/heads/abcdef")
    plain = (*names, "refs/heads/1234567", "refs/tags/light1", "refs/tags/pkg@1.0", "refs/pull/1/head")
    commits = {name: commit(name) for name in (*plain, "UNREF", "refs/tags/ann1")}
    for name in plain:
        git("-C", path, "update-ref", name, commits[name], env=env)
    git("-C", path, "tag", "-a", "-m", "ann1", "ann1", commits["refs/tags/ann1"], env=env)
    return commits | {"refs/heads/main": resolve(path, "main")}


def demo_files() -> dict[str, Entry]:
    """A project at the top and a few files beside it."""
    return {**python_project(), "docs/a.txt": "a\n" * 4000, "docs/b/c.txt": "c\n"}
