"""Each test gets a home folder and an environment of its own, so that no test sees the machine it runs on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support import isolated_environment

# Machines that run several workers are too noisy for a limit on each example; pytest-timeout stops what hangs.
settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty HOME (0700) with its XDG folders; the whole environment is replaced by an isolated one."""
    folder = tmp_path_factory.mktemp("home")
    environment = isolated_environment(folder)
    for name in set(os.environ) - set(environment):
        if not name.startswith("PYTEST_"):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (folder / ".runtime").mkdir(mode=0o700)
    return folder
