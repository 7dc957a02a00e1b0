"""`index` through the real executable against real servers: what it prints, what it asks, how it ends."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.commands import CANARY, leaks, run
from tests.pseudo_terminal import ENTER, PseudoTerminal
from tests.servers.http_message import Dropped, Request, Response, plain
from tests.servers.index import HTML, IndexServer
from tests.servers.rules import Realm
from tests.support import BIN

FILES = {"demo-1.0.tar.gz": b"x" * 12_345, "demo-1.0-py3-none-any.whl": b"two"}
PROJECTS = {"demo": FILES, "other": {"other-1.zip": b""}}


@pytest.fixture
def server() -> Iterator[IndexServer]:
    with IndexServer(PROJECTS) as running:
        yield running


def private(server: IndexServer) -> None:
    server.realms = [Realm("/", [("u", CANARY)])]


def netrc(home: Path, text: str) -> None:
    (home / ".netrc").write_text(text)
    (home / ".netrc").chmod(0o600)


def listed(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_projects_and_files(server: IndexServer) -> None:
    done = run("index", server.index_url)
    assert done.stdout == b"demo\nother\n"
    assert done.stderr.decode() == f"✓ {server.index_url}: 2 projects\n"
    done = run("index", "-q", server.index_url, "--project", "Demo", "--project", "other")
    assert done.stdout.decode().split("\n") == [
        "demo-1.0.tar.gz            12.3kB",
        "demo-1.0-py3-none-any.whl      3B",
        "other-1.zip  0B",
        "",
    ]
    assert done.stderr == b""
    assert [request.target for request in server.requests[1:]] == ["/simple/demo/", "/simple/other/"]


@pytest.mark.parametrize(
    ("policy", "code", "said", "sent"),
    [
        ("auto", 0, "1 file", [None, f"u:{CANARY}"]),
        ("always", 0, "1 file", [f"u:{CANARY}"]),
        ("never", 3, "it is never to be authenticated", [None]),
    ],
)
def test_an_index_of_uvs_table(
    server: IndexServer, home: Path, tmp_path: Path, policy: str, code: int, said: str, sent: list[str | None]
) -> None:
    private(server)
    netrc(home, f"machine 127.0.0.1 login u password {CANARY}\n")
    (tmp_path / "pyproject.toml").write_text(
        f'[[tool.uv.index]]\nname = "x"\nurl = "{server.index_url}"\nauthenticate = "{policy}"\n'
    )
    env = {"UV_INDEX_X_USERNAME": "u", "UV_INDEX_X_PASSWORD": "of-a-variable"}
    done = run("index", "--project", "other", cwd=tmp_path, env=env)
    assert (done.returncode, said in done.stderr.decode()) == (code, True), done.stderr.decode()
    assert [one.user_password for one in server.requests] == sent


def test_a_path_in_the_home_folder_that_no_shell_expands(server: IndexServer, home: Path, tmp_path: Path) -> None:
    private(server)
    (home / "logins").write_text(f"machine 127.0.0.1 login u password {CANARY}\n")
    (home / "logins").chmod(0o600)
    (home / "r.txt").write_text(f"-i {server.index_url}\n")
    done = run("index", "--requirement=~/r.txt", "--netrc-file=~/logins", "--project", "other")
    assert done.returncode == 0, done.stderr.decode()
    words = ["--netrc-file=~/logins", "--directory=~/files", "--cache-dir=~/kept"]
    assert run("download", "demo==1.0", "-i", server.index_url, *words, cwd=tmp_path).returncode == 0
    assert len(list((home / "files").iterdir())) == 1
    assert (home / "kept").is_dir()
    assert not (tmp_path / "~").exists()
    asked = {"GIT_HELPER_NETRC_FILE": "~/logins"}
    answer = run("get", stdin=f"protocol=http\nhost=127.0.0.1:{server.port}\n\n".encode(), env=asked)
    assert f"password={CANARY}\n".encode() in answer.stdout


def test_the_json(server: IndexServer) -> None:
    private(server)
    server.answers["/simple/old/"] = Response(
        200,
        {"Content-Type": HTML},
        '<a href="https://t:sekrit@f.example/old-1.whl?sig=sekrit#md5=d41d8cd98f00b204e9800998ecf8427e" data-yanked="é"'
        ' data-requires-python="&lt;4" data-core-metadata=true data-provenance="/p?token=sekrit">old</a>',
    )
    words = ["index", server.url_for("simple/", "u", CANARY), "--json"]
    done = run(*words, "--project", "old", "--project", "none")
    assert listed(done) == [
        {
            "kind": "index",
            "url": f"{server.index_url}old/",
            "project": "old",
            "status": 200,
            "credential": {"source": "URL", "username": "u"},
            "files": [
                {
                    "filename": "old-1.whl",
                    "url": "https://f.example/old-1.whl?sig=****",
                    "hashes": {"md5": "d41d8cd98f00b204e9800998ecf8427e"},
                    "requires-python": "<4",
                    "yanked": "é",
                    "core-metadata": True,
                    "provenance": f"{server.url}/p?token=****",
                }
            ],
        },
        {
            "kind": "index",
            "url": server.index_url,
            "project": "none",
            "error": "not-found",
            "message": f"cannot find '{server.index_url}none/': the server answered 404; it says: Not Found",
            "hint": f"check the URL; a registry may hide what is private: git-helper login {server.url}",
        },
    ]
    assert done.returncode == 6
    assert not leaks(done.stdout + done.stderr, CANARY, "sekrit")
    (projects,) = listed(run(*words))
    assert projects["projects"] == [{"name": "demo"}, {"name": "other"}]
    assert projects["api-version"] == "1.1"


def test_find_links_pages_and_folders(server: IndexServer, tmp_path: Path) -> None:
    (tmp_path / "local-1.zip").write_bytes(b"1")
    (tmp_path / "page.html").write_text('<a href="below/demo-2.zip">x</a>')
    words: list[str | Path] = ["--find-links", f"{server.url}/links/", "-f", tmp_path / "page.html", "-f", tmp_path]
    found = listed(run("index", "--json", *words))
    assert [one["kind"] for one in found] == ["find-links"] * 3
    assert [[file["filename"] for file in one["files"]] for one in found] == [
        [*FILES, "other-1.zip"],
        ["demo-2.zip"],
        ["local-1.zip"],
    ]
    done = run("index", "--project", "demo", *words)
    assert [line.split(" ")[0] for line in done.stdout.decode().split("\n")[:-1]] == [*FILES, "demo-2.zip"]
    assert done.returncode == 0  # that one place has nothing of it is no failure
    assert run("index", tmp_path, "--project", "demo").returncode == 6
    assert run("index", tmp_path).stdout == b"local-1.zip  1B\n"
    assert run("index", "--json", tmp_path / "page.html").returncode == 0


def test_what_is_configured(server: IndexServer, tmp_path: Path, home: Path) -> None:
    private(server)
    netrc(home, f"machine 127.0.0.1 login u password {CANARY}\n")
    for env in (
        {"PIP_INDEX_URL": server.index_url},
        {"UV_DEFAULT_INDEX": server.index_url},
        {"GIT_HELPER_INDEX_URL": server.index_url, "PIP_INDEX_URL": "https://none.example/"},
        {"PIP_EXTRA_INDEX_URL": server.index_url, "UV_FIND_LINKS": str(tmp_path)},
    ):
        assert run("index", env=env).stdout == b"demo\nother\n", env
    (tmp_path / "r.txt").write_text(f"-i {server.index_url}\nrequests\n")
    assert run("index", "-r", "r.txt", cwd=tmp_path).stdout == b"demo\nother\n"
    assert run("index", server.index_url, env={"PIP_INDEX_URL": "https://none.example/"}).returncode == 0
    done = run("index", env={"PIP_INDEX_URL": server.index_url, "PIP_NO_INDEX": "1"})
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"nothing to ask" in done.stderr


LAB = {"GIT_HELPER_INDEX_LAB_USERNAME": "u", "GIT_HELPER_INDEX_LAB_PASSWORD": CANARY}


def test_an_index_with_a_name_has_variables(server: IndexServer) -> None:
    private(server)
    for option in ("--index", "--default-index", "-i", "--index-url", "--extra-index-url"):
        assert run("index", option, f"lab={server.index_url}", env=LAB).stdout == b"demo\nother\n", option
    for variable in ("UV_INDEX", "UV_DEFAULT_INDEX", "GIT_HELPER_EXTRA_INDEX_URL"):
        assert run("index", env=LAB | {variable: f"lab={server.index_url}"}).stdout == b"demo\nother\n", variable
    assert server.authorizations
    server.forget()
    assert run("index", "-i", server.index_url, env=LAB).returncode == 3
    assert run("index", "-i", f"other={server.index_url}", env=LAB).returncode == 3
    assert not server.authorizations


def test_a_project_names_no_index(server: IndexServer, tmp_path: Path) -> None:
    private(server)
    for key in (f'index-url = "lab={server.index_url}"', f'extra-index-url = ["lab={server.index_url}"]'):
        (tmp_path / "pyproject.toml").write_text(f"[tool.git-helper]\n{key}\n")
        assert run("index", env=LAB, cwd=tmp_path).returncode == 3
    assert server.requests
    assert not server.authorizations


def test_settings_show_an_index_with_a_name_without_its_password() -> None:
    done = run("settings", "--json", "--index", "lab=https://u:hunter2@good.example/simple/")
    assert b'"lab=https://u:****@good.example/simple/"' in done.stdout
    assert b"hunter2" not in done.stdout + done.stderr


def test_exactly_why_it_may_not(server: IndexServer, home: Path) -> None:
    private(server)
    done = run("index", server.index_url)
    assert (done.returncode, done.stdout) == (3, b"")
    said = done.stderr.decode()
    assert f"no credential for '{server.index_url}' (the server answered 401); asked: variable, netrc" in said
    assert f"git-helper login {server.url}" in said
    netrc(home, "machine 127.0.0.1 login u password wrong\n")
    done = run("index", server.index_url)
    assert done.returncode == 4
    assert "netrc" in done.stderr.decode()
    server.realms = [Realm("/", [("u", CANARY)], deny=404)]
    done = run("index", server.index_url)
    assert done.returncode == 6
    assert "the server answered 404; asked for a credential: variable, netrc" in done.stderr.decode()


def test_a_person_is_asked_once_for_many_projects(server: IndexServer) -> None:
    private(server)
    words: list[str | Path] = [BIN / "git-helper", "index", server.index_url, "--project", "demo", "--project", "other"]
    with PseudoTerminal(words, env={"GIT_HELPER_STORE": "file"}) as terminal:
        terminal.expect("User name for ")
        terminal.send(b"u" + ENTER)
        terminal.expect("oken for ")
        terminal.send(CANARY.encode() + ENTER)
        assert terminal.wait() == 0
    assert [status for _, status in server.exchanges].count(401) == 1


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ((), 2, "nothing to ask"),
        (("--project", "a/b"), 2, "no project's name"),
        (("ftp://h.example/",), 2, "'ftp' is not supported"),
        (("https://u:p/w@h.example/",), 2, "percent-encode"),
        (("none",), 6, "cannot find"),
        (("--offline", "https://h.example/simple/"), 5, "--offline"),
        (("http://127.0.0.1:1/simple/",), 5, "cannot reach"),
        (("--max-page-size", "much", "x"), 2, "as a size"),
        (("-r", "https://127.0.0.1:1/r.txt"), 5, "cannot reach"),
        (("--offline", "-r", "https://h.example/r.txt"), 5, "--offline"),
    ],
)
def test_it_cannot(words: tuple[str, ...], code: int, says: str) -> None:
    done = run("index", *words)
    assert (done.returncode, done.stdout) == (code, b""), done.stderr
    assert says in done.stderr.decode()
    assert b"p/w" not in done.stderr


def test_one_failure_stops_no_other(server: IndexServer) -> None:
    server.answers["/broken/"] = plain(403, "not for you")
    done = run("index", "--json", f"{server.url}/broken/", server.index_url, "http://127.0.0.1:1/")
    assert [one.get("error") for one in listed(done)] == ["refused", None, "unreachable"]
    assert done.returncode == 5
    assert "it says: not for you" in done.stderr.decode()


def test_a_page_that_breaks_off_is_still_a_document(server: IndexServer) -> None:
    def page() -> Iterator[bytes]:
        yield b"".join(b'<a href="d-%d.zip">x</a>' % number + b" " * 80 for number in range(4_000))
        raise Dropped

    server.answers["/simple/demo/"] = Response(200, {"Content-Type": HTML}, page())
    done = run("index", "--json", server.index_url, "--project", "demo")
    (one,) = listed(done)
    assert one["error"] == "unreachable"
    assert len(one["files"]) > 1000
    assert done.returncode == 5


def test_a_long_page_is_refused_and_the_limit_can_be_set(server: IndexServer) -> None:
    server.answers["/simple/"] = Response(200, {"Content-Type": HTML}, '<a href="d/">d</a>' + " " * 5000)
    done = run("index", server.index_url, "--max-page-size", "5kB")
    assert done.returncode == 2
    assert b"the page is longer than 5kB" in done.stderr
    assert b"--max-page-size 20kB" in done.stderr
    assert run("index", server.index_url, env={"GIT_HELPER_MAX_PAGE_SIZE": "1k"}).returncode == 2
    assert run("index", server.index_url, env={"GIT_HELPER_MAX_PAGE_SIZE": "6KiB"}).stdout == b"d\n"


def test_hostile_names_do_nothing_to_a_terminal(server: IndexServer) -> None:
    body = '<a href="d-1.zip" data-yanked="\x1b[2J\u202e" data-requires-python="\x9b2J">d</a><a href="d%1b-2.zip">x</a>'
    server.answers["/simple/demo/"] = Response(200, {"Content-Type": HTML}, body)
    for words in ((), ("--json",)):
        done = run("index", server.index_url, "--project", "demo", *words)
        assert done.returncode == 0
        said = (done.stdout + done.stderr).decode()
        assert "\x1b" not in said
        assert "\u202e" not in said
        assert "\x9b" not in said


def test_the_hint_names_the_indexes_that_were_asked(server: IndexServer, home: Path) -> None:
    """What is to be typed after a download in vain asks the same places, without what their URLs carried."""
    private(server)
    netrc(home, f"machine 127.0.0.1 login u password {CANARY}")
    given = ["-i", server.url_for("simple/", "u", CANARY), "--extra-index-url", server.index_url, "-f", str(home)]
    done = run("download", "-d", home / "out", "demo==9.9", *given)
    assert done.returncode == 6
    hint = done.stderr.decode().rstrip("\n").rpartition("hint: git-helper ")[2]
    assert (
        hint == f"index --project demo -i {server.index_url} --extra-index-url {server.index_url} --find-links {home}"
    )
    assert leaks(done.stderr, CANARY) == []
    assert b"demo-1.0.tar.gz" in run(*hint.split(" ")).stdout


@pytest.mark.parametrize("header", ["{}", "{}&a=1"])
def test_a_server_that_sends_back_what_it_got(home: Path, header: str) -> None:
    """In the Location of a redirect, where `Basic` and base64 may be encoded: neither the trace nor a message has it."""

    class Echoing(IndexServer):
        def answer(self, request: Request) -> Response:
            if request.path == "/echo":
                return plain(404)
            value = header.format(quote(request.authorization or "", safe=""))
            return Response(302, {"Location": f"/echo?next={value}"})

    with Echoing(PROJECTS) as echoing:
        done = run("index", echoing.url_for("simple/", "u", CANARY), "--trace", home / "trace", "-v")
        assert done.returncode == 6
        assert len(echoing.requests) == 2
    shown = done.stdout + done.stderr + (home / "trace").read_bytes()
    assert b"/echo?next=Basic%20****" in shown
    assert leaks(shown, CANARY, f"u:{CANARY}") == []
