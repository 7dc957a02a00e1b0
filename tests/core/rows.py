"""What runners of tests/cases share: which secrets a text gives away and what stands for a revision."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_PLACEHOLDER = re.compile(r"<(?:(?P<digits>[0-9]+)[ -]?(?P<hex>hex|HEX))?(?P<whose>[^>]*)>")
NO_SUCH = re.compile(r"unknown|absent|missing|no such|not? exist|nonexist|not in|random|bogus", re.IGNORECASE)
UNKNOWN = "5ca1ab1e" * 5
"""A commit that no repository has."""


def gives_away(secret: str, shown: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether what is shown of a URL holds its password, which may be a short or common word."""
    text, expected = json.dumps(shown), row["expected"]
    harmless = {key: value for key, value in expected.items() if key not in ("user", "password", "clone_url")}
    return f":{secret}@" in text or (secret in text and secret not in json.dumps([harmless, list(shown)]))


def revision(text: str | None, commits: Mapping[str, str]) -> str | None:
    """A row's revision, in which `<7hex>` and `<40HEX of PR head>` stand for digits of a commit of `commits`.

    Those without a name are of light1; `commits` knows UNREF, a ref's name, and `refs/tags/ann1` as the commit of the tag.
    """

    def digits(found: re.Match[str]) -> str:
        commit = _commit(found["whose"].lower(), commits)
        if found["digits"] == "64":
            commit = "0123456789abcdef" * 4
        written = (commit * 2)[: int(found["digits"] or 40)]
        return written.upper() if found["hex"] == "HEX" or "upper" in found["whose"].lower() else written

    return None if text is None else _PLACEHOLDER.sub(digits, text)


def _commit(whose: str, commits: Mapping[str, str]) -> str:
    if re.search(r"unref|unreachable", whose):
        return commits["UNREF"]
    if NO_SUCH.search(whose):
        return UNKNOWN
    if re.search(r"\bpr\b|pull", whose):
        return commits["refs/pull/1/head"]
    named = next((name for name in commits if re.search(rf"\b{re.escape(name.rpartition('/')[2])}\b", whose)), None)
    return commits[named or "refs/tags/light1"]


def expected_commit(name: str, commits: Mapping[str, str]) -> str:
    """What a row's `commit` stands for: a ref (`HEAD` is main), `UNREF`, or a placeholder."""
    name = str(revision(name, commits)).removesuffix("^{commit}").removesuffix("^{}")
    names = ("refs/heads/main",) if name == "HEAD" else (name, f"refs/heads/{name}", f"refs/tags/{name}")
    return next((commits[one] for one in names if one in commits), name)
