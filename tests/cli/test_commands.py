"""The list of commands, which is known without their modules, and their help pages."""

from __future__ import annotations

import os

import pytest
import typer
from typer.core import TyperGroup

from git_helper.cli.commands import TABLE, LateCommand, Row, late_commands
from tests.pseudo_terminal import PseudoTerminal
from tests.support import BIN, run_helper


def shown(*words: str, **env: str | None) -> str:
    """What `git-helper WORDS` prints, which must go well."""
    done = run_helper(*words, name="git-helper", env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


@pytest.mark.parametrize("command", list(late_commands()), ids=lambda command: command.name)
def test_the_table_says_what_the_modules_say(command: LateCommand) -> None:
    real = command.loaded()
    assert real.name == command.name
    assert real.rich_help_panel == command.rich_help_panel
    assert (real.help or "").partition("\n\n")[0].replace("\n", " ") == command.help


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.module.__name__)
def test_no_command_of_a_module_is_left_out(row: Row) -> None:
    app = typer.Typer()
    row.module.add(app)
    listed = [name for one in TABLE if one.module is row.module for name in one.commands]
    assert listed == list(typer.main.get_group(app).commands)


def test_the_help_page_has_every_command_below_its_heading() -> None:
    text = shown("--help")
    sections = {block.partition(":\n")[0]: block for block in text.split("\n\n")}
    for row in TABLE:
        for name in row.commands:
            assert f"\n  {name} " in sections[row.panel]
    assert list(sections)[2:] == ["Options", *dict.fromkeys(row.panel for row in TABLE)]
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("words", [(), ("-h",), ("--help",)])
def test_no_words_mean_help(words: tuple[str, ...]) -> None:
    assert shown(*words).startswith("Usage: git-helper [OPTIONS] COMMAND [ARGS]...\n\n  One executable")


def test_the_help_page_of_a_command_has_arguments_own_options_and_those_of_every_command() -> None:
    text = shown("clone", "--help")
    headings = [line for line in text.splitlines() if line[:1].isalpha() and line.endswith(":")]
    assert headings[:3] == ["Arguments:", "Options:", "Options of every command:"]
    assert "\n  URL  " in text
    assert "\n  --depth N  " in text
    assert "\n  -q, --quiet  " in text
    assert "[default: text]" in shown("resolve", "--help")


def test_the_help_page_of_a_group_lists_its_commands() -> None:
    text = shown("cache", "--help")
    assert "Usage: git-helper cache [OPTIONS] COMMAND [ARGS]..." in text
    assert "\n  dir " in text
    assert "\n  prune " in text


@pytest.mark.parametrize(
    ("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)], ids=str
)
def test_help_is_coloured_on_a_terminal_unless_unwanted(env: dict[str, str], coloured: bool) -> None:
    with PseudoTerminal([BIN / "git-helper", "--help"], env={**os.environ, **env}) as terminal:
        terminal.expect("capability")
        terminal.wait()
        text = terminal.shown.decode()
    assert ("\x1b[1mSet-up\x1b[0m:" in text) is coloured
    assert ("\x1b[" in text) is coloured


def test_help_in_a_pipe_is_coloured_only_on_demand() -> None:
    assert "\x1b" not in shown("--help")
    assert "\x1b[1mSet-up\x1b[0m:" in shown("--help", FORCE_COLOR="1")


@pytest.mark.parametrize(
    ("words", "message", "see"),
    [
        (("frobnicate",), "no such command 'frobnicate'", "git-helper"),
        (("resolv",), "no such command 'resolv'. Did you mean 'resolve'?", "git-helper"),
        (("cache", "frobnicate"), "no such command 'frobnicate'", "git-helper cache"),
        (("clone", "--depth", "x", "https://good.example/x"), "invalid value for '--depth': ", "git-helper clone"),
        (("clone",), "missing argument 'URL'", "git-helper clone"),
        (("resolve", "--format"), "option '--format' requires an argument", "git-helper"),
        (("list", "--frobnicate"), "no such option: --frobnicate", "git-helper list"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_read_is_one_message(words: tuple[str, ...], message: str, see: str) -> None:
    done = run_helper(*words, name="git-helper")
    first, hint = done.stderr.decode().splitlines()
    assert first.startswith(f"git-helper: error: {message}")
    assert hint == f"git-helper: hint: see: {see} --help"
    assert (done.returncode, done.stdout) == (2, b"")


def test_an_option_before_the_command_is_shown_its_place() -> None:
    done = run_helper("--color", "never", "list", name="git-helper")
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[1].endswith("options stand behind the command: git-helper COMMAND --color")


def test_a_word_that_is_no_text_reaches_the_command() -> None:
    done = run_helper("cache", "dir", b"--cache-dir=/nowhere/\xff", name="git-helper")
    assert done.returncode == 0
    assert done.stdout == b"/nowhere/%FF\n"


def test_an_option_may_be_repeated() -> None:
    done = run_helper("resolve", "-r", "a.txt", "-r", "b.txt", name="git-helper")
    assert b"cannot find the requirements file 'a.txt'" in done.stderr


def test_completion_knows_commands_and_options_of_commands() -> None:
    def completed(words: str) -> list[str]:
        number = str(words.count(" "))
        env = {"_GIT_HELPER_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": number}
        return run_helper(name="git-helper", env=env).stdout.decode().split()

    assert completed("git-helper con") == ["configure"]
    assert completed("git-helper cache pr") == ["prune"]
    assert "--format" in completed("git-helper resolve --fo")


def test_every_stand_in_can_be_loaded() -> None:
    kinds = {command.name: type(command.loaded()) for command in late_commands()}
    assert [name for name, kind in kinds.items() if issubclass(kind, TyperGroup)] == ["cache"]


def test_a_password_in_words_that_mean_nothing_is_not_repeated() -> None:
    for words in (("cache", "dir", "https://u:hunter2@good.example/x"), ("https://u:hunter2@good.example/x",)):
        done = run_helper(*words, name="git-helper")
        assert done.returncode == 2
        assert b"hunter2" not in done.stdout + done.stderr
        assert b"u:****@good.example" in done.stderr
