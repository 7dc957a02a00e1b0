"""What a command is about: its arguments and the requirements files it names, nested ones too, each in its order."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_helper.core.parse_error import ParseError
from git_helper.core.requirement import Requirement
from git_helper.core.requirements_file import (
    CONSTRAINT,
    REQUIREMENT,
    OptionItem,
    RequirementItem,
    RequirementsFile,
    scan,
)
from git_helper.errors import NotFound, UsageError
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Read = Callable[[str], bytes | None]


MOST_FILES = 200


@dataclass(frozen=True)
class Source:
    """One requirements file: where it is, its text, and what it says.

    `included`: the files of its `-r` options, by the number of the item; None for one that stood elsewhere before.
    """

    path: str
    text: str
    scan: RequirementsFile
    included: dict[int, Source | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """One requirement, or the error that makes it unusable; `source` and `number` are its file and item there, if any."""

    text: str
    requirement: Requirement | None
    error: ParseError | None = None
    source: Source | None = None
    number: int = 0


@dataclass(frozen=True)
class Gathered:
    """All requirements in order, the files that were asked for (those in them are below them), and warnings to show."""

    wanted: tuple[Wanted, ...]
    sources: tuple[Source, ...]
    warnings: tuple[str, ...]


def gather(arguments: Sequence[str], files: Sequence[str], read: Read, environ: Mapping[str, str]) -> Gathered:
    """Reads everything. `read` gives a file's bytes, None when there is none. Raises UsageError, NotFound, ParseError.

    A constraint limits versions and asks for nothing, so files named by `-c` are read for their errors only.
    """
    wanted = [_argument(text) for text in arguments]
    seen: dict[str, Source] = {}
    sources: list[Source] = []
    for path in files:
        source = _file(path, read, environ, seen, wanted)
        sources += [source] if source is not None else []
    if not wanted and not files:
        raise UsageError("nothing to do: name a requirement or a file", "git-helper resolve -r requirements.txt")
    warnings = dict.fromkeys(warning for source in seen.values() for warning in source.scan.warnings)
    return Gathered(tuple(wanted), tuple(sources), tuple(warnings))


def _argument(text: str) -> Wanted:
    try:
        return Wanted(text, Requirement.parse(text))
    except ParseError as error:
        return Wanted(text, None, error)


def _file(
    path: str, read: Read, environ: Mapping[str, str], seen: dict[str, Source], wanted: list[Wanted]
) -> Source | None:
    """Adds the requirements of the file and of those in it to `wanted`; None for a file that was read before."""
    real = os.path.realpath(path)
    if real in seen:
        return None
    if len(seen) >= MOST_FILES:
        raise UsageError(f"cannot read '{visible(path)}': there are {MOST_FILES} requirements files already")
    text = _decoded(path, read)
    try:
        source = Source(path, text, scan(text, environ, os.getcwd()))
    except ParseError as error:
        raise _placed(error, path) from None
    seen[real] = source
    for number, item in enumerate(source.scan.items):
        if isinstance(item, RequirementItem):
            written = text[slice(*item.span)]
            wrong = None if item.error is None else _placed(item.error, path)
            wanted.append(Wanted(written, item.requirement, wrong, source, number))
        elif item.name in (REQUIREMENT, CONSTRAINT):
            below = _file(_nested(path, item), read, environ, seen, wanted if item.name == REQUIREMENT else [])
            if item.name == REQUIREMENT:
                source.included[number] = below
    return source


def _placed(error: ParseError, path: str) -> ParseError:
    """With the file and line in its message."""
    error.message = f"line {error.details.get('line', '?')} of '{visible(path)}': {error.message}"
    return error


def _nested(path: str, item: OptionItem) -> str:
    if item.url is not None or item.value is None:
        shown = "" if item.url is None else item.url.display
        raise UsageError(
            f"cannot read '{shown}', named in line {item.line} of '{visible(path)}': it is a URL",
            "download the file first and name it by its path",
        )
    if "\0" in item.value:
        raise UsageError(f"cannot read '{visible(item.value)}', named in line {item.line} of '{visible(path)}'")
    return os.path.join(os.path.dirname(path), os.path.expanduser(item.value))


def _decoded(path: str, read: Read) -> str:
    content = read(path)
    if content is None:
        raise NotFound(f"cannot find the requirements file '{visible(path)}'")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"cannot read '{visible(path)}': line {line} is not UTF-8") from None
