"""`login`: what is typed, what the server says about it, and what is kept."""

from __future__ import annotations

import io
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from git_helper.core.authorization import authorization
from git_helper.core.credential import Credential
from git_helper.errors import Cancelled, GitHelperError, NoCredential, NotFound, Refused, Unreachable, UsageError
from git_helper.net.session import Session
from git_helper.secret import Secret
from git_helper.stores.credential_file import CredentialFile
from git_helper.system import files
from git_helper.tasks.login import Check, Outcome, Typed, expiry, login, parse_place
from tests.servers.http_message import Request, Response
from tests.servers.recording import RecordingServer

NOW = 1_700_000_000.0  # 2023-11-14


class Prompter:
    """Answers with what it was given; None stands for no terminal."""

    def __init__(self, username: bytes | None = None, secret: bytes | None = None) -> None:
        self.username = username
        self.secret = secret
        self.asked: list[bytes | None] = []

    def ask_username(self) -> bytes | None:
        self.asked.append(None)
        return self.username

    def ask_secret(self, username: bytes) -> Secret | None:
        self.asked.append(username)
        if self.secret == b"^C":
            raise Cancelled("cancelled")
        return None if self.secret is None else Secret(self.secret)


def unexpected(source: str, error: GitHelperError) -> None:
    raise AssertionError(f"{source}: {error}")


def statuses(anonymous: int, right: int, wrong: int = 401) -> Callable[[Request], Response]:
    """A server that gives `right` to alice's token, `anonymous` to nobody, `wrong` to others."""

    def script(request: Request) -> Response:
        if request.authorization is None:
            return Response(anonymous)
        return Response(right if request.user_password == "alice:t" else wrong)

    return script


@pytest.fixture
def store(tmp_path: Path) -> CredentialFile:
    return CredentialFile(str(tmp_path / "credentials"), lambda: files, unexpected)


@pytest.fixture
def transport() -> Iterator[Session]:
    with Session(ssl.create_default_context(), 10.0) as session:
        yield session


def typed(token: bytes | None, username: str | None = "alice", expires: int | None = None) -> Typed:
    return Typed(username, None if token is None else io.BytesIO(token), expires)


def kept(
    store: CredentialFile,
    url: str,
    given: Typed,
    transport: Session | None = None,
    prompter: Prompter | None = None,
    *,
    with_path: bool = False,
) -> Outcome:
    return login(parse_place(url), given, prompter or Prompter(), transport, lambda: store, with_path=with_path)


@pytest.mark.parametrize(
    ("anonymous", "right", "check"),
    [
        (401, 200, Check.ACCEPTED),
        (404, 200, Check.ACCEPTED),
        (403, 204, Check.ACCEPTED),
        (200, 200, Check.UNPROVEN),
        (302, 302, Check.UNPROVEN),
        (401, 302, Check.UNCLEAR),
        (403, 405, Check.UNCLEAR),
        (401, 404, Check.ACCEPTED),  # there is no page at the root, but nobody else is told so
        (404, 404, Check.UNPROVEN),
    ],
)
def test_what_the_servers_answers_prove(
    store: CredentialFile, transport: Session, anonymous: int, right: int, check: Check
) -> None:
    with RecordingServer(statuses(anonymous, right)) as server:
        outcome = kept(store, server.url, typed(b"t"), transport)
        assert outcome.check is check
        assert server.exchanges == [(None, anonymous), ("alice:t", right)]
    assert [one.key() for one in store.accounts()] == [(b"http", server.netloc.encode(), None, b"alice")]


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, Refused), (403, Refused), (404, NotFound), (500, Unreachable), (503, Unreachable), (429, Unreachable)],
)
def test_what_does_not_work_is_not_kept(
    store: CredentialFile, transport: Session, status: int, error: type[GitHelperError]
) -> None:
    with RecordingServer(statuses(401, status)) as server, pytest.raises(error) as refused:
        kept(store, server.url + "/team/x.git", typed(b"t"), transport)
    assert server.requests[1].target == "/team/x.git/info/refs?service=git-upload-pack"
    assert server.requests[1].user_password == "alice:t"
    assert refused.value.hint
    assert store.accounts() == []


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("pypi/simple/", ["/pypi/simple/"] * 2),
        ("team/dev/+simple", ["/team/dev/+simple/"] * 2),
        ("packages", ["/packages/info/refs"] * 2 + ["/packages/"] * 2),
    ],
)
def test_an_index_is_asked_for_itself(store: CredentialFile, transport: Session, path: str, asked: list[str]) -> None:
    def script(request: Request) -> Response:
        return Response(404 if request.user_password is None or "info/refs" in request.path else 200)

    with RecordingServer(script) as server:
        assert kept(store, f"{server.url}/{path}", typed(b"t"), transport).check is Check.ACCEPTED
        assert [request.path for request in server.requests] == asked


