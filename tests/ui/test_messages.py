"""What is said on stderr: the same words with and without rich, which is only loaded where there is something to draw."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.support import ROOT

WORDS = "cloned into '/tmp/a [bold]b[/] \x1b[31mc :smile: \u202e", "long " * 60, "tab\there", "Grüße ✓"
_SAY = """
import sys
sys.path.insert(0, {root!r})
from git_helper.cli import late
late.install()
from git_helper.ui.messages import Messages
for words in {words!r}:
    for say in ("done", "note", "hint"):
        getattr(Messages(color={color!r}, quiet=False), say)(words)
print(type(sys.modules["rich.console"]).__name__)
"""


def said(color: str, encoding: str = "utf-8", **env: str) -> tuple[str, bool]:
    """What stands on stderr, which is no terminal, and whether rich was loaded for it."""
    script = _SAY.format(root=str(ROOT), words=WORDS, color=color)
    without = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "TTY_COMPATIBLE")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        env={**without, "PYTHONIOENCODING": encoding, **env},
        check=True,
        timeout=60,
    )
    return done.stderr.decode(encoding), done.stdout.split() != [b"LateModule"]


@pytest.mark.parametrize(("color", "env"), [("always", {}), ("auto", {"FORCE_COLOR": "1"})])
def test_the_same_words_with_and_without_rich(color: str, env: dict[str, str]) -> None:
    plain, loaded = said("auto")
    drawn, drawn_loaded = said(color, **env)
    assert (loaded, drawn_loaded) == (False, True)
    assert drawn.count("\x1b[32m") == len(WORDS)
    assert re.sub(r"\x1b\[[0-9;]*m", "", drawn) == plain
    assert "\\x1b[31mc" in plain or "\x1b" not in plain
    assert plain.splitlines()[0].startswith("✓ cloned into ")


def test_no_colour_and_no_marks_where_there_are_none() -> None:
    assert said("never") == said("auto")
    words, _ = said("auto", "ascii")
    assert words.startswith("- cloned into ")
