"""What the tables of a pyproject.toml say: `[tool.git-helper]`, all of it, and of `[tool.uv]` what means the same to us."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from git_helper.core import uv_indexes
from git_helper.core.given import PROJECT, Given, Provenance, failure, read_toml
from git_helper.core.options import BY_NAME, TABLE
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from git_helper.core.given import Layer
    from git_helper.core.option_kinds import Place

    FindLine = Callable[[Sequence[str]], int | None]
    """The line of a key, given as the path to it: `("tool", "git-helper", "timeout")`."""

OURS, UVS = "git-helper", "uv"


def of_tables(document: Mapping[str, Any], file: str, find_line: FindLine, place: Place) -> Layer:
    """The settings of a parsed pyproject.toml. Raises UsageError with file, line and key for whatever is not understood.

    Keys of `[tool.uv]` that mean nothing to us are uv's own affair.
    """
    reader = _Reader(file, find_line)
    tool = document.get("tool", {})
    if not isinstance(tool, dict):
        return {}
    ours, uvs = (reader.table(tool, name) for name in (OURS, UVS))
    for key in ours:
        _check_key(key, reader.provenance(OURS, key))
    layer: dict[str, Sequence[Given]] = {}
    for option in TABLE:
        keys = [(OURS, key) for key in (option.name,) if key in ours] + [(UVS, key) for key in option.uv if key in uvs]
        given: list[Given] = []
        for table, key in keys if option.adds else keys[:1]:
            provenance = reader.provenance(table, key)
            given += read_toml(option, (ours if table == OURS else uvs)[key], key, provenance, place)
        if keys:
            layer[option.name] = given
    if "index" in uvs:
        for name, found in uv_indexes.of_tables(uvs["index"], reader.provenance(UVS, "index"), place).items():
            if name not in ours:
                many = BY_NAME[name].many
                layer[name] = [*found, *layer.get(name, ())] if many else found
    return layer


class _Reader:
    def __init__(self, file: str, find_line: FindLine) -> None:
        self._file = file
        self._find_line = find_line

    def provenance(self, table: str, *keys: str) -> Provenance:
        """Where a table or a key of it stands."""
        find_line = cache(lambda: self._find_line(("tool", table, *keys)))
        return Provenance(PROJECT, f"[tool.{table}]", self._file, find_line)

    def table(self, tool: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        """`[tool.<name>]`, empty where there is none."""
        table = tool.get(name, {})
        if not isinstance(table, dict):
            if name == UVS:
                return {}
            raise failure(f"'tool.{name}'", self.provenance(name), "expected a table")
        return table


def _check_key(key: str, provenance: Provenance) -> None:
    option = BY_NAME.get(key)
    if option is not None and option.in_project:
        return
    subject = f"'{visible(key)}' of {provenance.name}"
    if option is not None:
        raise failure(subject, provenance, "no project decides that", f"use --{key} or {option.variable.name}")
    raise failure(subject, provenance, "unknown key", _meant(key))


def _meant(key: str) -> str:
    word = key.lower().replace("_", "-")
    for option in TABLE:
        if option.in_project and (word == option.name or f"--{word}" in option.words):
            return f"use: {option.name}"
    return f"use one of: {', '.join(option.name for option in TABLE if option.in_project)}"
