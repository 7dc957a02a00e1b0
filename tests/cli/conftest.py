"""Servers with repositories for the commands."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import demo_files, refs_repository
from tests.servers.git_http import GitHttpServer
from tests.servers.repositories import make_repository, random_files

Refs = tuple[Path, dict[str, str]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A server's folder with demo.git, a few kilobytes that compress."""
    make_repository(tmp_path / "root/demo.git", 2, demo_files())
    return tmp_path / "root"


@pytest.fixture
def noise(root: Path) -> Path:
    """noise.git: 1.5 MB in 60 files that do not compress."""
    return make_repository(root / "noise.git", 2, random_files(60, 25_000))


@pytest.fixture
def server(root: Path) -> Iterator[GitHttpServer]:
    """A server of that folder."""
    with GitHttpServer(root) as running:
        yield running


@pytest.fixture(scope="session")
def refs_made_once(tmp_path_factory: pytest.TempPathFactory) -> Refs:
    """The repository of 4-git-urls §2.4, which nobody changes, and its commits: it takes twenty git processes."""
    path = tmp_path_factory.mktemp("refs") / "gpkg.git"
    return path, refs_repository(path)


@pytest.fixture
def refs(refs_made_once: Refs, tmp_path: Path) -> Iterator[tuple[GitHttpServer, dict[str, str]]]:
    """That repository at /gpkg.git of a server, and its commits."""
    made, commits = refs_made_once
    shutil.copytree(made, tmp_path / "root/gpkg.git", symlinks=True)
    with GitHttpServer(tmp_path / "root") as server:
        yield server, commits
