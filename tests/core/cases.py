"""The data-driven expectations of tests/cases."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import ROOT


def cases(area: str, *without: str) -> list[Any]:
    """The rows of tests/cases/<area>.json as parameters named by their id, but for those in `without`."""
    rows = json.loads((ROOT / f"tests/cases/{area}.json").read_text("utf-8"))
    return [pytest.param(row, id=row["id"]) for row in rows if row["id"] not in without]
