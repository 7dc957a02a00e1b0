"""The demo's second part: a private Git dependency is resolved, pinned, downloaded and installed."""

from __future__ import annotations

import json
import sys

from scripts._demo_credentials import QUESTION, USER, World, files_with
from tests.servers.repositories import resolve as commit_of

PACKAGE = "greeting"


def resolve(demo: World) -> None:
    """A requirements file names a branch; what is installed should be a commit."""
    line = f"{PACKAGE} @ git+{demo.url}@main#subdirectory=packages/greeting  # private\n"
    (demo.stage.work / "requirements.txt").write_text(line)
    demo.stage.run("cat", "requirements.txt")
    demo.server.forget()
    pinned = demo.stage.run("git-helper", "resolve", "-r", "requirements.txt", "--format", "requirements")
    commit = commit_of(demo.repository, "main")
    demo.stage.check(
        commit in pinned.output and "# private" in pinned.output, "the branch became a commit, nothing else"
    )
    demo.stage.check(len(demo.server.exchanges) == 2, "one refused and one answered request told it")
    (demo.stage.work / "pinned.txt").write_text(pinned.output)


def download(demo: World) -> None:
    """The tree of that commit, without git."""
    command = ("git-helper", "download", "-r", "pinned.txt", "-d", "sources", "--json")
    found = json.loads(demo.stage.run(*command).output)
    demo.stage.check((demo.stage.work / found[0]["path"] / "pyproject.toml").is_file(), "the source is there")
    demo.server.forget()
    again = demo.stage.run("git-helper", "download", "-r", "pinned.txt", "-d", "again")
    demo.stage.check(not demo.server.exchanges, "a second time no server is asked: the commit is in the cache")
    demo.stage.check(not files_with(demo.token, demo.stage.home / ".cache"), "the cache holds no token")
    (demo.stage.work / "path.txt").write_text(again.output)


def install(demo: World) -> None:
    """pip builds and installs what was downloaded; it needs no credential any more."""
    path = (demo.stage.work / "path.txt").read_text().strip()
    options = ("--quiet", "--no-index", "--disable-pip-version-check", "--target", "installed")
    demo.stage.run(sys.executable, "-m", "pip", "install", *options, path)
    shown = demo.stage.run(
        sys.executable, "-c", "import sys; sys.path.insert(0, 'installed'); import greeting; print(greeting.VERSION)"
    )
    demo.stage.check(shown.output.strip() == "1.0.0", "the package works")


def ask_the_person(demo: World) -> None:
    """A URL that names a user, in a home where nothing is stored: the progress steps aside for the question."""
    home = demo.stage.new_home("third-home")
    url = f"git+{demo.server.url_for('team/demo.git', USER)}@main"
    seen = demo.stage.type(
        ["git-helper", "download", url, "-d", "asked-for", "--store", "file"], {QUESTION: demo.token}, home=home
    )
    demo.stage.check("git-helper download" in seen, "the prompt says who asks")
    demo.stage.check(demo.token not in seen, "what was typed is not on the screen")
    demo.stage.run("git-helper", "resolve", url, home=home)
    demo.stage.check(bool(files_with(demo.token, home)), "asked once: the token was kept when the server took it")


STEPS = [
    ("a private Git dependency is pinned to a commit", resolve),
    ("the source of that commit is downloaded, once", download),
    ("pip installs from what was downloaded", install),
    ("a URL with a user name: the person is asked", ask_the_person),
]
