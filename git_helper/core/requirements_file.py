"""Requirements files: what each line says and where it says it, and writing it back with Git URLs pinned.

Opening files, those named by `-r` and `-c` too, is the caller's work; the environment for `${NAME}` is an argument.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from git_helper.core.editable import check_editable, editable_place
from git_helper.core.expansion import VARIABLE, Variables, expand
from git_helper.core.location import as_written, location_span, with_variables
from git_helper.core.logical_lines import LogicalLine, Word, logical_lines, words
from git_helper.core.mistyped import refuse_mistyped
from git_helper.core.parse_error import ParseError
from git_helper.core.plain_url import PlainUrl
from git_helper.core.requirement import Requirement
from git_helper.core.url_text import split_url, with_authority
from git_helper.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

INDEX_URL, EXTRA_INDEX_URL, FIND_LINKS = "--index-url", "--extra-index-url", "--find-links"
REQUIREMENT, CONSTRAINT, EDITABLE, TRUSTED_HOST = "--requirement", "--constraint", "--editable", "--trusted-host"
NO_INDEX, HASH = "--no-index", "--hash"
_ALIASES = {
    "-i": INDEX_URL,
    "--pypi-url": INDEX_URL,
    "-f": FIND_LINKS,
    "-r": REQUIREMENT,
    "-c": CONSTRAINT,
    "-e": EDITABLE,
    "-C": "--config-settings",
}
_LOCATIONS = (INDEX_URL, EXTRA_INDEX_URL, FIND_LINKS, REQUIREMENT, CONSTRAINT, EDITABLE)
_OTHER_VALUES = (
    TRUSTED_HOST,
    "--no-binary",
    "--only-binary",
    "--all-releases",
    "--only-final",
    "--use-feature",
    "--config-settings",
    "--global-option",
)
_FLAGS = (NO_INDEX, "--pre", "--prefer-binary", "--require-hashes", "--no-require-hashes")
# pip ends a requirement at the first word that looks like an option.
_OPTIONS_BEGIN = re.compile(r"(?<![ \t])[ \t]+(?=--?[A-Za-z])")


@frozen
class OptionItem:
    """One option by its long name; `url` for a location with `://`, else `value` (a path, a host, a package name).

    `span` is the place of the value in the file, quotes included; empty for a flag.
    """

    line: int
    name: str
    span: tuple[int, int]
    value: str | None = None
    url: PlainUrl | None = None


@frozen
class RequirementItem:
    """One requirement: `requirement`, or the `error` that makes it unusable. `hashes` are those of `--hash` options.

    `url_span` is the place of its URL or path in the file, None when it has none. `matches` tells whether the URL as
    written has its parts where the expanded one has them.
    """

    line: int
    span: tuple[int, int]
    url_span: tuple[int, int] | None
    requirement: Requirement | None
    error: ParseError | None
    hashes: tuple[str, ...] = ()
    matches: bool = True


@frozen
class RequirementsFile:
    """The items in the order of the file, and warnings to show."""

    items: tuple[OptionItem | RequirementItem, ...]
    warnings: tuple[str, ...]

    @property
    def requirements(self) -> tuple[RequirementItem, ...]:
        """Without the options."""
        return tuple(item for item in self.items if isinstance(item, RequirementItem))

    @property
    def options(self) -> tuple[OptionItem, ...]:
        """Without the requirements."""
        return tuple(item for item in self.items if isinstance(item, OptionItem))


def scan(text: str, environment: Mapping[str, str], project_root: str | None = None) -> RequirementsFile:
    """The items of a file's text, decoded with its line ends kept; `${NAME}` is expanded in URLs and options' values.

    Raises ParseError for an option that is unknown, unusable or given twice (`details["line"]` says where, the span is of
    the file); an unusable requirement is an item with its error, so that the others can go on.
    """
    variables = Variables(dict(environment), project_root)  # os.environ decodes what it is asked for, each time
    items: list[OptionItem | RequirementItem] = []
    for line in logical_lines(text):
        start = len(line.text) - len(line.text.lstrip(" \t"))
        if line.text.startswith("-", start):
            items.extend(_option_line(variables, line, start))
        else:
            items.append(_requirement_line(variables, line, start))
    indexes = [item for item in items if isinstance(item, OptionItem) and item.name == INDEX_URL]
    if len(indexes) > 1:
        raise _duplicate(indexes[1])
    return RequirementsFile(tuple(items), tuple(variables.warnings))


def _duplicate(item: OptionItem) -> ParseError:
    shown = item.url.display if item.url is not None else item.value or ""
    hint = "name further indexes with --extra-index-url"
    reason = "there is an index URL already"
    return ParseError("duplicate-index-url", shown, reason, item.span, hint, {"line": item.line})


def _option_line(variables: Variables, line: LogicalLine, start: int) -> Iterable[OptionItem]:
    rest = words(line.text, start)
    before = ""
    while rest:
        word = rest.pop(0)
        name, value = _name_and_value(word)
        name = _ALIASES.get(name, name)
        if name in _FLAGS and value is None:
            yield OptionItem(line.number, name, line.span(word.end, word.end))
            before = name
            continue
        if name not in _LOCATIONS + _OTHER_VALUES:
            raise _unknown(line, word, before)
        before = name
        if value is not None:
            rest.insert(0, value)
        if not rest or not rest[0].value:
            raise _without_value(line, word, name)
        if name == TRUSTED_HOST:
            variables.warnings[f"{TRUSTED_HOST} in a file is ignored"] = None
        if name == EDITABLE:
            yield _editable(variables, line, rest)
        else:
            yield _option(variables, line, name, rest.pop(0))


def _editable(variables: Variables, line: LogicalLine, rest: list[Word]) -> OptionItem:
    """Takes the words of the place, its name and its marker from `rest`."""
    count = next((number for number, word in enumerate(rest) if number and word.value.startswith("-")), len(rest))
    given = [rest.pop(0) for _ in range(count)]
    try:
        place, more = editable_place(line.text, given)
    except ParseError as error:
        raise _placed(error, line, given[0].start, given[-1].end) from None
    item = _option(variables, line, EDITABLE, place)
    if more:
        raise _unknown(line, given[-1], EDITABLE)
    return item


def _without_value(line: LogicalLine, word: Word, name: str) -> ParseError:
    span = line.span(word.start, word.end)
    return ParseError("missing-value", name, "the option needs a value", span, details={"line": line.number})


def _name_and_value(word: Word) -> tuple[str, Word | None]:
    """`--name=value`, `-nvalue`, `-n=value`, or a name whose value is the next word."""
    if word.value.startswith("--"):
        name, equals, _ = word.value.partition("=")
        return name, word.behind(len(name) + 1) if equals else None
    value = word.behind(2 + word.value.startswith("=", 2))
    return word.value[:2], value if len(word.value) > 2 else None


def _option(variables: Variables, line: LogicalLine, name: str, given: Word) -> OptionItem:
    item = OptionItem(line.number, name, line.span(given.start, given.end))
    if name not in _LOCATIONS:
        return replace(item, value=given.value)
    value = given.value
    try:
        value = with_authority(variables.expanded(given.value))
        if name == EDITABLE:
            check_editable(value)
        if "://" in value:
            return replace(item, url=PlainUrl.parse(value))
        _check_place(given.value, value)
    except ParseError as error:
        raise _placed(as_written(error, given.value, value), line, given.start, given.end) from None
    return replace(item, value=value)


def _check_place(written: str, value: str) -> None:
    """Raises ParseError for what can be no path: nothing at all, half a URL."""
    if not value:
        names = ", ".join(dict.fromkeys(VARIABLE.findall(written)))
        hint = "set it, or leave the line out"
        raise ParseError("missing-value", written, f"the value of {names} is empty", (0, 0), hint)
    refuse_mistyped(value)


def _unknown(line: LogicalLine, word: Word, before: str) -> ParseError:
    """`before`: the option before it. A word that is none may be the rest of a password that a blank stands in."""
    shown, reason = re.split(r"[=:@]", word.value)[0], "no such option in a requirements file"
    if not word.value.startswith("-"):
        shown, reason = before, "something else than an option follows it and its value"
    return ParseError("unknown-option", shown, reason, line.span(word.start, word.end), details={"line": line.number})


def _requirement_line(variables: Variables, line: LogicalLine, start: int) -> RequirementItem:
    begin = _OPTIONS_BEGIN.search(line.text, start)
    end = begin.start() if begin else len(line.text.rstrip(" \t"))
    hashes = _hashes(line, begin.end()) if begin else ()
    written = line.text[start:end]
    place = location_span(written)
    requirement, matches, wrong = None, True, None
    try:
        if place is None:
            requirement = Requirement.parse(written)
        else:
            requirement, location = with_variables(written, place, variables.expanded)
            matches = _same_parts(variables, written[slice(*place)], location)
    except ParseError as error:
        wrong = _placed(error, line, start, end)
    url_place = None if place is None else line.span(start + place[0], start + place[1])
    return RequirementItem(line.number, line.span(start, end), url_place, requirement, wrong, hashes, matches)


def _same_parts(variables: Variables, written: str, expanded: str) -> bool:
    """Whether `${NAME}` brought no part of its own, so that revision and userinfo may be exchanged in the text."""
    before = split_url(written)
    if before is None or written == expanded:
        return before is not None
    after = split_url(expanded)
    if after is None:
        return False
    base = expand(before.path.partition("@")[0], variables.environment, variables.project_root).text
    return base == after.path.partition("@")[0] and (before.userinfo is None) == (after.userinfo is None)


def _hashes(line: LogicalLine, start: int) -> tuple[str, ...]:
    hashes: list[str] = []
    rest = iter(words(line.text, start))
    for word in rest:
        name, value = _name_and_value(word)
        name = _ALIASES.get(name, name)
        if name != HASH and name not in _OTHER_VALUES:
            raise _unknown(line, word, HASH)
        given = value or next(rest, None)
        if given is None or not given.value:
            raise _without_value(line, word, name)
        if name == HASH:
            hashes.append(given.value)
    return tuple(hashes)


def _placed(error: ParseError, line: LogicalLine, start: int, end: int) -> ParseError:
    """`error` with its line, and the span of what it is about in the file (values may have been expanded)."""
    error.span = line.span(start, end)
    error.details = {**error.details, "line": line.number}
    return error
