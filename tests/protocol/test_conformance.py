"""The ground of git's own tests for helpers (t0303, lib-credential.sh), without them.

Through real `git credential`, as far as git 2.39 can; test_attributes.py has what came later.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.protocol.git import GitCredential, answer
from tests.support import run_helper

HOST = "protocol=https\nhost=good.example\n"
ALICE = HOST + "username=alice\npassword=pass-a\n"
BOB = HOST + "username=bob\npassword=pass-b\n"


@pytest.fixture
def git(tmp_path: Path) -> GitCredential:
    return GitCredential(tmp_path)


class TestThroughGit:
    """fill, approve and reject."""

    def test_nothing_is_known_at_first(self, git: GitCredential) -> None:
        said = git("fill", HOST)
        assert said.lines[2:] == ["username=typed-name", "password=typed-password"]
        assert said.stderr.split("\n") == [
            "asked: Username for 'https://good.example': ",
            "asked: Password for 'https://typed-name@good.example': ",
            "",
        ]

    def test_what_was_stored_is_found(self, git: GitCredential) -> None:
        git.approve(ALICE)
        assert git("fill", HOST) == (ALICE.split("\n")[:-1], "")

    def test_the_person_s_answer_is_stored_and_not_asked_for_again(self, git: GitCredential) -> None:
        git.approve("\n".join(git("fill", HOST).lines) + "\n")
        assert answer(git("fill", HOST)) == ("typed-name", "typed-password")

    @pytest.mark.parametrize(
        "other",
        [
            "protocol=http\nhost=good.example\n",
            "protocol=HTTPS\nhost=good.example\n",
            "protocol=https\nhost=other.example\n",
            "protocol=https\nhost=good.example:443\n",
            "protocol=https\nhost=Good.example\n",
            HOST + "username=carol\n",
            HOST + "username=Alice\n",
            HOST + "username=\n",
        ],
    )
    def test_protocol_host_and_user_must_match(self, git: GitCredential, other: str) -> None:
        git.approve(ALICE)
        assert answer(git("fill", other)) is None

    @pytest.mark.parametrize(
        ("path", "found"), [("a.git", True), ("b.git", False), ("A.git", False), ("a.git/x", False), ("", False)]
    )
    def test_the_path_must_match(self, git: GitCredential, path: str, found: bool) -> None:
        """A protocol other than http keeps its path (gitcredentials(7), useHttpPath)."""
        place = "protocol=smtp\nhost=good.example\n"
        git.approve(place + "path=a.git\nusername=alice\npassword=pass-a\n")
        assert (answer(git("fill", place + f"path={path}\n")) is not None) is found

    def test_without_a_path_any_path_answers(self, git: GitCredential) -> None:
        place = "protocol=smtp\nhost=good.example\n"
        git.approve(place + "path=a.git\nusername=alice\npassword=pass-a\n")
        assert answer(git("fill", place)) == ("alice", "pass-a")

    def test_a_new_password_replaces_the_old_one(self, git: GitCredential) -> None:
        git.approve(ALICE)
        git.approve(HOST + "username=alice\npassword=newer\n")
        assert answer(git("fill", HOST)) == ("alice", "newer")
        git.reject(HOST + "username=alice\npassword=newer\n")
        assert answer(git("fill", HOST)) is None

    def test_a_host_is_forgotten_with_all_its_users(self, git: GitCredential) -> None:
        git.approve(ALICE)
        git.approve(BOB)
        git.reject(HOST)
        assert answer(git("fill", HOST + "username=alice\n")) is None
        assert answer(git("fill", HOST + "username=bob\n")) is None

    def test_several_users_are_kept_apart(self, git: GitCredential) -> None:
        git.approve(ALICE)
        git.approve(BOB)
        assert answer(git("fill", HOST + "username=alice\n")) == ("alice", "pass-a")
        assert answer(git("fill", HOST + "username=bob\n")) == ("bob", "pass-b")
        assert answer(git("fill", HOST)) == ("bob", "pass-b")

    def test_another_password_than_the_refused_one_stays(self, git: GitCredential) -> None:
        git.approve(ALICE)
        git.reject(HOST + "username=alice\npassword=stale\n")
        assert answer(git("fill", HOST)) == ("alice", "pass-a")

    def test_one_user_is_forgotten_and_the_other_stays(self, git: GitCredential) -> None:
        git.approve(ALICE)
        git.approve(BOB)
        git.reject(HOST + "username=alice\n")
        assert answer(git("fill", HOST + "username=alice\n")) is None
        assert answer(git("fill", HOST + "username=bob\n")) == ("bob", "pass-b")

    @pytest.mark.parametrize(("username", "password"), [("", "pass"), ("alice", ""), ("", "")])
    def test_empty_values_are_values(self, git: GitCredential, username: str, password: str) -> None:
        git.approve(HOST + f"username={username}\npassword={password}\n")
        assert answer(git("fill", HOST)) == (username, password)
        assert answer(git("fill", HOST + f"username={username}\n")) == (username, password)

    def test_all_that_match_are_erased(self, git: GitCredential) -> None:
        place = "protocol=smtp\nhost=good.example\n"
        for path in ("a", "b"):
            git.approve(place + f"path={path}\nusername=alice\npassword=p\n")
        git.reject(place + "username=alice\npassword=p\n")
        for path in ("a", "b"):
            assert answer(git("fill", place + f"path={path}\nusername=alice\n")) is None

    @pytest.mark.parametrize(
        "password", [" lead and trail \t", "a=b=c", "#;\"'\\$(x)`y`", "pässwörd ✓", "\x0b\x0c\x1b[31m"]
    )
    def test_passwords_come_back_byte_for_byte(self, git: GitCredential, password: str) -> None:
        git.approve(HOST + f"username=a b\npassword={password}\n")
        assert answer(git("fill", HOST)) == ("a b", password)

    def test_bytes_that_are_no_utf8_come_back(self, git: GitCredential) -> None:
        git.approve(HOST.encode() + b"username=\xff\xfe\npassword=\x80\n")
        assert run_helper("get", stdin=HOST.encode()).stdout == b"username=\xff\xfe\npassword=\x80\n"

    def test_lines_may_end_in_crlf(self, git: GitCredential) -> None:
        git.approve(ALICE.replace("\n", "\r\n"))
        assert answer(git("fill", HOST.replace("\n", "\r\n"))) == ("alice", "pass-a")

    def test_git_accepts_a_url_for_us(self, git: GitCredential) -> None:
        git.approve("url=https://al%40ice:p%20w@good.example:8443/team/x.git\n")
        assert answer(git("fill", "url=https://good.example:8443\n")) == ("al@ice", "p w")

    def test_the_passphrase_of_a_client_certificate(self, git: GitCredential) -> None:
        place = "protocol=cert\nhost=\nusername=\npath=/home/alice/key.pem\n"
        git.approve(place + "password=opens\n")
        assert answer(git("fill", place)) == ("", "opens")
        assert answer(git("fill", place.replace("key", "other"))) is None
