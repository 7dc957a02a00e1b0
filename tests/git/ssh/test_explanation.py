"""What would happen: as `ssh -G`, `ssh -v` and `ssh-keygen -F` tell it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pytest

from git_helper.git.ssh.explanation import Stop, explain
from git_helper.git.ssh.way import Means
from tests.git.ssh.served import Client
from tests.servers.sshd import USER, Keys, Sshd, agent, fingerprint, public
from tests.support import needs


def explained(client: Client, host: str, user: str | None = None, port: int | None = None) -> tuple[Stop, ...]:
    means = Means(client.resolve, client.environ, "/bin/sh", 60.0)
    return explain(means, host, user, port)


def ssh_says(client: Client, *words: str, environ: Mapping[str, str] | None = None) -> str:
    """What OpenSSH writes for the same file, stdout and stderr."""
    command = [needs("ssh"), "-F", str(client.folder / "config"), *words]
    done = subprocess.run(command, capture_output=True, env={**client.environ, **(environ or {})}, timeout=60)
    return (done.stdout + done.stderr).decode()


CONFIGS = [
    "",
    "IdentityFile /nowhere/a\nIdentityFile /nowhere/b",
    "HostName other.example\nPort 2222\nUser git",
    "Host go*\nPort 33\nHost *\nPort 44\nUser everybody",
    "UserKnownHostsFile /nowhere/one /nowhere/two\nStrictHostKeyChecking accept-new",
    "Match host good.example\nIdentityFile /nowhere/%h\nMatch all\nIdentityFile /nowhere/all",
    "PreferredAuthentications password,publickey\nConnectTimeout 7",
    "ProxyCommand nc %h %p",
    "HostKeyAlias known",
]


@pytest.mark.parametrize("text", CONFIGS)
def test_it_is_what_ssh_takes_from_the_configuration(home: Path, text: str) -> None:
    with Client(home) as client:
        client.configure(*text.split("\n"))
        (stop,) = explained(client, "good.example")
        # It shows commands and paths with their tokens.
        text_of_ssh = ssh_says(client, "-G", "good.example").replace("%h", stop.host).replace("%p", str(stop.port))
        said = [line.partition(" ") for line in text_of_ssh.split("\n") if line]
    values = {name: value for name, _, value in said}
    assert (stop.host, str(stop.port), stop.user) == (values["hostname"], values["port"], values["user"])
    assert stop.strict_host_key_checking == values["stricthostkeychecking"]
    assert stop.connect_seconds == float(values.get("connecttimeout", "none").replace("none", "20"))
    assert (stop.proxy_command or "none") == values.get("proxycommand", "none")
    if "IdentityFile" in text:
        assert [one.name for one in stop.offers] == [value for name, _, value in said if name == "identityfile"]
    else:
        assert stop.offers == (), "default files that are not there"
    if "UserKnownHostsFile" in text:
        assert list(stop.known_hosts_files[:2]) == values["userknownhostsfile"].split(" ")
    port = values["port"]
    known_as = values.get("hostkeyalias") or (stop.host if port == "22" else f"[{stop.host}]:{port}")
    assert stop.known_as == known_as


def test_the_lines_that_count_are_named(home: Path) -> None:
    with Client(home) as client:
        client.configure("Host other", "Port 1", "Host good*", "Port 2", "Host *", "Port 3", "User git")
        (stop,) = explained(client, "good.example")
        path = str(client.folder / "config")
    assert [tuple(line) for line in stop.lines] == [(path, 4, "port", "2"), (path, 7, "user", "git")]


def test_the_keys_of_the_host_are_those_of_ssh_keygen(home: Path, keys: Keys, tmp_path: Path) -> None:
    first, second, bad = keys.key("host"), keys.key("host-rsa", "rsa"), keys.key("other")
    with Client(home) as client:
        client.knows(
            f"other.example {public(bad)}",
            f"[good.example]:2222,[192.0.2.1]:2222 {public(first)}",
            f"@revoked * {public(bad)}",
            f"@cert-authority *.example,[*.example]:* {public(second)}",
            "bad line",
        )
        client.configure("")
        (stop,) = explained(client, "good.example", port=2222)
        path = client.folder / "known_hosts"
        words = [needs("ssh-keygen"), "-F", stop.known_as, "-f", str(path)]
        said = subprocess.run(words, capture_output=True, check=True).stdout.decode()
    marked = {"CA": "@cert-authority", "REVOKED": "@revoked"}
    found = re.findall(r"found: line (\d+) ?(\w*)", said)
    theirs = [(int(line), marked.get(word, "")) for line, word in found]
    ours = [(one.line, one.marker) for one in stop.host_keys]
    assert set(theirs) <= set(ours)
    assert ours == [(2, ""), (3, "@revoked"), (4, "@cert-authority")]
    assert [one.fingerprint for one in stop.host_keys] == [fingerprint(one) for one in (first, bad, second)]
    assert len(stop.notes) == 1
    assert "line 5" in stop.notes[0]


@pytest.mark.parametrize("only", ["yes", "no"])
def test_identities_are_in_the_order_of_ssh(home: Path, sshd: Sshd, keys: Keys, tmp_path: Path, only: str) -> None:
    named, held, both = keys.key("named"), keys.key("held", "rsa"), keys.key("both", "ecdsa")
    lines = [f"IdentityFile {named}", f"IdentityFile {both}", f"IdentitiesOnly {only}", "BatchMode yes"]
    with Client(home) as client, agent(tmp_path / "agent", held, both) as place:
        client.environ["SSH_AUTH_SOCK"] = place
        client.knows(f"[127.0.0.1]:{sshd.port} {public(keys.key('host'))}")
        client.configure("Host *", *lines, f"UserKnownHostsFile {client.folder / 'known_hosts'}")
        (stop,) = explained(client, "127.0.0.1", USER, sshd.port)
        said = ssh_says(client, "-v", "-p", str(sshd.port), f"{USER}@127.0.0.1", "true")
    theirs = re.findall(r"Offering public key: .* (SHA256:\S+)", said)
    assert [one.fingerprint for one in stop.offers] == theirs
    assert len(theirs) == (2 if only == "yes" else 3)
    assert [one.in_agent for one in stop.offers] == [True, *[True] * (only == "no"), False]
    assert stop.agent == place


def test_certificates_and_files_that_are_not_there(home: Path, keys: Keys, tmp_path: Path) -> None:
    key = keys.key("certified")
    keys.certificate("certified", "ca", USER)
    with Client(home) as client:
        client.configure(f"IdentityFile {key}", "IdentityFile /nowhere/key")
        (stop,) = explained(client, "good.example")
    assert [(one.name, one.certificate, one.fingerprint is None, one.note) for one in stop.offers] == [
        (str(key), False, False, ""),
        (str(key), True, False, ""),
        ("/nowhere/key", False, True, "the file is not there"),
    ]


def test_every_stop_on_the_way(home: Path) -> None:
    with Client(home) as client:
        client.configure("Host far", "ProxyJump me@near:2200,middle", "Host near", "ProxyCommand nc near.example %p")
        stops = explained(client, "far")
    assert [(one.host, one.port, one.proxy_command) for one in stops] == [
        ("near", 2200, "nc near.example 2200"),
        ("middle", 22, None),
        ("far", 22, None),
    ]
    assert stops[0].user == "me"


def test_a_broken_agent_is_a_note(home: Path) -> None:
    with Client(home, environ={"SSH_AUTH_SOCK": "/nowhere/agent"}) as client:
        client.configure("")
        (stop,) = explained(client, "good.example")
    assert stop.notes == ("cannot use the SSH agent at '/nowhere/agent': no such file or directory",)


def test_it_can_be_shown_as_json(home: Path, keys: Keys) -> None:
    with Client(home) as client:
        client.knows(f"good.example {public(keys.key('host'))}")
        client.configure("Host *", f"IdentityFile {keys.key('user')}")
        (stop,) = explained(client, "good.example")
    shown = json.loads(json.dumps(asdict(stop)))
    assert shown["host_keys"][0]["fingerprint"] == fingerprint(keys.key("host"))
    assert shown["offers"][0]["fingerprint"] == fingerprint(keys.key("user"))
