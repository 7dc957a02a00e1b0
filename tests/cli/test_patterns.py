"""Patterns that wait: a `re.Pattern` in every respect, compiled once somebody needs it."""

from __future__ import annotations

import copy
import json
import pickle
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from git_helper.cli.patterns import WaitingPattern
from tests.support import ROOT


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("match", ("ab12",)),
        ("fullmatch", ("12",)),
        ("search", ("ab12cd345",)),
        ("findall", ("ab12cd345",)),
        ("split", ("ab12cd345", 1)),
        ("sub", (r"<\\1>", "ab12cd345")),
        ("subn", ("-", "ab12cd345", 1)),
    ],
)
def test_it_answers_as_the_pattern_does(name: str, words: tuple[str, ...]) -> None:
    def plain(answer: object) -> object:
        return (answer.span(), answer.groups()) if isinstance(answer, re.Match) else answer

    waiting, real = WaitingPattern("([0-9]+)", 0), re.compile("([0-9]+)")
    for _ in range(2):  # compiled by the first
        assert plain(getattr(waiting, name)(*words)) == plain(getattr(real, name)(*words))


def test_it_says_of_itself_what_the_pattern_does() -> None:
    words = (b"(?P<digit>[0-9])", re.IGNORECASE)
    waiting: Any = WaitingPattern(*words)
    real = re.compile(*words)
    assert isinstance(waiting, re.Pattern)
    assert repr(waiting) == repr(real)
    for name in ("pattern", "flags", "groups", "groupindex"):
        assert getattr(waiting, name) == getattr(real, name)
    with pytest.raises(AttributeError):
        WaitingPattern(*words).nothing  # noqa: B018


def test_the_functions_of_re_take_it() -> None:
    waiting: re.Pattern[str] = WaitingPattern("[0-9]+", 0)  # type: ignore[assignment]
    assert re.sub(waiting, "-", "a1b22") == "a-b-"
    assert re.match(waiting, "a1") is None
    assert re.compile(waiting).search("a1") is not None
    with pytest.raises(ValueError, match="flags"):
        re.compile(waiting, re.IGNORECASE)


def test_copies_are_patterns() -> None:
    waiting, real = WaitingPattern("[0-9]+", re.DOTALL), re.compile("[0-9]+", re.DOTALL)
    assert pickle.loads(pickle.dumps(waiting)) == real  # noqa: S301 - our own
    assert copy.copy(waiting) == copy.deepcopy(waiting) == real


def test_a_mistake_is_raised_at_each_use() -> None:
    waiting = WaitingPattern("(", 0)
    for _ in range(2):
        with pytest.raises(re.error):
            waiting.match("a")


def test_many_threads_use_it_at_once() -> None:
    waiting, barrier, found = WaitingPattern("(a|b)*c{1,7}" * 20, 0), threading.Barrier(8), []

    def use() -> None:
        barrier.wait()
        found.append(waiting.fullmatch("abc" * 20) is not None)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 8


# In a fresh process: what `install` does is for all of it.
_SCRIPT = """
import json, re, sys
sys.path[:0] = [{root!r}, {folder!r}]
from git_helper.cli.late import install
install()
install()
import other, string
from git_helper.core import reference
import urllib3.util.url
waiting = [type(one).__name__ for one in (other.mine, reference._HEX, urllib3.util.url._IPV6_RE, string.Template.pattern)]
json.dump([waiting, other.mine.findall("a1"), string.Template("$a").substitute(a="b")], sys.stdout)
"""


def test_ours_and_a_few_others_wait(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("import re\nmine = re.compile('[0-9]')\n")
    script = _SCRIPT.format(root=str(ROOT), folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    waits = "WaitingPattern"
    assert json.loads(done.stdout) == [["Pattern", waits, waits, waits], ["1"], "b"]
