"""The manual page: complete, without anything that does not exist, and found by `git helper --help` once installed."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from git_helper import __version__
from git_helper.core.options import COMMON, TABLE
from tests.docs.surface import commands, exit_codes, protocol_options, top_options
from tests.support import OUTER_ENVIRONMENT, ROOT, needs

PAGE = ROOT / "docs/git-helper.1"
ALIAS = ROOT / "docs/git-credential-git-helper.1"
OPTION = re.compile(r"(?<![\w-])(--?[a-z][a-z-]*)")


def text() -> str:
    """The source with its fonts and escapes taken out."""
    source = re.sub(r'^\.\\".*\n', "", PAGE.read_text(encoding="ascii"), flags=re.MULTILINE)
    return re.sub(r"\\f[A-Z]", "", source).replace("\\-", "-").replace("\\(ti", "~")


def section(title: str) -> str:
    """One section, from its heading to the next one."""
    found = re.search(rf"^\.SH {title}\n(.*?)(?=^\.SH |\Z)", text(), re.MULTILINE | re.DOTALL)
    assert found is not None, f"no section {title}"
    return found[1]


def test_every_section_is_there_in_the_usual_order() -> None:
    titles = re.findall(r"^\.SH (.*)$", text(), re.MULTILINE)
    assert titles == [
        *("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS", "ENVIRONMENT"),
        *("FILES", "EXIT STATUS", "SECURITY", "EXAMPLES", "SEE ALSO"),
    ]


def test_every_command_is_described_and_no_other() -> None:
    described = re.findall(r"^\.TP\n(?:\.B )?([a-z]+(?: [a-z]+)*)\b", section("COMMANDS"), re.MULTILINE)
    assert sorted(described) == sorted(commands())


def test_every_option_is_described_and_no_other() -> None:
    offered = {*top_options(), *protocol_options(), *(option for known in commands().values() for option in known)}
    tags = re.findall(r"^\.TP\n(.*)$", section("OPTIONS"), re.MULTILINE)
    described = [option for tag in tags for option in OPTION.findall(tag)]
    assert sorted(described) == sorted({*offered, "-h"})


@pytest.mark.parametrize("name", sorted(commands()))
def test_the_line_of_a_command_names_its_own_options(name: str) -> None:
    shared = set.intersection(*(known for known in commands().values() if len(known) > 1))
    (line,) = re.findall(rf"^\.TP\n(?:\.B )?({name}\b.*)$", section("COMMANDS"), re.MULTILINE)
    grouped = {word for option in TABLE if option.group != COMMON for word in option.words}
    own = commands()[name] - shared - grouped
    assert set(OPTION.findall(line)) <= own
    for option in own:
        aliases = {"--username": "-u", "--requirement": "-r", "--directory": "-d"}
        assert option in OPTION.findall(line) or aliases.get(option) in OPTION.findall(line), option


def test_options_with_a_star_stand_before_operations_too() -> None:
    tags = re.findall(r"^\.TP\n(.*)\n(.*)$", section("OPTIONS"), re.MULTILINE)
    starred = {option for tag, first in tags if first.startswith("* ") for option in OPTION.findall(tag)}
    assert starred == protocol_options() - {"--max-age"}


def every_name() -> set[str]:
    """Of variables, in their section."""
    return set(re.findall(r"[A-Z]+(?:_[A-Z]+)+", section("ENVIRONMENT")))


def test_every_variable_of_ours_is_described() -> None:
    described = set(re.findall(r"GIT_HELPER_[A-Z_]+", section("ENVIRONMENT")))
    assert {variable.name for option in TABLE for variable in (option.variable, *option.variables)} <= every_name()
    for option in protocol_options():
        variable = "GIT_HELPER_" + option.strip("-").upper().replace("-", "_")
        if variable not in ("GIT_HELPER_NON_INTERACTIVE", "GIT_HELPER_V", "GIT_HELPER_VERBOSE"):
            assert variable in described
    assert {"GIT_HELPER_TOKEN_", "GIT_HELPER_USERNAME_", "GIT_HELPER_HOST_"} <= described


def test_every_variable_that_is_described_is_read() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "git_helper").rglob("*.py"))
    options = {"GIT_HELPER_" + option[2:].upper().replace("-", "_") for option in protocol_options()}
    options |= {option.variable.name for option in TABLE}
    tags = " ".join(re.findall(r"^\.TP\n(.*)$", section("ENVIRONMENT"), re.MULTILINE))
    built = {"http_proxy", "https_proxy"}  # from the scheme
    libraries = {"NO_COLOR"}  # of rich
    for name in re.findall(r"\b(?:[A-Z]+(?:_[A-Z]+)*_?|[a-z]+_proxy)(?=[\s\",=]|$)", tags):
        if name in ("BI", "BR", "B", "HOST"):
            continue
        # as of GIT_SSL_CERT and GIT_PROXY_SSL_CERT, or of GIT_HELPER_INDEX_<NAME>_PASSWORD
        prefix = f'"{name.partition("NAME_")[0] if "_NAME_" in name else name.rpartition("_")[0] + "_"}"'
        assert name in code or prefix in code or name in options | built | libraries, name


INTERNAL = {"GIT_CONFIG", "GIT_EXEC_PATH", "GIT_HELPER_CHAIN", "GIT_PROTOCOL", "GIT_TRACE", "SSH_ASKPASS_REQUIRE"}
"""What is between git, its children and us, and nobody's setting."""


