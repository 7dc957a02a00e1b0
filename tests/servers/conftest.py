"""What the tests of the servers share: a folder with one private repository, and git in an environment of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.isolated import environment
from tests.servers.repositories import make_repository


@pytest.fixture
def env(home: Path) -> dict[str, str]:
    """For git: the test's own home, no prompt, no helper."""
    return environment(home)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A server's folder with team/demo.git in it."""
    make_repository(tmp_path / "root" / "team" / "demo.git")
    return tmp_path / "root"
