"""The system's ssh, where the person has chosen it in git's way."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from git_helper.core.reference import Oid
from git_helper.errors import GitHelperError, Refused, Unreachable, UsageError
from git_helper.git.ssh.program import SshProgram
from tests.git.downloads import download
from tests.git.packs import checked_out, snapshot
from tests.git.ssh.served import Client
from tests.servers.repositories import resolve
from tests.servers.sshd import USER, Keys, Sshd, public
from tests.support import needs

StartSshd = Callable[..., Sshd]

# Writes its arguments down, and runs the last one.
RECORDER = """#!{python}
import json, os, sys
with open({out!r}, "a") as file:
    file.write(json.dumps([sys.argv[1:], os.environ.get("GIT_PROTOCOL")]) + "\\n")
if "-G" in sys.argv:
    sys.exit({detects})
os.execvp("sh", ["sh", "-c", sys.argv[-1]])
"""


def chosen(environ: Mapping[str, str], config: Mapping[str, str] | None = None) -> SshProgram | None:
    """What is chosen by variables and git's configuration."""
    return SshProgram.chosen(environ, lambda name: (config or {}).get(name), lambda: "/bin/sh")


@pytest.fixture
def recorder(tmp_path: Path) -> Callable[..., str]:
    """Makes a program `name` that records how it is called."""

    def make(name: str, detects: int = 0) -> str:
        path = tmp_path / name
        path.write_text(RECORDER.format(python=sys.executable, out=str(tmp_path / "calls"), detects=detects))
        path.chmod(0o755)
        return str(path)

    return make


def calls(tmp_path: Path) -> list[tuple[list[str], str | None]]:
    """What was recorded: arguments and GIT_PROTOCOL."""
    return [tuple(json.loads(line)) for line in (tmp_path / "calls").read_text().split("\n") if line]


def test_nothing_is_chosen() -> None:
    assert chosen({}) is None
    assert chosen({"GIT_SSH_COMMAND": "", "GIT_SSH": ""}) is None


def test_the_order_of_choices() -> None:
    environ = {"GIT_SSH_COMMAND": "first -x", "GIT_SSH": "third"}
    config = {"core.sshCommand": "second -y"}
    for expected in ("first", "second", "third"):
        program = chosen(environ, config)
        assert program is not None
        assert program.name == expected
        environ, config = ({"GIT_SSH": "third"}, config) if expected == "first" else ({"GIT_SSH": "third"}, {})


def test_an_unknown_variant() -> None:
    with pytest.raises(UsageError, match="pony"):
        chosen({"GIT_SSH": "ssh", "GIT_SSH_VARIANT": "pony"})


@pytest.mark.parametrize("by_git_ssh", [True, False])
def test_openssh(sshd: Sshd, home: Path, keys: Keys, bare: Path, tmp_path: Path, by_git_ssh: bool) -> None:
    with Client(home) as client:
        client.knows(f"[127.0.0.1]:{sshd.port} {public(keys.key('host'))}")
        options = f"-F none -i {keys.key('user')} -o UserKnownHostsFile={client.folder / 'known_hosts'}"
        wrapper = tmp_path / "ssh"
        wrapper.write_text(f'#!/bin/sh\nexec {needs("ssh")} {options} "$@"\n')
        wrapper.chmod(0o755)
        environ = {"GIT_SSH": str(wrapper)} if by_git_ssh else {"GIT_SSH_COMMAND": f"ssh {options}"}
    with Client(home, program=chosen(environ)) as client:
        repository = client.repository(f"git+ssh://{USER}@127.0.0.1:{sshd.port}{bare}")
        repository.ls_refs(["refs/heads/"])
        download(repository, Oid(resolve(bare, "main")), tmp_path / "new")
        assert snapshot(tmp_path / "new") == checked_out(bare, "main", tmp_path / "git")
    assert sshd.connections == 1
    sshd.wait_for_end()


