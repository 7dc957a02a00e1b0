"""Repositories for benchmarks, the same to the last bit everywhere, packed as a server has them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.servers.isolated import PERSON, environment, git
from tests.servers.repositories import Entry, make_repository, python_project

BLOB = "large.bin"
_PIECE = 1 << 20
_SECONDS = 1800
_SOURCES = "src/"
_CHANGED = (1, 1, 1, 2, 2, 3, 4, 6, 10)
"""How many files a commit changes; each as often as it is here."""
_EDITED = 16
_CONFIG = {
    # Else git would search random bytes for deltas, when it imports them and again for each client.
    "core.bigFileThreshold": "128k",
    # As the hosts have it; pip asks for a clone without blobs.
    "uploadpack.allowFilter": "true",
    "uploadpack.allowAnySHA1InWant": "true",
}
_RELEASES, _TOPICS = 200, 1_000
"""From commit to commit with a tag, or with a branch beside it."""
_EPOCH = 1_700_000_000
_WORDS = (
    b"if else for while return import from class def self value result name path index count size buffer error raise try "
    b"except finally with yield lambda None True False the a of to and in is that it was with as be this by not"
).split()


def source_files(count: int, seed: int = 1) -> dict[str, Entry]:
    """Files like those of a program: text of 0.5 to 8 KB, 25 a folder."""
    chance = random.Random(seed)
    return {f"{_SOURCES}part{number // 25:04}/module{number:05}.py": _text(chance) for number in range(count)}


def tree_repository(path: Path, files: Mapping[str, Entry], commits: int = 2) -> Path:
    """A bare repository whose main has `files` and history.txt, after so many commits, at least 2.

    The first brings the files as they once were, the last history.txt; each between changes a few lines in a few of
    `source_files`. A long history has tags and branches, too.
    """
    if commits < 2:
        raise ValueError("a history has at least 2 commits")
    last = {name: _bytes(entry) for name, entry in files.items()}
    changes = _past(last, commits - 2)
    first = {**last, **{name: before for changed in reversed(changes) for name, (before, _) in changed.items()}}
    steps = [{name: after for name, (_, after) in changed.items()} for changed in changes]
    _init(path)
    stream = [
        _commit(number, contents) for number, contents in enumerate([first, *steps, {"history.txt": b"line 1\n"}])
    ]
    return _import(path, [*stream, *_topics(commits), *_releases(commits)])


def _past(last: Mapping[str, bytes], commits: int) -> list[dict[str, tuple[bytes, bytes]]]:
    """So many commits that end in `last`: for each the files that it changed, before and after."""
    chance, contents = random.Random(4), dict(last)
    names = sorted(name for name in contents if name.startswith(_SOURCES))
    changes = []
    for _ in range(commits):  # from the last to the first
        changed = {}
        for name in chance.sample(names, min(len(names), chance.choice(_CHANGED))):
            after, contents[name] = contents[name], _edited(contents[name], chance)
            changed[name] = contents[name], after
        changes.append(changed)
    return changes[::-1]


def _edited(content: bytes, chance: random.Random) -> bytes:
    """As it was before an edit in one place. Files grow, so packs have the last version whole and others as its deltas."""
    lines = content.split(b"\n")[:-1]
    place, count = chance.randrange(len(lines)), chance.randrange(1, _EDITED)
    now = b"\n".join(lines[place : place + count])
    before = b"\n".join(_line(chance) for _ in range(count))[: max(0, len(now) - 1)]
    return b"\n".join([*lines[:place], before, *lines[place + count :], b""])


def _topics(commits: int) -> list[bytes]:
    """Branches that were never merged."""
    chance = random.Random(5)
    return [
        _commit(number, {"notes.txt": _text(chance)}, f"topic-{number}", number)
        for number in range(_TOPICS, commits, _TOPICS)
    ]


def _releases(commits: int) -> list[bytes]:
    """Annotated tags."""
    return [
        b"tag v%d\nfrom :%d\ntagger %b\ndata 8\nrelease\n\n" % (number // _RELEASES, number, _who(number))
        for number in range(_RELEASES, commits, _RELEASES)
    ]


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
    """A bare repository with so many objects: each commit changes one of 400 files, and with it three trees."""
    chance = random.Random(3)
    files = {f"src/part{number % 20:02}/module{number:03}.py": _text(chance) for number in range(400)}
    stream = [_commit(0, files)]
    names = sorted(files)
    for number in range(1, max(2, (objects - 423) // 5)):
        name = chance.choice(names)
        lines = files[name].split(b"\n")
        lines[chance.randrange(len(lines))] = _line(chance)
        files[name] = b"\n".join(lines)
        stream.append(_commit(number, {name: files[name]}))
    _init(path)
    return _import(path, stream)


def packed_size(path: Path) -> tuple[int, int]:
    """Of a repository: objects, and the bytes of its packs."""
    said = git("-C", path, "count-objects", "-v", env=environment(path)).stdout.decode()
    counts = {name: int(value) for name, value in (line.split(": ") for line in said.splitlines())}
    return counts["in-pack"], counts["size-pack"] << 10


def _init(path: Path) -> None:
    env = environment(path)
    git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", path, env=env)
    for name, value in _CONFIG.items():
        git("-C", path, "config", name, value, env=env)


def _import(path: Path, stream: Iterable[bytes]) -> Path:
    content = b"".join([*stream, b"done\n"])
    words = ["fast-import", "--quiet", "--date-format=raw"]
    git("-C", path, *words, env=environment(path), stdin=content, timeout=_SECONDS)
    return _packed(path)


def _packed(path: Path) -> Path:
    """As a server has it. -f: fast-import made later versions deltas of earlier ones; a server has it the other way."""
    for words in (
        ["repack", "-a", "-d", "-f", "-q", "--write-bitmap-index"],
        ["commit-graph", "write", "--reachable", "--no-progress"],
    ):
        git("-C", path, *words, env=environment(path), timeout=_SECONDS)
    return path


def _commit(number: int, contents: Mapping[str, bytes], branch: str = "main", parent: int | None = None) -> bytes:
    """With a mark to find it by, unless it is beside main."""
    message = b"change %d\n" % number
    lines = [
        b"commit refs/heads/%b\n" % branch.encode(),
        b"mark :%d\n" % (number + 1) if parent is None else b"",
        b"committer %b\ndata %d\n%b" % (_who(number), len(message), message),
        b"" if parent is None else b"from :%d\n" % parent,
    ]
    files = (b"M 100644 inline %b\ndata %d\n%b\n" % (name.encode(), len(text), text) for name, text in contents.items())
    return b"".join([*lines, *files])


def _who(number: int) -> bytes:
    return f"{PERSON['NAME']} <{PERSON['EMAIL']}> {_EPOCH + number} +0000".encode()


def _bytes(entry: Entry) -> bytes:
    """The content of a plain file."""
    assert isinstance(entry, str | bytes)
    return entry.encode() if isinstance(entry, str) else entry


def _text(chance: random.Random) -> bytes:
    return b"\n".join(_line(chance) for _ in range(chance.randrange(10, 160))) + b"\n"


def _line(chance: random.Random) -> bytes:
    words = chance.choices(_WORDS, k=chance.randrange(3, 12))
    return b"    " * chance.randrange(4) + b" ".join(words) + b" %d" % chance.randrange(10_000)
