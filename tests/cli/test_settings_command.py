"""`git-helper settings` and the common options through the built executable."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.commands import CANARY, configure, leaks, run
from tests.core.cases import cases
from tests.servers.git_http import GitHttpServer, Realm
from tests.servers.repositories import make_repository
from tests.support import needs, run_helper

ESCAPED = quote(CANARY, safe="")
PROXY = f"http://alice:{ESCAPED}@px.example:3128"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    needs("git")
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def data(*words: str, **env: str) -> dict[str, Any]:
    done = run("settings", "--json", *words, env=env)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def by_name(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in found["settings"]}


def rules(found: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    return {rule["name"]: (rule["value"], rule["because"]) for rule in found["url"]["rules"]}


def test_each_place_is_named(here: Path, home: Path) -> None:
    (here / "pyproject.toml").write_text('[tool.uv]\nnative-tls = true\n[tool.git-helper]\n\ncert = "ca.pem"\n')
    configure(("gitHelper.allowHttp", "a.example"), ("gitHelper.timeout", "3"))
    found = by_name(data("--offline", "--allow-http", "b.example", UV_KEYRING_PROVIDER="subprocess"))
    project = str(here / "pyproject.toml")
    git = {"kind": "git", "file": str(home / ".gitconfig")}
    assert found["offline"] == {"name": "offline", "value": True, "origins": [{"kind": "option", "name": "--offline"}]}
    assert found["keyring-provider"]["origins"] == [{"kind": "environment", "name": "UV_KEYRING_PROVIDER"}]
    assert found["native-tls"]["origins"] == [{"kind": "project", "name": "[tool.uv]", "file": project, "line": 2}]
    assert found["cert"]["value"] == str(here / "ca.pem")
    assert found["cert"]["origins"] == [{"kind": "project", "name": "[tool.git-helper]", "file": project, "line": 5}]
    assert (found["timeout"]["value"], found["timeout"]["origins"]) == (3, [{"name": "gitHelper.timeout", **git}])
    assert found["allow-http"]["value"] == ["b.example", "a.example"]
    assert found["allow-http"]["origins"] == [
        {"kind": "option", "name": "--allow-http"},
        {"name": "gitHelper.allowHttp", **git},
    ]
    assert found["store"]["origins"] == [{"kind": "environment", "name": "GIT_HELPER_STORE"}]
    assert (found["proxy"]["value"], found["proxy"]["origins"]) == (None, [{"kind": "default"}])
    assert (found["extra-index-url"]["value"], found["extra-index-url"]["origins"]) == ([], [])


def test_what_is_found_without_being_told(home: Path) -> None:
    (home / ".netrc").write_text("")
    found = by_name(data(GIT_HELPER_STORE=""))
    assert found["netrc-file"]["value"] == str(home / ".netrc")
    assert found["cache-dir"]["value"] == str(home / ".cache/git-helper")
    assert (found["store"]["value"], found["store"]["origins"]) == (None, [{"kind": "default"}])
    configure(("gitHelper.store", "file"))
    (origin,) = by_name(data(GIT_HELPER_STORE=""))["store"]["origins"]
    assert (origin["kind"], origin["name"]) == ("git", "gitHelper.store")
    (home / "n").write_text("")
    assert by_name(data(NETRC=str(home / "n")))["netrc-file"]["origins"] == [{"kind": "environment", "name": "NETRC"}]


def test_a_proxy_without_its_scheme(here: Path) -> None:
    configure(("http.proxy", f"{ESCAPED}@px.example:3128"))
    found = data("https://good.example/")
    assert rules(found)["http.proxy"][0] == "****@px.example:3128"
    assert not leaks(json.dumps(found).encode(), CANARY)


def test_a_table_for_people(here: Path) -> None:
    configure(("gitHelper.timeout", "3"), ("gitHelper.frobnicate", "1"))
    done = run("settings", "--proxy", PROXY)
    assert done.returncode == 0
    shown = done.stdout.decode()
    assert re.search(r"timeout +3 +gitHelper\.timeout in \S+", shown)
    assert re.search(r"proxy +http://alice:\*\*\*\*@px\.example:3128 +--proxy", shown)
    assert re.search(r"offline +no +default", shown)
    assert b"'githelper.frobnicate' in " in done.stderr
    assert not leaks(done.stdout + done.stderr, CANARY)


def test_what_holds_for_a_url(here: Path) -> None:
    configure(
        ("gitHelper.https://good.example.timeout", "3"),
        ("gitHelper.https://good.example.allowInsecureHost", "good.example"),
        ("http.proxy", PROXY),
        ("http.https://good.example.extraHeader", f"Authorization: Basic {CANARY}"),
        ("http.https://other.example.sslVerify", "false"),
    )
    found = data(f"git+https://alice:{ESCAPED}@good.example/x.git")
    assert by_name(found)["timeout"]["value"] == 3
    facts = rules(found)
    assert facts["certificates"][0] == "NOT VERIFIED"
    assert "gitHelper.https://good.example.allowInsecureHost" in facts["certificates"][1]
    assert facts["proxy"] == ("http://px.example:3128", "http.proxy")
    assert facts["http.https://good.example.extraheader"][0] == "Authorization: ****"
    assert not any("sslverify" in name for name in facts)
    assert not leaks(json.dumps(found).encode(), CANARY)
    other = data("https://other.example/")
    assert rules(other)["certificates"] == ("NOT VERIFIED", "http.sslVerify")
    assert by_name(other)["timeout"]["value"] is None
    assert rules(data("https://third.example/"))["certificates"] == ("verified", "default")


@pytest.mark.parametrize("url", ["ftp://h.example/", f"https://a:{CANARY}@h:x/", "nothing"])
def test_a_url_that_cannot_be_used(url: str) -> None:
    done = run("settings", url)
    assert done.returncode == 2
    assert done.stderr.startswith(b"git-helper: error: cannot ")
    assert not leaks(done.stdout + done.stderr, CANARY)


@pytest.mark.parametrize(
    "case", [row for area in ("tls", "keyring") for row in cases(area) if row.id in ("TLS-015", "KEY-012")]
)
def test_a_wrong_variable_ends_every_command(case: Mapping[str, Any]) -> None:
    for words in (["settings"], ["list"], ["resolve", "x @ https://good.example/x.whl"]):
        done = run(*words, env=case["input"]["env"])
        assert done.returncode == case["expected"]["exit"]
        for word in case["expected"]["error"].replace("possible:", "possible values:").split("; "):
            assert word in re.sub(r"invalid value '\w+'", "invalid value", done.stderr.decode())
        assert next(iter(case["input"]["env"])).encode() in done.stderr


def test_a_wrong_project_file_ends_commands_that_need_it(here: Path) -> None:
    (here / "pyproject.toml").write_text("[tool.git-helper]\nfrobnicate = 1\n")
    done = run("resolve", "x @ git+https://good.example/x@v1")
    assert done.returncode == 2
    said = done.stderr.decode()
    assert f"'frobnicate' of [tool.git-helper] in '{here / 'pyproject.toml'}', line 2" in said
    assert "Traceback" not in said
    # git's own questions do not depend on where they are asked.
    assert run_helper("get", stdin=b"protocol=https\nhost=good.example\n").returncode == 0


def test_the_door_of_git_takes_words_for_yes_and_no_too() -> None:
    done = run_helper("get", stdin=b"protocol=https\nhost=good.example\n", env={"GIT_HELPER_NO_INPUT": "perhaps"})
    assert done.returncode == 2
    assert b"'GIT_HELPER_NO_INPUT'" in done.stderr
    assert b"'perhaps'" in done.stderr


@pytest.mark.parametrize("name", ["settings", "resolve", "login"])
def test_aliases_are_options(name: str) -> None:
    shown = re.sub(r"\s+", " ", run(name, "--help", env={"COLUMNS": "200"}).stdout.decode())
    for option in ("--system-certs", "--trusted-host", "--non-interactive", "--allow-insecure-host", "--client-cert"):
        assert option in shown


def test_aliases_mean_the_same() -> None:
    found = by_name(data("--system-certs", "--trusted-host", "a.example", "--trusted-host", "b", "--non-interactive"))
    assert found["native-tls"]["value"] is True
    assert found["no-input"]["value"] is True
    assert found["allow-insecure-host"]["value"] == ["a.example", "b"]


class TestTrace:
    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[GitHttpServer]:
        make_repository(tmp_path / "root/a.git", 2, {"a": "a"})
        with GitHttpServer(tmp_path / "root", realms=[Realm("/", [("alice", CANARY)])]) as running:
            yield running

    @pytest.mark.parametrize("source", ["URL", "netrc", "helper"])
    @pytest.mark.parametrize("works", [True, False])
    def test_it_tells_everything_but_the_secret(
        self, server: GitHttpServer, home: Path, tmp_path: Path, source: str, works: bool
    ) -> None:
        if not works:
            server.realms = [Realm("/", [("alice", "another")])]
        url = "git+" + server.url_for("a.git", *(("alice", CANARY) if source == "URL" else ()))
        if source == "netrc":
            (home / ".netrc").write_text(f"machine 127.0.0.1 login alice password {CANARY}\n")
        if source == "helper":
            configure(("credential.helper", f"!printf 'username=alice\\npassword={CANARY}\\n' #"))
        path = tmp_path / "trace"
        done = run("resolve", url, env={"CI": "1", "GIT_HELPER_TRACE": str(path)})
        assert (done.returncode == 0) is works
        lines = [json.loads(line) for line in path.read_text().split("\n")[:-1]]
        assert not leaks(path.read_bytes(), CANARY)
        assert path.stat().st_mode & 0o777 == 0o600
        assert lines[0] | {"event": "command", "name": "resolve"} == lines[0]
        requests = [line for line in lines if line["event"] == "request"]
        expected = {"URL": "URL", "netrc": "netrc", "helper": "other helpers"}[source]
        sent = [line["status"] for line in requests if line.get("credential") == expected]
        assert sent == [200 if works else 401]
        assert all(line["url"].startswith(f"{server.url_for('a.git')}/") for line in requests)
        if source == "helper":
            assert {"git", "sh"} & {line["name"] for line in lines if line["event"] == "program"}

    def test_there_is_none_without_the_option(self, here: Path) -> None:
        assert run("list").returncode == 0
        assert list(here.iterdir()) == []

    def test_a_place_where_none_can_be_written(self, here: Path) -> None:
        done = run("list", "--trace", "no/such/file")
        assert done.returncode == 2
        assert b"cannot write the trace to 'no/such/file'" in done.stderr


def test_cheap_commands_start_no_git(home: Path, here: Path) -> None:
    """What options and variables say is enough for `parse`, even where both files are broken."""
    (here / "pyproject.toml").write_text("[tool.git-helper\n")
    (home / ".gitconfig").write_text("[broken\n")
    assert subprocess.run([needs("git"), "config", "--list"], capture_output=True, check=False).returncode
    done = run("parse", "x @ git+https://good.example/x@v1")
    assert (done.returncode, done.stderr) == (0, b"")
