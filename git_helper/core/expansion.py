"""`${NAME}` in requirements files, as pip and uv know it; the environment is an argument."""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING
from urllib.parse import quote

from git_helper.core.parse_error import ParseError
from git_helper.core.url_text import split_url
from git_helper.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
# No URL holds the first; in a userinfo the second end the authority.
_BREAKS_URL = re.compile(r"[\s\x00-\x1f\x7f]")
_BREAKS_USERINFO = re.compile(r"[/?#\\\s\x00-\x1f\x7f]")


@frozen
class Expansion:
    """`text` may hold secrets; `missing` are the names that are not set, each once."""

    text: str = field(repr=False)
    missing: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """One sentence for each missing name."""
        return tuple(f"{name} is not set" for name in self.missing)


def expand(text: str, environment: Mapping[str, str], project_root: str | None = None) -> Expansion:
    """Replace `${NAME}`, NAME of `A-Z 0-9 _`, once: an unset one stays as it is, an empty value counts.

    `project_root` is the value of `${PROJECT_ROOT}` when the environment has none (the working folder).
    """
    values = _with_root(environment, project_root)
    names = dict.fromkeys(VARIABLE.findall(text))
    missing = tuple(name for name in names if name not in values)
    return Expansion(VARIABLE.sub(lambda found: values.get(found[1], found[0]), text), missing)


def expand_location(text: str, environment: Mapping[str, str], project_root: str | None = None) -> Expansion:
    """As `expand`, for a URL or path; in a URL `${PROJECT_ROOT}` is percent-encoded when it is the working folder.

    ParseError `invalid-url` when a value in a URL holds a blank, or would end the userinfo in which it stands.
    """
    url = split_url(text)
    if url is None:
        return expand(text, environment, project_root)
    encoded = None if project_root is None else quote(project_root, safe="/:")
    values = _with_root(environment, encoded)
    for found in VARIABLE.finditer(text):
        name = found[1]
        in_userinfo = url.authority_start <= found.start() < url.userinfo_end
        if (_BREAKS_USERINFO if in_userinfo else _BREAKS_URL).search(values.get(name, "")):
            reason = f"the value of {name} cannot stand in a URL as it is"
            raise ParseError("invalid-url", text, reason, found.span(), f"percent-encode the value of {name}")
    return expand(text, values)


@frozen
class Variables:
    """What `${NAME}` stands for; `warnings` has the sentences to show, each once, as keys."""

    environment: Mapping[str, str] = field(repr=False)
    project_root: str | None = None
    warnings: dict[str, None] = field(default_factory=dict)

    def expanded(self, location: str) -> str:
        """A URL or path with its variables replaced. Raises ParseError."""
        if "${" not in location:
            return location
        expansion = expand_location(location, self.environment, self.project_root)
        self.warnings.update(dict.fromkeys(expansion.warnings))
        return expansion.text


def _with_root(environment: Mapping[str, str], project_root: str | None) -> Mapping[str, str]:
    if project_root is None or "PROJECT_ROOT" in environment:
        return environment
    return {**environment, "PROJECT_ROOT": project_root}
