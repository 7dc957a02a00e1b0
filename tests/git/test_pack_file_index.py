"""The index of a pack, as git reads it; that of whole packs is compared with git's own in test_received_pack."""

from __future__ import annotations

import random
from array import array
from pathlib import Path

import pytest

from git_helper.git.pack_entries import BLOB
from git_helper.git.pack_errors import Limits
from git_helper.git.pack_file_index import write_index
from git_helper.git.stored_objects import StoredObjects
from tests.servers.isolated import git


@pytest.mark.parametrize("step", [50, 1 << 28, 1 << 31])
def test_git_reads_it(tmp_path: Path, env: dict[str, str], step: int) -> None:
    """Also where offsets are more than 2 GiB, which stand in a table of their own."""
    chance = random.Random(step)
    rows = [(12 + number * step, chance.randbytes(20), chance.randrange(1 << 32)) for number in range(300)]
    with open(tmp_path / "x.pack", "w+b", buffering=0) as file:
        objects = StoredObjects(file, str(tmp_path), Limits(), 0)
        for offset, name, _ in rows:
            objects.add_named(offset, 0, BLOB, name)
        objects.complete(12 + 300 * step, bytes(20), array("I", [checksum for _, _, checksum in rows]))
        write_index(str(tmp_path / "x.idx"), objects)
    with open(tmp_path / "x.idx", "rb") as index:
        said = git("show-index", env=env, cwd=tmp_path, stdin=index.read()).stdout.decode()
    expected = [
        f"{offset} {name.hex()} ({checksum:08x})" for offset, name, checksum in sorted(rows, key=lambda row: row[1])
    ]
    assert said.splitlines() == expected
