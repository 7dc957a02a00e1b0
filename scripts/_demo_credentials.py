"""The demo's first part: one private repository, and a credential that is stored, used, refused and removed."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scripts._demo_stage import Stage
from tests.servers.git_http import GitHttpServer, Realm
from tests.servers.repositories import make_repository, resolve

USER = "alice"

QUESTION = r"(?i)(token|password) for [^\r\n]*: "
"""The last line of the prompt, ours or git's: the colon of a port has no blank after it."""


@dataclass
class World:
    """What the steps play with: the stage, the private Git server, and the token that its repositories need."""

    stage: Stage
    server: GitHttpServer
    repository: Path
    token: str
    wrong: str = field(default_factory=lambda: f"wrong-{secrets.token_hex(8)}")

    @property
    def url(self) -> str:
        return self.server.url_for("team/demo.git")

    def clone(self, name: str, *, expect: int = 0) -> Path:
        """Clones with the real git into a fresh folder of the stage."""
        self.server.forget()
        self.stage.run("git", "clone", self.url, name, expect=expect)
        return self.stage.work / name

    def login(self, token: str, *, expect: int = 0) -> None:
        command = ("git-helper", "login", self.url, "--username", USER, "--with-token", "--store", "file")
        self.stage.run(*command, stdin=f"{token}\n", shown_stdin="< token", expect=expect)


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """A server on loopback with a repository that only alice may read and write; gone at the end."""
    token = f"right-{secrets.token_hex(8)}"
    repository = make_repository(folder / "server" / "team" / "demo.git", commits=12)
    realm = Realm("/", [(USER, token)], name="demo")
    with GitHttpServer(folder / "server", realms=[realm]) as server:
        yield World(Stage(folder), server, repository, token)


def configure(demo: World) -> None:
    """Makes git ask git-helper."""
    demo.stage.run("git-helper", "configure", "--store", "file")
    shown = demo.stage.run("git", "config", "--global", "--get-all", "credential.helper")
    demo.stage.check("git-helper" in shown.output, "git asks git-helper from now on")


def clone_without_credential(demo: World) -> None:
    demo.clone("refused", expect=128)
    demo.stage.check(demo.server.exchanges == [(None, 401)], "the server wanted a credential, and none was sent")


def login_with_wrong_token(demo: World) -> None:
    demo.server.forget()
    demo.login(demo.wrong, expect=4)
    demo.stage.check((f"{USER}:{demo.wrong}", 401) in demo.server.exchanges, "the server was asked and said no")
    listed = demo.stage.run("git-helper", "list")
    demo.stage.check(USER not in listed.all, "nothing is stored")


def login(demo: World) -> None:
    demo.server.forget()
    demo.login(demo.token)
    sent = {given for given, status in demo.server.exchanges if status != 401}
    demo.stage.check(sent == {f"{USER}:{demo.token}"}, "the server was asked and said yes")


def clone_twice(demo: World) -> None:
    for name in ("first", "second"):
        clone = demo.clone(name)
        users = {request.user for request in demo.server.requests if request.status == 200}
        demo.stage.check(users == {USER} and (clone / "README.md").is_file(), "cloned as alice; nobody was asked")


def push(demo: World) -> None:
    clone = demo.stage.work / "first"
    (clone / "news.txt").write_text("written by the demo\n")
    demo.stage.run("git", "add", "news.txt", cwd=clone)
    demo.stage.run("git", "commit", "--message=news", cwd=clone)
    demo.stage.run("git", "push", "origin", "main", cwd=clone)
    head = demo.stage.run("git", "rev-parse", "HEAD", cwd=clone).output.strip()
    demo.stage.check(resolve(demo.repository, "main") == head, "the server has the commit")


def list_accounts(demo: World) -> None:
    shown = demo.stage.run("git-helper", "list")
    demo.stage.check(USER in shown.output and demo.server.netloc in shown.output, "the account is there")
    demo.stage.check(demo.token not in shown.all, "its token is not shown")