@pytest.mark.parametrize(
    ("name", "variant", "detects", "expected"),
    [
        ("ssh", None, 0, ["-o", "SendEnv=GIT_PROTOCOL", "-p", "2222", "ada@good.example"]),
        ("ssh.exe", None, 0, ["-o", "SendEnv=GIT_PROTOCOL", "-p", "2222", "ada@good.example"]),
        ("plink", None, 0, ["-P", "2222", "ada@good.example"]),
        ("TortoisePlink.exe", None, 0, ["-batch", "-P", "2222", "ada@good.example"]),
        ("other", None, 0, ["-o", "SendEnv=GIT_PROTOCOL", "-p", "2222", "ada@good.example"]),
        ("other", "plink", 0, ["-P", "2222", "ada@good.example"]),
        ("other", "putty", 0, ["-P", "2222", "ada@good.example"]),
        ("ssh", "tortoiseplink", 0, ["-batch", "-P", "2222", "ada@good.example"]),
    ],
)
def test_how_it_is_called(
    recorder: Callable[..., str],
    home: Path,
    bare: Path,
    tmp_path: Path,
    name: str,
    variant: str | None,
    detects: int,
    expected: list[str],
) -> None:
    environ = {"GIT_SSH": recorder(name, detects), **({"GIT_SSH_VARIANT": variant} if variant else {})}
    with Client(home, program=chosen(environ)) as client:
        client.repository(f"git+ssh://ada@good.example:2222{bare}").ls_refs(["refs/heads/main"])
    arguments, protocol = calls(tmp_path)[-1]
    assert arguments == [*expected, f"git-upload-pack '{bare}'"]
    assert protocol == "version=2"


def test_a_simple_program_knows_no_ports(recorder: Callable[..., str], home: Path, bare: Path, tmp_path: Path) -> None:
    program = chosen({"GIT_SSH": recorder("other", 1)})
    with Client(home, program=program) as client:
        client.repository(f"git+ssh://good.example{bare}").ls_refs(["refs/heads/main"])
        assert calls(tmp_path)[-1][0] == ["good.example", f"git-upload-pack '{bare}'"]
        with pytest.raises(UsageError, match="cannot give a port"):
            client.repository(f"git+ssh://good.example:2222{bare}").ls_refs(["refs/heads/main"])


def test_a_command_line_goes_through_a_shell(
    recorder: Callable[..., str], home: Path, bare: Path, tmp_path: Path
) -> None:
    program = chosen(
        {"GIT_SSH_COMMAND": f"X='a b' {recorder('ssh')} -o \"Quoted Option\" $EXTRA", "GIT_SSH_VARIANT": "ssh"}
    )
    with Client(home, program=program, environ={"EXTRA": "-v"}) as client:
        client.repository(f"git+ssh://good.example{bare}").ls_refs(["refs/heads/main"])
    assert calls(tmp_path)[-1][0][:3] == ["-o", "Quoted Option", "-v"]


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ("echo 'Permission denied (publickey).' >&2; exit 255", Refused, "Permission denied"),
        ("echo 'Host key verification failed.' >&2; exit 255", GitHelperError, "Host key verification failed"),
        ("head -c 9000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo end >&2; exit 255", Unreachable, "end"),
        ("exit 3", Unreachable, "ended with 3"),
        ("kill -9 $$", Unreachable, "ended with"),
        ("sleep 60", Unreachable, "nothing came for 0.5 seconds"),
    ],
)
def test_a_program_that_fails(
    home: Path, bare: Path, tmp_path: Path, body: str, kind: type[GitHelperError], said: str
) -> None:
    path = tmp_path / "ssh"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    before = threading.active_count()
    client = Client(home, program=chosen({"GIT_SSH": str(path)}), idle=0.5 if "sleep" in body else 10)
    with client, pytest.raises(kind) as caught:
        client.repository(f"git+ssh://good.example{bare}").ls_refs(["refs/heads/main"])
    assert said in caught.value.message
    assert len(caught.value.message) < 12_000
    assert threading.active_count() == before


def test_a_program_that_is_not_there(home: Path, bare: Path) -> None:
    client = Client(home, program=chosen({"GIT_SSH": os.path.join(str(home), "ssh")}))
    with client, pytest.raises(Unreachable, match="does not start"):
        client.repository(f"git+ssh://good.example{bare}").ls_refs(["refs/heads/main"])


@pytest.mark.parametrize("url", ["ssh://good.example/it's.git", "ssh://u;id@good.example/x.git"])
def test_a_url_that_is_refused_before_anything_is_started(
    recorder: Callable[..., str], home: Path, tmp_path: Path, url: str
) -> None:
    with Client(home, program=chosen({"GIT_SSH": recorder("ssh")})) as client, pytest.raises(UsageError):
        client.repository(url).ls_refs(["refs/heads/main"])
    assert not (tmp_path / "calls").exists()