def test_every_variable_that_is_read_is_described() -> None:
    pattern = r'"((?:CI|FORCE|GH|GIT|GITHUB|GITLAB|PIP|PYTHON|SSH|SSL|SYSTEM|UV|XDG)_[A-Z_]*[A-Z])"'
    read = {
        name
        for path in (ROOT / "git_helper").rglob("*.py")
        for name in re.findall(pattern, path.read_text(encoding="utf-8"))
    }
    assert {"GIT_SSL_CAINFO", "SSL_CLIENT_CERT", "UV_INDEX_URL"} <= read
    assert read - INTERNAL <= every_name()


def test_every_exit_code_is_described() -> None:
    codes = re.findall(r"^\.TP\n\.B (\d+)$", section("EXIT STATUS"), re.MULTILINE)
    assert [int(code) for code in codes] == sorted({0, *exit_codes()})


@pytest.mark.parametrize("page", [PAGE, ALIAS], ids=lambda page: page.name)
def test_groff_has_nothing_to_complain_about(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "man1"
    folder.mkdir()
    for one in (PAGE, ALIAS):
        (folder / one.name).write_bytes(one.read_bytes())
    # soelim (-s) follows `.so`, as man(1) does.
    words = [needs("groff"), "-s", "-man", "-Tascii", "-ww", "-rLL=100n", f"man1/{page.name}"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=True)
    assert done.stderr == b""
    shown = re.sub(rb"\x1b\[[0-9;]*m|.\x08", b"", done.stdout)
    assert b"git-credential-git-helper - credentials for Git dependencies" in shown


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which pip installed the wheel of the working tree, without its dependencies."""
    if importlib.util.find_spec("pip") is None:
        pytest.skip("'pip' is not installed")
    folder = tmp_path_factory.mktemp("prefix")
    built = subprocess.run(
        [needs("hatchling"), "build", "-t", "wheel", "-d", folder / "wheel"], cwd=ROOT, capture_output=True, check=False
    )
    assert built.returncode == 0, built.stderr.decode()
    (wheel,) = (folder / "wheel").iterdir()
    words = ["install", "--quiet", "--no-index", "--no-deps", "--ignore-installed", "--no-warn-script-location"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words, "--prefix", folder, wheel],
        env={**OUTER_ENVIRONMENT, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return folder


def test_the_wheel_brings_both_executables_and_their_pages(prefix: Path) -> None:
    for page in (PAGE, ALIAS):
        assert (prefix / "share/man/man1" / page.name).read_bytes() == page.read_bytes()
    (modules,) = prefix.glob("lib/python*/site-packages")
    env = {**os.environ, "PYTHONPATH": str(modules)}
    for words in (["git-helper", "--version"], ["git-credential-git-helper", "--version"]):
        done = subprocess.run([prefix / "bin" / words[0], *words[1:]], env=env, capture_output=True, check=True)
        assert done.stdout.decode() == f"git-helper {__version__}\n"


def test_git_finds_the_pages(prefix: Path) -> None:
    needs("man")
    env = {**os.environ, "PATH": f"{prefix / 'bin'}{os.pathsep}{os.environ['PATH']}", "MANWIDTH": "100"}
    for words in (["helper", "--help"], ["help", "helper"], ["help", "credential-git-helper"]):
        done = subprocess.run([needs("git"), *words], env=env, capture_output=True, check=False)
        if b"minimized" in done.stdout:
            pytest.skip("'man' is switched off on this minimized system")
        assert done.returncode == 0, done.stderr.decode()
        shown = done.stdout.decode()
        assert "git-credential-git-helper - credentials for Git dependencies" in shown
        assert "EXIT STATUS" in shown
