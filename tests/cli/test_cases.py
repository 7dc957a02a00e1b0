"""tests/cases through the real executable: url-parse, env-expansion, redaction, ref-resolution, git-auth, fetch, storage."""

from __future__ import annotations

import functools
import json
import os
import re
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.commands import (
    Helper,
    configure,
    download,
    everything_below,
    on_path,
    program,
    refs_repository,
    resolved,
    run,
)
from tests.core.cases import cases
from tests.servers.git_http import GitHttpServer, Realm, Redirect
from tests.servers.recording import RecordingServer
from tests.servers.repositories import Entry, Gitlink, make_repository, python_project
from tests.servers.repositories import resolve as commit_of
from tests.support import BIN, run_helper

Case = Mapping[str, Any]


def these(area: str, *ids: str) -> list[Any]:
    """Only some rows; the others of the area have tests of their own."""
    return [case for case in cases(area) if case.values[0]["id"] in ids]


# ---------------------------------------------------------------------- url-parse, redaction


@functools.cache
def parsed_all(area: str, *options: str) -> tuple[dict[str, str], int, bytes]:
    """What `parse` says about every URL of an area, in one run: a line for each."""
    rows = [case.values[0]["input"] for case in cases(area)]
    texts = [row if isinstance(row, str) else row.get("url", row.get("requirement")) for row in rows]
    texts = [text for text in texts if text is not None]
    done = run("parse", *options, *texts)
    lines = done.stdout.decode().split("\n") if "--json" in options else []
    return dict(zip(texts, lines, strict=False)), done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("case", cases("url-parse"))
def test_url_parse(case: Case) -> None:
    expected = dict(case["expected"])
    hidden, hint = expected.pop("must_not_contain", []), expected.pop("hint", "")
    lines, code, _ = parsed_all("url-parse", "--json", "--reveal")
    assert code == 2  # some are unusable
    found = json.loads(lines[case["input"]])
    assert {name: found.get(name) for name in expected} == expected
    assert hint in found.get("hint", "")
    masked = json.loads(parsed_all("url-parse", "--json")[0][case["input"]])
    password = expected.get("password")
    assert masked.get("password") == ("****" if password else None)
    hidden = [*hidden, *([password] if password else [])]
    for options in (("--json",), ()):
        shown = parsed_all("url-parse", *options)[2].decode()
        assert not [secret for secret in hidden if secret in shown]


@pytest.mark.parametrize("case", [case for case in cases("redaction") if "url" in case.values[0]["input"]])
def test_redaction(case: Case) -> None:
    lines, code, _ = parsed_all("redaction", "--json")
    assert code == 2
    found = json.loads(lines[case["input"]["url"]])
    shown = found["display"] if found["ok"] else found["message"]
    assert case["expected"]["display"] in shown


def test_red_020_and_022() -> None:
    for case in these("redaction", "RED-020", "RED-022"):
        row = case.values[0]
        words = row["input"].get("cli") or [row["input"]["requirement"]]
        for command in ("resolve", "download"):
            done = run(command, *words)
            assert done.returncode == row["expected"]["exit"]
            for secret in row["expected"]["must_not_contain"]:
                assert secret.encode() not in done.stdout + done.stderr


def test_red_024_no_child_sees_the_secret(home: Path) -> None:
    (case,) = these("redaction", "RED-024")
    record = home / "children"
    for name in ("git", "ssh", "keyring"):
        script = (
            f'#!/bin/sh\necho {name} "$@" >>\'{record}\'; env >>\'{record}\'; exec "$(command -v -p {name})" "$@"\n'
        )
        program(home, name, script)
    configure(("credential.helper", "lab"))
    requirement = case.values[0]["input"]["requirement"].replace("https://", "http://").replace("@h/", "@127.0.0.1:1/")
    for command in ("resolve", "download"):
        assert run(command, requirement, env={"PATH": on_path(home)}).returncode == 5
    # Another one makes us run git, so that there is something to see.
    with RecordingServer(lambda request: (401, {}, b"")) as server:
        run("resolve", "git+" + server.url_for("a.git", "sekrit"), env={"PATH": on_path(home), "CI": "1"})
    seen = record.read_text()
    assert seen.startswith("git ")
    for secret in case.values[0]["expected"]["argv_must_not_contain"]:
        assert not [line for line in seen.split("\n") if secret in line and not line.startswith("username=")]


# ---------------------------------------------------------------------- env-expansion


