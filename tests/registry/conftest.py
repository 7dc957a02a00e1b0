"""A world for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import keyring
import pytest

from tests.net.ports import Ports
from tests.registry.world import World, a_world


@pytest.fixture
def ports() -> Iterator[Ports]:
    with ExitStack() as stack:
        yield Ports(stack)


@pytest.fixture
def world(ports: Ports, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with a_world(ports, home, monkeypatch) as world:
        yield world


@pytest.fixture
def chosen() -> Iterator[None]:
    """Whatever keyring a test chooses, it was another before."""
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)
