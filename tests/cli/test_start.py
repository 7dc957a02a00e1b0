"""What commands may load before their first byte is on the screen or the wire: modules, not milliseconds (7-speed S13)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

# Started without the tests' own path hooks; says on stderr what was loaded when the first byte left. Modules that wait
# (cli/late.py) are imported, but not loaded. Of urllib3's patterns, those that were compiled are among them.
_COMMAND = """
import sys
sys.path.insert(0, {root!r})
import os, socket, threading
from git_helper.__main__ import main

once = threading.Lock()

def tell():
    once.acquire()  # two connections may begin at once
    import json
    loaded = [name for name, module in list(sys.modules.items()) if type(module).__name__ != "LateModule"]
    for module in [module for name, module in list(sys.modules.items()) if name == "urllib3.util.url"]:
        patterns = [(name, one) for name, one in vars(module).items() if type(one).__name__ == "WaitingPattern"]
        loaded += [module.__name__ + "." + name for name, one in patterns if len(vars(one)) > 1]
    os.write(2, json.dumps(loaded).encode())
    os._exit(0)

class Screen:
    def __getattr__(self, name):
        return getattr(sys.__stdout__, name)
    def write(self, text):
        tell()
    buffer = property(lambda self: self)

def seen(event, arguments):
    if event == "socket.connect" and threading.current_thread().name != "call":
        tell()

class Thread(threading.Thread):
    def start(self):
        if {called} and self.name == "call":
            tell()
        super().start()

