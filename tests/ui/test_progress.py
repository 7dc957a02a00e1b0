"""The progress display on a real pseudo-terminal: what a person sees, and that it is gone when somebody is asked."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from git_helper.ui.progress import Display
from tests.pseudo_terminal import ENTER, PseudoTerminal
from tests.support import ROOT, run_helper

screen: Callable[[str], list[str]] = runpy.run_path(str(ROOT / "scripts/_demo_screen.py"))["screen"]

# Two jobs; a question in the middle; one job goes on. Each step waits for a line of the test.
PROGRAM = """
import sys, time
sys.path.insert(0, {root!r})
from git_helper.ui.progress import Display
tty = open("/dev/tty", "r")
def step(text):
    sys.__stderr__.write(text + "\\n")
    sys.__stderr__.flush()
    tty.readline()
with Display(quiet={quiet}) as display:
    with display.job("first \\x1b[31mred\\x1b[0m [bold]x[/bold]") as first, display.job("second") as second:
        first.received(1_500_000, 12, 40)
        time.sleep(0.4)
        with display.paused():
            with display.paused():
                step("question")
        second.received(10, 1, 2)
        time.sleep(0.4)
    print("data")
step("end")
"""


def shown(terminal: PseudoTerminal) -> list[str]:
    return [line for line in screen(terminal.shown.decode()) if line]


def program(**values: object) -> list[str | Path]:
    return [sys.executable, "-c", PROGRAM.format(root=str(ROOT), **{"quiet": False, **values})]


def test_it_is_seen_and_gone_when_a_question_comes(tmp_path: Path) -> None:
    output = tmp_path / "out"
    with PseudoTerminal(program(), stdout=output, columns=120) as terminal:
        terminal.expect("12/40 objects")
        terminal.expect("question")
        assert shown(terminal) == ["question"]
        assert "1.5 MB" in terminal.shown.decode()
        assert "?" not in terminal.shown.decode().replace("\x1b[?", "")
        # Foreign control codes and markup are text.
        assert b"\x1b[31mred" not in terminal.shown
        assert b"first %1B[31mred%1B[0m [bold]x[/bold]" in terminal.shown
        assert b"\x1b[?25h" in terminal.shown.rpartition(b"question")[0]  # the cursor is back
        terminal.send(ENTER)
        terminal.expect("1/2 objects")
        terminal.expect("end")
        assert [line for line in shown(terminal) if "objects" in line] == []
        terminal.send(ENTER)
        assert terminal.wait() == 0
    assert output.read_bytes() == b"data\n"


@pytest.mark.parametrize(("values", "env"), [({"quiet": True}, {}), ({}, {"TERM": "dumb"})])
def test_nothing_is_drawn_for_who_wants_none(values: dict[str, object], env: dict[str, str]) -> None:
    with PseudoTerminal(program(**values), env=env, columns=120) as terminal:
        terminal.expect("question")
        terminal.send(ENTER)
        terminal.expect("end")
        assert b"objects" not in terminal.shown
        assert b"\x1b" not in terminal.shown
        terminal.send(ENTER)
        assert terminal.wait() == 0


@pytest.mark.parametrize("env", [{}, {"FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1"}])
def test_nothing_is_drawn_into_a_file(env: dict[str, str]) -> None:
    done = run_helper("resolve", "git+http://127.0.0.1:1/a.git", name="git-helper", env=env)
    assert done.returncode == 5
    assert b"\x1b" not in done.stderr
    assert b"resolving" not in done.stderr


def test_where_there_is_nothing_to_show_everything_still_works(capsys: pytest.CaptureFixture[str]) -> None:
    with Display() as display, display.job("one") as job, display.paused():
        job.received(1, 2, 3)
    assert capsys.readouterr() == ("", "")
