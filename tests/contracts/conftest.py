"""A real Secret Service for the tests of this folder, one for each worker."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.secret_service import SecretService, quick_folder, running


@pytest.fixture(scope="session")
def secret_service_of_worker() -> Iterator[SecretService]:
    """Started once: see `secret_service`."""
    with tempfile.TemporaryDirectory(prefix="gh-", dir=quick_folder()) as folder, running(Path(folder)) as service:
        yield service


@pytest.fixture
def secret_service(
    home: Path, secret_service_of_worker: SecretService, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SecretService]:
    """An empty, unlocked gnome-keyring, in the environment of the test."""
    for name, value in secret_service_of_worker.environment.items():
        monkeypatch.setenv(name, value)
    secret_service_of_worker.clear()
    yield secret_service_of_worker
    secret_service_of_worker.clear()
