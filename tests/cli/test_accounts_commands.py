"""`login`, `logout`, `list` and `token` through the real executable, against a server that answers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from git_helper.errors import GitHelperError
from git_helper.tasks import accounts
from tests.contracts.openers import credential_file as file_store
from tests.servers.http_message import Request, Response
from tests.servers.recording import RecordingServer
from tests.support import run_helper

PLAIN = b"the file store is plain text"
CANARY = b"canary-token"


def run(*words: str, stdin: bytes = b"", **environ: str) -> subprocess.CompletedProcess[bytes]:
    done = run_helper(*words, stdin=stdin, name="git-helper", env={"GIT_HELPER_STORE": "file", **environ})
    assert b"Traceback" not in done.stderr
    assert b"a bug in" not in done.stderr
    assert CANARY not in done.stderr
    return done


def login(*words: str, token: bytes = CANARY + b"\n", **environ: str) -> subprocess.CompletedProcess[bytes]:
    return run("login", *words, "--with-token", stdin=token, **environ)


def keep(host: str, user: str, token: bytes = CANARY) -> None:
    """As git stores: without the start of a whole command."""
    text = f"protocol=https\nhost={host}\nusername={user}\npassword=".encode() + token + b"\n"
    assert run_helper("--store", "file", "store", stdin=text).returncode == 0


def unexpected(source: str, error: GitHelperError) -> None:
    raise AssertionError(f"{source}: {error}")


def kept() -> list[tuple[str, str]]:
    """URL and user of what the file store holds, read without a command."""
    found = accounts.kept([file_store()], unexpected)
    return [(one.account.url(), (one.account.username or b"").decode()) for one in found]


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    """Lets alice and git in with the canary; 404 for what is below /hidden, 503 below /broken."""

    def script(request: Request) -> Response:
        if request.user_password not in {f"{user}:{CANARY.decode()}" for user in ("alice", "git")}:
            return Response(401)
        status = {"/hidden": 404, "/broken": 503}.get(request.path.removesuffix("/info/refs").rstrip("/"), 200)
        return Response(status)

    with RecordingServer(script) as running:
        yield running


def test_a_token_that_works_is_kept_and_git_gets_it(server: RecordingServer) -> None:
    done = login(server.url, "-u", "alice")
    assert (done.returncode, done.stdout) == (0, b"")
    assert f"stored the token of 'alice' for {server.url} in the file: the server accepted it".encode() in done.stderr
    assert PLAIN in done.stderr
    assert b"git does not ask git-helper yet: git-helper configure" in done.stderr
    request = f"protocol=http\nhost={server.netloc}\n".encode()
    assert run_helper("get", stdin=request).stdout == b"username=alice\npassword=" + CANARY + b"\n"
    assert run("token", server.url).stdout == CANARY + b"\n"


def test_once_git_asks_us_nothing_more_is_said(server: RecordingServer) -> None:
    subprocess.run(["git", "config", "--global", "credential.helper", "git-helper"], check=True)
    assert b"git-helper configure" not in login(server.url, "-u", "alice").stderr.replace(b"configure --store", b"")
    quiet = login(server.url, "-u", "alice", "--quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("path", "token", "code", "says"),
    [
        ("", b"wrong-one", 4, b"refused the token"),
        ("/team/x.git", b"wrong-one", 4, b"refused the token"),
        ("/hidden", CANARY, 6, b"knows no repository or index 'hidden'"),
        ("/broken", CANARY, 5, b"answered 503"),
        ("", b"", 2, b"the token is empty"),
        ("", b"one\ntwo\n", 2, b"line break"),
    ],
)
def test_what_does_not_work_is_not_kept(
    server: RecordingServer, home: Path, path: str, token: bytes, code: int, says: bytes
) -> None:
    done = login(server.url + path, "-u", "alice", token=token)
    assert (done.returncode, done.stdout) == (code, b"")
    assert says in done.stderr
    assert b"wrong-one" not in done.stderr
    assert not (home / ".local/share/git-helper/credentials").exists()
    assert kept() == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_cannot_be_reached(scheme: str) -> None:
    with RecordingServer() as gone:
        url = f"{scheme}://{gone.netloc}"
    done = login(url)
    assert done.returncode == 5
    assert f"cannot reach '{url}/'".encode() in done.stderr
    assert kept() == []


def test_a_server_that_says_nothing_is_not_waited_for_long() -> None:
    with RecordingServer(lambda _: hold()) as silent:

        def hold() -> Response:
            silent.hold()
            return Response()

        done = login(silent.url, "--timeout", "0.2")
    assert done.returncode == 5
    assert b"no answer within 0.2 seconds" in done.stderr


@pytest.mark.parametrize(
    "url",
    [
        "https://alice:canary-token@good.example",
        "alice:canary-token@good.example",
        "ssh://git@good.example/x",
        "https://",
    ],
)
@pytest.mark.parametrize("command", ["login", "token"])
def test_urls_that_are_refused(command: str, url: str) -> None:
    done = run(command, url)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"git-helper: error: ")


def test_blanks_of_a_token_are_its_own() -> None:
    assert login("good.example", "--no-check", token=b"  a token \t\r\n").returncode == 0
    assert run("token", "https://good.example").stdout == b"  a token \t\n"


def test_without_a_terminal_the_way_is_named() -> None:
    done = run("login", "https://good.example", "-u", "alice", "--no-input")
    assert done.returncode == 3
    assert b"git-helper login https://good.example --with-token" in done.stderr


@pytest.mark.parametrize(
    ("when", "shown"),
    [("2099-12-31", "2100-01-01T00:00:00Z"), ("9999999w", "9999-12-31T23:59:59Z")],
)
def test_when_a_token_expires(when: str, shown: str) -> None:
    assert login("good.example", "--no-check", "--expires", when).returncode == 0
    (account,) = json.loads(run("list", "--json").stdout)
    assert shown in account["expires"]


@pytest.mark.parametrize("when", ["soon", "2001-01-01"])
def test_a_time_that_makes_no_sense(when: str) -> None:
    assert login("good.example", "--no-check", "--expires", when).returncode == 2
    assert kept() == []


def test_an_expired_token_is_no_token(home: Path) -> None:
    keep("good.example", "alice")
    store = home / ".local/share/git-helper/credentials"
    store.write_bytes(store.read_bytes().replace(b"password=", b"password_expiry_utc=1\npassword="))
    assert run("token", "https://good.example").returncode == 3
    (account,) = json.loads(run("list", "--json").stdout)
    assert account["expires"] == "1970-01-01T00:00:01Z"
    assert b"expired" in run("list").stdout


def test_accounts_are_listed_without_their_secrets() -> None:
    assert (run("list").stdout, json.loads(run("list", "--json").stdout)) == (b"", [])
    keep("good.example", "alice")
    keep("other.example:8443", "b\x1b[31mob")
    table, objects = run("list").stdout, json.loads(run("list", "--json").stdout)
    assert objects == [
        {"url": url, "username": user, "store": "file", "protection": "plain text", "expires": None}
        for url, user in (("https://good.example", "alice"), ("https://other.example:8443", "b%1B[31mob"))
    ]
    for shown in (b"https://good.example", b"alice", b"plain text", b"never"):
        assert shown in table
    assert CANARY not in table
    assert b"\x1b" not in table


def test_several_users_of_one_host() -> None:
    for user in ("alice", "bob"):
        keep("good.example", user, user.encode())
    keep("other.example", "carol")
    assert run("token", "https://good.example", "-u", "alice").stdout == b"alice\n"
    assert run("token", "https://bob@good.example").stdout == b"bob\n"
    unclear = run("logout", "https://good.example")
    assert unclear.returncode == 2
    assert b"alice, bob" in unclear.stderr
    assert len(kept()) == 3
    one = run("logout", "https://good.example", "-u", "alice")
    assert one.returncode == 0
    assert b"forgot the token of 'alice'" in one.stderr
    assert b"revoke it at the server" in one.stderr
    assert kept() == [("https://good.example", "bob"), ("https://other.example", "carol")]
    keep("good.example", "alice")
    assert run("logout", "https://good.example", "--all").returncode == 0
    assert kept() == [("https://other.example", "carol")]


def test_logout_undoes_the_login_of_the_same_url() -> None:
    url = "https://good.example/team/x.git"
    assert login(url, "-u", "alice", "--no-check").returncode == 0
    assert kept() == [("https://good.example", "alice")]
    assert run("token", url).stdout == CANARY + b"\n"
    assert run("logout", url).returncode == 0
    assert kept() == []


def test_where_git_asks_with_the_path_so_do_we() -> None:
    subprocess.run(["git", "config", "--global", "credential.useHttpPath", "true"], check=True)
    one, two = "https://good.example/team/x.git", "https://good.example/team/y.git"
    assert login(one, "-u", "alice", "--no-check").returncode == 0
    assert login(two, "-u", "alice", "--no-check").returncode == 0
    assert kept() == [(one, "alice"), (two, "alice")]
    assert run("token", "https://good.example/team/z.git").returncode == 3
    assert run("logout", one).returncode == 0
    assert kept() == [(two, "alice")]


@pytest.mark.parametrize("words", [("logout", "https://good.example"), ("logout", "https://good.example", "-u", "bob")])
def test_nothing_to_forget(words: tuple[str, ...]) -> None:
    if "-u" in words:
        keep("good.example", "alice")
    done = run(*words)
    assert done.returncode == 6
    assert b"git-helper list" in done.stderr


def test_no_token_says_who_was_asked() -> None:
    done = run("token", "https://good.example")
    assert (done.returncode, done.stdout) == (3, b"")
    assert b"asked: variable, netrc, file, ci token, other helpers" in done.stderr


def test_a_token_goes_out_as_the_bytes_it_is() -> None:
    keep("good.example", "alice", b"\xff\xc3\xa9")
    assert run("token", "good.example").stdout == b"\xff\xc3\xa9\n"


def test_the_token_of_a_ready_header() -> None:
    text = b"capability[]=authtype\nprotocol=https\nhost=good.example\nauthtype=Bearer\ncredential=" + CANARY + b"\n"
    assert run_helper("--store", "file", "store", stdin=text).returncode == 0
    assert run("token", "https://good.example").stdout == CANARY + b"\n"


def test_git_s_cache_before_us_forgets_what_was_replaced(home: Path, tmp_path: Path) -> None:
    """`configure --cache` puts `cache` before us; a new login must not lose against it."""
    subprocess.run(["git", "config", "--global", "credential.helper", "cache"], check=True)
    old = b"protocol=https\nhost=good.example\nusername=alice\npassword=old\n"
    subprocess.run(["git", "credential-cache", "store"], input=old, check=True)
    try:
        assert login("good.example", "-u", "alice", "--no-check").returncode == 0
        ask = b"protocol=https\nhost=good.example\nusername=alice\n"
        cached = subprocess.run(["git", "credential-cache", "get"], input=ask, capture_output=True, check=True)
        assert cached.stdout == b""
    finally:
        subprocess.run(["git", "credential-cache", "exit"], check=True)