@pytest.mark.parametrize("case", cases("env-expansion"))
def test_env_expansion(case: Case, tmp_path: Path) -> None:
    line, expected = case["input"], case["expected"]
    pinned = "gpkg @ git+https://good.example/gpkg.git@" + "1" * 40
    (tmp_path / "requirements.txt").write_text(f"{line}\n{pinned}\n")
    (tmp_path / "reqs").mkdir()
    (tmp_path / "reqs/b.txt").write_text(pinned.replace("gpkg", "nested") + "\n")
    words = ["resolve", "--offline", "--format", "json", "-r", "requirements.txt"]
    done = run(*words, cwd=tmp_path, env=case["setup"]["env"])
    shown = done.stdout + done.stderr
    for secret in expected.get("must_not_contain", ()):
        assert secret.encode() not in shown
    if "error" in expected:
        assert done.returncode == 2
        assert expected["hint"].encode() in done.stderr
        assert b"line 1 of 'requirements.txt'" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    assert (expected.get("warn", "").encode() in done.stderr) is True
    assert ("warn" in expected) is bool(done.stderr)
    found = [one["url"] for one in json.loads(done.stdout)]
    if line.startswith("-r"):
        assert found == ["https://good.example/nested.git", "https://good.example/gpkg.git"]
    elif " @ " in line:
        where = expected["expanded"].replace("<cwd>", str(tmp_path)).partition(" @ ")[2]
        assert found == [where, "https://good.example/gpkg.git"]
    else:
        # What it was expanded to shows in what is written back.
        words[3] = "requirements"
        again = run(*words, cwd=tmp_path, env=case["setup"]["env"])
        assert again.stdout.decode() == f"--index-url https://host/s/\n{pinned}\n"


# ---------------------------------------------------------------------- ref-resolution


@pytest.fixture
def refs(tmp_path: Path) -> Iterator[tuple[GitHttpServer, dict[str, str]]]:
    """The repository of 4-git-urls §2.4 at /gpkg.git, and its commits."""
    commits = refs_repository(tmp_path / "root/gpkg.git")
    with GitHttpServer(tmp_path / "root") as server:
        yield server, commits


@pytest.mark.parametrize("case", cases("ref-resolution"))
def test_ref_resolution(case: Case, refs: tuple[GitHttpServer, dict[str, str]], tmp_path: Path) -> None:
    (server, commits), expected = refs, case["expected"]
    light, pull = commits["refs/tags/light1"], commits["refs/pull/1/head"]
    known = {"<40hex of light1>": light, "<7hex>": light[:7], "<6hex>": light[:6]}
    known |= {
        "<40hex of PR head>": pull,
        "<10hex of PR head>": pull[:10],
        "<64hex sha256 repo>": "0123456789abcdef" * 4,
    }
    rev = known.get(case["input"]["rev"], case["input"]["rev"])
    done = run("resolve", "--format", "json", f"gpkg @ git+{server.url}/gpkg.git@{rev}")
    (found,) = json.loads(done.stdout)
    if "commit" in expected:
        assert done.returncode == 0
        assert found["commit"] == commits[expected["commit"].removesuffix("^{commit}")]
        # One question, or none at all where the commit is named; looking into the history takes one or two more.
        assert len(server.requests) <= (0 if len(rev) == 40 else 3 if rev == light[:7] else 1)
    else:
        assert done.returncode == (2 if "format" in expected["error"] else 6)
        assert found["error"] == expected["error"]
        assert expected.get("hint", "") in (found["hint"] or "")
        assert all(name in found["message"] for name in expected.get("tried", ()))
    if "max_refs_fetched" in expected:
        (path,) = download(f"gpkg @ git+{server.url}/gpkg.git@{rev}", into=tmp_path / "out")
        assert (path / "gpkg.py").is_file()
        assert len(server.requests) == 1  # the fetch, which named this one commit


def test_an_unreferenced_commit_can_be_had_by_its_hash(
    refs: tuple[GitHttpServer, dict[str, str]], tmp_path: Path
) -> None:
    server, commits = refs
    (path,) = download(f"git+{server.url}/gpkg.git@{commits['UNREF'].upper()}", into=tmp_path / "out")
    assert (path / "gpkg.py").is_file()


def test_ref_026_a_sha256_repository(tmp_path: Path) -> None:
    make_repository(tmp_path / "root/new.git", 2, {"a": "a"}, object_format="sha256")
    with GitHttpServer(tmp_path / "root") as server:
        done = run("resolve", "--format", "json", f"git+{server.url}/new.git@main")
        assert (done.returncode, json.loads(done.stdout)[0]["error"]) == (2, "unsupported-object-format")
        assert b"only SHA-1 is supported" in done.stderr


