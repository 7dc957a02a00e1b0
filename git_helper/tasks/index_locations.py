"""Where a command looks for packages: what options, requirements files and settings say, merged in one place.

An option comes before a file, a file before the environment and what stands below that. There is one index; the others
and the find-links places of all of these add up.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from git_helper.core import indexes, requirements_file
from git_helper.core.mistyped import refuse_mistyped
from git_helper.core.parse_error import ParseError
from git_helper.core.redaction import subject
from git_helper.errors import UsageError
from git_helper.frozen import frozen
from git_helper.registry import local_place
from git_helper.secret import visible
from git_helper.system.file_url import url2pathname

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from git_helper.core.indexes import Kind
    from git_helper.core.requirements_file import OptionItem
    from git_helper.registry.local_place import Location
    from git_helper.tasks.gather import Source

    Written = str | indexes.Described


@frozen
class Configured:
    """What options or the environment (and the files of settings) say. `from_option`: which of the fields are options."""

    index_url: str | indexes.Described | None = None
    extra_index_url: Sequence[str | indexes.Described] = ()
    find_links: Sequence[str] = ()
    no_index: bool = False
    from_option: frozenset[str] = frozenset()

    def only_options(self) -> Configured:
        """Without what the environment and files of settings say."""
        has = self.from_option.__contains__
        return Configured(
            self.index_url if has("index-url") else None,
            self.extra_index_url if has("extra-index-url") else (),
            self.find_links if has("find-links") else (),
            has("no-index") and self.no_index,
            self.from_option,
        )


def index_locations(
    configured: Configured, sources: Iterable[Source] = (), environ: Mapping[str, str] | None = None
) -> list[Location]:
    """The index, the extra ones and the find-links places, in this order, each once; without indexes by `no_index`.

    Raises ParseError `duplicate-index-url` when two files name different indexes, UsageError for what is no URL or path.
    """
    without, index, extra, links = _in_files(sources)
    asked = _first(configured, [configured.index_url] if configured.index_url else [], index, "index-url")[:1]
    asked += _first(configured, configured.extra_index_url, extra, "extra-index-url")
    if configured.no_index or without:
        asked = []
    places = _first(configured, configured.find_links, links, "find-links")
    found = [location(one, "index", environ) for one in asked]
    return list(dict.fromkeys([*found, *(location(one, "find-links", environ) for one in places)]))


def _in_files(sources: Iterable[Source]) -> tuple[bool, list[str], list[str], list[str]]:
    """Whether a file wants no index; the indexes, the extra ones and the find-links places of all files."""
    no_index = False
    index: list[str] = []
    extra: list[str] = []
    links: list[str] = []
    first: tuple[str, Source] | None = None
    for source in sources:
        for item in source.scan.options:
            if item.name == requirements_file.INDEX_URL:
                text = _written(item, source)
                if first is not None and first[0] != text:
                    raise _conflict(item, source, first[1])
                first = text, source
                index.append(text)
            elif item.name == requirements_file.EXTRA_INDEX_URL:
                extra.append(_written(item, source))
            elif item.name == requirements_file.FIND_LINKS:
                links.append(_written(item, source))
            elif item.name == requirements_file.NO_INDEX:
                no_index = True
    return no_index, index, extra, links


def _first(configured: Configured, given: Sequence[Written], in_files: Sequence[str], name: str) -> list[Written]:
    return [*given, *in_files] if name in configured.from_option else [*in_files, *given]


def location(written: Written, kind: Kind, environ: Mapping[str, str] | None = None) -> Location:
    """A URL, of an index with a name in front if need be, or the path of a folder or file here. Raises UsageError."""
    if isinstance(written, indexes.Described):
        name, text, policy = None, written.url, written.authenticate
    else:
        name, text = indexes.named(written) if kind == "index" else (None, written)
        policy = "auto"
    if "://" in text and not text.lower().startswith("file:"):
        return indexes.Index.parse(text, name, authenticate=policy, kind=kind, environ=environ)
    refuse_mistyped(text)
    try:
        path = url2pathname(urlsplit(text).path) if text.lower().startswith("file:") else text
    except ValueError:
        path = ""
    if not path or "\0" in path:
        raise UsageError(f"cannot look in '{visible(text)}' for packages: it is no path and no URL")
    return local_place.LocalPlace(os.path.abspath(os.path.expanduser(path)), kind)


def _written(item: OptionItem, source: Source) -> str:
    """The URL or path of an option; a relative path lies beside its file."""
    if item.url is not None:
        if source.url is not None and item.url.scheme == "file":
            reason = "a file from a server cannot name one of this machine"
            raise UsageError(f"cannot use {item.name} in line {item.line} of '{visible(source.path)}': {reason}")
        return item.url.text.reveal().decode()
    path = item.value or ""
    if source.url is not None:
        try:
            return urljoin(source.url, path)
        except ValueError:
            raise UsageError(f"cannot use '{subject(path)}' of {item.name} in '{source.path}': it is no URL") from None
    return os.path.join(os.path.dirname(source.path), os.path.expanduser(path))


def _conflict(item: OptionItem, source: Source, other: Source) -> ParseError:
    shown = item.url.display if item.url is not None else item.value or ""
    reason = f"'{visible(other.path)}' names another index"
    hint = "name further indexes with --extra-index-url"
    error = ParseError("duplicate-index-url", shown, reason, item.span, hint, {"line": item.line})
    error.message = f"line {item.line} of '{visible(source.path)}': {error.message}"
    return error
