"""The other helpers, as real processes; and every way in which we could be asked by ourselves (3-protocol §11)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from git_helper.core.credential import Credential, Description
from git_helper.errors import GitHelperError, StoreError, Timeout
from git_helper.sources.other_helpers import OtherHelpers, ToldToQuit
from git_helper.system import executables
from tests.support import ROOT, needs

WANTED = Description(b"https", b"good.example", b"org/repo.git")
LIMIT_OF_CALLS = 8  # a loop ends here instead of eating the machine

# What the protocol door does with this source: silent under the guard, else it answers what the other helpers answer.
DOOR = """#!{python}
import os, sys
sys.path.insert(0, {root!r})
with open({counter!r}, "a") as counter:
    counter.write("x")
if os.path.getsize({counter!r}) > {limit} or os.environ.get("GIT_HELPER_CHAIN") or sys.argv[-1] != "get":
    sys.exit(0)
from git_helper.core.credential import Description
from git_helper.core.wire import parse, serialize
from git_helper.sources.other_helpers import OtherHelpers
wanted = Description.of(parse(sys.stdin.buffer.read()))
for found in OtherHelpers(os.environ, lambda name, error: print(error, file=sys.stderr)).find(wanted):
    if found.is_complete():
        sys.stdout.buffer.write(serialize(found.pairs()))
        break
