"""docs/registries: each page is typed, against servers that behave as those registries do."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import leaks, run
from tests.docs.surface import blocks
from tests.docs.test_readme import Step, steps
from tests.servers.registries import FILE, PUBLIC, REGISTRIES, STORAGES, TOKEN, WHEEL, Registry, World
from tests.support import BIN, ROOT

PAGES = {path.stem: path.read_text("utf-8") for path in sorted((ROOT / "docs/registries").glob("*.md"))}
BLOCKS = [(name, steps(lines)) for name, text in PAGES.items() for lines in blocks("console", text)]
# The vendors' plug-ins need their clouds; this one answers as they do.
PLUGIN = f"""
from keyring.backend import KeyringBackend
from keyring.credentials import SimpleCredential

USERS = {{"pkgs.dev.azure.com": "VssSessionToken", "pkg.dev": "oauth2accesstoken", "amazonaws.com": "aws"}}

class Keyring(KeyringBackend):
    priority = 9

    def get_password(self, service, username):
        found = self.get_credential(service, username)
        return found and found.password

    def get_credential(self, service, username):
        user = next((user for host, user in USERS.items() if host in service), None)
        return SimpleCredential(user, {TOKEN!r}) if user in (username, user) and username in (None, user) else None

    def set_password(self, service, username, password):
        raise NotImplementedError
"""


@pytest.fixture
def world(tmp_path: Path, home: Path) -> Iterator[World]:
    with World(tmp_path) as world:
        yield world


@pytest.fixture
def environment(world: World, home: Path) -> dict[str, str]:
    (home / "plugins").mkdir()
    (home / "plugins/vendor_keyring.py").write_text(PLUGIN)
    return world.environment | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(home / "plugins"),
        "PYTHON_KEYRING_BACKEND": "vendor_keyring.Keyring",
        "GIT_HELPER_STORE": "file",
        "GIT_HELPER_NO_INPUT": "1",
    }


def index_words(registry: Registry) -> list[str]:
    url = f"https://{registry.host}{registry.index}"
    return ["--find-links", url] if registry.is_page else [url]


def test_there_is_a_page_for_each() -> None:
    assert set(PAGES) == set(REGISTRIES)
    for name, text in PAGES.items():
        assert REGISTRIES[name].host in text


@pytest.mark.parametrize("name", REGISTRIES)
def test_how_it_refuses(world: World, environment: dict[str, str], name: str) -> None:
    registry = REGISTRIES[name]
    done = run("index", *index_words(registry), "--project", "demo", env=environment)
    assert done.returncode == {401: 3, 403: 4, 404: 6}[registry.unknown]
    said = done.stderr.decode()
    assert registry.host in said
    assert "netrc, file" in said  # who was asked
    assert "git-helper login" in said
    assert world.authorizations == []


@pytest.mark.parametrize(("name", "block"), BLOCKS, ids=[f"{name}-{block[0].command[:30]}" for name, block in BLOCKS])
def test_what_is_to_be_typed(
    world: World, environment: dict[str, str], tmp_path: Path, name: str, block: list[Step]
) -> None:
    registry, folder = REGISTRIES[name], tmp_path / "here"
    folder.mkdir()
    (folder / "token.txt").write_text(TOKEN + "\n")
    script = "\n".join(["set -e", *(f"{step.command}\necho --" for step in block)])
    done = subprocess.run(
        ["sh", "-c", script],
        env={**os.environ, **environment, "TOKEN": TOKEN},
        cwd=folder,
        capture_output=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert not leaks(done.stdout + done.stderr, TOKEN)
    printed = done.stdout.decode().split("--\n")[:-1]
    for step, text in zip(block, printed, strict=True):
        pattern = re.escape("".join(line + "\n" for line in step.expected)).replace(re.escape("..."), ".*")
        assert re.fullmatch(pattern, text), step.command
    # A path that need not be an index is asked for a repository first.
    asked = [one for one in world.seen_by(registry.host) if not one.path.endswith("/info/refs")]
    assert {200, registry.redirect} >= {one.status for one in asked if one.authorization is not None}
    assert [one for one in world.seen_by(*STORAGES, PUBLIC) if one.authorization is not None] == []
    if "download" in script:
        assert (folder / FILE).read_bytes() == WHEEL
        assert bool(world.seen_by(*STORAGES)) is (registry.storage is not None)


@pytest.mark.parametrize("name", REGISTRIES)
def test_a_wrong_token_is_refused_and_not_kept(
    world: World, environment: dict[str, str], tmp_path: Path, name: str
) -> None:
    registry = REGISTRIES[name]
    url = f"https://{registry.host}{registry.index}"
    words = ["login", "--username", "ada", "--with-token", url]
    done = run(*words, stdin=b"wrong\n", env=environment)
    assert done.returncode == 4
    assert run("list", "--json", env=environment).stdout.strip() == b"[]"


def test_a_project_that_gitlab_does_not_have_is_asked_for_elsewhere_without_the_token(
    world: World, environment: dict[str, str]
) -> None:
    registry = REGISTRIES["gitlab"]
    env = environment | {"CI_JOB_TOKEN": TOKEN, "CI_SERVER_HOST": registry.host}
    done = run("index", *index_words(registry), "--project", "other", env=env)
    assert done.returncode == 6
    assert [one.user_password for one in world.seen_by(PUBLIC)] == [None]
    assert f"gitlab-ci-token:{TOKEN}" in [one.user_password for one in world.seen_by(registry.host)]
