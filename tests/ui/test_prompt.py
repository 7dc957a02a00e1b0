"""The prompt, drawn on a real pseudo-terminal, with stdout and stderr elsewhere."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.pseudo_terminal import (
    BACKSPACE,
    CTRL_C,
    CTRL_D,
    CTRL_U,
    CTRL_W,
    CTRL_Z,
    ENTER,
    PseudoTerminal,
)
from tests.support import needs

ASKER = Path(__file__).with_name("asker.py")
PROMPT = "Token for alice@good.example: "
SECRET = b"canary-Qx7"
COLOURS = re.compile(rb"\x1b\[[0-9;]*m")


class Asked(PseudoTerminal):
    """The asker on a terminal, its stdout in a file."""

    def __init__(self, folder: Path, what: str = "secret", columns: int = 80, **fields: Any) -> None:
        self.stdout, self.stderr = folder / "stdout", folder / "stderr"
        env: Mapping[str, str] = {"TERM": "dumb", **fields.pop("env", {})}
        words: list[str | Path] = [sys.executable, ASKER, what, json.dumps(fields)]
        super().__init__(words, env=env, columns=columns, stdin=b"not\nthis\n", stdout=self.stdout, stderr=self.stderr)

    def answers(self) -> Any:
        assert self.wait() == 0
        assert self.stderr.read_bytes() == b""
        return json.loads(self.stdout.read_bytes())

    @property
    def text(self) -> str:
        return COLOURS.sub(b"", self.shown).decode()


def digest(secret: bytes) -> list[str]:
    return [hashlib.sha256(secret).hexdigest()]


def test_it_says_who_asks_for_what_and_where(tmp_path: Path) -> None:
    with Asked(tmp_path, path="team/x.git", program="git clone, for pip") as terminal:
        terminal.expect(PROMPT)
        assert not terminal.echoes()
        terminal.send(SECRET + ENTER)
        assert terminal.answers() == digest(SECRET)
        assert terminal.echoes()
        for part in ("git clone, for pip, needs a token", "https://good.example", "team/x.git", "alice", "remembered"):
            assert part in terminal.text
        assert SECRET.decode() not in terminal.text
        assert terminal.text.endswith("*" * len(SECRET) + "\r\n")


@pytest.mark.parametrize(
    ("keys", "secret"),
    [
        (b"abc" + BACKSPACE + b"d" + ENTER, b"abd"),
        ("pä€".encode() + BACKSPACE + ENTER, "pä".encode()),
        (b"wrong" + CTRL_U + b"right" + ENTER, b"right"),
        (b"one two" + CTRL_W + b"three" + ENTER, b"one three"),
        (b"\x1b[200~pasted\r\n\x1b[201~" + ENTER, b"pasted"),
        (b"a\x1b[Db" + ENTER, b"ab"),
        (b" blanks stay " + ENTER, b" blanks stay "),
        (b"[red]$(id)`x`\\" + ENTER, b"[red]$(id)`x`\\"),
        (b"\xff\xfe\xe9" + ENTER, b"\xff\xfe\xe9"),
        (ENTER, b""),
    ],
)
def test_keys(tmp_path: Path, keys: bytes, secret: bytes) -> None:
    with Asked(tmp_path) as terminal:
        terminal.expect(PROMPT)
        terminal.send(keys)
        assert terminal.answers() == digest(secret)
        assert terminal.echoes()


@pytest.mark.parametrize("length", [4095, 4096, 8192, 60000])
def test_a_long_token_arrives_whole(tmp_path: Path, length: int) -> None:
    token = bytes(33 + at % 90 for at in range(length))
    with Asked(tmp_path) as terminal:
        terminal.expect(PROMPT)
        terminal.send(token)
        terminal.expect("*" * 32)
        terminal.send(ENTER)
        assert terminal.answers() == digest(token)
        assert terminal.text.count("*") == 32


def test_a_token_that_git_could_not_carry_is_refused(tmp_path: Path) -> None:
    with Asked(tmp_path) as terminal:
        terminal.expect(PROMPT)
        terminal.send(b"x" * 65_530)
        assert terminal.answers() == ["UsageError"]
        assert terminal.echoes()


@pytest.mark.parametrize("keys", [CTRL_C, b"half" + CTRL_C, CTRL_D, b"half" + CTRL_U + CTRL_D])
def test_cancelled(tmp_path: Path, keys: bytes) -> None:
    with Asked(tmp_path) as terminal:
        terminal.expect(PROMPT)
        terminal.send(keys)
        assert terminal.answers() == ["Cancelled"]
        assert terminal.echoes()


@pytest.mark.parametrize("what", ["secret", "username"])
def test_an_interrupt_from_elsewhere_cancels(tmp_path: Path, what: str) -> None:
    with Asked(tmp_path, what) as terminal:
        terminal.expect("good.example: ")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.answers() == ["Cancelled"]
        assert terminal.echoes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_restored_when_we_are_ended(tmp_path: Path, number: signal.Signals) -> None:
    with Asked(tmp_path) as terminal:
        terminal.expect(PROMPT)
        terminal.process.send_signal(number)
        assert terminal.wait() == -number
        assert terminal.echoes()


def test_a_stopped_question_is_asked_again(tmp_path: Path) -> None:
    output = tmp_path / "out"
    command = f"TERM=dumb '{sys.executable}' '{ASKER}' secret '{{}}' >'{output}'\r"
    with PseudoTerminal([needs("bash"), "--norc", "--noprofile", "-i"], env={"PS1": "ready> "}) as terminal:
        terminal.expect("ready> ")
        terminal.send(command.encode())
        terminal.expect(PROMPT)
        terminal.send(b"canary" + CTRL_Z)
        terminal.expect("Stopped")
        terminal.expect("ready> ")
        terminal.send(b"fg\r")
        terminal.expect(PROMPT + "******")
        assert not terminal.echoes()
        terminal.send(b"-2" + ENTER)
        terminal.expect("ready> ")
        assert json.loads(output.read_bytes()) == digest(b"canary-2")
        assert b"canary" not in terminal.shown


def test_the_background_is_not_asked(tmp_path: Path) -> None:
    with Asked(tmp_path, "background") as terminal:
        assert terminal.answers() == [None]
        assert terminal.shown == b""


@pytest.mark.parametrize("what", ["secret", "username", "host key"])
def test_without_a_terminal_there_is_no_question(what: str) -> None:
    done = subprocess.run(
        [sys.executable, ASKER, what, "{}"], capture_output=True, start_new_session=True, timeout=20, check=True
    )
    assert (done.stdout, done.stderr) == (b"[null]\n", b"")


def test_what_nobody_checks_is_not_said_to_be_accepted(tmp_path: Path) -> None:
    with Asked(tmp_path, "login", program="git-helper login", checked=False) as terminal:
        terminal.expect("User name for good.example: ")
        terminal.send(b"alice\r")
        terminal.expect(PROMPT)
        terminal.send(SECRET + ENTER)
        assert terminal.answers() == ["alice", *digest(SECRET)]
        assert "remembered without being" in terminal.text
        assert "accepted" not in terminal.text


def test_login_asks_for_both_under_one_heading(tmp_path: Path) -> None:
    with Asked(tmp_path, "login", program="git-helper login", remembered=False) as terminal:
        terminal.expect("User name for good.example: ")
        terminal.send(" älice \r".encode())
        terminal.expect(PROMPT)
        terminal.send(SECRET + ENTER)
        assert terminal.answers() == ["älice", *digest(SECRET)]
        assert terminal.text.count("git-helper login needs a token") == 1
        assert "not remembered" in terminal.text


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (b"yes\r", True),
        (b" YES \r", True),
        (b"SHA256:n4bQgYhMfWWaL\r", True),
        (b"y\r", False),
        (b"\r", False),
        (b"yesterday\r", False),
        (b"SHA256:n4bQgYhMfWWaM\r", False),
        (CTRL_D, "Cancelled"),
    ],
)
def test_the_key_of_a_host_is_right_when_the_person_says_so_in_full(
    tmp_path: Path, keys: bytes, answer: bool | str
) -> None:
    with Asked(tmp_path, "host key", host="[red]\x1b[2Kevil.example[/red]") as terminal:
        terminal.expect("[red]%1B[2Kevil.example[/red]")
        terminal.expect("SHA256:n4bQgYhMfWWaL")
        terminal.expect("[yes/no] ")
        terminal.send(keys)
        assert terminal.answers() == [answer]


@pytest.mark.parametrize("env", [{}, {"TERM": "xterm-256color", "COLORTERM": "truecolor"}])
@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("username", "a\x1b[2K\rUsername for good", "a%1b%5b2K%0dUsername%20for%20good"),
        ("username", "[red]bold[/red]", "%5bred%5dbold%5b%2fred%5d"),
        ("username", "[link=https://evil.example]x", "%5blink%3dhttps%3a%2f%2fevil.example%5dx"),
        ("username", "\u202eecila\u2028\x9b", "%e2%80%aeecila%e2%80%a8%c2%9b"),
        ("username", ":smile:", "%3asmile%3a"),
        ("host", "[red]x[/red].example\x1b]0;t\x07", "[red]x[%2fred].example%1b]0%3bt%07"),
        ("host", "good.example\nhost", "good.example%0ahost"),
        ("path", "a/[bold]\x07b", "a/%5bbold%5d%07b"),
    ],
)
def test_hostile_text_is_inert(tmp_path: Path, env: dict[str, str], field: str, value: str, shown: str) -> None:
    with Asked(tmp_path, columns=200, env=env, **{field: value}) as terminal:
        terminal.expect("Token for ")
        terminal.send(CTRL_C)
        assert terminal.answers() == ["Cancelled"]
        assert shown in terminal.text
        assert value not in terminal.text
        assert not set(terminal.text) & set("\x1b\x07\x9b\u202e\u2028")


@pytest.mark.parametrize("columns", [20, 24, 40, 80, 300])
def test_nothing_is_cut_off_in_a_narrow_window(tmp_path: Path, columns: int) -> None:
    host = "a-long-name.of-a-server.good.example:8443"
    with Asked(tmp_path, columns=columns, host=host) as terminal:
        terminal.expect(f"Token for alice@{host}: ")
        terminal.send(b"x" * 50)
        terminal.send(ENTER)
        assert terminal.answers() == digest(b"x" * 50)
        *panel, line = terminal.text.split("\r\n")[:-1]
        panel = [row for row in panel if row and row[0] in "╭│╰"]
        assert all(len(row) == min(columns, 76) for row in panel)
        assert bool(panel) is (columns >= 24)
        assert 8 <= line.count("*") <= 32
        assert len(line) > 0
        if panel:
            assert host in "".join(row[10:-2].strip(" ") for row in panel)


def test_an_endless_user_does_not_scroll_the_host_away(tmp_path: Path) -> None:
    with Asked(tmp_path, username="u" * 60_000 + "-end") as terminal:
        terminal.expect("-end@good.example: ")
        terminal.send(CTRL_C)
        assert terminal.answers() == ["Cancelled"]
        assert len(terminal.text) < 2000


def test_an_unencrypted_connection_is_said(tmp_path: Path) -> None:
    with Asked(tmp_path, protocol="http") as terminal:
        terminal.expect("not encrypted")
        terminal.expect(PROMPT)
        terminal.send(CTRL_C)
        assert terminal.answers() == ["Cancelled"]


def test_the_passphrase_of_a_certificate(tmp_path: Path) -> None:
    with Asked(tmp_path, protocol="cert", host="", path="/home/alice/client.pem", username="") as terminal:
        terminal.expect("Passphrase for /home/alice/client.pem: ")
        terminal.send(SECRET + ENTER)
        assert terminal.answers() == digest(SECRET)


def test_colours_only_where_they_are_wanted(tmp_path: Path) -> None:
    plain = {"NO_COLOR": "1"}
    for env, color, coloured in (
        ({}, "auto", True),
        (plain, "auto", False),
        ({"TERM": "dumb"}, "auto", False),
        ({}, "never", False),
        (plain, "always", True),
    ):
        with Asked(tmp_path, env={"TERM": "xterm", **env}, color=color) as terminal:
            terminal.expect("Token for ")
            terminal.send(CTRL_C)
            assert terminal.answers() == ["Cancelled"]
            assert (b"\x1b[36m" in terminal.shown) is coloured, (env, color)


def test_a_locale_without_boxes_gets_ascii(tmp_path: Path) -> None:
    with Asked(tmp_path, env={"LC_ALL": "C"}) as terminal:
        terminal.expect(PROMPT)
        terminal.send("tökén".encode() + ENTER)
        assert terminal.answers() == digest("tökén".encode())
        assert terminal.shown.isascii()


def test_questions_on_one_terminal_take_turns(tmp_path: Path) -> None:
    ask = f"{sys.executable} {ASKER} secret '{{}}'"
    script = f"{ask} > one & {ask} > two; wait"
    with PseudoTerminal(["sh", "-c", script], env={"TERM": "dumb"}, cwd=tmp_path) as terminal:
        for turn in (1, 2):
            terminal.expect(PROMPT)
            time.sleep(0.5)  # the other one is there by now, and waits
            assert terminal.shown.count(PROMPT.encode()) == turn
            terminal.send(SECRET + ENTER)
        assert terminal.wait() == 0
    assert [json.loads((tmp_path / name).read_bytes()) for name in ("one", "two")] == [digest(SECRET)] * 2


def test_a_question_on_another_terminal_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with Asked(tmp_path / "other") as unanswered, Asked(tmp_path) as terminal:
        unanswered.expect(PROMPT)
        terminal.expect(PROMPT)
        terminal.send(SECRET + ENTER)
        assert terminal.answers() == digest(SECRET)


def test_what_was_typed_before_the_question_is_no_answer(tmp_path: Path) -> None:
    with Asked(tmp_path) as terminal:
        terminal.send(b"ls -l\r")
        terminal.expect(PROMPT)
        terminal.send(SECRET + ENTER)
        assert terminal.answers() == digest(SECRET)
