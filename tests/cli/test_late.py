"""Modules that wait until they are used: the same modules, loaded once, at the right time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

# In a fresh process: our finder knows only modules of ours, so the ones of the test are in a folder of that package.
_SCRIPT = """
import json, sys, threading
sys.path.insert(0, {root!r})
import git_helper
git_helper.__path__.append({folder!r})
from git_helper.cli.late import install
install()
install()
said = []
{body}
json.dump(said, sys.stdout)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where modules of `git_helper` may be made."""
    (tmp_path / "first.py").write_text(
        "import sys, time\nstarted = sys.modules.setdefault('started', [])\nstarted.append(__name__)\n"
        "time.sleep(0.05)\nfrom git_helper import second\nvalue = 1\n\ndef both():\n    return value, second.value\n"
    )
    (tmp_path / "second.py").write_text(
        "import sys\nsys.modules.setdefault('started', []).append(__name__)\nvalue = 2\n"
    )
    (tmp_path / "broken.py").write_text("value = 1\nraise ValueError('broken')\n")
    return tmp_path


def run(folder: Path, body: str) -> object:
    """What `body` puts into `said`; `started` are the modules that were loaded so far."""
    text = "started = sys.modules.setdefault('started', [])\n" + body
    script = _SCRIPT.format(root=str(ROOT), folder=str(folder), body=text)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_a_module_waits_until_something_of_it_is_used(folder: Path) -> None:
    body = (
        "from git_helper import first\nsaid.append(list(started))\nsaid.append(first.value)\nsaid.append(list(started))"
    )
    assert run(folder, body) == [[], 1, ["git_helper.first"]]


def test_one_that_it_imports_waits_too(folder: Path) -> None:
    body = "from git_helper import first\nsaid.append(first.both())\nsaid.append(list(started))"
    assert run(folder, body) == [[1, 2], ["git_helper.first", "git_helper.second"]]


def test_who_takes_a_name_has_it_loaded(folder: Path) -> None:
    assert run(folder, "from git_helper.second import value\nsaid += [value, list(started)]") == [
        2,
        ["git_helper.second"],
    ]


def test_who_takes_all_names_has_them(folder: Path) -> None:
    (folder / "third.py").write_text("__all__ = ['given']\n__version__ = '3'\ngiven, kept = 1, 2\n")
    body = "from git_helper.third import *\nsaid.append([given, 'kept' in globals()])"
    assert run(folder, body) == [[1, False]]
    assert run(folder, "from git_helper import third\nsaid.append(third.__version__)") == ["3"]


def test_importing_it_again_and_looking_at_its_file_load_nothing(folder: Path) -> None:
    body = """
import importlib, git_helper.second
from git_helper import second
said.append([importlib.import_module("git_helper.second") is second, second.__file__.endswith("second.py")])
said.append(list(started))
"""
    assert run(folder, body) == [[True, True], []]


def test_a_loaded_module_is_an_ordinary_one(folder: Path) -> None:
    body = """
import inspect, types
from git_helper import second
said.append([second.value, type(second) is types.ModuleType, "setdefault" in inspect.getsource(second)])
"""
    assert run(folder, body) == [[2, True, True]]


def test_many_threads_load_it_once_and_whole(folder: Path) -> None:
    body = """
from git_helper import first
barrier = threading.Barrier(8)
def use():
    barrier.wait()
    said.append(first.both())
threads = [threading.Thread(target=use) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
said.append(list(started))
"""
    assert run(folder, body) == [[1, 2]] * 8 + [["git_helper.first", "git_helper.second"]]


def test_one_that_fails_fails_where_it_is_used_and_each_time(folder: Path) -> None:
    body = """
from git_helper import broken
for _ in range(2):
    try:
        broken.anything
    except ValueError as error:
        said.append(str(error))
"""
    assert run(folder, body) == ["broken", "broken"]


def test_what_does_not_exist_is_missed_at_once(folder: Path) -> None:
    body = """
try:
    from git_helper import nothing
except ImportError as error:
    said.append(error.name)
try:
    import git_helper.nothing
except ModuleNotFoundError as error:
    said.append(error.name)
from git_helper import second
try:
    second.nothing
except AttributeError as error:
    said.append(str(error))
"""
    assert run(folder, body) == [
        "git_helper",
        "git_helper.nothing",
        "module 'git_helper.second' has no attribute 'nothing'",
    ]


def test_a_module_inside_a_package_that_waits_is_had_without_it(folder: Path) -> None:
    body = """
from urllib3.http2 import probe
said.append([type(sys.modules["urllib3.http2"]).__name__, probe.acquire_and_get.__module__])
import urllib3.http2
said.append([urllib3.http2.probe is probe, callable(urllib3.http2.inject_into_urllib3)])
said.append(type(sys.modules["urllib3.http2"]).__name__)
"""
    assert run(folder, body) == [["LateModule", "urllib3.http2.probe"], [True, True], "module"]


@pytest.mark.skipif("_bz2" in sys.builtin_module_names, reason="cannot be taken out of this Python")
def test_a_module_whose_other_half_was_not_built_is_missed_at_once(folder: Path) -> None:
    body = """
import bz2, lzma
said += [type(bz2).__name__, type(lzma).__name__]
del sys.modules["bz2"]
sys.path[:] = [place for place in sys.path if not place.endswith("lib-dynload")]
try:
    import bz2
except ImportError as error:
    said.append(error.name)
"""
    assert run(folder, body) == ["LateModule", "LateModule", "_bz2"]


def test_other_modules_are_loaded_as_ever(folder: Path) -> None:
    body = "import wave, types\nsaid.append(type(wave) is types.ModuleType)\nsaid.append(len(sys.meta_path) > 3)"
    assert run(folder, body) == [True, True]
    finders = "said += [type(finder).__name__ for finder in sys.meta_path if type(finder).__name__ == 'LateFinder']"
    assert run(folder, finders) == ["LateFinder"]