threading.Thread = Thread
sys.stdout = Screen()
sys.addaudithook(seen)
sys.exit(main("git-helper", {words!r}, sys.stdin.buffer, sys.__stdout__.buffer, sys.stderr))
"""
HEAVY = {"dulwich", "paramiko", "cryptography", "keyring", "pydantic", "ijson", "truststore", "pygments", "markdown_it"}
DRAWING, NET = {"rich.console", "rich.markdown", "rich.progress"}, {"urllib3", "http.client", "certifi"}
# What libraries import at their start and we hardly ever use. (`ast` and `platform`: Python 3.11 loads them at once.)
SELDOM = {"calendar", "email.header", "importlib.metadata", "locale", "mimetypes", "tokenize", "zipfile"}
FRONT = {"app", "commands", "late", "patterns", "quick"}
NAMES = {"packaging.markers", "packaging.requirements", "packaging.version", "packaging.tags"}


def loaded(*words: str, env: dict[str, str] | None = None, stdin: bytes = b"", called: bool = False) -> set[str]:
    """The modules that a fresh process has loaded when its first byte leaves; `called`: when a server is called."""
    script = _COMMAND.format(root=str(ROOT), words=list(words), called=called)
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=stdin,
        capture_output=True,
        env={**os.environ, **(env or {})},
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    return set(json.loads(done.stderr.decode().splitlines()[-1]))


def among(names: set[str], modules: set[str]) -> set[str]:
    """Those of `modules` that are one of `names`, or below it."""
    return {module for module in modules if any(module == name or module.startswith(f"{name}.") for name in names)}


def ours(modules: set[str], room: str) -> set[str]:
    """The names of our modules in a room."""
    prefix = f"git_helper.{room}."
    return {module.removeprefix(prefix) for module in modules if module.startswith(prefix)}


def test_the_version_needs_no_library() -> None:
    modules = loaded("--version")
    assert not ours(modules, "cli")
    assert not among({"typer", "typing", "inspect"}, modules)


@pytest.mark.parametrize("words", [("--help",), ("-h",)])
def test_what_only_names_the_commands_loads_none(words: tuple[str, ...]) -> None:
    modules = loaded(*words)
    assert ours(modules, "cli") == FRONT
    assert not among(HEAVY | {"rich"} | NET | NAMES | SELDOM | {"ipaddress", "subprocess"}, modules)
    assert "git_helper.core.redaction" not in modules
    assert not {room for room in ("tasks", "net", "git", "wiring", "ui") if ours(modules, room)}


@pytest.mark.parametrize("command", ["resolve", "clone", "list", "configure"])
def test_the_help_of_a_command_loads_that_one(command: str) -> None:
    modules = loaded(command, "--help")
    places = {"resolve": "requirements", "clone": "repositories", "list": "accounts", "configure": "setup"}
    others = ours(modules, "cli") - FRONT - {"common"}
    assert others == {places[command]}
    assert not among(HEAVY | DRAWING | NET | NAMES, modules)


@pytest.mark.parametrize(
    "words",
    [
        ("cache", "dir"),
        ("token", "https://good.example"),
        ("parse", "--json", "git+https://h.example/x"),
    ],
    ids=lambda words: words[0],
)
def test_what_prints_plain_text_asks_and_draws_nothing(words: tuple[str, ...]) -> None:
    if words[0] == "token":
        modules = loaded(*words, env={"GIT_HELPER_TOKEN_GOOD_EXAMPLE": "t"})
    else:
        modules = loaded(*words)
    assert not among(HEAVY | DRAWING | NET | NAMES | SELDOM, modules)


@pytest.mark.parametrize("words", [("parse", "git+https://good.example/x"), ("list", "--json"), ("configure", "-h")])
def test_what_shows_tables_needs_no_network(words: tuple[str, ...]) -> None:
    assert not among(HEAVY | NET | NAMES, loaded(*words))


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_resolve_and_download_load_no_dulwich_and_draw_nothing_without_a_terminal(
    scheme: str, port: int, tmp_path: Path
) -> None:
    url = f"git+{scheme}://localhost:{port}/x"
    for words in (("resolve", f"{url}@v1"), ("download", "-d", str(tmp_path / "out"), f"{url}@{'ab' * 20}")):
        modules = loaded(*words)
        assert "urllib3" in modules
        assert not among((HEAVY | DRAWING | NAMES | SELDOM) - {"dulwich"}, modules)
        assert "urllib3.util.url._TARGET_RE" in modules
        assert "urllib3.util.url._HOST_PORT_RE" not in modules, "net/pools.py has urllib3 read the URL once more"
        assert "urllib3.http2.probe" in modules
        assert "urllib3.http2" not in modules
        assert not among({"dulwich.client", "dulwich.repo", "dulwich.objects"}, modules)
        assert not {"pool", "lfs", "history", "clone_fetch", "full_clone"} & ours(modules, "git")
        assert "git_helper.wiring.ssh" not in modules


@pytest.mark.parametrize(
    "words",
    [("resolve", "git+{url}/x@v1"), ("download", "-d", "out", "git+{url}/x@v1"), ("index", "{url}/simple/")],
    ids=lambda words: words[0],
)
def test_a_server_is_called_before_what_speaks_to_it_is_loaded(words: tuple[str, ...], port: int) -> None:
    modules = loaded(*(word.format(url=f"https://localhost:{port}") for word in words), called=True)
    assert "git_helper.net.calls" in modules
    assert not among(NET | HEAVY | {"ssl"}, modules - {"certifi"})


def test_a_requirements_file_of_urls_needs_no_packaging(port: int, tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text(f"git+http://localhost:{port}/x@v1\ntool @ git+http://localhost:{port}/y@v1\n")
    assert not among(NAMES | HEAVY, loaded("resolve", "-r", str(path)))


def test_names_and_markers_are_read_by_packaging(port: int) -> None:
    modules = loaded("resolve", f"tool @ git+http://localhost:{port}/x@v1 ; python_version > '3'")
    assert "packaging.markers" in modules


def test_clone_needs_dulwich_and_login_does_not(port: int, tmp_path: Path) -> None:
    assert "dulwich.client" in loaded("clone", f"http://localhost:{port}/x", str(tmp_path / "x"))
    modules = loaded("login", "--with-token", f"https://localhost:{port}", stdin=b"token\n")
    assert not among(HEAVY | NAMES, modules)


def test_what_waits_would_be_noticed_when_it_does_not() -> None:
    script = "import rich.console, sys; print(type(sys.modules['rich.console']).__name__)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout == b"module\n"
