"""What a command is about: its arguments and the requirements files it names, nested ones too, each in its order.

A file may be on a server. What is relative in it is beside it there; variables are for arguments and files of this machine,
since whoever writes a file on a server is not to learn their values from a URL in it.
"""

from __future__ import annotations

import os
from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from git_helper.core import requirements_file
from git_helper.core.expansion import Variables
from git_helper.core.location import location_span, with_variables
from git_helper.core.mistyped import refuse_mistyped
from git_helper.core.parse_error import ParseError
from git_helper.core.plain_url import PlainUrl
from git_helper.core.requirement import Requirement
from git_helper.core.text_encoding import decoded
from git_helper.core.url_text import with_authority
from git_helper.errors import GitHelperError, NotFound, StoreError, UsageError
from git_helper.frozen import frozen
from git_helper.secret import visible
from git_helper.system import files
from git_helper.system.file_url import url2pathname

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from git_helper.core.digests import Digest
    from git_helper.core.requirements_file import OptionItem, RequirementsFile

    Read = Callable[[str], bytes | None]
    Fetch = Callable[[PlainUrl], "Fetched"]


MOST_FILES = 200
MOST_BYTES = 16 << 20
"""Of one file: `-r` may name anything, /dev/zero too."""


class Fetched(Protocol):
    """A file from a server (`registry/text_file`)."""

    @property
    def content(self) -> bytes:
        """Its bytes."""

    @property
    def url(self) -> str:
        """Where it came from in the end, without userinfo."""

    @property
    def shown(self) -> str:
        """That for people."""

    def beside(self, path: str) -> PlainUrl:
        """What a relative path in it means. Raises ParseError."""


@frozen
class Source:
    """One requirements file: its path, or its URL for people; its text, and what it says.

    `url`: where on a server it is, without userinfo. `included`: the files of its `-r` options, by the number of the item;
    None for one that stood elsewhere before.
    """

    path: str
    text: str
    scan: RequirementsFile
    url: str | None = field(default=None, repr=False)
    included: dict[int, Source | None] = field(default_factory=dict)


@frozen
class Wanted:
    """One requirement, or the error that makes it unusable; `source` and `number` are its file and item there, if any."""

    text: str
    requirement: Requirement | None
    error: ParseError | None = None
    source: Source | None = None
    number: int = 0

    @property
    def hashes(self) -> list[Digest]:
        """Of its `--hash` options, in lower case."""
        item = None if self.source is None else self.source.scan.items[self.number]
        given = item.hashes if isinstance(item, requirements_file.RequirementItem) else ()
        return [(name, value) for name, _, value in (one.lower().partition(":") for one in given)]


@frozen
class Gathered:
    """All requirements in order, the files that were asked for (those in them are below them), and warnings to show.

    `files`: all files that were read, those of `-c` too, in that order.
    """

    wanted: tuple[Wanted, ...]
    sources: tuple[Source, ...]
    warnings: tuple[str, ...]
    files: tuple[Source, ...] = ()

    @property
    def needs_index(self) -> bool:
        """Whether a requirement is a name, which only an index can say more about."""
        return any(one.requirement is not None and one.requirement.kind == "name" for one in self.wanted)


def read_file(path: str) -> bytes | None:
    """A requirements file of this machine; None when there is none. Raises UsageError for one that cannot be meant."""
    try:
        return files.read(path, MOST_BYTES)
    except StoreError as error:
        raise UsageError(error.message) from None


def gather(
    arguments: Sequence[str],
    files: Sequence[str],
    read: Read,
    environ: Mapping[str, str],
    fetch: Fetch | None = None,
    *,
    may_be_empty: bool = False,
) -> Gathered:
    """Reads everything. `read` gives a file's bytes, None when there is none; `fetch` those of a URL.

    A constraint limits versions and asks for nothing, so files named by `-c` are read for their errors and options only.
    Raises UsageError, NotFound, ParseError, and what `fetch` raises.
    """
    variables = Variables(environ, os.getcwd() if any("${" in text for text in arguments) else None)
    wanted = [_argument(text, variables) for text in arguments]
    reader = _Reader(read, environ, fetch, wanted)
    sources = [source for path in files if (source := reader.file(_place(path))) is not None]
    if not wanted and not files and not may_be_empty:
        raise UsageError("nothing to do: name a requirement or a file", "name a file by -r requirements.txt")
    seen = tuple(reader.seen.values())
    warnings = variables.warnings | dict.fromkeys(warning for source in seen for warning in _warnings(source))
    return Gathered(tuple(wanted), tuple(sources), tuple(warnings), seen)


def _argument(text: str, variables: Variables) -> Wanted:
    """Its URL or path may hold `${NAME}`, as a file's (and as uv's arguments): a shell leaves it alone in single quotes."""
    written = text.strip(" \t\r\n")
    try:
        span = location_span(written) if "${" in written else None
        if span is None:
            return Wanted(text, Requirement.parse(text))
        return Wanted(text, with_variables(written, span, variables.expanded)[0])
    except ParseError as error:
        return Wanted(text, None, error)


