"""tests/cases through the real executable: git-auth, fetch; test_url_cases.py and test_ref_cases.py have others."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.commands import (
    Helper,
    download,
    everything_below,
    on_path,
    resolved,
    run,
)
from tests.core.cases import cases
from tests.pseudo_terminal import ENTER, PseudoTerminal
from tests.servers.git_http import GitHttpServer, Realm, Redirect
from tests.servers.recording import RecordingServer
from tests.servers.repositories import Entry, Gitlink, make_repository, python_project
from tests.servers.repositories import resolve as commit_of
from tests.support import BIN

Case = Mapping[str, Any]


def these(area: str, *ids: str) -> list[Any]:
    """Only some rows; the others of the area have tests of their own."""
    return [case for case in cases(area) if case.values[0]["id"] in ids]


# ---------------------------------------------------------------------- git-auth


HERE = ("localhost:9201", "localhost:9202")
# One URL of Git over HTTP; rows that tell more than that have tests of their own, here or (SSH) in tests/git/ssh.
ONE_URL = re.compile(r"git\+https?://\S+( -> 302 \S+)?")
EXIT = {"repository-not-found": 6, "authentication-required": 3, "refused": 4, "invalid-url": 2, "unreachable": 5}


class Lab:
    """The servers, helpers and files of one git-auth case."""

    def __init__(self, case: Case, home: Path, root: Path, stack: ExitStack) -> None:
        self.setup = case.get("setup", {})
        self.home = home
        self.env: dict[str, str | None] = {}
        url, _, location = case["input"].partition(" -> 302 ")
        path = url.partition("://")[2].partition("/")[2].partition("@")[0].partition("#")[0]
        for name in {"a/gpkg.git", path} if path.endswith(".git") and "%" not in path else {"a/gpkg.git"}:
            make_repository(root / name, 2, python_project(name="gpkg"))
        rules = self.setup.get("server", {})
        there = re.fullmatch(r"9202 needs (\S+)", rules) if isinstance(rules, str) else None
        pair = ("u", "p") if there is None else tuple(there[1].split(":", 1))
        self.servers = [
            stack.enter_context(GitHttpServer(root)),
            stack.enter_context(GitHttpServer(root, realms=[Realm("/", [pair])])),
        ]
        self.server = self.servers[0]
        rules = rules if isinstance(rules, dict) and rules else {"/a/": {"creds": ["u:p"], "deny": 401}}
        self.server.realms = [
            Realm(
                prefix,
                [tuple(pair.split(":", 1)) for pair in rule["creds"]],
                scheme=rule.get("scheme", "Basic"),
                deny=rule.get("deny", 401),
                wrong=rule.get("wrong"),
            )
            for prefix, rule in rules.items()
            if "creds" in rule
        ]
        if location:
            to = location if location.endswith(".git") else location.rstrip("/") + "/gpkg.git"
            self.server.redirects = [Redirect("/" + path, self.here(to))]
        self.url = self.here(re.sub(r"^git\+https://([^/]*@)?h/", r"git+http://\1localhost:9201/", url))
        self._files()
        self.helpers = {name: self._helper(name) for name in ("lab", "a", "b")}

    def here(self, text: str) -> str:
        for name, server in zip(HERE, self.servers, strict=True):
            text = text.replace(name, f"localhost:{server.port}")
        return text

    def _files(self) -> None:
        env = dict(self.setup.get("env", {}))
        if "netrc" in self.setup:
            elsewhere = "NETRC" in env
            path = self.home / ("n" if elsewhere else ".netrc")
            text = re.search(r"\b(machine|default) .*", self.setup["netrc"], re.DOTALL)
            path.write_text(f"{text[0] if text else 'machine localhost login u password p'}\n")
            path.chmod(0o600)
            env |= {"NETRC": str(path)} if elsewhere else {}
        configuration = self.setup.get("gitconfig", "")
        if "helper" in self.setup or "helper_output" in self.setup:
            configuration += "\n[credential]\n helper = lab"
        # git reads `helper = !echo quit=1` with the blank as one value.
        (self.home / ".gitconfig").write_text(self.here(configuration) + "\n")
        self.env = {**env, "PATH": on_path(self.home / "bin")}

    def _helper(self, name: str) -> Helper:
        given = self.setup.get("helper") or {"u": "p"}
        answer = [
            f"{key}={value}" for key, value in zip(("username", "password"), next(iter(given.items())), strict=True)
        ]
        if "helper_output" in self.setup:
            answer = self.setup["helper_output"].split("\n")
        return Helper(self.home / "bin", name, *answer)

    def calls(self, expected: Sequence[str]) -> list[str]:
        """Those of the helper, in the words of `expected`: of `get` alone, or without user names, if it is so."""
        calls = self.helpers["lab"].calls
        if all(one.startswith("get") for one in expected):
            calls = [one for one in calls if one.startswith("get")]
        return calls if any("=" in one for one in expected) else [one.partition(" ")[0] for one in calls]

    def resolve(self) -> tuple[int, dict[str, Any]]:
        """The exit code and the object of one `resolve`; on a terminal where the row has one and says what is typed."""
        words = ["resolve", "--format", "json", self.url]
        typed = next((self.setup[name] for name in ("typed", "prompt", "answer") if name in self.setup), None)
        if typed is None:
            done = run(*words, env=self.env)
            return done.returncode, json.loads(done.stdout)[0]
        out = self.home / "stdout"
        env = {name: value for name, value in self.env.items() if value is not None} | {"GIT_HELPER_STORE": "file"}
        with PseudoTerminal([BIN / "git-helper", *words], env=env, stdout=out, columns=100) as terminal:
            answers = [typed] if isinstance(typed, str) else typed
            for text, question in zip(answers, ("User name for ", "Token for ")[-len(answers) :], strict=True):
                terminal.expect(question)
                terminal.send(str(text).encode() + ENTER)
            code = terminal.wait()
        return code, json.loads(out.read_bytes())[0]


IN_GENERAL = [case for case in cases("git-auth", "GIT-016", "GIT-020") if ONE_URL.fullmatch(case.values[0]["input"])]


@pytest.mark.parametrize("case", IN_GENERAL)
def test_git_auth(case: Case, home: Path, tmp_path: Path) -> None:
    expected = case["expected"]
    with ExitStack() as stack:
        lab = Lab(case, home, tmp_path / "root", stack)
        start = time.monotonic()
        code, found = lab.resolve()
        assert time.monotonic() - start < 25
        exchanges = lab.server.exchanges
    error = expected.get("error")
    assert (code == 0) is (error is None and expected.get("ok", True))
    if error is not None:
        assert (found["error"], code) == (error, EXIT[error])
        assert expected.get("hint", "") in (found["hint"] or "")
    if "final_auth" in expected:
        assert exchanges[-1] == (expected["final_auth"], 200)
        assert exchanges[0] in ((None, 401), exchanges[-1])
    if "sequence" in expected:
        assert [list(one) for one in exchanges] == expected["sequence"]
    if "auth_sent" in expected:
        sent = expected["auth_sent"]
        assert [pair for pair, _ in exchanges] == (sent if isinstance(sent, list) else [sent])
    if "helper_calls" in expected:
        assert lab.calls(expected["helper_calls"]) == expected["helper_calls"]
    if "helpers_run" in expected:
        assert [name for name, one in lab.helpers.items() if one.calls] == expected["helpers_run"]
    if "helper_get_has_path" in expected:
        assert (b"\npath=" in lab.helpers["lab"].inputs.read_bytes()) is expected["helper_get_has_path"]
    if "auth_sent_to_9202" in expected:
        assert {pair for pair, _ in lab.servers[1].exchanges} == {expected["auth_sent_to_9202"]}


@pytest.mark.parametrize("use", [False, True])
def test_git_016_the_path_only_with_use_http_path(home: Path, tmp_path: Path, use: bool) -> None:
    (case,) = these("git-auth", "GIT-016")
    with ExitStack() as stack:
        lab = Lab(case.values[0], home, tmp_path / "root", stack)
        (home / ".gitconfig").write_text(f"[credential]\n helper = lab\n useHttpPath = {str(use).lower()}\n")
        assert run("resolve", lab.url, env=lab.env).returncode == 0
        assert (b"\npath=a/gpkg.git" in lab.helpers["lab"].inputs.read_bytes()) is use


def test_git_019_an_answer_is_never_decoded(home: Path, tmp_path: Path) -> None:
    (case,) = these("git-auth", "GIT-019")
    row = {**case.values[0], "input": "git+http://localhost:9201/a/gpkg.git"}
    with ExitStack() as stack:
        lab = Lab(row, home, tmp_path / "root", stack)
        lab.server.realms = [Realm("/a/", [("u", row["expected"]["sent_password"])])]
        assert run("resolve", lab.url, env=lab.env).returncode == 0
        assert lab.server.exchanges[-1] == ("u:p%0aq", 200)
        assert lab.helpers["lab"].calls == ["get", "store username=u"]


def test_git_020_a_newline_reaches_no_helper(home: Path, tmp_path: Path) -> None:
    (case,) = these("git-auth", "GIT-020")
    with ExitStack() as stack:
        lab = Lab(case.values[0], home, tmp_path / "root", stack)
        done = run("resolve", "--format", "json", case.values[0]["input"], env=lab.env)
        assert done.returncode == 2
        assert json.loads(done.stdout)[0]["error"] == case.values[0]["expected"]["error"]
        assert lab.helpers["lab"].calls == []


def test_git_024_another_host_with_the_same_path_gets_nothing(home: Path, tmp_path: Path) -> None:
    make_repository(tmp_path / "root/a/r.git", 2, {"a": "a"})
    realm = Realm("/", [("u", "p")])
    with (
        GitHttpServer(tmp_path / "root", realms=[realm]) as good,
        GitHttpServer(tmp_path / "root", host="127.0.0.2", realms=[realm]) as evil,
    ):
        (home / ".netrc").write_text("machine 127.0.0.1 login u password p\n")
        (home / ".netrc").chmod(0o600)
        words = [f"git+{good.url_for('a/r.git', 'u', 'p')}", f"git+{good.url}/a/r.git", f"git+{evil.url}/a/r.git"]
        found = resolved(*words)
        assert [one.get("error") for one in found] == [None, None, "authentication-required"]
        assert [pair for pair, _ in evil.exchanges] == [None]
        assert {pair for pair, _ in good.exchanges} <= {"u:p", None}


# ---------------------------------------------------------------------- fetch


def about_an_api(case: Case) -> bool:
    """Whether a row is about the interfaces of forges, which git-helper never asks."""
    return bool({"api", "api_status"} & set(case["input"]) or "api_requests" in case["expected"])


@pytest.mark.parametrize("case", [case for case in cases("fetch") if about_an_api(case.values[0])])
def test_no_api_of_a_forge_is_asked(case: Case, home: Path) -> None:
    (home / ".netrc").write_text("default login u password p\n")
    (home / ".netrc").chmod(0o600)
    rev = case["input"].get("rev", "main")
    with RecordingServer(lambda request: (503, {}, b"")) as server:
        env = {"https_proxy": server.url, "UV_GITHUB_FAST_PATH_URL": f"{server.url}/repos"}
        repo = case["input"].get("repo", "github.com/O/R")
        words = [f"git+https://{repo}{number}@{rev}" for number in range(case.get("setup", {}).get("repos", 1))]
        done = run("resolve", *words, env=env)
        assert done.returncode == (0 if len(rev) == 40 else 5)
        proxied = ("CONNECT", f"{repo.partition('/')[0]}:443")
        assert {(request.method, request.target) for request in server.requests} <= {proxied}
        assert bool(server.requests) is (len(rev) < 40)
        assert server.authorizations == []


def with_submodule(root: Path, url: str) -> None:
    """withsub.git, whose folder `leaf` is the submodule at `url`."""
    make_repository(root / "a/leaf.git", 2, {"leaf.txt": "leaf\n"})
    modules = f'[submodule "leaf"]\n\tpath = leaf\n\turl = {url}\n'
    files: dict[str, Entry] = {
        "top.txt": "top\n",
        ".gitmodules": modules,
        "leaf": Gitlink(commit_of(root / "a/leaf.git")),
    }
    make_repository(root / "a/withsub.git", 2, files)


def test_fet_005_a_relative_submodule_with_the_same_credential(home: Path, tmp_path: Path) -> None:
    with_submodule(tmp_path / "root", "../leaf.git")
    with GitHttpServer(tmp_path / "root", realms=[Realm("/", [("u", "p")])]) as server:
        (path,) = download(f"git+{server.url_for('a/withsub.git', 'u', 'p')}", into=tmp_path / "out")
        assert (path / "leaf/leaf.txt").read_text() == "leaf\n"
        assert b"u:p@" not in everything_below(home, tmp_path / "out")


def test_fet_006_a_submodule_elsewhere_gets_none_of_ours(tmp_path: Path) -> None:
    with GitHttpServer(tmp_path / "root", host="127.0.0.2") as other:
        with_submodule(tmp_path / "root", f"{other.url}/a/leaf.git")
        with GitHttpServer(tmp_path / "root", realms=[Realm("/", [("u", "p")])]) as server:
            (path,) = download(f"git+{server.url_for('a/withsub.git', 'u', 'p')}", into=tmp_path / "out")
            assert (path / "leaf/leaf.txt").read_text() == "leaf\n"
        assert {pair for pair, _ in other.exchanges} == {None}


def test_fet_009_offline_from_the_cache(refs: tuple[GitHttpServer, dict[str, str]], tmp_path: Path) -> None:
    server, commits = refs
    wanted = f"gpkg @ git+{server.url}/gpkg.git@{commits['refs/heads/main']}"
    download(wanted, into=tmp_path / "first")
    server.forget()
    (path,) = download("--offline", wanted, into=tmp_path / "second")
    assert (path / "gpkg.py").is_file()
    assert server.requests == []
    refused = run("download", "--offline", "-d", tmp_path / "third", f"git+{server.url}/gpkg.git@{commits['UNREF']}")
    assert refused.returncode == 5
    assert b"--offline" in refused.stderr
    assert not (tmp_path / "third").exists()


def test_fet_012_two_processes_fetch_one_repository_once(
    refs: tuple[GitHttpServer, dict[str, str]], tmp_path: Path
) -> None:
    server, commits = refs
    # Two names of one repository.
    words = [f"git+{server.url}/{name}@{commits['refs/heads/main']}" for name in ("gpkg.git", "gpkg.git/")]
    processes = [
        subprocess.Popen(
            [BIN / "git-helper", "download", "-d", tmp_path / str(number), word], stdout=subprocess.DEVNULL
        )
        for number, word in enumerate(words)
    ]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert len(server.requests) == 1
