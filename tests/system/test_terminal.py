"""The controlling terminal itself; what is asked on it is tested in tests/ui."""

from __future__ import annotations

import ast
import json
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.pseudo_terminal import CTRL_D, ENTER, PseudoTerminal
from tests.support import ROOT

SCRIPT = """
import json, sys, threading
from git_helper.errors import GitHelperError
from git_helper.system.terminal import Terminal

def ask():
    with Terminal.open() as terminal:
        try:
            answer = getattr(terminal, sys.argv[1])("? ")
            print(json.dumps([terminal.size(), getattr(answer, "reveal", lambda: answer)().hex()]), flush=True)
        except GitHelperError as error:
            print(json.dumps(type(error).__name__), flush=True)

if sys.argv[2] == "thread":
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
else:
    ask()
"""


def asked(output: Path, method: str, where: str = "main") -> PseudoTerminal:
    """`method` of the terminal on a terminal of 72 columns, its outcome as JSON in `output`."""
    words = [sys.executable, "-c", SCRIPT, method, where]
    return PseudoTerminal(words, stdin=b"", stdout=output, columns=72)


@pytest.mark.parametrize("method", ["read_line", "read_secret"])
@pytest.mark.parametrize("where", ["main", "thread"])
def test_a_line(tmp_path: Path, method: str, where: str) -> None:
    with asked(tmp_path / "out", method, where) as terminal:
        terminal.expect("? ")
        terminal.send("wört ".encode() + ENTER)
        assert terminal.wait() == 0
        assert terminal.echoes()
        assert ("wört".encode() in terminal.shown) is (method == "read_line")
    assert json.loads((tmp_path / "out").read_bytes()) == [[72, 24], "wört ".encode().hex()]


@pytest.mark.parametrize("method", ["read_line", "read_secret"])
def test_the_end_of_input_cancels(tmp_path: Path, method: str) -> None:
    with asked(tmp_path / "out", method) as terminal:
        terminal.expect("? ")
        terminal.send(CTRL_D)
        assert terminal.wait() == 0
    assert json.loads((tmp_path / "out").read_bytes()) == "Cancelled"


@pytest.mark.parametrize("method", ["read_line", "read_secret"])
def test_a_terminal_that_hangs_up_ends_the_question(tmp_path: Path, method: str) -> None:
    with asked(tmp_path / "out", method) as terminal:
        terminal.expect("? ")
        terminal.hang_up()
        # By SIGHUP, or by the error that reading gives from then on.
        assert terminal.wait() in (0, -signal.SIGHUP)
    assert (tmp_path / "out").read_bytes() in (b"", b'"Cancelled"\n')


def test_the_escape_key_does_nothing(tmp_path: Path) -> None:
    with asked(tmp_path / "out", "read_secret") as terminal:
        terminal.expect("? ")
        terminal.send(b"a\x1b")
        terminal.expect("*")
        # Time is what tells the key from the begin of a longer one (Escape, Backspace at once is Alt-Backspace).
        time.sleep(0.3)
        terminal.send(b"\x7f")
        terminal.expect("\b \b")
        terminal.send(b"b" + ENTER)
        assert terminal.wait() == 0
    assert json.loads((tmp_path / "out").read_bytes())[1] == b"b".hex()


def signatures(module: str, name: str) -> dict[str, str]:
    """The public methods of a class with their arguments, read from the source: only one of the two can be imported."""
    tree = ast.parse((ROOT / "git_helper/system" / module).read_text(encoding="utf-8"))
    (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    methods = [node for node in found.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    return {method.name: ast.unparse(method.args) for method in methods}


def test_both_systems_have_one_surface() -> None:
    posix = signatures("posix_terminal.py", "PosixTerminal")
    assert posix == signatures("windows_terminal.py", "WindowsTerminal")
    assert set(posix) == {"open", "size", "read_line", "read_secret"}
