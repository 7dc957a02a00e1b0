"""The attributes that git learnt after 2.39, through the executable's own stdin and stdout; and how messages end."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support import BIN, run_helper

HOST = "protocol=https\nhost=good.example\n"
ALICE = HOST + "username=alice\npassword=pass-a\n"
BOB = HOST + "username=bob\npassword=pass-b\n"
BOTH = "capability[]=authtype\ncapability[]=state\n"
BEARER = HOST + "authtype=Bearer\ncredential=token-b\n"


def get(request: str | bytes, *words: str) -> str:
    done = run_helper(*words, "get", stdin=request if isinstance(request, bytes) else request.encode())
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def tell(operation: str, text: str | bytes) -> None:
    stdin = text if isinstance(text, bytes) else text.encode()
    done = run_helper("--store", "file", operation, stdin=stdin)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


class TestTheExecutable:
    """What git 2.40 and later say and want to hear."""

    @pytest.mark.parametrize(
        "end", ["", "\n", "\n\n", "\nhost=behind the end\n"], ids=["eof", "blank", "two", "more behind"]
    )
    def test_the_end_of_the_message(self, end: str) -> None:
        tell("store", ALICE + end)
        assert get(HOST + end) == "username=alice\npassword=pass-a\n"

    def test_the_last_line_may_lack_its_end(self) -> None:
        tell("store", ALICE[:-1])
        assert get(HOST[:-1]) == "username=alice\npassword=pass-a\n"

    @pytest.mark.parametrize("operation", ["get", "store", "erase"])
    def test_a_caller_that_keeps_stdin_open_is_answered_at_once(self, operation: str) -> None:
        tell("store", ALICE)
        with subprocess.Popen(
            [BIN / "git-credential-git-helper", "--store", "file", operation],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as helper:
            assert helper.stdin is not None
            assert helper.stdout is not None
            assert helper.stderr is not None
            helper.stdin.write(ALICE.encode() + b"\n")
            helper.stdin.flush()
            assert helper.wait(30) == 0  # stdin is open still
            assert helper.stdout.read() == (b"username=alice\npassword=pass-a\n" if operation == "get" else b"")
            assert helper.stderr.read() == b""

    def test_a_line_may_arrive_in_pieces(self) -> None:
        tell("store", ALICE)
        with subprocess.Popen(
            [BIN / "git-credential-git-helper", "get"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        ) as helper:
            assert helper.stdin is not None
            assert helper.stdout is not None
            for piece in ("proto", "col=https\r", "\nhost=good.", "example\n", "\r", "\n"):
                helper.stdin.write(piece.encode())
            assert helper.stdout.read() == b"username=alice\npassword=pass-a\n"

    @pytest.mark.parametrize("operation", ["", "frobnicate", "GET", "approve", "fill"])
    def test_unknown_operations_are_ignored_in_silence(self, operation: str) -> None:
        tell(operation, ALICE)
        assert get(HOST) == ""

    def test_nothing_known_is_silence(self) -> None:
        assert get(HOST) == ""
        tell("erase", ALICE)

    def test_unknown_attributes_are_ignored(self) -> None:
        tell("store", ALICE + "ntlm=allow\nx[]=y\nHOST=evil.example\nz=\n")
        assert get("ntlm=suppressed\ncontinue=1\n" + HOST) == "username=alice\npassword=pass-a\n"

    def test_the_path_may_come_before_the_protocol(self) -> None:
        """As gitoxide writes it."""
        tell("store", "path=a.git\n" + ALICE)
        assert get("path=a.git\nhost=good.example\nprotocol=https\n") == "username=alice\npassword=pass-a\n"

    def test_a_url_is_understood_and_resets_what_stood_before(self) -> None:
        tell("store", "username=bob\nurl=https://alice:pass-a@good.example\n")
        assert get("username=bob\nurl=https://good.example\n") == "username=alice\npassword=pass-a\n"
        assert "state" not in get(BOTH + "url=https://good.example\n")
        assert "state" in get("url=https://good.example\n" + BOTH)

    def test_long_headers_of_the_server_confuse_nobody(self) -> None:
        long = "x" * 65536
        tell("store", ALICE)
        request = f"{HOST}wwwauth[]=Basic realm={long}\nwwwauth[]={long}host=evil.example\nwwwauth[]=\n"
        assert get(request) == "username=alice\npassword=pass-a\n"
        tell("erase", request + "password=stale\n")
        assert get(HOST) == "username=alice\npassword=pass-a\n"

    @pytest.mark.parametrize("field", ["host", "username", "password", "path"])
    def test_values_of_64_kib_come_back(self, field: str) -> None:
        fields = {"protocol": "https", "host": "good.example", "path": "x", "username": "alice", "password": "p"}
        fields[field] = "v" * 65536
        text = "".join(f"{key}={value}\n" for key, value in fields.items())
        tell("store", text)
        request = "".join(f"{key}={value}\n" for key, value in fields.items() if key in ("protocol", "host", "path"))
        assert get(request) == f"username={fields['username']}\npassword={fields['password']}\n"

    def test_expiry_is_kept_and_said(self) -> None:
        tell("store", ALICE + "password_expiry_utc=9999999999\n")
        assert get(HOST) == "username=alice\npassword=pass-a\npassword_expiry_utc=9999999999\n"

    @pytest.mark.parametrize("expiry", ["0", "", "soon"])
    def test_an_expiry_that_is_none(self, expiry: str) -> None:
        tell("store", ALICE + f"password_expiry_utc={expiry}\n")
        assert get(HOST) == "username=alice\npassword=pass-a\n"

    def test_what_has_expired_is_neither_kept_nor_said(self) -> None:
        tell("store", ALICE + "password_expiry_utc=1\n")
        assert get(HOST) == ""

    def test_a_refresh_token_is_kept_and_said(self) -> None:
        tell("store", ALICE + "oauth_refresh_token=renew\n")
        assert get(HOST) == "username=alice\npassword=pass-a\noauth_refresh_token=renew\n"
        tell("store", ALICE)
        assert get(HOST) == "username=alice\npassword=pass-a\n"

    @pytest.mark.parametrize("ephemeral", ["1", "true", "yes", "on", "TRUE", pytest.param("9" * 5000, id="digits")])
    def test_what_is_ephemeral_is_not_kept(self, ephemeral: str) -> None:
        tell("store", ALICE + f"ephemeral={ephemeral}\n")
        tell("store", BOTH + BEARER + f"ephemeral={ephemeral}\n")
        assert get(BOTH + HOST) == ""

    @pytest.mark.parametrize("ephemeral", ["0", "false", "no", "off", ""])
    def test_what_is_not_ephemeral_is_kept(self, ephemeral: str) -> None:
        tell("store", ALICE + f"ephemeral={ephemeral}\n")
        assert get(HOST) == "username=alice\npassword=pass-a\n"

    def test_a_continued_conversation_is_like_any_other(self) -> None:
        tell("store", ALICE + "continue=1\nstate[]=other:stage=2\n")
        assert get(HOST + "state[]=other:stage=2\n") == "username=alice\npassword=pass-a\n"

    @pytest.mark.parametrize("lacking", ["username=alice\n", "password=p\n", "authtype=Bearer\n", "credential=t\n"])
    def test_half_a_credential_is_not_kept(self, lacking: str) -> None:
        tell("store", BOTH + HOST + lacking)
        assert get(BOTH + HOST) == ""


class TestReadyHeaders:
    """`authtype` and `credential` (git 2.46)."""

    def test_capability_is_answered(self) -> None:
        done = run_helper("capability", stdin=b"")
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout == b"version 0\ncapability authtype\ncapability state\n"

    def test_a_header_is_kept_and_said_behind_its_capability(self) -> None:
        tell("store", BOTH + BEARER)
        lines = get("capability[]=authtype\n" + HOST).split("\n")
        assert lines == ["capability[]=authtype", "authtype=Bearer", "credential=token-b", ""]

    def test_who_did_not_announce_it_hears_nothing(self) -> None:
        tell("store", BOTH + BEARER)
        assert get(HOST) == ""
        assert get("capability[]=state\n" + HOST) == ""

    @pytest.mark.parametrize("other", ["protocol=http\nhost=good.example\n", "protocol=https\nhost=good.example:443\n"])
    def test_protocol_and_host_must_match(self, other: str) -> None:
        tell("store", BOTH + BEARER)
        assert get(BOTH + other) == ""

    def test_a_user_name_belongs_to_it_where_there_is_one(self) -> None:
        tell("store", BOTH + BEARER + "username=alice\n")
        tell("store", BOTH + BEARER.replace("token-b", "token-c") + "username=bob\n")
        assert "credential=token-b" in get(BOTH + HOST + "username=alice\n")
        assert get(BOTH + HOST + "username=carol\n") == ""

    def test_a_new_one_replaces_it(self) -> None:
        tell("store", BOTH + BEARER)
        tell("store", BOTH + BEARER.replace("token-b", "newer"))
        assert "credential=newer" in get(BOTH + HOST)
        tell("erase", BOTH + BEARER.replace("token-b", "newer"))
        assert get(BOTH + HOST) == ""

    def test_it_is_erased_only_when_it_is_the_refused_one(self) -> None:
        tell("store", BOTH + BEARER)
        tell("erase", BOTH + BEARER.replace("token-b", "stale"))
        tell("erase", HOST + "username=alice\npassword=stale\n")
        assert "credential=token-b" in get(BOTH + HOST)
        tell("erase", BOTH + BEARER)
        assert get(BOTH + HOST) == ""

    def test_it_lives_beside_a_password(self) -> None:
        tell("store", ALICE)
        tell("store", BOTH + BEARER)
        assert "credential=token-b" in get(BOTH + HOST)
        assert get(HOST) == "username=alice\npassword=pass-a\n"


class TestNeedlessStores:
    """git tells `store` to every helper after each success, also to the one that answered."""

    def test_our_own_answer_comes_back_marked_and_is_not_stored_again(self, home: Path) -> None:
        tell("store", ALICE)
        file = home / ".local/share/git-helper/credentials"
        before = (file.stat().st_ino, file.stat().st_mtime_ns)
        answered = get(BOTH + HOST)
        assert answered.split("\n") == [
            "capability[]=state",
            "username=alice",
            "password=pass-a",
            "state[]=git-helper:seen=1",
            "",
        ]
        tell("store", BOTH + HOST + answered)
        assert (file.stat().st_ino, file.stat().st_mtime_ns) == before

    def test_the_mark_of_another_helper_is_not_ours(self) -> None:
        tell("store", BOTH + ALICE + "state[]=osxkeychain:seen=1\nstate[]=git-helper:seen=2\n")
        assert get(HOST) == "username=alice\npassword=pass-a\n"

    def test_what_a_variable_holds_is_not_copied(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GIT_HELPER_TOKEN_GOOD_EXAMPLE", "pass-a")
        tell("store", ALICE)
        tell("store", BOB)
        monkeypatch.delenv("GIT_HELPER_TOKEN_GOOD_EXAMPLE")
        assert get(HOST) == "username=bob\npassword=pass-b\n"
        assert get(HOST + "username=alice\n") == ""

    def test_what_netrc_holds_is_not_copied(self, home: Path) -> None:
        netrc = home / ".netrc"
        netrc.write_text("machine good.example login alice password pass-a\n")
        tell("store", ALICE)
        netrc.write_text("machine good.example login alice password other\n")
        tell("store", BOB)
        netrc.unlink()
        assert get(HOST + "username=alice\n") == ""
        assert get(HOST) == "username=bob\npassword=pass-b\n"

    def test_what_the_ci_system_holds_is_not_copied(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CI_JOB_TOKEN", "pass-a")
        monkeypatch.setenv("CI_SERVER_HOST", "good.example")
        tell("store", ALICE.replace("alice", "gitlab-ci-token"))
        monkeypatch.delenv("CI_JOB_TOKEN")
        assert get(HOST) == ""


def test_an_option_may_stand_before_the_operation_in_the_configuration(home: Path) -> None:
    assert get(HOST, "--store", "none") == ""
    done = run_helper("--store", "none", "store", stdin=ALICE.encode())
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert not (home / ".local/share/git-helper/credentials").exists()
    tell("store", ALICE)
    assert get(HOST, "--store=none") == ""
    assert get(HOST, "--store=file") == "username=alice\npassword=pass-a\n"


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (HOST, "answered by: file"),
        ("protocol=https\nhost=other.example\n", "no answer; asked: variable, netrc, file"),
        ("protocol=https\n", "no answer: the request names no protocol and host"),
        (HOST + "host=other.example\n", "no answer: 'host' is given twice"),
    ],
)
def test_with_v_git_helper_says_who_answered(request_: str, says: str) -> None:
    tell("store", ALICE)
    done = run_helper("-v", "get", stdin=request_.encode())
    assert done.returncode == 0
    assert says in done.stderr.decode()
    assert b"pass-a" not in done.stderr


def test_the_store_is_for_its_owner_only(home: Path) -> None:
    old = os.umask(0)
    try:
        tell("store", ALICE)
    finally:
        os.umask(old)
    folder = home / ".local/share/git-helper"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "credentials").stat().st_mode & 0o777 == 0o600
