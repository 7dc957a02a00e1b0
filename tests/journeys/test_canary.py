"""One marker secret in every source, every command in every way that fails: it is nowhere where it does not belong.

8-safety: stdout, stderr, all files below HOME but the store and the netrc file, the arguments of every child; plain,
percent-encoded, in base64.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.commands import CANARY, configure, everything_below, leaks, on_path, program, run
from tests.servers.git_http import Fault, GitHttpServer, Realm
from tests.servers.http_message import Request, Response
from tests.servers.repositories import make_repository
from tests.support import run_helper

ITS_OWN = ("credentials", ".netrc", "git-credential-lab", "ask")
"""Where the secret was put by the person; our store among them."""


class Echo(GitHttpServer):
    """Says back what it was sent, as careless servers do in their error pages."""

    def answer(self, request: Request) -> Response:
        response = super().answer(request)
        if response.status in (403, 404, 500) and request.authorization is not None:
            said = f"bad credentials: Authorization: {request.authorization} {request.user_password} {CANARY}\n"
            return Response(response.status, [("Content-Type", "text/plain"), ("X-Said", said.strip())], said)
        return response


FAULTS = {
    "good": Fault("/none"),
    "403": Fault(status=403, authenticated=True),
    "404": Fault(status=404, authenticated=True),
    "500": Fault(status=500, authenticated=True),
    "silence": Fault(stall_after=0, authenticated=True),
    "page": Fault(status=200, body=b"<html>log in</html>", content_type="text/html", authenticated=True),
    "cut": Fault(drop_after=30, authenticated=True),
    "refused": Fault("/none"),
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Echo]:
    make_repository(tmp_path / "root/a.git", 2, {"a": "a"})
    with Echo(tmp_path / "root", realms=[Realm("/", [("alice", CANARY)])]) as running:
        yield running


@pytest.fixture
def children(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What programs are started with: a git, an ssh and a keyring that write it down."""
    record = home.parent / f"{home.name}-children"
    folder = home / "bin"
    folder.mkdir()
    for name in ("git", "ssh", "keyring"):
        real = shutil.which(name) or "false"
        program(folder, name, f"#!/bin/sh\nprintf '%s\\n' {name} \"$@\" >>'{record}'\nexec '{real}' \"$@\"\n")
    monkeypatch.setenv("PATH", on_path(folder))
    return record


def plant(source: str, server: Echo, home: Path, name: str) -> tuple[str, dict[str, str]]:
    """The secret in one source; the URL and the variables to run with."""
    url, env = "git+" + server.url_for(name), {"CI": "1"}
    if source == "URL":
        url = "git+" + server.url_for(name, "alice", CANARY)
    elif source == "token in the URL":
        url = "git+" + server.url_for(name, CANARY)
    elif source == "netrc":
        (home / ".netrc").write_text(f"machine 127.0.0.1 login alice password {CANARY}\n")
        (home / ".netrc").chmod(0o600)
    elif source == "store":
        text = f"protocol=http\nhost={server.netloc}\nusername=alice\npassword={CANARY}\n"
        assert run_helper("--store", "file", "store", stdin=text.encode()).returncode == 0
    elif source == "variable":
        variable = f"GIT_HELPER_TOKEN_127_0_0_1_{server.port}"
        env |= {variable: CANARY, variable.replace("TOKEN", "USERNAME"): "alice"}
    elif source == "helper":
        answer = f"printf 'username=alice\\npassword=%s\\n' '{CANARY}'"
        script = f'#!/bin/sh\ncat >/dev/null\ntest "$1" != get || {answer}\n'
        program(home / "bin", "git-credential-lab", script)
        configure(("credential.helper", "lab"))
    else:
        answer = f"case \"$1\" in User*) echo alice;; *) echo '{CANARY}';; esac"
        env |= {"GIT_ASKPASS": str(program(home, "ask", f"#!/bin/sh\n{answer}\n"))}
    return url, env


SHORTER = ("netrc", "store", "variable", "askpass")
SOURCES = ("URL", "token in the URL", "netrc", "store", "variable", "helper", "askpass")


