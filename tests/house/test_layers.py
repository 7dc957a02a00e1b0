"""The layers of the house: import-linter enforces them in `make check`; here its contracts are broken on purpose."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.support import ROOT, needs

# The rooms as CONTRIBUTING.md draws them, top first; rooms in one set do not know each other.
ROOMS = [
    {"__main__"},
    {"cli"},
    {"wiring"},
    {"tasks", "ui", "bridges"},
    {"sources", "stores", "registry", "git"},
    {"net"},
    {"system"},
    {"core"},
    {"secret", "errors", "frozen"},
]


def lint(folder: Path) -> subprocess.CompletedProcess[bytes]:
    """What import-linter says of the project in `folder`."""
    return subprocess.run(
        [needs("lint-imports"), "--no-cache"], cwd=folder, capture_output=True, check=False, timeout=60
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A small house with our contracts: one empty module a room, so that only what a test adds can break them."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    package = tmp_path / "git_helper"
    for room in set().union(*ROOMS):
        is_file = room in ("__main__", "secret", "errors", "frozen")
        path = package / (f"{room}.py" if is_file else f"{room}/__init__.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (package / "__init__.py").touch()
    return tmp_path


def test_the_contract_lists_the_rooms_in_order() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract for contract in contracts if contract["type"] == "layers")
    assert [set(re.findall(r"\w+", layer)) for layer in layers["layers"]] == ROOMS
    assert layers["exhaustive"], "a new room must be given its place"
    assert not any(":" in layer for layer in layers["layers"]), "rooms side by side are strangers ('|', not ':')"


def test_an_honest_house_passes(copy: Path) -> None:
    (copy / "git_helper/tasks/answer.py").write_text("import git_helper.net\nfrom git_helper.errors import *\n")
    (copy / "git_helper/git/ssh").mkdir()
    (copy / "git_helper/git/ssh/__init__.py").touch()
    (copy / "git_helper/git/ssh/library.py").write_text("import paramiko\nfrom dulwich import client\n")
    result = lint(copy)
    assert result.returncode == 0, result.stdout.decode()


@pytest.mark.parametrize(
    ("module", "text", "contract"),
    [
        ("core/wire.py", "import git_helper.net", "rooms are layers"),
        ("tasks/answer.py", "def f():\n    import git_helper.cli", "rooms are layers"),
        ("sources/netrc_file.py", "from git_helper import stores", "rooms are layers"),
        ("secret.py", "import git_helper.errors", "rooms are layers"),
        ("attic/__init__.py", "", "rooms are layers"),
        ("core/wire.py", "import os.path", "core is pure"),
        ("core/wire.py", "from time import time", "core is pure"),
        ("stores/credential_file.py", "import keyring.backend", "door: keyring"),
        ("tasks/answer.py", "from rich.table import Table", "door: rich"),
        ("ui/prompt.py", "import typer", "door: typer"),
        ("cli/app.py", "import click", "door: typer"),
        ("git/http.py", "import urllib3", "door: urllib3"),
        ("net/tls.py", "import dulwich.client", "door: dulwich"),
        ("git/fetch.py", "import paramiko", "door: paramiko"),
        ("stores/os_keyring.py", "import cryptography", "door: cryptography"),
        ("core/giturl.py", "import packaging.utils", "door: packaging"),
    ],
)
def test_a_broken_contract_is_noticed(copy: Path, module: str, text: str, contract: str) -> None:
    path = copy / "git_helper" / module
    path.parent.mkdir(exist_ok=True)
    path.write_text(text + "\n")
    result = lint(copy)
    assert result.returncode != 0
    assert re.search(rf"{contract}.*BROKEN", result.stdout.decode()), result.stdout.decode()
