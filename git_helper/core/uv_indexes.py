"""`[[tool.uv.index]]` of a pyproject.toml: where uv looks for packages, and whether it sends credentials there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from git_helper.core.given import Given, failure
from git_helper.core.indexes import Described

if TYPE_CHECKING:
    from git_helper.core.given import Layer, Provenance
    from git_helper.core.option_kinds import Place

_POLICIES = ("auto", "always", "never")
_INDEX, _EXTRA, _LINKS = "index-url", "extra-index-url", "find-links"


def of_tables(tables: object, provenance: Provenance, place: Place) -> Layer:
    """The options that the tables stand for: the index, the extra ones, and what is flat, the find-links places.

    An index that is `explicit` is for the packages that `[tool.uv.sources]` gives to it, which are none of ours; so it is
    left out. Its `name` means nothing here (see `Described`), nor do keys that are uv's own affair. Raises UsageError.
    """
    if not isinstance(tables, list):
        raise _failure(provenance, "expected an array of tables")
    layer: dict[str, list[Given]] = {}
    for table in tables:
        if not isinstance(table, dict):
            raise _failure(provenance, "expected an array of tables")
        url = table.get("url")
        if not isinstance(url, str) or not url or "\0" in url:
            raise _failure(provenance, "an index without 'url'")
        url = url if "://" in url or url.lower().startswith("file:") else place(url)
        policy = _policy(table, provenance)
        if _switch(table, "explicit", provenance):
            continue
        if table.get("format", "simple") == "flat":
            layer.setdefault(_LINKS, []).append(Given(url, provenance))
            continue
        option = _INDEX if _switch(table, "default", provenance) and _INDEX not in layer else _EXTRA
        layer.setdefault(option, []).append(Given(Described(url, policy), provenance))
    return layer


def _policy(table: dict[str, Any], provenance: Provenance) -> Any:
    policy = table.get("authenticate", "auto")
    if policy not in _POLICIES:
        raise _failure(provenance, f"'authenticate' is not one of {', '.join(_POLICIES)}")
    return policy


def _switch(table: dict[str, Any], key: str, provenance: Provenance) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise _failure(provenance, f"'{key}' is neither true nor false")
    return value


def _failure(provenance: Provenance, reason: str) -> Exception:
    return failure(f"'index' of {provenance.name}", provenance, reason)
