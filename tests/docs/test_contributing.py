"""CONTRIBUTING.md leads a newcomer through the house by names; here every one of them is looked up."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.surface import blocks, commands, make_targets, protocol_options, spans
from tests.house.source import parsed
from tests.house.test_layers import ROOMS
from tests.support import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "git_helper"
REFERENCE = re.compile(r"(?P<place>[\w./-]+):(?P<name>[A-Za-z_][\w.]*)")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]*)+|[\w-]+\.py")


def names(tree: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[str]:
    """The classes, functions and constants defined in `tree`; methods as `Class.method`."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name
            if isinstance(node, ast.ClassDef):
                yield from names(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.Assign):
            yield from (prefix + target.id for target in node.targets if isinstance(target, ast.Name))


def located(place: str) -> Path | None:
    """The file or folder of that name in the project, or in the package, where `room` may also mean `room.py`."""
    candidates = [ROOT / place, PACKAGE / place, PACKAGE / f"{place}.py"]
    return next((path for path in candidates if path.exists()), None)


@functools.cache
def defined(place: str) -> frozenset[str]:
    """What the file defines; for a folder, what its files define."""
    path = located(place)
    if path is None:
        return frozenset()
    files = sorted(path.glob("*.py")) if path.is_dir() else [path]
    return frozenset(name for file in files for name in names(parsed(file.relative_to(ROOT).as_posix())))


def references(text: str) -> list[tuple[str, str]]:
    """Each `place:name` of a text."""
    found = (REFERENCE.fullmatch(span) for span in spans(text))
    return [(match["place"], match["name"]) for match in found if match]


def paths(text: str) -> list[str]:
    """Each file or folder that a text names alone."""
    return [span for span in spans(text) if PATH.fullmatch(span) and not REFERENCE.fullmatch(span)]


@pytest.mark.parametrize(("place", "name"), sorted(set(references(TEXT))), ids=":".join)
def test_every_name_is_defined_where_it_is_said_to_be(place: str, name: str) -> None:
    assert located(place) is not None
    assert name in defined(place)


@pytest.mark.parametrize("path", sorted(set(paths(TEXT))))
def test_every_path_exists(path: str) -> None:
    assert located(path) is not None


def test_there_is_much_to_look_up() -> None:
    assert len(set(references(TEXT))) > 40
    assert len(set(paths(TEXT))) > 20


def test_every_room_is_in_the_table() -> None:
    table = TEXT.partition("| Room |")[2].partition("\n\n")[0]
    listed = [
        {Path(span).stem for span in spans(row.split("|")[1]) if span.startswith("git_helper/")}
        for row in table.split("\n")[2:]
        if row
    ]
    here = {path.stem for path in PACKAGE.iterdir() if path.is_dir() or path.stem in set().union(*ROOMS)}
    rows = [{room for room in rooms if room in here} for rooms in ROOMS]
    assert listed == [rooms for rooms in rows if rooms]


def test_every_target_of_make_exists() -> None:
    (lines,) = blocks("sh", TEXT)
    assert {line.split()[1] for line in lines} <= set(make_targets())
    assert all(line.startswith("make ") for line in lines)


def test_every_option_exists() -> None:
    known = {*protocol_options(), *(option for own in commands().values() for option in own)}
    named = {span for span in spans(TEXT) if span.startswith("--")}
    assert named
    assert named <= known


def test_a_name_that_is_gone_is_noticed() -> None:
    text = "see `core/wire.py:parse`, `wiring:House.no_such`, `core/gone.py` and `nothing:here`\n```sh\n`a/b`\n```\n"
    assert references(text) == [("core/wire.py", "parse"), ("wiring", "House.no_such"), ("nothing", "here")]
    assert paths(text) == ["core/gone.py"]
    assert "parse" in defined("core/wire.py")
    assert "House.no_such" not in defined("wiring")
    assert located("core/gone.py") is None
    assert defined("nothing") == frozenset()
