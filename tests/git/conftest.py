"""What the tests of this room share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.isolated import environment


@pytest.fixture
def env(home: Path) -> dict[str, str]:
    """The environment of git itself."""
    return environment(home)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where clones go."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"
