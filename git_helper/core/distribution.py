"""Names of projects and of their files: how they are compared, and what is a file that can be installed."""

from __future__ import annotations

import re

from packaging import utils

from git_helper.core.plain_url import PlainUrl
from git_helper.core.redaction import subject
from git_helper.core.url_text import split_url
from git_helper.errors import UsageError

_NAME = re.compile(r"[A-Z0-9](?:[A-Z0-9._-]*[A-Z0-9])?", re.IGNORECASE)
_LONGEST = 214  # characters; what registries take is shorter
_ARCHIVES = (".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tar.lzma", ".tlz", ".tar.zst", ".tar")
_SUFFIXES = (".whl", ".egg", *_ARCHIVES)


def is_project_name(text: str) -> bool:
    """Whether it may name a project (PEP 508)."""
    return len(text) <= _LONGEST and _NAME.fullmatch(text) is not None


def normalized(name: str) -> str:
    """The one spelling of a project's name (PEP 503): lower case, runs of `-`, `_` and `.` as one `-`."""
    return utils.canonicalize_name(name)


def checked_project(text: str) -> str:
    """`text` normalized. Raises UsageError when it is no name."""
    if not is_project_name(text):
        raise UsageError(f"cannot look for '{subject(text)}': it is no project's name", "write it as in 'my-project'")
    return normalized(text)


def is_distribution(filename: str) -> bool:
    """Whether a file of this name can be a wheel, an egg or a source archive."""
    lower = filename.lower()
    return any(lower.endswith(suffix) and len(lower) > len(suffix) for suffix in _SUFFIXES)


def belongs_to(filename: str, project: str) -> bool:
    """Whether the file's name says that it is of `project` (normalized).

    A wheel's name ends at the first `-` (PEP 427). That of a source archive may have `-` in it (PEP 625 came late): what
    follows the name begins a version with a digit.
    """
    stem = filename
    for suffix in _SUFFIXES:
        if filename.lower().endswith(suffix):
            stem = filename[: -len(suffix)]
            break
    if filename.lower().endswith((".whl", ".egg")):
        return normalized(stem.partition("-")[0]) == project
    places = [place for place, char in enumerate(stem) if char == "-"]
    return any(normalized(stem[:place]) == project and stem[place + 1 : place + 2].isdigit() for place in places)


def project_url(index: str, project: str) -> str:
    """Where an index at an http or https URL lists the files of a project (PEP 503), without userinfo.

    Raises UsageError (ParseError for the URL).
    """
    url, parts = PlainUrl.parse(index), split_url(index)
    query = "" if parts is None or parts.query is None else f"?{parts.query}"
    path = url.path.rstrip("/")
    return f"{url.scheme}://{url.authority.netloc}{path}/{checked_project(project)}/{query}"
