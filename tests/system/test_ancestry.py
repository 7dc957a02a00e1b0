"""The name of the program that asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from git_helper.system.ancestry import Process, describe

SH = Process(1, "sh", ["/bin/sh", "-c", "git credential-git-helper get"])
REMOTE = Process(1, "git-remote-http", ["/usr/lib/git-core/git-remote-http", "origin", "https://good.example/"])
WRAPPER = Process(1, "git", ["/usr/lib/git-core/git", "remote-http", "origin", "https://good.example/"])
CLONE = Process(1, "git", ["git", "-c", "http.extraHeader=canary", "--git-dir=x", "clone", "https://canary@x/"])
BASH = Process(1, "bash", ["-bash"])


def git(*words: str) -> Process:
    return Process(1, "git", ["/usr/bin/git", *words])


@pytest.mark.parametrize(
    ("processes", "name"),
    [
        ([SH, REMOTE, WRAPPER, CLONE, BASH], "git clone"),
        ([git("credential-git-helper", "get"), SH, REMOTE, WRAPPER, CLONE], "git clone"),
        ([SH, CLONE, Process(1, "pip", ["/usr/bin/python3", "/usr/bin/pip", "install"]), BASH], "git clone, for pip"),
        ([SH, CLONE, Process(1, "python3", ["python3", "-m", "pip", "x"]), BASH], "git clone, for pip"),
        ([SH, CLONE, Process(1, "python3", ["python3", "-c", "canary"]), BASH], "git clone, for python3"),
        (
            [SH, CLONE, Process(1, "sh", ["sh", "-c", "git clone …"]), Process(1, "make", ["make"])],
            "git clone, for make",
        ),
        (
            [SH, git("clone"), Process(1, "sh", ["sh", "/x/git-submodule", "init"]), git("submodule", "init")],
            "git submodule",
        ),
        ([git("credential", "fill"), Process(1, "git-lfs", ["git-lfs", "pull"]), git("lfs", "pull"), BASH], "git lfs"),
        ([git("credential", "fill"), Process(1, "git-lfs", ["git-lfs", "pull"]), BASH], "git lfs"),
        ([git("fetch"), BASH, git("push")], "git fetch"),
        ([git("-C", "canary", "fetch")], "git fetch"),
        ([git("--unknown", "canary")], "git"),
        ([git("--exec-path=/x", "-p", "pull")], "git pull"),
        ([git("Canary")], "git"),
        ([git("canary1")], "git"),
        ([git()], "git"),
        ([git("-c")], "git"),
        ([Process(1, "gix", ["gix", "clone"]), CLONE], "git"),
        ([Process(1, "kernel", []), CLONE], "git"),
        ([], "git"),
    ],
)
def test_descriptions(processes: list[Process], name: str) -> None:
    assert describe(processes) == name
    assert "canary" not in name


PROBE = "import git_helper.system.ancestry as a; open('answer', 'w').write(a.asking_program())"
STARTER = "import subprocess, sys; subprocess.run(sys.argv[1:], check=True)"
QUESTION = b"protocol=https\nhost=good.example\n"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("program", "shown"), [("starter", "starter"), ("a\x1b[2Kb", "a%1B[2Kb"), ("[red](x) y", "[red](x) y")]
)
def test_a_real_git_and_what_started_it(tmp_path: Path, program: str, shown: str) -> None:
    (tmp_path / program).symlink_to(sys.executable)
    (tmp_path / "probe.py").write_text(PROBE)
    helper = f"!'{sys.executable}' probe.py; echo username=x; echo password=x; :"
    git_words = ["git", "-c", f"credential.helper={helper}", "credential", "fill"]
    words = [str(tmp_path / program), "-c", STARTER, "/bin/sh", "-c", '"$@"; true', "sh", *git_words]
    subprocess.run(words, check=True, input=QUESTION, cwd=tmp_path, stdout=subprocess.DEVNULL)
    assert (tmp_path / "answer").read_text() == f"git credential, for {shown}"