# ---------------------------------------------------------------------- git-auth


HERE = ("localhost:9201", "localhost:9202")


class Lab:
    """The servers, helpers and files of one git-auth case."""

    def __init__(self, case: Case, home: Path, root: Path, stack: ExitStack) -> None:
        self.setup = case.get("setup", {})
        self.home = home
        self.env: dict[str, str | None] = {}
        for prefix in ("a", "o", "tok", "d404"):
            make_repository(root / prefix / "gpkg.git", 2, python_project(name="gpkg"))
        other = Realm("/", [("u", "p")])
        self.servers = [
            stack.enter_context(GitHttpServer(root)),
            stack.enter_context(GitHttpServer(root, realms=[other])),
        ]
        self.server = self.servers[0]
        rules = self.setup.get("server", {})
        rules = rules if isinstance(rules, dict) and rules else {"/a/": {"creds": ["u:p"], "deny": 401}}
        self.server.realms = [
            Realm(prefix, [tuple(pair.split(":", 1)) for pair in rule["creds"]], deny=rule.get("deny", 401))
            for prefix, rule in rules.items()
            if "creds" in rule
        ]
        url, _, location = case["input"].partition(" -> 302 ")
        if location:
            self.server.redirects = [Redirect("/r/gpkg.git", self.here(location.rstrip("/") + "/gpkg.git"))]
        self.url = self.here(url.replace("git+https://h/", "git+http://localhost:9201/"))
        self._files()
        self.helpers = {name: self._helper(name) for name in ("lab", "a", "b")}

    def here(self, text: str) -> str:
        for name, server in zip(HERE, self.servers, strict=True):
            text = text.replace(name, f"localhost:{server.port}")
        return text

    def _files(self) -> None:
        if "netrc" in self.setup:
            elsewhere = "NETRC" in self.setup.get("env", {})
            path = self.home / ("n" if elsewhere else ".netrc")
            path.write_text("machine localhost login u password p\n")
            path.chmod(0o600)
            self.env |= {"NETRC": str(path)} if elsewhere else {}
        configuration = self.setup.get("gitconfig", "")
        if "helper" in self.setup or "helper_output" in self.setup:
            configuration = "[credential]\n helper = lab"
        # git reads `helper = !echo quit=1` with the blank as one value.
        (self.home / ".gitconfig").write_text(self.here(configuration) + "\n")
        self.env["PATH"] = on_path(self.home / "bin")

    def _helper(self, name: str) -> Helper:
        answer = [f"{key}={value}" for key, value in zip(("username", "password"), "up", strict=True)]
        if "helper_output" in self.setup:
            answer = self.setup["helper_output"].split("\n")
        return Helper(self.home / "bin", name, *answer)


# GIT-023 is SSH; the others that are missing here have tests of their own.
@pytest.mark.parametrize("case", cases("git-auth", "GIT-016", "GIT-019", "GIT-020", "GIT-023", "GIT-024"))
def test_git_auth(case: Case, home: Path, tmp_path: Path) -> None:
    expected = case["expected"]
    with ExitStack() as stack:
        lab = Lab(case, home, tmp_path / "root", stack)
        start = time.monotonic()
        done = run("resolve", "--format", "json", lab.url, env=lab.env)
        assert time.monotonic() - start < 25
        (found,) = json.loads(done.stdout)
        exchanges = lab.server.exchanges
    error = expected.get("error")
    assert (done.returncode == 0) is (error is None)
    if error is not None:
        assert (found["error"], done.returncode) == (error, 6 if error == "repository-not-found" else 3)
        assert expected.get("hint", "") in found["hint"]
    if "final_auth" in expected:
        assert exchanges[-1] == (expected["final_auth"], 200)
        assert exchanges[0] in ((None, 401), exchanges[-1])
    if "auth_sent" in expected:
        assert [pair for pair, _ in exchanges] == expected["auth_sent"]
    if "helper_calls" in expected:
        assert [call for call in lab.helpers["lab"].calls if call.startswith("get")] == expected["helper_calls"]
    if "helpers_run" in expected:
        assert [name for name, one in lab.helpers.items() if one.calls] == expected["helpers_run"]
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


