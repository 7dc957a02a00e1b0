"""The hosts of a row of tests/cases/insecure-host, however it writes them down."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from git_helper.core.given import Given, of_environment
from git_helper.core.insecure_host import InsecureHost

OPTION = "allow-insecure-host"
_VARIABLE = re.compile(r"(?:env )?\b([A-Z_]+)=(?:'([^']*)'|\"([^\"]*)\"|(\S*))")
_WORD = re.compile(r"(?:--allow-insecure-host|--trusted-host|\bcli|\bconfig)[ =]'?([^\s,;']+)'?")


def written(row: Mapping[str, Any]) -> list[str | Mapping[str, object]]:
    """What options and configuration say: words and tables. Variables are in `environ`."""
    said = row.get("allow_insecure_host", [])
    words = _WORD.findall(said) if isinstance(said, str) else list(said) if isinstance(said, Sequence) else [said]
    args = list(row.get("args", ()))
    given = [value for flag, value in pairwise(args) if flag in ("--allow-insecure-host", "--trusted-host")]
    given += [word.partition("=")[2] for word in args if word.startswith(("--allow-insecure-host=", "--trusted-host="))]
    return [*words, *given]


def environ(row: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a row."""
    said = row.get("allow_insecure_host", [])
    found = (
        {name: one or two or three for name, one, two, three in _VARIABLE.findall(said)}
        if isinstance(said, str)
        else {}
    )
    return {**found, **row.get("env", {})}


def hosts(row: Mapping[str, Any]) -> list[InsecureHost]:
    """All of them, as a command reads them. Raises UsageError, for a word ParseError."""
    given: Sequence[Given] = of_environment(environ(row)).get(OPTION, ())
    return [*map(InsecureHost.parse, written(row)), *(one.value for one in given)]
