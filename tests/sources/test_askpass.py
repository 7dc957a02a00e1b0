"""Askpass programs: which one, what it is asked, what its answer means. A real git says what the words should be."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from git_helper.core.credential import Credential, Description
from git_helper.errors import StoreError
from git_helper.secret import Secret
from git_helper.sources.askpass import Askpass, program_to_ask
from tests.support import needs

WANTED = Description(b"https", b"good.example")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LOG": str(tmp_path / "log")}


def program(folder: Path, body: str = 'case "$1" in User*) echo alice;; *) echo t0ken;; esac') -> Path:
    """An askpass program that notes each prompt in $LOG."""
    path = folder / "ask pass"
    path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$#|$1" >>"$LOG"\n{body}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def prompts(environ: dict[str, str]) -> list[str]:
    return Path(environ["LOG"]).read_text().split("\n")[:-1]


def found(credential: Credential) -> tuple[bytes | None, Secret | None]:
    return credential.username, credential.password


def test_two_questions_for_two_unknowns(tmp_path: Path, environ: dict[str, str]) -> None:
    answer = next(Askpass(str(program(tmp_path)), environ).find(WANTED))
    assert found(answer) == (b"alice", Secret(b"t0ken"))
    assert prompts(environ) == [
        "1|Username for 'https://good.example': ",
        "1|Password for 'https://alice@good.example': ",
    ]


def test_one_question_when_the_user_is_known(tmp_path: Path, environ: dict[str, str]) -> None:
    answer = next(Askpass(str(program(tmp_path)), environ).find(WANTED.narrowed(b"bob")))
    assert found(answer) == (b"bob", Secret(b"t0ken"))
    assert prompts(environ) == ["1|Password for 'https://bob@good.example': "]


def test_nobody_is_asked_before_the_answer_is_wanted(tmp_path: Path, environ: dict[str, str]) -> None:
    Askpass(str(program(tmp_path)), environ).find(WANTED)
    assert not Path(environ["LOG"]).exists()


def test_a_refused_answer_is_asked_for_once_more(tmp_path: Path, environ: dict[str, str]) -> None:
    assert len(list(Askpass(str(program(tmp_path)), environ).find(WANTED.narrowed(b"bob")))) == 2
    assert len(prompts(environ)) == 2


@pytest.mark.parametrize(
    ("output", "secret"),
    [
        (r"a b \n", b"a b "),
        (r"x\r\ny\n", b"x"),
        (r"x\rz", b"x"),
        ("no end", b"no end"),
        ("", b""),
        (r"\n", b""),
        (r"p\303\244\342\234\223\n", "pä✓".encode()),
    ],
)
def test_the_answer_is_the_first_line(tmp_path: Path, environ: dict[str, str], output: str, secret: bytes) -> None:
    path = program(tmp_path, f"printf '{output}'")
    assert found(next(Askpass(str(path), environ).find(WANTED.narrowed(b"bob")))) == (b"bob", Secret(secret))


@pytest.mark.parametrize("body", ["exit 1", "echo t0ken; exit 3"])
def test_a_program_that_fails_has_no_answer(tmp_path: Path, environ: dict[str, str], body: str) -> None:
    with pytest.raises(StoreError, match=r"'ask pass': exit code [13]$"):
        next(Askpass(str(program(tmp_path, body)), environ).find(WANTED))


def test_a_program_that_hangs(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(StoreError, match=r"no answer in 0\.3 seconds"):
        next(Askpass(str(program(tmp_path, "sleep 60")), environ, 0.3).find(WANTED))


@pytest.mark.parametrize("name", ["no-such-askpass", "/no/such/askpass"])
def test_a_program_that_is_not_there(environ: dict[str, str], name: str) -> None:
    with pytest.raises(StoreError, match=r"no-such-askpass|askpass"):
        next(Askpass(name, environ).find(WANTED))


def test_a_bare_name_is_looked_for_on_path(tmp_path: Path, environ: dict[str, str]) -> None:
    path = program(tmp_path)
    environ["PATH"] = f"{tmp_path}:{environ['PATH']}"
    assert next(Askpass(path.name, environ).find(WANTED)).username == b"alice"


def test_our_tokens_and_traces_stay_with_us(tmp_path: Path, environ: dict[str, str]) -> None:
    environ |= {
        "GIT_HELPER_TOKEN_GOOD_EXAMPLE": "c4n4ry",
        "GIT_TRACE_CURL": "1",
        "DISPLAY": ":7",
        "UV_INDEX_A_PASSWORD": "c4n4ry",
    }
    path = program(tmp_path, 'env >>"$LOG"; echo x')
    next(Askpass(str(path), environ).find(WANTED.narrowed(b"bob")))
    log = Path(environ["LOG"]).read_text()
    assert "c4n4ry" not in log
    assert "GIT_TRACE" not in log
    assert "DISPLAY=:7" in log


HOSTILE = [
    Description(b"https", b"good.example:8443"),
    Description(b"https", b"[::1]:1"),
    Description(b"https", b"good.example", b"team/a b/x.git"),
    Description(b"https", b"good.example", None, b"alice@corp"),
    Description(b"https", b"good.example", b"p/q?r#s", b"a/b:c d\xc3\xa9"),
    Description(b"https", b"good.example", None, b"a\x1b[2K'x"),
    Description(b"https", b"good.example", b"", b""),
]


@pytest.mark.parametrize("wanted", [WANTED, *HOSTILE], ids=range(8))
def test_the_words_are_those_of_git(tmp_path: Path, environ: dict[str, str], wanted: Description) -> None:
    path = program(tmp_path)
    list(zip(range(1), Askpass(str(path), environ).find(wanted), strict=False))
    ours = prompts(environ)
    Path(environ["LOG"]).unlink()
    request = b"".join(name + b"=" + value + b"\n" for name, value in wanted.pairs())
    subprocess.run(
        [needs("git"), "-c", "credential.helper=", "-c", "credential.useHttpPath=true", "credential", "fill"],
        input=request + b"\n",
        env=environ | {"GIT_ASKPASS": str(path), "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert ours == prompts(environ)


@pytest.mark.parametrize(
    ("environ", "git_settings", "program"),
    [
        ({}, {}, None),
        ({"GIT_ASKPASS": "a", "SSH_ASKPASS": "s"}, {"core.askPass": b"c"}, "a"),
        ({"SSH_ASKPASS": "s"}, {"core.askPass": b"c"}, "c"),
        ({"SSH_ASKPASS": "s"}, {}, "s"),
        ({"GIT_ASKPASS": "", "SSH_ASKPASS": "s"}, {"core.askPass": b"c"}, None),
        ({"SSH_ASKPASS": "s"}, {"core.askPass": b""}, None),
        ({"HOME": "/home/alice"}, {"core.askPass": b"~/bin/ask"}, "/home/alice/bin/ask"),
        ({"GIT_ASKPASS": "a", "CI": "1", "GIT_TERMINAL_PROMPT": "0"}, {}, "a"),
        ({"GIT_ASKPASS": "a"}, {"credential.interactive": b"never"}, None),
        ({"GIT_ASKPASS": "a"}, {"credential.interactive": b"false"}, None),
        ({"GIT_ASKPASS": "a"}, {"credential.interactive": b"true"}, "a"),
        ({"GIT_ASKPASS": "/usr/bin/git-helper"}, {}, None),
    ],
)
def test_which_program(environ: dict[str, str], git_settings: dict[str, bytes], program: str | None) -> None:
    assert program_to_ask(environ, no_input=False, git_setting=git_settings.get) == program
    assert program_to_ask(environ, no_input=True, git_setting=git_settings.get) is None