@pytest.mark.parametrize("case", these("fetch", "FET-001", "FET-002", "FET-004"))
def test_no_api_of_a_forge_is_asked(case: Case, home: Path) -> None:
    (home / ".netrc").write_text("default login u password p\n")
    (home / ".netrc").chmod(0o600)
    rev = case["input"].get("rev", "main")
    with RecordingServer(lambda request: (503, {}, b"")) as server:
        env = {"https_proxy": server.url, "UV_GITHUB_FAST_PATH_URL": f"{server.url}/repos"}
        words = [f"git+https://github.com/O/R{number}@{rev}" for number in range(case["setup"].get("repos", 1))]
        done = run("resolve", *words, env=env)
        assert done.returncode == (0 if len(rev) == 40 else 5)
        assert {(request.method, request.target) for request in server.requests} <= {("CONNECT", "github.com:443")}
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


# ---------------------------------------------------------------------- storage


@pytest.mark.parametrize("case", these("storage", "STO-001", "STO-007"))
def test_what_is_stored(case: Case, home: Path, refs: tuple[GitHttpServer, dict[str, str]], tmp_path: Path) -> None:
    server, commits = refs
    server.realms = [Realm("/", [("u", "p")])]
    requirement = case["input"]["requirement"].replace("https://u:p@h/a/", server.url_for("", "u", "p"))
    if "json" in case["expected"]:
        text = json.dumps(case["expected"]["json"]).replace("https://h/a/", f"{server.url}/")
        assert resolved(requirement)[0]["direct_url"] == json.loads(text.replace("<sha>", commits["refs/heads/same"]))
        return
    download(requirement, into=tmp_path / "out")
    cache = home / ".cache/git-helper"
    assert (cache / "git-v1").is_dir()
    content = everything_below(cache, tmp_path / "out")
    assert not [text for text in case["expected"]["must_not_contain"] if text.encode() in content]


def test_sto_003_the_user_of_ssh_is_kept() -> None:
    (case,) = these("storage", "STO-003")
    commit = "1" * 40
    expected = json.loads(json.dumps(case.values[0]["expected"]["json"]).replace("<sha>", commit))
    expected["vcs_info"]["requested_revision"] = commit
    assert resolved(f"{case.values[0]['input']['requirement']}@{commit}")[0]["direct_url"] == expected


def test_sto_006_the_commit_not_the_tag(refs: tuple[GitHttpServer, dict[str, str]]) -> None:
    server, commits = refs
    done = run("resolve", f"gpkg @ git+{server.url}/gpkg.git@ann1")
    assert done.stdout.decode() == f"gpkg @ git+{server.url}/gpkg.git@{commits['refs/tags/ann1']}\n"


def test_sto_008_one_cache_for_all_ways_to_write_a_url(
    refs: tuple[GitHttpServer, dict[str, str]], tmp_path: Path
) -> None:
    server, commits = refs
    download(f"git+{server.url}/gpkg.git@{commits['refs/heads/main']}", into=tmp_path / "first")
    server.forget()
    others = [server.url_for(name, "u", "p") for name in ("gpkg", "gpkg.git/", "gpkg/", "%67pkg.git")]
    words = [f"name{number} @ git+{url}@{commits['refs/heads/main']}" for number, url in enumerate(others)]
    assert len(download(*words, into=tmp_path / "out")) == len(others)
    assert all(one["cached"] for one in resolved(*words))
    assert server.requests == []


def test_sto_011_no_credentials_in_what_is_written() -> None:
    (case,) = these("storage", "STO-011")
    for form in ("text", "requirements", "json"):
        done = run("resolve", "--offline", "--format", form, case.values[0]["input"]["requirement"])
        assert done.returncode == 0
        assert not [text for text in case.values[0]["expected"]["must_not_contain"] if text.encode() in done.stdout]
        assert form == "json" or done.stdout == b"pkg @ https://h/x.whl\n"


def test_sto_012_the_store_is_its_owner_s(home: Path) -> None:
    (case,) = these("storage", "STO-012")
    text = b"protocol=https\nhost=good.example\nusername=u\npassword=p\n"
    assert run_helper("--store", "file", "store", stdin=text).returncode == 0
    path = home / ".local/share/git-helper/credentials"
    modes = {kind: f"{stat.S_IMODE(os.stat(one).st_mode):04o}" for kind, one in (("file", path), ("dir", path.parent))}
    assert modes == {kind: case.values[0]["expected"][kind] for kind in ("file", "dir")}
    assert not re.search(r"\.new-", " ".join(os.listdir(path.parent)))