@pytest.mark.parametrize("source", SOURCES)
def test_however_it_fails(source: str, server: Echo, home: Path, tmp_path: Path, children: Path) -> None:
    url, env = plant(source, server, home, "a.git")
    if source == "token in the URL":
        server.realms = [Realm("/", [(CANARY, "")])]
    codes = {}
    # Each fault with resolve or download in turn; the last ones with both.
    for number, (name, fault) in enumerate(FAULTS.items()):
        if source in SHORTER and name in ("404", "500", "silence", "cut"):
            continue  # what is written about those does not depend on the source
        server.faults = [fault]
        if name == "refused":
            server.realms = [Realm("/", [("alice", "another")])]
        words = ["resolve", "--format", "json"] if number % 2 else ["download", "-d", str(tmp_path / f"out{number}")]
        revision = {"500": "@nowhere", "page": "@" + "1" * 40 if number % 2 == 0 else ""}.get(name, "")
        done = run(*words, "-v", "--timeout", "1", url + revision, f"x @ {url}#subdirectory=none", env=env)
        codes[name] = done.returncode
        if name == "good":
            shown = run("resolve", "--format", "json", url, env=env)
            assert shown.returncode == 0
            done.stdout += shown.stdout + shown.stderr
        assert not leaks(done.stdout + done.stderr, CANARY), (name, done.stderr)
    # The first for a subdirectory that is not there, the last for a token in place of a name.
    expected = {"good": (6,), "403": (4,), "404": (6,), "refused": (3, 4)}
    assert all(code in expected.get(name, (5,)) for name, code in codes.items()), codes
    assert [request for request in server.requests if request.authorization is not None], "it was never used"
    assert not leaks(everything_below(home, *tmp_path.glob("out*"), without=ITS_OWN), CANARY)
    assert not leaks(children.read_bytes() if children.exists() else b"", CANARY)


BAD = (
    "git+https://alice:{0}@h:99999/a.git",
    "git+https://alice:{0}@h/a.git@main~1",
    "git+https://alice:{0}@h/a.git?x=1",
    "git+https://alice:{0}@-h/a.git",
    "git+ssh://alice:{0}@h/a.git",
    "git+https://alice:{1}@h/a.git",
    "hg+https://alice:{0}@h/a",
    "alice:{1}@h:a.git",
    "x==1 @ git+https://alice:{0}@h/a.git",
    "x @ git+https://alice:{0}@h/a.git ; nonsense",
    "https://{0}@h/a.whl#subdirectory=../x",
    "git+https://alice:{0}@127.0.0.1:1/a.git",
    "git+https://alice:{0}@h\u2028/a.git",
    "git+https://{0}%0a@h/a.git",
)


def test_urls_that_cannot_be_used(home: Path, tmp_path: Path) -> None:
    urls = [text.format(quote(CANARY, safe=""), CANARY) for text in BAD]
    (tmp_path / "r.txt").write_text("\n".join(urls))
    (tmp_path / "o.txt").write_text(f"--index-url https://alice:{quote(CANARY, safe='')}@h/%0a\n")
    commands = (["parse"], ["parse", "--json"], ["resolve"], ["resolve", "--format", "json"], ["download"])
    for words in (*([*command, *urls] for command in commands), ["resolve", "-r", "r.txt"], ["resolve", "-r", "o.txt"]):
        done = run(*words, cwd=tmp_path, env={"CI": "1"})
        assert done.returncode in (2, 5)
        assert not leaks(done.stdout + done.stderr, CANARY), (done.stdout + done.stderr).decode()
        if words[-1] != "o.txt":
            assert (done.stdout + done.stderr).count(b"cannot ") >= len(BAD) - 1
    assert not leaks(everything_below(home), CANARY)


def test_this_test_would_notice() -> None:
    for form in (CANARY, quote(CANARY, safe=""), quote(CANARY)):
        assert leaks(f"x{form}y".encode(), CANARY)
    from base64 import b64encode

    for user in ("a", "al", "ali", "alice", ""):
        assert leaks(b64encode(f"{user}:{CANARY}".encode()), CANARY), user
    assert not leaks(b"https://alice:****@h/", CANARY)
    assert os.sep in CANARY