def _place(path: str) -> PlainUrl | str:
    """A URL of a server, or a path. Raises ParseError."""
    path = with_authority(path)
    if "://" not in path:
        refuse_mistyped(path)
        return path
    url = PlainUrl.parse(path)
    return url2pathname(url.path) if url.scheme == "file" else url


def _warnings(source: Source) -> list[str]:
    if source.url is None:
        return list(source.scan.warnings)
    where = f"in '{source.path}' stays as it is: only files of this machine may use variables"
    unset = " is not set"
    return [
        f"${{{text.removesuffix(unset)}}} {where}" if text.endswith(unset) else text for text in source.scan.warnings
    ]


class _Reader:
    """Reads each file once, whatever it is called; once more if it is named by `-r` and by `-c`.

    Requirements are added to `wanted`; of what `-c` names only those that cannot be used.
    """

    def __init__(self, read: Read, environ: Mapping[str, str], fetch: Fetch | None, wanted: list[Wanted]) -> None:
        self.seen: dict[object, Source] = {}
        self._wanted = wanted
        self._read = read
        self._environ = environ
        self._fetch = fetch

    def file(self, place: PlainUrl | str, named: str = "", *, limits: bool = False) -> Source | None:
        """The file, with those that it names; None for one that was read before.

        `named`: for messages, where it is named. `limits`: by `-c`, or in a file that is named so.
        """
        key = limits, os.path.realpath(place) if isinstance(place, str) else place.base
        if key in self.seen:
            return None
        if len(self.seen) >= MOST_FILES:
            shown = visible(place) if isinstance(place, str) else place.safe_url
            raise UsageError(f"cannot read '{shown}': there are {MOST_FILES} requirements files already")
        try:
            path, text, fetched = self._local(place) if isinstance(place, str) else self._fetched(place)
        except GitHelperError as error:
            error.message += named
            raise
        try:
            scan = requirements_file.scan
            scanned = scan(text, self._environ, os.getcwd()) if fetched is None else scan(text, {})
        except ParseError as error:
            raise _placed(error, path, named) from None
        source = Source(path, text, scanned, None if fetched is None else fetched.url)
        self.seen[key] = source
        self._items(source, fetched, named, limits)
        return source

    def _items(self, source: Source, fetched: Fetched | None, named_above: str, limits: bool) -> None:
        for number, item in enumerate(source.scan.items):
            if isinstance(item, requirements_file.RequirementItem):
                if limits and item.error is None:
                    continue
                written = source.text[slice(*item.span)]
                wrong = None if item.error is None else _placed(item.error, source.path, named_above)
                self._wanted.append(Wanted(written, item.requirement, wrong, source, number))
            elif item.name in (requirements_file.REQUIREMENT, requirements_file.CONSTRAINT):
                named = f", named in line {item.line} of '{visible(source.path)}'"
                is_requirement = item.name == requirements_file.REQUIREMENT
                place = _nested(source, fetched, item, named)
                below = self.file(place, named, limits=limits or not is_requirement)
                if is_requirement:
                    source.included[number] = below

    def _local(self, path: str) -> tuple[str, str, None]:
        content = self._read(path)
        if content is None:
            raise NotFound(f"cannot find the requirements file '{visible(path)}'")
        return path, decoded(content, path), None

    def _fetched(self, url: PlainUrl) -> tuple[str, str, Fetched]:
        if self._fetch is None:
            hint = "download the file first and name it by its path"
            raise UsageError(f"cannot read '{url.safe_url}': it is a URL", hint)
        fetched = self._fetch(url)
        return fetched.shown, decoded(fetched.content, fetched.shown), fetched


def _placed(error: ParseError, path: str, named: str) -> ParseError:
    """With the file and line in its message.

    A file that another one names may be anything, somebody's netrc too: what stands in it is not shown.
    """
    message = f"cannot use it: {error.reason}" if named else error.message
    error.message = f"line {error.details.get('line', '?')} of '{visible(path)}': {message}"
    return error


def _nested(source: Source, fetched: Fetched | None, item: OptionItem, named: str) -> PlainUrl | str:
    """What a `-r` or `-c` means. Raises UsageError, ParseError among them."""
    if item.url is not None and item.url.scheme != "file":
        return item.url
    path = (item.value or "") if item.url is None else url2pathname(item.url.path)
    if fetched is not None:
        if item.url is not None:
            reason = "a file from a server cannot name one of this machine"
            raise UsageError(f"cannot read '{visible(path)}'{named}: {reason}")
        return fetched.beside(path)
    if "\0" in path:
        raise UsageError(f"cannot read '{visible(path)}'{named}")
    return os.path.join(os.path.dirname(source.path), os.path.expanduser(path))
