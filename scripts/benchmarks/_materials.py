"""Repositories for benchmarks, the same to the last bit everywhere, packed as a server has them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

from tests.servers.isolated import PERSON, environment, git
from tests.servers.repositories import Entry, make_repository, python_project

BLOB = "large.bin"
_PIECE = 1 << 20
_SECONDS = 1800
_EPOCH = 1_700_000_000
_WORDS = (
    b"if else for while return import from class def self value result name path index count size buffer error raise try "
    b"except finally with yield lambda None True False the a of to and in is that it was with as be this by not"
).split()


def source_files(count: int, seed: int = 1) -> dict[str, Entry]:
    """Files like those of a program: text of 0.5 to 8 KB, 25 a folder."""
    chance = random.Random(seed)
    return {f"src/part{number // 25:04}/module{number:05}.py": _text(chance) for number in range(count)}


def tree_repository(path: Path, files: Mapping[str, Entry]) -> Path:
    """A bare repository with two commits; its main has `files` and history.txt."""
    _init(path)
    stream = [_commit(0), *(_file(name, _bytes(entry)) for name, entry in files.items())]
    stream += [_commit(1), _file("history.txt", b"line 1\n")]
    return _import(path, stream)


def large_file(size: int) -> dict[str, Entry]:
    """One file that no compression makes smaller. size: bytes."""
    chance = random.Random(2)
    whole, rest = divmod(size, _PIECE)  # randbytes() takes less than 256 MiB
    return {BLOB: b"".join([*(chance.randbytes(_PIECE) for _ in range(whole)), chance.randbytes(rest)])}


def small_projects(folder: Path, count: int) -> list[str]:
    """Bare repositories, each a Python project of its own; their names."""
    names = [f"greeting{number:03}" for number in range(count)]
    for name in names:
        _packed(make_repository(folder / f"{name}.git", files=python_project(name=name)))
    return names


def history_repository(path: Path, objects: int) -> Path:
    """A bare repository with so many objects: each commit changes one of 400 files, and with it two trees."""
    _init(path)
    chance = random.Random(3)
    files = {f"src/part{number % 20:02}/module{number:03}.py": _text(chance) for number in range(400)}
    stream = [_commit(0), *(_file(name, content) for name, content in files.items())]
    names = sorted(files)
    for number in range(1, max(2, (objects - 423) // 4)):
        name = chance.choice(names)
        lines = files[name].split(b"\n")
        lines[chance.randrange(len(lines))] = _line(chance)
        files[name] = b"\n".join(lines)
        stream += [_commit(number), _file(name, files[name])]
    return _import(path, stream)


def _init(path: Path) -> None:
    env = environment(path)
    git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", path, env=env)
    # Else git would search random bytes for deltas, when it imports them and again for each client.
    git("-C", path, "config", "core.bigFileThreshold", "128k", env=env)


def _import(path: Path, stream: list[bytes]) -> Path:
    content = b"".join([*stream, b"done\n"])
    words = ["fast-import", "--quiet", "--date-format=raw"]
    git("-C", path, *words, env=environment(path), stdin=content, timeout=_SECONDS)
    return _packed(path)


def _packed(path: Path) -> Path:
    git("-C", path, "repack", "-a", "-d", "-q", env=environment(path), timeout=_SECONDS)
    return path


def _commit(number: int) -> bytes:
    who = f"{PERSON['NAME']} <{PERSON['EMAIL']}> {_EPOCH + number} +0000"
    message = f"change {number}\n".encode()
    return f"commit refs/heads/main\ncommitter {who}\ndata {len(message)}\n".encode() + message


def _file(name: str, content: bytes) -> bytes:
    return b"M 100644 inline %b\ndata %d\n%b\n" % (name.encode(), len(content), content)


def _bytes(entry: Entry) -> bytes:
    """The content of a plain file."""
    assert isinstance(entry, str | bytes)
    return entry.encode() if isinstance(entry, str) else entry


def _text(chance: random.Random) -> bytes:
    return b"\n".join(_line(chance) for _ in range(chance.randrange(10, 160))) + b"\n"


def _line(chance: random.Random) -> bytes:
    words = chance.choices(_WORDS, k=chance.randrange(3, 12))
    return b"    " * chance.randrange(4) + b" ".join(words) + b" %d" % chance.randrange(10_000)
