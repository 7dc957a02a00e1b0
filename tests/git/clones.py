"""Clones over loopback as the tests of this room make them, beside those of git, and what there is to compare."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path

from git_helper.core.giturl import GitUrl
from git_helper.core.reference import Reference
from git_helper.git.clone_options import Cloned, Options, Watch
from git_helper.git.connections import Connections
from git_helper.git.full_clone import FullClone
from git_helper.git.pack_errors import Limits
from git_helper.net.session import Credentials, Session
from tests.servers.isolated import git


def clone(
    url: str,
    destination: Path,
    rev: str | None = None,
    *,
    credentials: Credentials | None = None,
    watch: Watch | None = None,
    limits: Limits | None = None,
    timeout: float = 10,
    depth: int | None = None,
    bare: bool = False,
    recurse_submodules: bool = False,
    lfs: bool = True,
) -> Cloned:
    """What `git-helper clone` does, with a session of its own."""
    with Session(lambda _: ssl.create_default_context(), timeout, credentials=credentials) as session:
        cloning = FullClone(Connections(session), watch=watch, limits=limits)
        options = Options(Reference.parse(rev), depth, bare, recurse_submodules, lfs)
        return cloning.clone(GitUrl.parse(url), str(destination), options)


def facts(repository: Path, env: Mapping[str, str]) -> dict[str, object]:
    """What git says of a clone, in every respect in which one clone may differ from another."""

    def said(*arguments: str, check: bool = True) -> bytes:
        return git("-C", repository, *arguments, env=env, check=check).stdout

    bare = said("rev-parse", "--is-bare-repository") == b"true\n"
    folder = repository if bare else repository / os.fsdecode(said("rev-parse", "--git-dir").rstrip(b"\n"))
    found: dict[str, object] = {
        "refs": said("for-each-ref"),
        "peeled": said("show-ref", "-d", "--head", check=False),
        "HEAD": (folder / "HEAD").read_bytes(),
        "config": said("config", "--local", "--list"),
        "shallow": (folder / "shallow").read_bytes() if (folder / "shallow").exists() else None,
        "objects": sorted(said("cat-file", "--batch-check", "--batch-all-objects").split(b"\n")),
        "log": said("log", "--format=%H %P", "--all"),
    }
    if not bare:
        found["index"] = said("ls-files", "--stage")
        found["status"] = said("status", "--porcelain=v2", "--branch")
    return found


def is_sound(repository: Path, env: Mapping[str, str]) -> bool:
    """Whether git finds no fault with it."""
    done = git("-C", repository, "fsck", "--strict", "--full", env=env, check=False)
    # A clone of an empty repository has nothing for HEAD to name; git says so and is content.
    notices = [line for line in done.stderr.split(b"\n") if line and not line.startswith(b"notice:")]
    return done.returncode == 0 and not notices


def left_behind(folder: Path, but: Sequence[str] = ()) -> list[str]:
    """The names in `folder` besides those in `but`."""
    return sorted(set(os.listdir(folder)) - set(but))


def whole_text(folder: Path) -> bytes:
    """Everything that is below `folder`, names and contents, to look for what must not be there."""
    parts: list[bytes] = []
    for place, _, names in os.walk(folder):
        parts += [os.fsencode(place), *map(os.fsencode, names)]
        parts += [Path(place, name).read_bytes() for name in names if not Path(place, name).is_symlink()]
    return b"\n".join(parts)
