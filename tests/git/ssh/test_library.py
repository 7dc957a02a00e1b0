"""What is loaded for SSH, and when: seen in fresh processes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support import ROOT


def loaded(*statements: str) -> set[str]:
    """The modules after these statements."""
    lines = [
        "import sys",
        f"sys.path.insert(0, {str(ROOT)!r})",
        *statements,
        "import json; print(json.dumps(sorted(sys.modules)))",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, check=True)
    return set(json.loads(done.stdout.split(b"\n")[-2]))


@pytest.mark.parametrize("module", ["config", "connections", "repository", "program", "way", "machine"])
def test_what_comes_before_the_first_byte_is_light(module: str) -> None:
    modules = loaded(f"import git_helper.git.ssh.{module}")
    assert not {"paramiko", "cryptography", "dulwich.client", "urllib3", "rich"} & modules


def test_wiring_calls_the_server_before_it_loads_the_library() -> None:
    assert not {"paramiko", "cryptography", "dulwich.client"} & loaded("import git_helper.wiring.ssh")


def test_only_what_is_needed_of_paramiko() -> None:
    modules = loaded("import git_helper.git.ssh.connection")
    assert "paramiko.transport" in modules
    assert not {"paramiko.client", "paramiko.agent", "paramiko.hostkeys", "paramiko.proxy", "invoke"} & modules
    assert "importlib.metadata" not in modules


def test_others_get_the_whole_of_it() -> None:
    check = "import paramiko; assert issubclass(paramiko.SSHClient, object) and paramiko.__version__.count('.') == 2"
    again = "from paramiko import AgentKey, Transport; assert Transport is paramiko.transport.Transport"
    assert "paramiko.client" in loaded("import git_helper.git.ssh.connection", check, again)


def test_a_paramiko_that_is_there_is_used() -> None:
    same = "import git_helper.git.ssh.library as door; assert door.Transport is paramiko.Transport"
    assert "paramiko.client" in loaded("import paramiko", same)