@pytest.mark.parametrize(("anonymous", "path"), [(401, "x/simple/"), (403, "x/simple")])
def test_an_index_without_a_page_of_all_projects(
    store: CredentialFile, transport: Session, anonymous: int, path: str
) -> None:
    with RecordingServer(statuses(anonymous, 404)) as server:
        assert kept(store, f"{server.url}/{path}", typed(b"t"), transport).check is Check.ACCEPTED
    with RecordingServer(statuses(404, 404)) as server, pytest.raises(NotFound):
        kept(store, f"{server.url}/{path}", typed(b"t"), transport)


def test_a_server_that_is_not_there_is_unreachable(store: CredentialFile, transport: Session) -> None:
    with RecordingServer() as server:
        url = server.url
    with pytest.raises(Unreachable):
        kept(store, url, typed(b"t"), transport)
    assert store.accounts() == []


def test_the_token_is_not_sent_where_a_redirect_leads(store: CredentialFile, transport: Session) -> None:
    with RecordingServer(host="127.0.0.2") as other:
        with RecordingServer(lambda _: (302, {"Location": other.url}, b"")) as server:
            assert kept(store, server.url, typed(b"t"), transport).check is Check.UNPROVEN
        assert other.requests == []


@pytest.mark.parametrize(
    ("given", "secret"),
    [
        (b"t", b"t"),
        (b"t\n", b"t"),
        (b"t\r\n", b"t"),
        (b"  t \t\n", b"  t \t"),
        (b"\xff\n", b"\xff"),
        (b"x" * 65535 + b"\n", b"x" * 65535),
    ],
)
def test_of_a_token_on_standard_input_only_its_line_end_is_dropped(
    store: CredentialFile, given: bytes, secret: bytes
) -> None:
    kept(store, "https://good.example", typed(given))
    assert store.accounts()[0].credential.password == Secret(secret)


@pytest.mark.parametrize("given", [b"", b"\n", b"a\nb\n", b"a\n\n", b"a\0", b"a\rb", b"x" * 65537])
def test_what_is_no_token_is_refused_before_anybody_sees_it(
    store: CredentialFile, transport: Session, given: bytes
) -> None:
    with RecordingServer() as server, pytest.raises(UsageError, match="token"):
        kept(store, server.url, typed(given), transport)
    assert server.requests == []
    assert store.accounts() == []


def test_a_user_name_that_no_line_can_carry_is_refused(store: CredentialFile) -> None:
    with pytest.raises(UsageError, match="username"):
        kept(store, "https://good.example", typed(b"t", "a\nhost=evil.example"))


def test_the_person_is_asked_for_what_is_missing(store: CredentialFile) -> None:
    prompter = Prompter(b"alice", b"t")
    kept(store, "https://good.example", typed(None, None), prompter=prompter)
    kept(store, "https://bob@good.example", typed(None, None), prompter=prompter)
    assert prompter.asked == [None, b"alice", b"bob"]
    assert sorted(one.username or b"" for one in store.accounts()) == [b"alice", b"bob"]


def test_no_user_name_means_any(store: CredentialFile) -> None:
    kept(store, "https://good.example", typed(None, None), prompter=Prompter(b"", b"t"))
    kept(store, "https://other.example", typed(b"t", None))
    assert {one.username for one in store.accounts()} == {b"git"}


@pytest.mark.parametrize(("secret", "error"), [(None, NoCredential), (b"", UsageError), (b"^C", Cancelled)])
def test_without_a_token_nothing_is_kept(
    store: CredentialFile, secret: bytes | None, error: type[GitHelperError]
) -> None:
    with pytest.raises(error):
        kept(store, "https://good.example", typed(None), prompter=Prompter(b"alice", secret))
    assert store.accounts() == []


def test_two_user_names_are_a_contradiction(store: CredentialFile) -> None:
    with pytest.raises(UsageError, match="two users"):
        kept(store, "https://bob@good.example", typed(b"t", "alice"))
    assert kept(store, "https://alice@good.example", typed(b"t", "alice")).account.username == b"alice"


