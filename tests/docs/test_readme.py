"""Everything the README tells people to type is typed here; everything it names exists."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.surface import blocks, commands, documents, exit_codes, links, make_targets, spans
from tests.journeys.test_order import ORDER
from tests.pseudo_terminal import ENTER, PseudoTerminal
from tests.servers.git_http import GitHttpServer, Realm
from tests.servers.repositories import make_repository
from tests.servers.repositories import resolve as commit_of
from tests.support import BIN, ROOT, needs

README = (ROOT / "README.md").read_text(encoding="utf-8")
TOKEN = "t0ken-of-the-README"
EXAMPLE_HOST = "git.example.com"
# Who reads the README has no token stored yet: a URL that names the user asks on the terminal.
ASKS = re.compile(r"git-helper (login (?!.*--with-token)|(resolve|download|clone) .*alice@)")


@dataclass(frozen=True)
class Step:
    """A command line, and what it prints: lines in which `...` stands for anything; empty: not said."""

    command: str
    expected: tuple[str, ...]


def steps(lines: list[str]) -> list[Step]:
    """The lines that begin with `$ `, each with the output below it."""
    found: list[Step] = []
    for line in lines:
        if line.startswith("$ "):
            found.append(Step(line[2:], ()))
        else:
            found[-1] = Step(found[-1].command, (*found[-1].expected, line))
    return found


CONSOLE = [steps(lines) for lines in blocks("console", README)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    """What the README calls git.example.com: team/tool.git, for alice and for ci."""
    make_repository(tmp_path / "root" / "team" / "tool.git")
    with GitHttpServer(tmp_path / "root", realms=[Realm("/", [("alice", TOKEN), ("ci", TOKEN)])]) as server:
        yield server


class Reader:
    """Someone at a terminal who types what the README says; `printed` is the stdout of each command that has one."""

    def __init__(self, server: GitHttpServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.printed: dict[str, str] = {}

    def play(self, block: list[Step]) -> None:
        for step in block:
            command = self._here(step.command)
            assert "example" not in command.lower()
            if ASKS.match(step.command):
                self._type(command)
                continue
            output = self._run(command)
            self.printed[step.command] = output
            if step.expected:
                pattern = _pattern(tuple(map(self._here, step.expected)))
                assert re.fullmatch(pattern, output, re.DOTALL), f"{step.command}: {output}"

    def _here(self, command: str) -> str:
        variable = re.sub(r"[^A-Z0-9]", "_", self.server.netloc.upper())
        command = command.replace(re.sub(r"[^A-Z0-9]", "_", EXAMPLE_HOST.upper()), variable)
        return command.replace("https://", f"{self.server.scheme}://").replace(EXAMPLE_HOST, self.server.netloc)

    def _run(self, command: str) -> str:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env={**os.environ, "TOKEN": TOKEN},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr.decode()}"
        assert TOKEN not in done.stderr.decode()
        return done.stdout.decode()

    def _type(self, command: str) -> None:
        with PseudoTerminal(["sh", "-c", command], cwd=self.folder) as terminal:
            terminal.expect(f"Token for alice@{self.server.netloc}: ")
            terminal.send(TOKEN.encode() + ENTER)
            assert terminal.wait() == 0, terminal.shown
            assert TOKEN.encode() not in terminal.shown


def _pattern(expected: tuple[str, ...]) -> str:
    return re.escape("\n".join(expected)).replace(re.escape("..."), ".*") + "\n"


@pytest.fixture
def reader(server: GitHttpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """In an empty folder and a HOME of its own, where no OS keyring works."""
    needs("git")
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    (tmp_path / "here").mkdir()
    return Reader(server, tmp_path / "here")


@pytest.mark.parametrize("block", CONSOLE, ids=lambda block: block[0].command[:40])
def test_what_is_to_be_typed_works(reader: Reader, block: list[Step]) -> None:
    reader.play(block)
    typed = [step.command for step in block if ASKS.match(step.command)]
    assert sorted([*reader.printed, *typed]) == sorted({step.command for step in block})


def test_the_first_session_does_what_its_words_say(reader: Reader) -> None:
    assert len(CONSOLE[0]) == 6
    reader.play(CONSOLE[0][:-1])
    assert (reader.folder / "tool" / "README.md").is_file()
    host = EXAMPLE_HOST
    assert reader.printed[f"git-helper token https://{host}"] == f"{TOKEN}\n"
    listed = reader.printed["git-helper list"]
    assert "alice" in listed
    assert reader.server.netloc in listed.replace("\n", "")
    assert TOKEN not in listed
    reader.play([CONSOLE[0][-1], Step("git-helper list", ())])
    assert reader.printed["git-helper list"] == ""


def test_unconfigure_takes_out_what_configure_put_in(reader: Reader, home: Path) -> None:
    (block,) = (block for block in CONSOLE if any("unconfigure" in step.command for step in block))
    reader.play([Step("git config --global user.name alice", ())])
    before = (home / ".gitconfig").read_bytes()
    changed = [index for index, step in enumerate(block) if step.command == "git-helper configure"]
    reader.play(block[: changed[0]])
    assert (home / ".gitconfig").read_bytes() == before, "a dry run changed something"
    reader.play(block[changed[0] :])
    names = subprocess.run([needs("git"), "config", "--global", "--list"], capture_output=True, check=True).stdout
    assert names == b"user.name=alice\n"


def test_a_repository_of_its_own_gets_a_token_of_its_own(reader: Reader) -> None:
    (block,) = (block for block in CONSOLE if any("useHttpPath" in step.command for step in block))
    reader.play([*block, Step("git-helper list", ())])
    assert "/team/tool.git" in reader.printed["git-helper list"].replace("\n", "")


def test_the_variable_of_the_host_is_printed(reader: Reader) -> None:
    (block,) = (block for block in CONSOLE if any("--with-token" in step.command for step in block))
    reader.play(block)
    assert reader.printed[block[-1].command] == f"{TOKEN}\n"


def test_the_prompt_comes_for_a_url_that_names_the_user(reader: Reader) -> None:
    (line,) = (span for span in spans(README) if span.startswith("git clone "))
    reader.play([Step("git-helper configure", ())])
    reader._type(reader._here(line))
    assert (reader.folder / "tool" / "README.md").is_file()


def test_a_private_dependency_is_pinned_and_downloaded_without_a_secret(
    reader: Reader, tmp_path: Path, home: Path
) -> None:
    (block,) = (block for block in CONSOLE if any("git-helper clone" in step.command for step in block))
    reader.play(block)
    here, commit = reader.folder, commit_of(tmp_path / "root" / "team" / "tool.git", "main")
    assert (here / "pinned.txt").read_text().endswith(f"/team/tool.git@{commit}  # ours\n")
    (source,) = (here / "sources").iterdir()
    assert (source / "README.md").read_bytes() == (here / "tool" / "README.md").read_bytes()
    assert reader.printed["git-helper download -r pinned.txt -d sources"] == f"{source}\n"
    cache = home / ".cache" / "git-helper"
    written = [path for top in (here, cache) for path in top.rglob("*") if path.is_file() and not path.is_symlink()]
    assert any(path.is_relative_to(cache) for path in written)
    assert [path for path in written if TOKEN.encode() in path.read_bytes()] == []


def test_offline_means_that_no_server_is_asked(reader: Reader) -> None:
    (block,) = (block for block in CONSOLE if any("--offline" in step.command for step in block))
    (offline,) = (number for number, step in enumerate(block) if "--offline" in step.command)
    reader.play(block[:offline])
    reader.server.forget()
    reader.play(block[offline:])
    assert reader.server.exchanges == []


def test_the_sources_are_listed_in_their_order() -> None:
    words = {
        "variable": "GIT_HELPER_TOKEN_<HOST>",
        "netrc": "~/.netrc",
        "store": "the store",
        "ci token": "CI system",
        "other helpers": "other credential helpers",
        "person": "you, if",
    }
    listed = re.findall(r"^\d\. (.*(?:\n   .*)*)", README, re.MULTILINE)
    for name, text in zip([*ORDER, "person"], listed, strict=True):
        assert words[name] in text


def command_lines() -> list[list[str]]:
    """Every command of ours in the README, in blocks and in the text, as words."""
    typed = [step.command for block in CONSOLE for step in block]
    found = [line[line.index("git-helper ") :] for line in [*typed, *spans(README)] if "git-helper " in line]
    return [shlex.split(line) for line in found]


def test_every_command_and_option_exists() -> None:
    known = commands()
    assert len(command_lines()) > 10
    for _, name, *words in command_lines():
        name = name if name in known else f"{name} {words[0]}"
        assert name in known
        unknown = {word for word in words if word.startswith("-")} - known[name]
        assert not unknown, f"git-helper {name}"
    alone = {span.split()[0] for span in spans(README) if span.startswith("-")}
    assert alone <= set().union(*known.values())


def test_every_variable_is_read_somewhere() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "git_helper").rglob("*.py"))
    named = {match for span in spans(README) for match in re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_?\b", span)}
    invented = {"HOST", "URL", "NAME", "GIT_HELPER_TOKEN_GIT_EXAMPLE_COM"}
    assert {"NETRC", "CI", "GIT_TERMINAL_PROMPT", "GIT_HELPER_ALLOW_HTTP"} <= named
    assert {name for name in named - invented if name not in code} == set()


def test_the_exit_codes_are_those_of_the_error_tree() -> None:
    (sentence,) = re.findall(r"Exit codes: ([^.]*)\.", README)
    named = {int(code): words for code, words in re.findall(r"(\d+) ([^,]+)", sentence.replace("\n", " "))}
    assert set(named) == {0, *exit_codes()}
    words = {
        2: ("usage", "UsageError"),
        3: ("no credential", "NoCredential"),
        4: ("refused", "Refused"),
        5: ("unreachable", "Unreachable"),
        6: ("not found", "NotFound"),
        130: ("cancelled", "Cancelled"),
    }
    for code, (word, error) in words.items():
        assert word in named[code]
        assert error in exit_codes()[code]


def test_the_commands_for_developers_are_targets_of_make() -> None:
    named = {span.split()[1] for span in spans(README) if span.startswith("make ")}
    assert named == {"demo", "test"}
    assert named <= set(make_targets())


def test_every_target_of_make_has_a_line_of_help() -> None:
    assert [target for target, text in make_targets().items() if not text] == []
    shown = subprocess.run([needs("make"), "help"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for target, text in make_targets().items():
        assert re.search(rf"^make {target} +{re.escape(text)}$", shown, re.MULTILINE), target


def test_what_is_to_be_installed_has_our_name() -> None:
    ((line,),) = blocks("sh", README)
    name = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
    assert [part.split() for part in re.split(r"# or: ", line)] == [
        ["pipx", "install", name],
        ["uv", "tool", "install", name],
    ]


@pytest.mark.parametrize("document", documents(), ids=str)
def test_links_lead_somewhere(document: Path) -> None:
    for link in links((ROOT / document).read_text(encoding="utf-8")):
        if "://" not in link:
            assert (ROOT / document.parent / link.partition("#")[0]).exists(), link


def test_output_that_differs_is_noticed() -> None:
    (block,) = [steps(lines) for lines in blocks("console", "```console\n$ a\n$ b\none...\ntwo\n```\n")]
    assert block == [Step("a", ()), Step("b", ("one...", "two"))]
    assert re.fullmatch(_pattern(block[1].expected), "one, and more\ntwo\n", re.DOTALL)
    assert not re.fullmatch(_pattern(block[1].expected), "one\nthree\n", re.DOTALL)
