"""`remote.<name>.*` of git's configuration, found by URL: we are given URLs, not names of remotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.core.url_text import split_url

if TYPE_CHECKING:
    from collections.abc import Iterable


def remote_setting(
    entries: Iterable[tuple[str, str, str]], url: str, variable: str, current: str | None = None
) -> tuple[str, str] | None:
    """The name and value of `remote.<name>.<variable>` of the remote that `url` belongs to, or None.

    `entries`: name, variable in lower case and value of every `remote.<name>.<variable>`, the last one counts. A URL
    belongs to the remote with the longest URL that is it or above it, user information apart; without one to `current`,
    the remote that is being made.
    """
    values: dict[tuple[str, str], str] = {}
    for name, key, value in entries:
        values[name, key] = value
    if not values:
        return None
    wanted = _place(url)
    fitting = [
        (len(place), name)
        for (name, key), value in values.items()
        if key == "url" and (place := _place(value)) and (wanted + "/").startswith(place + "/")
    ]
    remote = max(fitting)[1] if fitting else current
    found = None if remote is None else values.get((remote, variable))
    return None if found is None else (f"remote.{remote}.{variable}", found)


def _place(url: str) -> str:
    """Scheme, host and path, so that two spellings of one place are the same text; empty for what is no URL."""
    parts = split_url(url)
    if parts is None:
        return ""
    path = parts.path.rstrip("/")
    # `…/r` and `…/r.git` are one repository to every host that has both.
    path = path.removesuffix(".git") if path.endswith(".git") else path.replace(".git/", "/", 1)
    return f"{parts.scheme}://{parts.host_and_port.lower()}{path}"