"""


class Setup:
    """A home with helpers that record their requests, and a git configuration that names them."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.bin = home / "bin"
        self.bin.mkdir()
        self.counter = home / "counter"
        self.reports: list[tuple[str, GitHelperError]] = []
        self._monkeypatch = monkeypatch
        self.env("PATH", f"{self.bin}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.chdir(home)

    def env(self, name: str, value: str) -> None:
        self._monkeypatch.setenv(name, value)

    def program(self, name: str, script: str) -> Path:
        path = self.bin / name
        path.write_text(script if script.startswith("#!") else "#!/bin/sh\n" + script)
        path.chmod(0o755)
        return path

    def helper(self, name: str, *answer: str, before: str = "") -> Path:
        """`git-credential-<name>`: writes its request and arguments down, then prints `answer`."""
        lines = "\n".join(f"printf '%b\\n' '{line}'" for line in answer)
        script = f"cat >'{self.home}/{name}.in'; echo \"$@\" >'{self.home}/{name}.args'; {before}\n{lines}\n"
        return self.program(f"git-credential-{name}", script)

    def door(self, name: str = "git-credential-git-helper") -> Path:
        text = DOOR.format(python=sys.executable, root=str(ROOT), counter=str(self.counter), limit=LIMIT_OF_CALLS)
        return self.program(name, text)

    def configure(self, *helpers: str, more: str = "") -> None:
        lines = "".join(f'\thelper = "{_escaped(helper)}"\n' for helper in helpers)
        (self.home / ".gitconfig").write_text(f"[credential]\n{lines}{more}")

    def find(self, wanted: Description = WANTED, **options: bool | float) -> list[Credential]:
        source = OtherHelpers(os.environ, lambda *report: self.reports.append(report), **options)  # type: ignore[arg-type]
        return list(source.find(wanted))

    def request(self, name: str) -> bytes | None:
        path = self.home / f"{name}.in"
        return path.read_bytes() if path.exists() else None

    def calls(self) -> int:
        return self.counter.stat().st_size if self.counter.exists() else 0

    def fill(self, *options: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [needs("git"), *options, "credential", "fill"],
            input=b"protocol=https\nhost=good.example\n",
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": ""},
            capture_output=True,
            check=False,
            timeout=100,
        )


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


@pytest.fixture
def setup(home: Path, monkeypatch: pytest.MonkeyPatch) -> Setup:
    needs("git")
    return Setup(home, monkeypatch)


def pairs(found: list[Credential]) -> list[list[tuple[bytes, bytes]]]:
    return [credential.pairs() for credential in found]


ALICE = [(b"username", b"alice"), (b"password", b"s3cret")]


def test_the_three_forms_of_a_value(setup: Setup) -> None:
    path = setup.helper("one", "username=alice", "password=s3cret")
    spaced = setup.home / "a folder"
    spaced.mkdir()
    (spaced / "two").symlink_to(path)
    for value in ("one", f"{spaced}/two".replace(" ", "\\ "), "!git credential-one", f"!{path}", "one --option x"):
        setup.configure(value)
        assert pairs(setup.find()) == [ALICE], value
    assert (setup.home / "one.args").read_text() == "--option x get\n"
    assert setup.reports == []


def test_the_request_is_gits_own(setup: Setup) -> None:
    setup.helper("one")
    for more, expected in [
        ("", b"protocol=https\nhost=good.example\n"),
        ("\tuseHttpPath = true\n", b"protocol=https\nhost=good.example\npath=org/repo.git\n"),
        ("\tusername = bob\n", b"protocol=https\nhost=good.example\nusername=bob\n"),
    ]:
        setup.configure("one", more=more)
        setup.find()
        assert setup.request("one") == expected
        stdin = b"protocol=https\nhost=good.example\npath=org/repo.git\n"
        subprocess.run([needs("git"), "credential", "fill"], input=stdin, capture_output=True, check=False, timeout=60)
        assert setup.request("one") == expected


def test_the_path_of_other_protocols_is_always_sent(setup: Setup) -> None:
    setup.helper("one")
    setup.configure("one")
    setup.find(Description(b"smtp", b"good.example:465", b"x", b"bob"))
    assert setup.request("one") == b"protocol=smtp\nhost=good.example:465\npath=x\nusername=bob\n"


def test_the_first_complete_answer_ends_the_questions(setup: Setup) -> None:
    setup.helper("one", "username=alice", "password=s3cret")
    setup.helper("two", "username=bob", "password=other")
    setup.configure("one", "two")
    source = OtherHelpers(os.environ, lambda *report: setup.reports.append(report))
    found = source.find(WANTED)
    assert next(iter(found)).pairs() == ALICE
    assert setup.request("two") is None
    assert pairs(list(found)) == [[(b"username", b"bob"), (b"password", b"other")]]  # after a refusal, the next


def test_a_partial_answer_is_carried_on(setup: Setup) -> None:
    setup.helper("one", "username=alice")
    setup.helper("two", "password=s3cret")
    setup.configure("one", "two")
    assert pairs(setup.find()) == [ALICE]
    assert setup.request("two") == b"protocol=https\nhost=good.example\nusername=alice\n"


def test_what_is_known_in_part_comes_last(setup: Setup) -> None:
    setup.helper("one", "username=alice", "unknown=x")
    setup.configure("one")
    assert pairs(setup.find()) == [[(b"username", b"alice")]]


def test_unknown_attributes_alone_are_no_answer(setup: Setup) -> None:
    setup.helper("one", "unknown=x", "quit=0", "protocol=https", "host=good.example")
    setup.configure("one")
    assert setup.find() == []


def test_an_expired_password_is_dropped_and_its_refresh_token_carried_on(setup: Setup) -> None:
    setup.helper("one", "username=alice", "password=old", "password_expiry_utc=1000", "oauth_refresh_token=again")
    setup.helper("two", "password=s3cret", "password_expiry_utc=99999999999")
    setup.configure("one", "two")
    assert [credential.password for credential in setup.find()] != []
    assert setup.request("two") == (b"protocol=https\nhost=good.example\nusername=alice\noauth_refresh_token=again\n")
    assert dict(setup.find()[0].pairs())[b"password"] == b"s3cret"


def test_quit_ends_everything(setup: Setup) -> None:
    setup.helper("one", "quit=1")
    setup.helper("two", "username=alice", "password=s3cret")
    setup.configure("one", "two")
    with pytest.raises(ToldToQuit, match=r"'one' \(file:.*\.gitconfig\) told us to quit"):
        setup.find()
    assert setup.request("two") is None
    assert b"told us to quit" in setup.fill().stderr  # as git does


def test_quit_after_an_expired_password_ends_everything(setup: Setup) -> None:
    setup.helper("one", "username=a", "password=b", "password_expiry_utc=1", "quit=true")
    setup.configure("one")
    with pytest.raises(ToldToQuit):
        setup.find()


def test_quit_with_a_full_answer_and_a_false_quit_are_ignored(setup: Setup) -> None:
    setup.helper("one", "quit=0")
    setup.helper("two", "username=alice", "password=s3cret", "quit=1")
    setup.configure("one", "two")
    assert pairs(setup.find()) == [ALICE]


def test_the_exit_code_does_not_matter_when_there_is_an_answer(setup: Setup) -> None:
    setup.helper("one", "username=alice", "password=s3cret")
    setup.configure("!f() { git-credential-one; echo oops >&2; exit 7; }; f")
    assert pairs(setup.find()) == [ALICE]
    assert setup.reports == []


@pytest.mark.parametrize(
    "line",
    [
        "password=a\\rhost=evil.example",
        "password=a\\r\\0x",
        "host=evil.example",
        "protocol=http",
        "host=",
        "url=https://evil.example",
    ],
)
def test_an_answer_that_cannot_be_trusted_is_refused_whole(setup: Setup, line: str) -> None:
    setup.helper("bad", "username=eve", line, "password=evil")
    setup.helper("two", "username=alice", "password=s3cret")
    setup.configure("bad", "two")
    assert pairs(setup.find()) == [ALICE]
    assert [type(error) for _, error in setup.reports] == [StoreError]
    assert "cannot use the answer of the git credential helper 'bad'" in setup.reports[0][1].message
    assert setup.request("two") == b"protocol=https\nhost=good.example\n"


def test_the_same_host_written_otherwise_is_no_other_host(setup: Setup) -> None:
    setup.helper("one", "protocol=https", "host=GOOD.example:443", "username=alice", "password=s3cret")
    setup.configure("one")
    assert pairs(setup.find()) == [ALICE]


def test_values_are_cut_at_nul_and_lines_may_end_in_crlf(setup: Setup) -> None:
    setup.helper("one", "username=alice\\0junk\\r", "password=s3cret\\r", "", "password=ignored")
    setup.configure("one")
    assert pairs(setup.find()) == [ALICE]


def test_after_a_bad_line_nothing_more_is_read(setup: Setup) -> None:
    setup.helper("one", "username=alice", "no attribute", "password=ignored")
    setup.configure("one")
    assert pairs(setup.find()) == [[(b"username", b"alice")]]


def test_blanks_and_bytes_of_a_password_survive(setup: Setup) -> None:
    setup.helper("one", "username=", "password= \\0351=b ")
    setup.configure("one")
    assert pairs(setup.find()) == [[(b"username", b""), (b"password", b" \xe9=b ")]]


def test_ready_credentials_are_asked_for_and_taken_only_where_they_can_be_used(setup: Setup) -> None:
    setup.helper("one", "capability[]=authtype", "authtype=Bearer", "credential=t0ken")
    setup.configure("one")
    assert setup.find() == []
    assert setup.request("one") == b"protocol=https\nhost=good.example\n"
    assert pairs(setup.find(authtype=True)) == [[(b"authtype", b"Bearer"), (b"credential", b"t0ken")]]
    assert setup.request("one") == b"capability[]=authtype\nprotocol=https\nhost=good.example\n"


def test_a_broken_helper_is_reported_cleaned_and_skipped(setup: Setup) -> None:
    setup.helper("first", "username=alice", "oauth_refresh_token=re-fresh-secret", "password_expiry_utc=1")
    setup.helper("bad", before="printf 'boo re-fresh-secret \\033[2K\\rdone\\n' >&2; exit 1")
    setup.helper("two", "username=alice", "password=s3cret")
    setup.configure("first", "bad --option", "nowhere", "two")
    assert dict(setup.find()[0].pairs())[b"password"] == b"s3cret"
    messages = [error.message for _, error in setup.reports]
    assert len(messages) == 2
    assert messages[0].endswith(": boo **** %1B[2K%0Ddone")
    assert messages[1].endswith(": git: 'credential-nowhere' is not a git command. See 'git --help'.")


def test_code_1_in_silence_is_no_answer_and_no_failure(setup: Setup) -> None:
    setup.configure("!exit 1;")
    assert setup.find() == []
    assert setup.reports == []
    setup.configure("!exit 2;")
    assert setup.find() == []
    assert [error.message.rpartition(": ")[2] for _, error in setup.reports] == ["exit code 2"]


def test_a_snippet_is_never_shown(setup: Setup) -> None:
    setup.configure("!f() { echo password=canary | false; exit 3; }; f", "!TOKEN=canary /bin/false; exit 4;")
    assert setup.find() == []
    assert len(setup.reports) == 2
    for name, error in setup.reports:
        assert "canary" not in name + error.message


def test_a_helper_that_says_nothing_is_given_up(setup: Setup) -> None:
    setup.helper("slow", before="exec sleep 60")
    setup.helper("two", "username=alice", "password=s3cret")
    setup.configure("slow", "two")
    start = time.monotonic()
    assert pairs(setup.find(seconds=0.5)) == [ALICE]
    assert time.monotonic() - start < 20
    [(name, error)] = setup.reports
    assert isinstance(error, Timeout)
    assert error.message == f"cannot ask {name}: no answer in 0.5 seconds"


def test_a_helper_that_never_stops_talking_is_given_up(setup: Setup) -> None:
    setup.configure("!yes username=alice;")
    assert setup.find() == []
    assert "more than 1048576 bytes" in setup.reports[0][1].message


def test_helpers_cannot_ask_and_do_not_see_our_tokens(setup: Setup) -> None:
    setup.env("GIT_HELPER_TOKEN_GOOD_EXAMPLE", "canary")
    setup.env("GIT_TRACE", "1")
    setup.env("GIT_TRACE_CURL", "1")
    setup.env("GIT_ASKPASS", "/bin/true")
    setup.env("KEPT", "1")
    setup.configure(f"!env >{setup.home}/seen; true")
    setup.find()
    seen = dict(line.partition("=")[::2] for line in (setup.home / "seen").read_text().splitlines())
    assert "GIT_HELPER_TOKEN_GOOD_EXAMPLE" not in seen
    assert not [name for name in seen if name.startswith("GIT_TRACE")]
    expected = {"GIT_HELPER_CHAIN": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "KEPT": "1"}
    assert {name: seen[name] for name in expected} == expected
    assert (seen["SSH_ASKPASS_REQUIRE"], seen["GCM_INTERACTIVE"]) == ("never", "never")
    assert "GIT_HELPER_CHAIN" not in os.environ


def test_a_request_that_no_line_can_carry_reaches_nobody(setup: Setup) -> None:
    setup.helper("one", "username=alice", "password=s3cret")
    setup.configure("one")
    assert setup.find(Description(b"https", b"evil.example\nhost=good.example")) == []
    assert setup.request("one") is None


def test_without_helpers_or_git_there_is_no_answer(setup: Setup) -> None:
    assert setup.find() == []
    setup.helper("one", "username=alice", "password=s3cret")
    setup.configure("one")
    setup.env("PATH", str(setup.home))
    assert setup.find() == []


# Recursion ------------------------------------------------------------------------------------------------------------


def own_values(setup: Setup) -> list[str]:
    door = setup.bin / "git-credential-git-helper"
    for name in ("git-helper", "elsewhere"):
        (setup.bin / name).symlink_to(door)
    (setup.bin / "git-credential-linked").symlink_to(door)
    return [
        "git-helper",
        "git-helper --store file",
        "helper",
        "linked",
        "!git-helper",
        "!git-helper --store file",
        "!git helper",
        "!git -c a.b=c credential-git-helper",
        "!exec git-credential-git-helper",
        "!A=b git-credential-git-helper",
        f"!{door}",
        f"!'{door}' --store file",
        f"!{setup.bin}/elsewhere",
        "!python3 -m git_helper",
        str(door),
        f"{door} --store file",
        f"{setup.bin}/elsewhere",
        f"{setup.bin}/git-helper --store vault",
    ]


def test_every_way_to_write_ourselves_is_dropped(setup: Setup) -> None:
    setup.door()
    setup.helper("one", "username=alice", "password=s3cret")
    values = own_values(setup)
    for value in values:
        assert executables.is_ours(value, os.environ), value
    setup.configure(*values, "one")
    assert pairs(setup.find()) == [ALICE]
    assert setup.calls() == 0
    assert setup.reports == []


def test_others_are_not_taken_for_ourselves(setup: Setup) -> None:
    setup.helper("one")
    for value in ("one", "store", "cache --timeout=900", "!gh auth git-credential", "!git credential-one", "/bin/true"):
        assert not executables.is_ours(value, os.environ), value
    assert not executables.is_ours("", os.environ)
    assert not executables.is_ours("!A=b", os.environ)
    assert not executables.is_ours("/home/git-helper/bin/other", os.environ)


def test_only_those_behind_us_on_request(setup: Setup) -> None:
    setup.door()
    for name in ("one", "two", "three"):
        setup.helper(name)
    setup.configure("one", "git-helper", "two", "git-helper --store file", "three")
    setup.find(only_after_us=True)
    assert [setup.request(name) is not None for name in ("one", "two", "three")] == [False, True, True]
    setup.find()
    assert setup.request("one") is not None
    assert setup.calls() == 0


def test_when_we_are_not_recognised_everybody_is_asked(setup: Setup) -> None:
    setup.helper("one", "username=alice", "password=s3cret")
    setup.configure("one")
    assert pairs(setup.find(only_after_us=True)) == [ALICE]


@pytest.mark.parametrize("value", ["git-helper", "!git-helper", "!true && git-credential-git-helper"])
def test_variant_5_git_asks_us_and_we_ask_the_others(setup: Setup, value: str) -> None:
    setup.door()
    (setup.bin / "git-helper").symlink_to(setup.bin / "git-credential-git-helper")
    setup.helper("one", "username=alice", "password=s3cret")
    setup.configure(value, "one")
    assert b"username=alice\npassword=s3cret\n" in setup.fill().stdout
    assert setup.calls() <= 2  # once by git; once more, in silence, where a snippet hid us


def test_variant_1_a_helper_that_runs_git_credential_fill(setup: Setup) -> None:
    setup.door()
    setup.helper("one", "username=alice", "password=s3cret")
    # Such a helper would call itself without end, with or without us; this one stops the second time.
    nested = '!f() { test -n "$NESTED" || NESTED=1 git credential fill; }; f'
    setup.configure("git-helper", nested, "one")
    assert b"password=s3cret\n" in setup.fill().stdout
    assert setup.calls() == 2  # by git, and by the nested git under the guard


def test_variant_2_a_nested_git_that_resets_the_helpers(setup: Setup) -> None:
    setup.door()
    setup.helper("one", "username=alice", "password=s3cret")
    setup.configure("git-helper", "!f() { git -c credential.helper= -c credential.helper=one credential fill; }; f")
    assert b"password=s3cret\n" in setup.fill().stdout
    assert setup.calls() == 1


@pytest.mark.parametrize("outer", [(), ("-c", "credential.helper=git-helper")])
def test_variant_3_a_nested_git_with_a_counted_reset(setup: Setup, outer: tuple[str, ...]) -> None:
    setup.door()
    setup.helper("one", "username=alice", "password=s3cret")
    nested = (
        "!f() { GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=credential.helper GIT_CONFIG_VALUE_0= "
        "GIT_CONFIG_KEY_1=credential.helper GIT_CONFIG_VALUE_1=one git credential fill; }; f"
    )
    setup.configure(*(() if outer else ("git-helper",)), nested)
    assert b"password=s3cret\n" in setup.fill(*outer).stdout
    assert setup.calls() < LIMIT_OF_CALLS


def test_variant_4_under_the_guard_nobody_is_asked(setup: Setup) -> None:
    setup.helper("one", "username=alice", "password=s3cret")
    setup.configure("one")
    setup.env("GIT_HELPER_CHAIN", "1")
    assert setup.find() == []
    assert setup.request("one") is None


def test_a_copy_under_another_name_is_stopped_by_the_guard(setup: Setup) -> None:
    setup.door("git-credential-copy")
    setup.helper("one", "username=alice", "password=s3cret")
    setup.configure("copy", "one")
    assert b"password=s3cret\n" in setup.fill().stdout
    assert setup.calls() == 2


def test_a_git_alias_that_hides_us_is_stopped_by_the_guard(setup: Setup) -> None:
    setup.door()
    setup.helper("one", "username=alice", "password=s3cret")
    setup.configure("alias", "one", more='[alias]\n\tcredential-alias = "!git-credential-git-helper"\n')
    assert b"password=s3cret\n" in setup.fill().stdout
    assert setup.calls() == 2
