"""Repositories with a real history, the same to the last bit on every machine and in every run."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.servers.isolated import PERSON, environment, git

_EPOCH = 1_700_000_000  # 2023-11-14; each commit an hour later
_PERSON = f"{PERSON['NAME']} <{PERSON['EMAIL']}>"


@dataclass(frozen=True)
class Executable:
    """A file with mode 100755."""

    content: str | bytes


@dataclass(frozen=True)
class Symlink:
    """A symbolic link, mode 120000."""

    target: str | bytes


@dataclass(frozen=True)
class Gitlink:
    """A submodule's commit (full hex), mode 160000."""

    commit: str


Entry = str | bytes | Executable | Symlink | Gitlink


def make_repository(
    path: Path, commits: int = 4, files: Mapping[str, Entry] | None = None, *, object_format: str = "sha1"
) -> Path:
    """Makes the bare repository `path` and returns it.

    main (the default branch) has `commits` commits, at least 2. The first brings `files` (default: `default_files()`);
    each adds a line to history.txt. Other branches: develop (one commit beside main's last), feature/slash (main's
    first commit). Tags: first (lightweight, main's first commit), v1.0.0 (annotated, main's last but one), v1.1.0
    (annotated, main's last). `twin` is both a branch (main's first commit) and a tag (main's second).
    """
    if commits < 2:
        raise ValueError("a history has at least 2 commits")
    path.parent.mkdir(parents=True, exist_ok=True)
    env = environment(path)
    options = ["--quiet", "--bare", "--template=", f"--object-format={object_format}", "--initial-branch=main"]
    git("init", *options, path, env=env)
    stream = _history(commits, default_files() if files is None else files)
    git("-C", path, "fast-import", "--quiet", "--date-format=raw", env=env, stdin=stream)
    return path


def resolve(path: Path, revision: str = "HEAD") -> str:
    """The full hex id that `revision` means in the repository `path`, by git's own rules (gitrevisions(7))."""
    done = git("-C", path, "rev-parse", "--verify", "--end-of-options", revision, env=environment(path))
    return done.stdout.decode().strip()


def default_files() -> dict[str, Entry]:
    """A few files of every kind, and an installable Python project in packages/greeting."""
    return {
        "README.md": "# demo\n\nA repository for tests.\n",
        "tool.sh": Executable("#!/bin/sh\necho tool\n"),
        "latest": Symlink("README.md"),
        "docs/größe.txt": "a name that is not ASCII\n",
        ".gitattributes": "*.txt text eol=lf\n",
        **python_project("packages/greeting"),
    }


def python_project(folder: str = "", name: str = "greeting", version: str = "1.0.0") -> dict[str, Entry]:
    """A project that `pip install` builds without any network: no dependencies, and a build back end of its own.

    folder: where in the repository, "" for its root. Its module is called `name` and has VERSION.
    """
    root = f"{folder.strip('/')}/" if folder else ""
    return {
        f"{root}pyproject.toml": _PYPROJECT.format(name=name, version=version),
        f"{root}backend.py": _BACKEND,
        f"{root}{name}.py": f'VERSION = "{version}"\n',
    }


def random_files(count: int, size: int, seed: int = 1) -> dict[str, Entry]:
    """`count` files of `size` bytes that no compression makes smaller: a pack of a known size for benchmarks."""
    source = random.Random(seed)
    return {f"data/{number // 100:03}/{number:05}.bin": source.randbytes(size) for number in range(count)}


def _history(commits: int, files: Mapping[str, Entry]) -> bytes:
    """A stream for git-fast-import(1). Marks: main's commits from 1, then develop's."""
    parts = []
    for number in range(1, commits + 1):
        parts.append(_commit("refs/heads/main", number, number - 1, f"commit {number}"))
        if number == 1:
            parts += [_entry(name, entry) for name, entry in sorted(files.items())]
        history = "".join(f"line {line}\n" for line in range(1, number + 1))
        parts.append(_entry("history.txt", history))
    parts.append(_commit("refs/heads/develop", commits + 1, commits - 1, "develop"))
    parts.append(_entry("develop.txt", "develop\n"))
    for reference, mark in (
        ("refs/heads/feature/slash", 1),
        ("refs/heads/twin", 1),
        ("refs/tags/twin", 2),
        ("refs/tags/first", 1),
    ):
        parts.append(b"reset %b\nfrom :%d\n\n" % (reference.encode(), mark))
    parts.append(_tag("v1.0.0", commits - 1))
    parts.append(_tag("v1.1.0", commits))
    return b"".join([*parts, b"done\n"])


def _commit(branch: str, mark: int, parent: int, message: str) -> bytes:
    when = f"{_EPOCH + 3600 * mark} +0000"
    head = f"commit {branch}\nmark :{mark}\nauthor {_PERSON} {when}\ncommitter {_PERSON} {when}\n"
    origin = f"from :{parent}\n" if parent else ""
    return head.encode() + _data(f"{message}\n") + origin.encode()


def _tag(name: str, mark: int) -> bytes:
    when = f"{_EPOCH + 3600 * mark + 60} +0000"
    return f"tag {name}\nfrom :{mark}\ntagger {_PERSON} {when}\n".encode() + _data(f"{name}\n")


def _entry(name: str, entry: Entry) -> bytes:
    # Names are quoted as C strings; bytes above ASCII go as they are.
    quoted = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    if isinstance(entry, Gitlink):
        return f'M 160000 {entry.commit} "{quoted}"\n'.encode()
    if isinstance(entry, Executable):
        return f'M 100755 inline "{quoted}"\n'.encode() + _data(entry.content)
    if isinstance(entry, Symlink):
        return f'M 120000 inline "{quoted}"\n'.encode() + _data(entry.target)
    return f'M 100644 inline "{quoted}"\n'.encode() + _data(entry)


def _data(content: str | bytes) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    return b"data %d\n%b\n" % (len(content), content)


_PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "{name}"
version = "{version}"
"""

_BACKEND = '''\
"""The smallest build back end (PEP 517, PEP 427): packs the modules of this folder into a wheel."""

import pathlib
import tomllib
import zipfile


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    project = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]
    stem = f"{project['name']}-{project['version']}"
    info = f"{stem}.dist-info"
    tag = "py3-none-any"
    files = {path.name: path.read_text() for path in sorted(pathlib.Path().glob("*.py")) if path.name != "backend.py"}
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\\nName: {project['name']}\\nVersion: {project['version']}\\n"
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\\nGenerator: backend\\nRoot-Is-Purelib: true\\nTag: {tag}\\n"
    record = "".join(f"{name},,\\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(pathlib.Path(wheel_directory, f"{stem}-{tag}.whl"), "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(name, text)
    return f"{stem}-{tag}.whl"
'''