def refuse_wrong_token(demo: World) -> None:
    demo.login(demo.wrong, expect=4)
    clone = demo.clone("third")
    demo.stage.check((clone / "README.md").is_file(), "the good token was kept")
    sent = {given for given, _ in demo.server.exchanges} - {None}
    demo.stage.check(sent == {f"{USER}:{demo.token}"}, "the wrong one was never sent by git")


def print_token(demo: World) -> None:
    shown = demo.stage.run("git-helper", "token", demo.url, "--username", USER)
    demo.stage.check(shown.output == f"{demo.token}\n", "stdout is the token and nothing else")


def look_for_secrets(demo: World) -> None:
    clone = demo.stage.work / "first"
    config = demo.stage.run("git", "config", "--local", "--get-regexp", "^remote", cwd=clone)
    demo.stage.check("@" not in config.output, "the remote's URL has no credential in it")
    holders = files_with(demo.token, demo.stage.work)
    demo.stage.check(holders == [], "no file of any clone holds the token")
    holders = files_with(demo.token, demo.stage.home)
    open_files = [path for path in holders if path.stat().st_mode & 0o077]
    names = ", ".join(f"~/{path.relative_to(demo.stage.home)}" for path in holders)
    demo.stage.check(len(holders) == 1 and not open_files, f"one file holds it, readable by its owner only: {names}")


def ask_the_person(demo: World) -> None:
    """In another home, where nothing is stored: git-helper asks on the terminal, and remembers what worked."""
    home = demo.stage.new_home("other-home")
    demo.stage.run("git-helper", "configure", "--store", "file", home=home)
    url = demo.server.url_for("team/demo.git", USER)
    seen = demo.stage.type(["git", "clone", url, "asked"], {QUESTION: demo.token}, home=home)
    demo.stage.check(
        "git-helper" in seen and demo.server.netloc in seen, "the prompt says who asks, and for which host"
    )
    demo.stage.check(demo.token not in seen, "what was typed is not on the screen")
    demo.stage.check((demo.stage.work / "asked" / "README.md").is_file(), "cloned")
    demo.stage.run("git", "clone", url, "remembered", home=home)
    demo.stage.check((demo.stage.work / "remembered" / "README.md").is_file(), "cloned again; nobody was asked")


def logout(demo: World) -> None:
    demo.stage.run("git-helper", "logout", demo.url, "--username", USER)
    demo.clone("after-logout", expect=128)
    demo.stage.check(demo.server.authorizations == [], "no credential was sent any more")
    demo.stage.check(files_with(demo.token, demo.stage.home) == [], "no file of the home folder holds the token")


def unconfigure(demo: World) -> None:
    demo.stage.run("git-helper", "unconfigure")
    shown = demo.stage.run("git", "config", "--list", "--global")
    demo.stage.check("git-helper" not in shown.output, "git does not know git-helper any more")


def files_with(secret: str, folder: Path) -> list[Path]:
    """Every file below `folder` that holds the secret as it is."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted(path for path in files if secret.encode() in path.read_bytes())


Step = tuple[str, Callable[[World], None]]

BEFORE: list[Step] = [
    ("git is told to ask git-helper for credentials", configure),
    ("a private repository cannot be cloned without a credential", clone_without_credential),
    ("a token that the server refuses is not stored", login_with_wrong_token),
    ("a token is checked against the server, then stored", login),
    ("git clones the private repository, twice", clone_twice),
    ("a commit is pushed", push),
    ("the accounts that git-helper knows", list_accounts),
    ("a wrong token does not replace a good one", refuse_wrong_token),
    ("a script asks for the token", print_token),
    ("the secret is in one place only", look_for_secrets),
    ("without a stored token, git-helper asks the person on the terminal", ask_the_person),
]
"""Steps until the credential is removed; other parts of the demo come after these."""

AFTER: list[Step] = [
    ("the account is removed", logout),
    ("git is told to forget git-helper", unconfigure),
]
"""Steps that end the demo."""


def missing_programs(path: str) -> list[str]:
    """Programs that the demo needs and that are not in the folders of `path`."""
    needed = ("git", "git-helper", "git-credential-git-helper")
    return [name for name in needed if shutil.which(name, path=path) is None]
