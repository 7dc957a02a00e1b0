"""The data-driven expectations of tests/cases."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import ROOT


def cases(area: str, *without: str) -> list[Any]:
    """The rows of tests/cases/<area>.json, and of our own tests/cases/more/<area>.json where there is one, as parameters
    named by their id, but for those in `without`."""
    paths = [ROOT / f"tests/cases/{area}.json", ROOT / f"tests/cases/more/{area}.json"]
    rows = [row for path in paths if path.exists() for row in json.loads(path.read_text("utf-8"))]
    for row in rows:
        row.setdefault("setup", {})
        row.setdefault("expected", {}).pop("note", None)  # a word to the reader
    return [pytest.param(row, id=row["id"]) for row in rows if row["id"] not in without]
