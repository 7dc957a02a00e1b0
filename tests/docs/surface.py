"""What the program really offers, for the tests that compare it with what the documents say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from git_helper import errors
from git_helper.cli.app import application
from git_helper.cli.commands import LateCommand
from git_helper.core import settings
from tests.house.source import project_files
from tests.support import ROOT

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def commands() -> dict[str, set[str]]:
    """Every option of each command, aliases included, as the help pages list them; those of a group as `group command`."""
    return {
        name: {"--help", *(option for parameter in command.params for option in parameter.opts if option[:1] == "-")}
        for name, command in _commands(application())
    }


def _commands(group: typer.core.TyperGroup, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if isinstance(command, LateCommand):
            command = command.loaded()
        if isinstance(command, typer.core.TyperGroup):
            yield from _commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def top_options() -> set[str]:
    """The options of `git-helper` itself."""
    return {option for parameter in application().params for option in parameter.opts}


def protocol_options() -> set[str]:
    """The options that stand before an operation of git's protocol."""
    return {*settings._WITH_VALUE, *settings._SWITCHES}


def exit_codes() -> dict[int, set[str]]:
    """Each exit code of the error tree with the names of its errors."""
    codes: dict[int, set[str]] = {}
    kinds: list[type[errors.GitHelperError]] = [errors.GitHelperError, *_below(errors.GitHelperError)]
    for kind in kinds:
        codes.setdefault(kind.exit_code, set()).add(kind.__name__)
    return codes


def _below(kind: type[errors.GitHelperError]) -> Iterator[type[errors.GitHelperError]]:
    for one in kind.__subclasses__():
        if one.__module__ == errors.__name__:
            yield one
            yield from _below(one)


def make_targets() -> dict[str, str]:
    """Every target of the Makefile that is no file, with its help; "" where there is none."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY:(.*)$", text, re.MULTILINE)
    found = dict(re.findall(r"^([a-z]+):[^#\n]*(?:## (.*))?$", text, re.MULTILINE))
    assert set(found) == set(phony.split())
    return found


def spans(text: str) -> list[str]:
    """The code spans of a Markdown text, outside of its fenced blocks."""
    return _SPAN.findall(_FENCE.sub("", text))


def links(text: str) -> list[str]:
    """The targets of the links of a Markdown text."""
    return _LINK.findall(_FENCE.sub("", text))


def blocks(language: str, text: str) -> list[list[str]]:
    """The lines of each fenced block of that language."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block.removesuffix("\n").split("\n") for block in found]


def documents() -> list[Path]:
    """Every Markdown file of the project, relative to ROOT."""
    return [name for name in project_files() if name.suffix == ".md"]
