"""An install script: private Git dependencies are pinned, downloaded, and installed by pip without any network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import CANARY, everything_below, leaks, run
from tests.servers.git_http import GitHttpServer, Realm
from tests.servers.repositories import make_repository, python_project
from tests.servers.repositories import resolve as commit_of

SCRIPT = """
set -eu
git-helper resolve --no-input -r requirements.in --format requirements >requirements.txt
git-helper download --no-input -r requirements.txt -d src >paths
xargs "$PYTHON" -m pip install --quiet --no-index --no-deps --no-build-isolation --target site <paths
"""
REQUIREMENTS = """\
# private
greeting @ git+{url}/team/mono.git@v1.0.0#subdirectory=packages/greeting
farewell @ git+{url}/team/farewell.git ; python_version >= "3"
"""


@pytest.mark.timeout(200)
def test_from_private_repositories_to_an_import(home: Path, tmp_path: Path) -> None:
    pytest.importorskip("pip")
    make_repository(tmp_path / "root/team/mono.git", 3, python_project("packages/greeting"))
    make_repository(tmp_path / "root/team/farewell.git", 2, python_project(name="farewell", version="2.5"))
    work = tmp_path / "work"
    work.mkdir()
    with GitHttpServer(tmp_path / "root", realms=[Realm("/", [("ci", CANARY)])]) as server:
        (work / "requirements.in").write_text(REQUIREMENTS.format(url=server.url))
        variable = f"GIT_HELPER_TOKEN_127_0_0_1_{server.port}"
        env = {
            "PATH": f"{Path(os.path.abspath(sys.executable)).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHON": sys.executable,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "CI": "1",
            variable: CANARY,
            variable.replace("TOKEN", "USERNAME"): "ci",
        }
        done = subprocess.run(
            ["sh", "-c", SCRIPT], cwd=work, env={**os.environ, **env}, capture_output=True, timeout=180, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        # One question for each repository; the download of a pinned commit asks for nothing else.
        answered = sorted(request.path for request in server.requests if request.status == 200)
        assert answered == sorted(
            f"/team/{name}.git/git-upload-pack" for name in ("mono", "farewell") for _ in range(2)
        )
        commits = {name: commit_of(tmp_path / f"root/team/{name}.git", "HEAD") for name in ("mono", "farewell")}
        commits["mono"] = commit_of(tmp_path / "root/team/mono.git", "v1.0.0^{commit}")
        expected = REQUIREMENTS.format(url=server.url).replace("@v1.0.0", f"@{commits['mono']}")
        assert (work / "requirements.txt").read_text() == expected.replace(
            "farewell.git ;", f"farewell.git@{commits['farewell']} ;"
        )
    check = "import greeting, farewell; print(greeting.VERSION, farewell.VERSION)"
    shown = subprocess.run(
        [sys.executable, "-S", "-c", check], cwd=work / "site", capture_output=True, check=True, env=os.environ
    )
    assert shown.stdout == b"1.0.0 2.5\n"
    assert not leaks(everything_below(home, work) + done.stdout + done.stderr, CANARY)


def test_the_same_again_without_a_server(tmp_path: Path) -> None:
    make_repository(tmp_path / "root/mono.git", 2, python_project("packages/greeting"))
    with GitHttpServer(tmp_path / "root") as server:
        requirement = f"greeting @ git+{server.url}/mono.git#subdirectory=packages/greeting"
        pinned = run("resolve", requirement).stdout.decode().strip()
        assert run("download", "-d", tmp_path / "first", pinned).returncode == 0
    done = run("download", "--offline", "--json", "-d", tmp_path / "second", pinned)
    (found,) = json.loads(done.stdout)
    assert sorted(os.listdir(found["path"])) == ["backend.py", "greeting.py", "pyproject.toml"]
    assert found["direct_url"]["subdirectory"] == "packages/greeting"
