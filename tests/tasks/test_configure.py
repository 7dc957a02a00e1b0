"""`configure` and `unconfigure` on real configuration files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from git_helper.errors import NotFound, StoreError, UsageError
from git_helper.system import executables
from git_helper.tasks.configure import Outcome, Request, configure, unconfigure
from tests.support import needs

EXECUTABLE = "git-credential-git-helper"
CACHE = "cache --timeout=900"

ODD_FILE = """\
# my settings
[user]
\tname = Test ; a comment
[Credential]   # ours
    helper =
  helper = osxkeychain # why
helper = "!f() { echo username=x; echo password=\\"canary\\"; }; f"
\tHELPER = store \\
--file ~/x
[include]
\tpath = other
[credential "https://good.example"] helper = scoped
\tusername = bob
[core] bare = false
[credential]
\tuseHttpPath
"""


@pytest.fixture(autouse=True)
def program(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Our executable, in a stable folder on PATH."""
    monkeypatch.chdir(home)
    path = install(home / ".local/bin")
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.path.dirname(needs('git'))}{os.pathsep}/bin")
    return path


def install(folder: Path, target: Path | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / EXECUTABLE
    if target is not None:
        path.symlink_to(target)
    else:
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    return path


def run_git(*words: str) -> str:
    return subprocess.run(["git", *words], capture_output=True, check=True, timeout=60, text=True).stdout


def entries(*where: str) -> list[str]:
    done = subprocess.run(
        ["git", "config", *(where or ["--global"]), "--null", "--list"], capture_output=True, check=False
    )
    return done.stdout.decode().split("\0")[:-1]


def values(key: str = "credential.helper", where: str = "--global") -> list[str]:
    done = subprocess.run(["git", "config", where, "--null", "--get-all", key], capture_output=True, check=False)
    return done.stdout.decode().split("\0")[:-1]


def put(request: Request | None = None, **fields: object) -> Outcome:
    return configure(request or Request(**fields), os.environ)  # type: ignore[arg-type]


def take(**fields: object) -> Outcome:
    return unconfigure(Request(**fields), os.environ)  # type: ignore[arg-type]


def messages(outcome: Outcome) -> str:
    return "\n".join(f"{note.message} | {note.hint}" for note in outcome.notes)


# Where the entry goes -------------------------------------------------------------------------------------------------


def test_a_new_file_gets_one_entry(home: Path, program: Path) -> None:
    outcome = put()
    assert values() == [str(program)]
    assert outcome == Outcome("credential.helper", "global", (), (str(program),), True, ())
    assert entries() == [f"credential.helper\n{program}"]


def test_the_second_time_nothing_changes(home: Path) -> None:
    put(kept_in="keyring", store="keyring")
    before = (home / ".gitconfig").read_bytes()
    outcome = put(kept_in="keyring", store="keyring")
    assert not outcome.changed
    assert outcome.before == outcome.after
    assert (home / ".gitconfig").read_bytes() == before


def test_other_helpers_stay_in_their_order_and_ours_is_last(home: Path, program: Path) -> None:
    (home / ".gitconfig").write_text("[credential]\n helper = one\n helper =\n helper = two\n")
    put()
    assert values() == ["one", "", "two", str(program)]


def test_an_older_entry_of_ours_is_replaced_in_its_place(home: Path, program: Path) -> None:
    (home / ".gitconfig").write_text("[credential]\n helper = one\n helper = git-helper --store file\n helper = two\n")
    assert put(store="vault").changed
    assert values() == ["one", f"{program} --store vault", "two"]


def test_several_entries_of_ours_become_one(home: Path, program: Path) -> None:
    (home / ".gitconfig").write_text(
        f"[credential]\n helper = git-helper\n helper = x\n helper = {program}\n helper = git-helper\n"
    )
    put()
    assert sorted(values()) == sorted(["x", str(program)])
    assert not put().changed


def test_a_url_has_entries_of_its_own(home: Path, program: Path) -> None:
    url = "https://Good.example/a=b/c.d"
    outcome = put(url=url, cache=60)
    assert outcome.key == f"credential.{url}.helper"
    assert values(f"credential.{url}.helper") == ["cache --timeout=60", str(program)]
    assert values(f"gitHelper.{url}.cache") == ["60"]
    assert values() == []
    assert not put(url=url, cache=60).changed
    take(url=url)
    assert entries() == []


def test_local_is_the_repository_from_any_folder_in_it(
    home: Path, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_git("init", "--quiet", "repository")
    (home / "repository/a").mkdir()
    monkeypatch.chdir(home / "repository/a")
    put(scope="local", cache=30)
    assert values(where="--local") == ["cache --timeout=30", str(program)]
    assert not (home / ".gitconfig").exists()
    assert not put(scope="local", cache=30).changed
    take(scope="local")
    assert values(where="--local") == []
    assert [path.name for path in (home / "repository/.git").iterdir() if "lock" in path.name] == []


def test_local_of_another_worktree_is_the_common_file(
    home: Path, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_git("init", "--quiet", "repository")
    run_git("-C", "repository", "commit", "--quiet", "--allow-empty", "-m", "x")
    run_git("-C", "repository", "worktree", "add", "--quiet", str(home / "second"))
    monkeypatch.chdir(home / "second")
    put(scope="local")
    assert str(program) in (home / "repository/.git/config").read_text()


def test_local_outside_of_a_repository_is_wrong_usage() -> None:
    for change in (configure, unconfigure):
        with pytest.raises(UsageError, match="cannot use '--local': the folder here is in no repository") as caught:
            change(Request("local"), os.environ)
        assert caught.value.exit_code == 2
        assert caught.value.hint == "go into one, or leave '--local' out: git-helper configure"


def test_system(home: Path, program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(home / "system"))
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
    put(scope="system", cache=5)
    assert values(where="--system") == ["cache --timeout=5", str(program)]
    assert (home / "system").exists()
    assert not (home / ".gitconfig").exists()
    assert "configured in 'credential.helper' (file:" in messages(put())
    take(scope="system")
    assert entries("--system") == []


def test_the_xdg_file_is_used_where_git_uses_it(home: Path, program: Path) -> None:
    path = home / ".config/git/config"
    path.parent.mkdir(parents=True)
    path.write_text("[user]\n\tname = Test\n")
    put()
    assert str(program) in path.read_text()
    assert not (home / ".gitconfig").exists()


def test_an_entry_in_an_included_file_is_not_touched(home: Path, program: Path) -> None:
    (home / "other").write_text("[credential]\n\thelper = git-helper --store file\n")
    (home / ".gitconfig").write_text("[include]\n\tpath = other\n")
    put()
    assert values() == [str(program)]
    assert (home / "other").read_text() == "[credential]\n\thelper = git-helper --store file\n"


# The cache ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept_in", "cache", "expected"),
    [
        ("keyring", None, 900),
        ("vault", None, 900),
        ("file", None, 0),
        (None, None, 0),
        ("keyring", 0, 0),
        ("file", 60, 60),
    ],
)
def test_the_cache_depends_on_the_store_and_the_option(
    program: Path, kept_in: str | None, cache: int | None, expected: int
) -> None:
    put(kept_in=kept_in, cache=cache)
    assert values() == ([f"cache --timeout={expected}"] if expected else []) + [str(program)]
    assert values("gitHelper.cache") == ([str(expected)] if expected else [])


def test_another_time_replaces_the_cache_in_its_place_and_zero_removes_it(home: Path, program: Path) -> None:
    put(cache=900)
    run_git("config", "--global", "--add", "credential.helper", "last")
    put(cache=60)
    assert values() == ["cache --timeout=60", str(program), "last"]
    put(kept_in="keyring")  # what was chosen once stays
    assert values("gitHelper.cache") == ["60"]
    put(kept_in="file")
    assert values() == [str(program), "last"]
    put(cache=0)
    assert values("gitHelper.cache") == []


def test_the_cache_goes_directly_before_an_entry_that_is_there(home: Path, program: Path) -> None:
    (home / ".gitconfig").write_text(
        f"[credential]\n helper = one\n helper = {program}\n helper =\n helper = two # a comment\n"
        '[credential "https://good.example"]\n helper = scoped\n'
    )
    put(cache=900)
    helpers = [entry for entry in entries() if ".helper\n" in entry]
    expected = ["one", CACHE, str(program), "", "two"]
    assert helpers == [f"credential.helper\n{value}" for value in expected] + [
        "credential.https://good.example.helper\nscoped"
    ]
    take()
    assert values() == ["one", "", "two"]


@pytest.mark.parametrize(
    "behind",
    [
        '[credential "https://good.example"]\n helper = scoped\n[credential]\n helper = two\n',
        "[credential]\n helper = two\n helper = two\n",
        '[credential]\n helper = "a\\tb"\n',
        "[credential]\n helper\n",
    ],
)
def test_where_helpers_would_change_places_there_is_a_note_instead(home: Path, program: Path, behind: str) -> None:
    (home / ".gitconfig").write_text(f"[credential]\n helper = {program}\n{behind}")
    before = (home / ".gitconfig").read_bytes()
    outcome = put(cache=900)
    assert "other helpers are in the way" in messages(outcome)
    assert (home / ".gitconfig").read_bytes() == before


def test_a_cache_of_the_persons_own_is_enough(home: Path, program: Path) -> None:
    (home / ".gitconfig").write_text("[credential]\n helper = cache --timeout=3600\n")
    put(cache=900)
    assert values() == ["cache --timeout=3600", str(program)]
    assert values("gitHelper.cache") == []
    take()
    assert values() == ["cache --timeout=3600"]


def test_a_git_without_a_cache_gets_none(home: Path, program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = home / "fake/git"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\ntest "$1" = --exec-path && exec echo "{home}"\nexec "{needs("git")}" "$@"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{program.parent}{os.pathsep}{os.environ['PATH']}")
    outcome = put(cache=900)
    assert values() == [str(program)]
    assert "no credential cache" in messages(outcome)


def test_a_real_git_asks_the_cache_and_then_us(home: Path, program: Path) -> None:
    program.write_text(f"#!/bin/sh\ncat >{home}/asked; echo username=alice; echo password=s3cret\n")
    put(cache=900)
    done = subprocess.run(
        ["git", "credential", "fill"], input=b"protocol=https\nhost=good.example\n", capture_output=True, check=True
    )
    assert b"password=s3cret" in done.stdout
    assert (home / "asked").exists()


# There and back -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [None, "https://good.example", "good.example", "https://*.good.example/x y"])
@pytest.mark.parametrize("cache", [0, 900])
def test_there_and_back_leaves_every_entry(home: Path, url: str | None, cache: int) -> None:
    (home / "other").write_text("[credential]\n\thelper = included\n")
    path = home / ".gitconfig"
    path.write_text(ODD_FILE)
    path.chmod(0o600)
    before, effective = entries(), entries("--includes")
    assert put(url=url, cache=cache, store="file").changed
    assert len(entries()) == len(before) + (3 if cache else 1)
    assert [entry for entry in entries() if entry in before] == before
    assert take(url=url).changed
    assert (entries(), entries("--includes")) == (before, effective)
    assert "# my settings" in path.read_text()
    assert "# why" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_there_and_back_from_nothing(home: Path) -> None:
    put(kept_in="keyring")
    take()
    assert entries() == []


def test_unconfigure_takes_nothing_that_is_not_ours(home: Path) -> None:
    text = f"[credential]\n helper = one\n helper = {CACHE}\n helper = two\n"
    (home / ".gitconfig").write_text(text)
    outcome = take()
    assert not outcome.changed
    assert "not configured in 'credential.helper' (global)" in messages(outcome)
    assert (home / ".gitconfig").read_text() == text


def test_unconfigure_leaves_an_equal_cache_that_was_added_later(home: Path) -> None:
    put(cache=900)
    run_git("config", "--global", "--add", "credential.helper", CACHE)
    take()
    assert entries() == [f"credential.helper\n{CACHE}"]


def test_unconfigure_without_a_file(home: Path) -> None:
    assert not take().changed
    assert not (home / ".gitconfig").exists()


def test_unconfigure_of_one_url_leaves_the_others(home: Path, program: Path) -> None:
    put(cache=900)
    put(url="https://good.example", cache=900)
    take(url="https://good.example")
    assert values() == [CACHE, str(program)]
    assert values("credential.https://good.example.helper") == []


@pytest.mark.parametrize("text", [None, ODD_FILE])
def test_a_dry_run_shows_all_and_changes_nothing(home: Path, program: Path, text: str | None) -> None:
    path = home / ".gitconfig"
    if text is not None:
        path.write_text(text)
    dry = put(cache=900, dry_run=True)
    assert (path.read_text() if path.exists() else None) == text
    assert dry == put(cache=900)
    assert dry.after[-2:] == (CACHE, str(program))
    dry = take(dry_run=True)
    assert str(program) in values()
    assert dry == take()


# The value ------------------------------------------------------------------------------------------------------------


def configured(*folders: Path | str, beside: Path | None = None) -> tuple[str, bool]:
    path = os.pathsep.join(map(str, folders))
    return executables.configured_name({"PATH": path}, str(beside) if beside else None)


def environment(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "pyvenv.cfg").touch()
    return install(folder / "bin")


def test_a_link_into_an_environment_is_stable_and_the_environment_is_not(home: Path) -> None:
    inside = environment(home / "pipx/venvs/git-helper")
    link = install(home / "links", inside)
    assert configured(inside.parent, link.parent) == (str(link), True)
    assert configured(inside.parent) == (str(inside), False)


@pytest.mark.parametrize(
    "folder", ["Cellar/git-helper/1/bin", "python3.11/bin", "versions/3.12.1/bin", "nix/store/x/bin"]
)
def test_a_versioned_folder_is_taken_only_where_there_is_no_other(home: Path, folder: str) -> None:
    versioned = install(home / folder)
    stable = install(home / "stable/bin")
    assert configured(versioned.parent, stable.parent) == (str(stable), True)
    assert configured(versioned.parent) == (str(versioned), False)


def test_blanks_and_shell_characters_in_a_path_survive_git(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = install(home / "a folder/it's $HOME;x é")
    path.write_text(f"#!/bin/sh\ntouch {home}/ran\n")
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.path.dirname(needs('git'))}{os.pathsep}/bin")
    put(store="file")
    assert values()[0].startswith("/")
    subprocess.run(
        ["git", "credential", "approve"],
        input=b"protocol=https\nhost=good.example\nusername=a\npassword=b\n",
        capture_output=True,
        check=True,
    )
    assert (home / "ran").exists()
    assert not put(store="file").changed


def test_relative_folders_of_path_do_not_count(home: Path) -> None:
    install(home)
    with pytest.raises(NotFound, match="on PATH"):
        configured("", ".", "relative")


def test_the_folder_beside_us_is_the_last_resort(home: Path, program: Path) -> None:
    other = install(home / "other")
    assert configured(beside=other.parent) == (str(other), True)
    assert configured(program.parent, beside=other.parent) == (str(program), True)


def test_an_environment_is_said_to_go_away(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = environment(home / "venv")
    monkeypatch.setenv("PATH", f"{inside.parent}{os.pathsep}{os.path.dirname(needs('git'))}")
    outcome = put()
    assert values() == [str(inside)]
    assert "pipx install git-helper" in messages(outcome)


# Notes and refusals ---------------------------------------------------------------------------------------------------


def test_a_helper_that_keeps_plain_text_is_pointed_out(home: Path) -> None:
    (home / ".gitconfig").write_text("[credential]\n helper = store --file x.y\n")
    outcome = put()
    assert "git sends every credential to 'store --file x.y' too, which keeps it in plain text" in messages(outcome)
    hint = next(note.hint for note in outcome.notes if note.hint)
    subprocess.run(["/bin/sh", "-c", hint], check=True, timeout=60)
    assert not [value for value in values() if "store" in value]


def test_a_reset_behind_us_is_pointed_out(home: Path) -> None:
    run_git("init", "--quiet", ".")
    run_git("config", "--local", "credential.helper", "")
    assert "is emptied in file:.git/config" in messages(put())


def test_snippets_are_not_shown(home: Path) -> None:
    (home / ".gitconfig").write_text(ODD_FILE)
    outcome = put()
    assert "canary" not in repr(outcome)
    assert outcome.before == ("", "osxkeychain", "!…", "store --file ~/x")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://x\n[core]\n\tpager = evil",
        "https://x\r",
        "https://x\x1b[2K",
        "https://x\x85",
        "x\x7f",
        "x\u2028y",
        "https://bob:canary@good.example",
        "bob:canary@good.example",
        "https://bob:x/canary@good.example",
        "https://bob:canary@good.example\r",
        "https:/bob:canary@good.example",
        "//bob:canary@good.example",
    ],
)
def test_a_url_that_must_not_be_written(home: Path, url: str) -> None:
    with pytest.raises(UsageError) as error:
        put(url=url)
    assert "canary" not in str(error.value)
    assert str(error.value).isprintable()
    assert not (home / ".gitconfig").exists()


@pytest.mark.parametrize(
    "request_",
    [Request(store="file; touch x"), Request(store="--x"), Request(cache=-1), Request(scope="file")],
    ids=str,
)
def test_other_requests_that_cannot_be(home: Path, request_: Request) -> None:
    with pytest.raises(UsageError):
        put(request_)
    assert not (home / ".gitconfig").exists()


def test_without_git_or_our_executable_there_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.path.dirname(needs("git")))
    with pytest.raises(NotFound, match=EXECUTABLE):
        put()
    monkeypatch.setenv("PATH", str(home / ".local/bin"))
    with pytest.raises(NotFound, match="no 'git' on PATH"):
        put()


def test_a_lock_of_git_stops_us_before_anything_changes(home: Path) -> None:
    (home / ".gitconfig").write_text("[user]\n\tname = Test\n")
    (home / ".gitconfig.lock").touch()
    with pytest.raises(StoreError, match="cannot lock"):
        put(cache=900)
    assert (home / ".gitconfig").read_text() == "[user]\n\tname = Test\n"
