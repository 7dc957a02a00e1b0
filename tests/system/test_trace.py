"""The trace: one line for each event, for its owner only, without secrets; nothing while there is none."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from git_helper.errors import Unreachable, UsageError
from git_helper.system import process, trace, trace_file
from tests.commands import CANARY, leaks
from tests.support import ROOT


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "trace"
    trace_file.stop()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]


def test_a_line_for_each_event(path: Path) -> None:
    trace_file.start(str(path))
    trace.note("said", text="one\ntwo", missing=None, count=3)
    with trace.timed("request", method="GET") as seen:
        seen["status"] = 401
    first, second = lines(path)
    assert {name: first[name] for name in ("event", "pid", "text", "count")} == {
        "event": "said",
        "pid": os.getpid(),
        "text": "one\ntwo",
        "count": 3,
    }
    assert "missing" not in first
    assert (second["method"], second["status"]) == ("GET", 401)
    assert 0 <= second["seconds"] < 5
    assert first["time"].endswith("Z")


def test_a_failure_is_written_and_goes_on(path: Path) -> None:
    trace_file.start(str(path))
    with pytest.raises(Unreachable), trace.timed("request"):
        raise Unreachable("cannot reach 'https://h.example'")
    with pytest.raises(KeyError), trace.timed("request"):
        raise KeyError("a value that stays unsaid")
    assert [line["failed"] for line in lines(path)] == ["cannot reach 'https://h.example'", "KeyError"]


def test_it_is_for_its_owner_and_appended_to(path: Path) -> None:
    path.write_text("before\n")
    path.chmod(0o644)
    for number in range(2):
        trace_file.start(str(path))
        trace.note("said", number=number)
        trace_file.stop()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first, *rest = path.read_text().split("\n")[:-1]
    assert first == "before"
    assert [json.loads(line)["number"] for line in rest] == [0, 1]
    new = path.with_name("new")
    trace_file.start(str(new))
    assert stat.S_IMODE(new.stat().st_mode) == 0o600


def test_nobody_hears_without_one(path: Path) -> None:
    trace_file.start(str(path))
    trace_file.stop()
    trace.note("said", text="unheard")
    with trace.timed("request") as seen:
        seen["status"] = 1
    assert path.read_text() == ""


@pytest.mark.parametrize("name", ["no/such/folder", "."])
def test_a_file_that_cannot_be_written(path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot write the trace to"):
        trace_file.start(str(path.parent / name))


@pytest.mark.parametrize(
    "text",
    [
        f"https://alice:{CANARY.replace('/', '%2F')}@h.example/x",
        f"Authorization: Basic {CANARY}",
        f"password={CANARY}",
        "x" * 1970 + f" https://alice:{CANARY.replace('/', '%2F')}@h.example/",
    ],
)
def test_what_looks_like_a_secret_is_masked(path: Path, text: str) -> None:
    trace_file.start(str(path))
    trace.note("said", text=text, raw=text.encode())
    content = path.read_bytes()
    assert not leaks(content, CANARY)
    assert CANARY[:6].encode() not in content
    assert len(content) < 5000
    assert lines(path)[0]["text"].count("****") >= (len(text) < 1000)


def test_control_characters_are_written_as_text(path: Path) -> None:
    trace_file.start(str(path))
    trace.note("said", text="a\x1b[2J\u2028\udcffb")
    assert lines(path)[0]["text"] == "a%1B[2J%E2%80%A8%FFb"


def test_a_program_is_named_without_its_words(path: Path) -> None:
    trace_file.start(str(path))
    process.run([sys.executable, "-c", f"'{CANARY}'; raise SystemExit(3)"], b"", 20, os.environ)
    (line,) = lines(path)
    assert (line["event"], line["name"], line["exit_code"]) == ("program", os.path.basename(sys.executable), 3)
    assert not leaks(path.read_bytes(), CANARY)


def test_many_processes_share_a_file(path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[2]); from git_helper.system import trace, trace_file\n"
        "trace_file.start(sys.argv[1])\nfor _ in range(200): trace.note('said', text='x' * 500)"
    )
    children = [subprocess.Popen([sys.executable, "-c", script, str(path), str(ROOT)]) for _ in range(4)]
    assert [child.wait() for child in children] == [0] * 4
    found = lines(path)
    assert len(found) == 800
    assert len({line["pid"] for line in found}) == 4
