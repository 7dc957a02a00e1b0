"""What an installer gets: our modules, and two executables that start without loading more than they need."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from git_helper import __version__
from tests.support import BIN, ROOT, needs

EXECUTABLES = ("git-helper", "git-credential-git-helper")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the working tree."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [needs("hatchling"), "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT, capture_output=True, check=False
    )
    assert built.returncode == 0, built.stderr.decode()
    (path,) = folder.iterdir()
    return path


def wheel_scripts() -> ModuleType:
    """scripts/wheel_scripts.py, loaded as hatchling loads it."""
    spec = importlib.util.spec_from_file_location("wheel_scripts", ROOT / "scripts/wheel_scripts.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.mark.skipif(sys.platform == "win32", reason="a wheel built on Windows has entry points instead")
def test_the_wheel_brings_files_that_installers_point_at_their_interpreter(wheel: Path) -> None:
    assert wheel.name == f"git_helper-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        for name in EXECUTABLES:
            script = archive.read(f"git_helper-{__version__}.data/scripts/{name}").decode()
            assert script.startswith("#!python\n")
            assert "git_helper.__main__ import run" in script
            assert "import re" not in script
        # Where a file and an entry point have one name, installers drop the file.
        assert not [name for name in archive.namelist() if name.endswith("entry_points.txt")]


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
        assert "git_helper/__main__.py" in archive.namelist()
    assert tops == {"git_helper", f"git_helper-{__version__}.data", f"git_helper-{__version__}.dist-info"}


def test_windows_gets_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = wheel_scripts().EntryPointsOnWindows(str(ROOT), {})
    metadata: dict[str, object] = {}
    monkeypatch.setattr(sys, "platform", "win32")
    hook.update(metadata)
    assert metadata == {"scripts": dict.fromkeys(EXECUTABLES, "git_helper.__main__:main")}
    monkeypatch.setattr(sys, "platform", "linux")
    hook.update(metadata)
    assert metadata == {"scripts": {}}


@pytest.mark.parametrize("name", EXECUTABLES)
def test_the_installed_executable_names_the_interpreter_of_these_tests(name: str) -> None:
    first_line = (BIN / name).read_bytes().partition(b"\n")[0].decode()
    assert Path(os.path.abspath(first_line.removeprefix("#!"))).parent == BIN
