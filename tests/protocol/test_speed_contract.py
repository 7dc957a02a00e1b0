"""What a `get` may load: the modules, not the milliseconds, and the memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import BIN, ROOT, run_helper

FORBIDDEN = {
    *("typer", "rich", "keyring", "dulwich", "paramiko", "urllib3", "cryptography", "packaging", "certifi"),
    *("ssl", "socket", "subprocess", "dataclasses", "re", "typing", "pathlib", "enum", "logging", "json"),
    *(
        "collections",
        "contextlib",
        "functools",
        "tempfile",
        "threading",
        "urllib",
        "inspect",
        "traceback",
        "importlib.util",
    ),
}
MEBIBYTE = 1 << 20
REQUEST = b"protocol=https\nhost=good.example\n"

# Run without `site` (-S), whose .pth files may import anything; says on stderr what it loaded and its peak of memory.
_GET = """
import sys
sys.path.insert(0, {root!r})
before = set(sys.modules)
from git_helper.__main__ import main
code = main({program!r}, {words!r}, sys.stdin.buffer, sys.stdout.buffer, sys.stderr)
loaded = set(sys.modules) - before
import json
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
json.dump([code, sorted(loaded), peak], sys.stderr)
"""


def run(*words: str, stdin: bytes = REQUEST, program: str = "git-credential-git-helper") -> tuple[bytes, set[str], int]:
    """The answer of a fresh process, the modules that it loaded, and its peak of memory in bytes."""
    script = _GET.format(root=str(ROOT), program=program, words=list(words))
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], input=stdin, capture_output=True, check=True, env=dict(os.environ)
    )
    code, modules, peak = json.loads(done.stderr)
    assert code == 0
    return done.stdout, set(modules), peak


@pytest.fixture
def stored() -> None:
    done = run_helper("--store", "file", "store", stdin=REQUEST + b"username=alice\npassword=p\n")
    assert done.returncode == 0


def case_file(monkeypatch: pytest.MonkeyPatch, home: Path) -> bytes:
    stored_text = REQUEST + b"username=alice\npassword=p\n"
    assert run_helper("--store", "file", "store", stdin=stored_text).returncode == 0
    return b"username=alice\npassword=p\n"


def case_variable(monkeypatch: pytest.MonkeyPatch, home: Path) -> bytes:
    monkeypatch.setenv("GIT_HELPER_TOKEN_GOOD_EXAMPLE", "t")
    return b"username=git\npassword=t\n"


def case_ci(monkeypatch: pytest.MonkeyPatch, home: Path) -> bytes:
    monkeypatch.setenv("CI_JOB_TOKEN", "t")
    monkeypatch.setenv("CI_SERVER_HOST", "good.example")
    return b"username=gitlab-ci-token\npassword=t\n"


def case_nothing(monkeypatch: pytest.MonkeyPatch, home: Path) -> bytes:
    (home / ".netrc").write_text("machine other.example login a password b\n")
    return b""


def case_netrc(monkeypatch: pytest.MonkeyPatch, home: Path) -> bytes:
    (home / ".netrc").write_text("machine good.example login a password b\n")
    return b"username=a\npassword=b\n"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read in /proc")
@pytest.mark.parametrize("case", [case_file, case_variable, case_ci, case_nothing, case_netrc])
def test_a_get_loads_little_and_stays_small(case: object, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    assert callable(case)
    expected = case(monkeypatch, home)
    answer, modules, peak = run("--store", "file", "get")
    assert answer == expected
    assert {name for name in modules if name in FORBIDDEN or name.partition(".")[0] in FORBIDDEN} == set()
    ours = {name for name in modules if name.partition(".")[0] == "git_helper"}
    foreign = modules - ours - set(sys.stdlib_module_names) - {"os.path"}
    assert foreign == set(), "no third party on the protocol door"
    assert not {name for name in ours if name.split(".")[1:2] in (["cli"], ["ui"], ["net"], ["bridges"])}
    assert ("git_helper.core.netrc" in modules) is (case is case_netrc)
    assert peak < 12 * MEBIBYTE, f"{peak / MEBIBYTE:.1f} MiB"


@pytest.mark.parametrize("word", ["capability", "frobnicate"])
def test_what_asks_nobody_loads_nobody(word: str) -> None:
    _, modules, _ = run(word)
    assert not {name for name in modules if name.startswith(("git_helper.sources", "git_helper.stores"))}
    assert not modules & FORBIDDEN


def test_a_source_behind_the_one_that_answers_is_not_loaded(monkeypatch: pytest.MonkeyPatch, stored: None) -> None:
    monkeypatch.setenv("GIT_HELPER_TOKEN_GOOD_EXAMPLE", "t")
    _, modules, _ = run("get")
    loaded = {name for name in modules if name.startswith(("git_helper.sources.", "git_helper.stores."))}
    # The names of the stores come from the recorded choice.
    assert loaded == {"git_helper.sources.environment_token", "git_helper.stores.choice"}


def test_a_needless_store_loads_nothing_that_writes(stored: None) -> None:
    text = b"capability[]=state\n" + REQUEST + b"username=alice\npassword=p\nstate[]=git-helper:seen=1\n"
    _, modules, _ = run("store", stdin=text)
    assert not modules & (FORBIDDEN | {"git_helper.system.files", "git_helper.stores.credential_file"})


def test_the_executables_start_without_the_packaging_machinery() -> None:
    """Entry points of installers import `re`; ours are files."""
    for name in ("git-helper", "git-credential-git-helper"):
        text = (BIN / name).read_text()
        assert "import re" not in text
        assert "importlib" not in text


def test_the_forbidden_modules_would_be_noticed() -> None:
    script = "import sys; import re, subprocess, json; print(sorted(set(sys.modules) & {'re', 'subprocess', 'enum'}))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "['enum', 're', 'subprocess']"
