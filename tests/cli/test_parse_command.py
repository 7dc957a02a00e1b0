"""`parse` through the real executable: for people, for programs, and never a secret; tests/cli/test_cases.py has the rest."""

from __future__ import annotations

import json

from tests.commands import CANARY, leaks, run
from tests.servers.recording import RecordingServer


def test_for_people() -> None:
    with RecordingServer() as server:
        good = f"demo @ git+{server.url_for('a.git', 'me', CANARY)}@v1#subdirectory=x"
        done = run("parse", good, "git+https://good.example/a.git@main~1", "requests")
        assert server.requests == []  # it is offline
    assert done.returncode == 2
    shown = done.stdout.decode()
    for words in ("name", "demo", "rev", "v1", "me", "subdirectory", "cannot use", "^"):
        assert words in shown
    caret = next(line for line in shown.split("\n") if "^" in line)
    above = shown.split("\n")[shown.split("\n").index(caret) - 1]
    assert above[caret.index("^") : caret.rindex("^") + 1] in "main~1"
    assert not leaks(done.stdout + done.stderr, CANARY)


def test_one_line_of_json_for_each_argument() -> None:
    words = ["requests>=2", "git+ssh://git@good.example/o/r.git", "./folder"]
    done = run("parse", "--json", *words)
    assert (done.returncode, done.stderr) == (0, b"")
    found = [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]
    assert [one["kind"] for one in found] == ["name", "git", "url"]
    assert found[1]["display"] == words[1]


def test_control_characters_do_nothing() -> None:
    hostile = "git+https://h/a\x1b]0;title\x07\u202e.git"
    for options in ((), ("--json",)):
        done = run("parse", *options, hostile)
        assert done.returncode == 2
        assert not {0x1B, 0x07} & set(done.stdout + done.stderr)
        assert "\u202e" not in (done.stdout + done.stderr).decode()


def test_nothing_to_parse_is_a_usage_error() -> None:
    done = run("parse")
    assert done.returncode == 2
    assert done.stderr.startswith(b"git-helper: error: missing argument")