def test_no_store_is_an_error() -> None:
    with pytest.raises(UsageError, match="store is 'none'"):
        login(parse_place("good.example"), typed(b"t"), Prompter(), None, lambda: None, with_path=False)


def test_the_path_is_kept_only_where_git_asks_with_it(store: CredentialFile) -> None:
    kept(store, "https://good.example/a%20b.git/", typed(b"t", expires=5), with_path=True)
    kept(store, "https://good.example/a%20b.git/", typed(b"t"))
    assert [(one.path, one.credential.expiry) for one in store.accounts()] == [(None, None), (b"a b.git", 5)]


@pytest.mark.parametrize(
    ("text", "pairs", "probe"),
    [
        ("good.example", {"host": "good.example"}, "https://good.example/"),
        ("https://good.example/", {"host": "good.example"}, "https://good.example/"),
        ("HTTPS://good.example", {"host": "good.example"}, "https://good.example/"),
        ("git+https://good.example", {"host": "good.example"}, "https://good.example/"),
        ("alice@good.example", {"host": "good.example", "username": "alice"}, "https://good.example/"),
        ("http://[::1]:8080", {"protocol": "http", "host": "[::1]:8080"}, "http://[::1]:8080/"),
        (
            "good.example/team/x.git",
            {"host": "good.example", "path": "team/x.git"},
            "https://good.example/team/x.git/info/refs?service=git-upload-pack",
        ),
        (
            "https://al%40ice@good.example:8443/a%20b//",
            {"host": "good.example:8443", "path": "a b", "username": "al@ice"},
            "https://good.example:8443/a%20b/info/refs?service=git-upload-pack",
        ),
    ],
)
def test_urls(text: str, pairs: dict[str, str], probe: str) -> None:
    place = parse_place(text)
    found = {key.decode(): value.decode() for key, value in place.description.pairs()}
    assert found == {"protocol": "https", **pairs}
    assert place.probe_urls()[0] == probe


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://",
        "https:///x",
        "https://:8443",
        "ssh://git@good.example/x",
        "file:///x",
        "https://good.example\n.evil.example",
        "https://good.example%0ahost=evil.example",
        "https://good.example/a b",
        "https://good%20.example/a",
        "https://good.example/a%0ab",
        "https://good.example/\x7f",
        "https://good.example:x/",
        "https://-good example",
        "https://gööd.example",
        "https://good.example%40evil.example/",
    ],
)
def test_what_cannot_be_logged_in_to_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_place(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://alice:canary@good.example",
        "alice:canary@good.example",
        "https:/alice:canary@good.example",
        "https:alice:canary@good.example",
        "ftp://alice:canary@good.example",
        "ssh://good.example/alice:canary@x",
        "https://canary%0a@good.example",
    ],
)
def test_a_password_in_a_url_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_place(text)
    assert "canary" not in f"{refused.value.message} {refused.value.hint}"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("git@good.example:team/tool.git", "ssh-add(1)"),
        ("ssh://git@good.example/x", "ssh-add(1)"),
        ("ftp://good.example", "write https://host"),
        ("https://", "write https://host"),
    ],
)
def test_the_hint_is_about_what_was_meant(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_place(text)
    assert hint in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90d", NOW + 90 * 86400),
        ("12h", NOW + 12 * 3600),
        ("30m", NOW + 1800),
        ("2w", NOW + 14 * 86400),
        ("2027-01-31", 1801440000),
        ("1800000000", 1800000000),
    ],
)
def test_expiry(text: str, seconds: float) -> None:
    assert expiry(text, NOW) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "d", "soon", "90", "0d", "-1d", "1.5h", "2020-01-01", "2027-13-01", "\u00b2d", "\u00b2", "1y", "99999999d"],
)
def test_what_is_no_time_to_come_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        expiry(text, NOW)


def test_the_header_has_the_very_bytes_of_user_name_and_password() -> None:
    assert authorization(Credential("ü".encode(), Secret(b"\xff: "))) == Secret(b"Basic w7w6/zog")
    assert authorization(Credential(None, Secret(b"p"))) == Secret(b"Basic OnA=")
    bearer = Credential(b"a", Secret(b"p"), authtype=b"Bearer", credential=Secret(b"t"))
    assert authorization(bearer) == Secret(b"Bearer t")
