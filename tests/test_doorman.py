"""The shortcut by which the protocol door's modules are found: the same modules, only faster."""

from __future__ import annotations

import importlib
import importlib.machinery
import subprocess
import sys
from pathlib import Path

import pytest

import git_helper
from git_helper import Doorman
from tests.support import ROOT, run_helper

FOLDER = Path(git_helper.__file__).parent
NAMES = [f"git_helper.{name}" for name in (*git_helper._PACKAGES, *git_helper._MODULES)]


@pytest.mark.parametrize("name", NAMES)
def test_what_it_finds_is_what_a_search_finds(name: str) -> None:
    spec = Doorman(git_helper.__spec__).find_spec(name)
    parent = FOLDER.joinpath(*name.split(".")[1:-1])
    searched = importlib.machinery.PathFinder.find_spec(name, [str(parent)])
    assert spec is not None
    assert searched is not None
    for attribute in ("name", "origin", "cached", "has_location", "submodule_search_locations", "parent"):
        assert getattr(spec, attribute) == getattr(searched, attribute), attribute


@pytest.mark.parametrize("name", ["git_helper.cli", "git_helper.nothing", "git_helper", "core", "os"])
def test_what_it_does_not_know_is_left_to_the_search(name: str) -> None:
    assert Doorman(git_helper.__spec__).find_spec(name) is None


def test_a_module_that_does_not_exist_is_reported_as_usual() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"git_helper\.core\.nothing"):
        importlib.import_module("git_helper.core.nothing")


def test_it_knows_every_module_that_a_get_loads() -> None:
    """Otherwise a `get` searches: slower, and nobody would notice."""
    script = (
        "import sys; sys.argv = ['git-credential-git-helper', 'get']; import git_helper.__main__ as door\n"
        "door.main(sys.argv[0], ['get'], sys.stdin.buffer, sys.stdout.buffer, sys.stderr)\n"
        "print(*[name for name in sys.modules if name.startswith('git_helper.')])"
    )
    run_helper("--store", "file", "store", stdin=b"protocol=https\nhost=good.example\nusername=a\npassword=b\n")
    done = subprocess.run(
        [sys.executable, "-c", script], input=b"protocol=https\nhost=good.example\n", capture_output=True, cwd=ROOT
    )
    loaded = done.stdout.decode().splitlines()[-1].split()
    assert b"password=b" in done.stdout
    assert len(loaded) > 10
    assert set(loaded) <= set(NAMES)
