"""ssh_config(5): what we make of a file is what `ssh -G` makes of it, and what ssh refuses we refuse."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_helper.errors import GitHelperError, Timeout
from git_helper.git.ssh_config import ConfigFile, Hop, SshConfigError, SshOptions, UnsafeName, resolve
from git_helper.git.ssh_config_lines import split_words
from git_helper.git.ssh_machine import LocalReader, shell
from git_helper.git.ssh_options import algorithms
from git_helper.git.ssh_patterns import matches, matches_host, matches_list
from tests.support import needs

ACCOUNT = pwd.getpwuid(os.getuid())

# Files that ssh accepts; `@` stands for a folder with the files of INCLUDED.
ACCEPTED = [
    "",
    "# nothing but a comment\n\n   # and another\n",
    "User x",
    "User x # comment",
    "User x#y",
    'User "a b"',
    "User 'a b'",
    'User "x"y',
    r'User "a\"b"',
    r"User a\ b",
    r"User a\b",
    "User=x",
    "User =x",
    "User =   x",
    '"User" x',
    "  \t User\tx\t  \n",
    "User x\r\nPort 33\r\n",
    "User x\f",
    "=User x",
    "USER x\nuser y",
    "User x=y",
    "Host foo\nUser x\nHost *\nUser y\nPort 33",
    "Host FOO\nUser x",
    "Host f?o\nUser x",
    "Host f* !foo\nUser x",
    "Host !foo *\nUser x",
    "Host !bar\nUser x",
    "Host a foo b # comment\nUser x",
    "Host foo,bar\nUser x",
    'Host "foo bar"\nUser x',
    "Host fo[o]\nUser x",
    "Host=f*\nPort=33",
    "Host # nobody\nUser x",
    "HostName %h.good.example\nHost foo.good.example\nUser x",
    "HostName GOOD.example",
    "HostName 127.1",
    "HostName FE80::1",
    "HostName fe80::1%%lo",
    "HostName 0:0::1",
    "Match host foo\nUser x",
    "Match host=f?? user=me\nUser x",
    "Match host f*,!foo\nUser x",
    "Match host foo, user * \nUser x",
    "Match user a  host  =  foo\nUser x\nMatch host = foo\nUser y",
    "Match !host bar\nUser x",
    "Match !host foo\nUser x",
    "Match all\nUser x",
    "Match !all\nUser x",
    "Match host foo all\nUser x",
    "User a\nMatch user a\nPort 33",
    "Match user b\nPort 33\nMatch user a\nPort 44",
    f"Match localuser {ACCOUNT.pw_name}\nUser x",
    "HostName bar\nMatch host bar\nUser x\nMatch originalhost foo\nPort 33",
    "Match canonical\nUser x",
    "Match final\nUser x",
    "Match !final\nUser x",
    "Match final host foo.good.example\nUser x\nHost foo\nHostName %h.good.example",
    "Match final all\nUser x\nHost *\nUser y",
    "HostName BAR\nMatch final host bar\nUser x\nMatch final originalhost foo\nPort 33\nHost bar\nBatchMode no\nUser z",
    "CanonicalizeHostname yes\nMatch canonical\nUser x",
    "CanonicalizeHostname always\nProxyCommand x\nMatch final\nUser x",
    'Match exec "test %h = foo"\nUser x',
    'Match exec "test %n%p%r = foo22me"\nPort 33\nMatch exec "test %p = 33"\nUser y',
    'Match !exec "exit 3"\nUser x',
    'Match host foo exec "exit 1"\nUser x',
    "Match exec true\nUser x",
    "Match host foo # user nobody\nUser x",
    "ProxyCommand nc %h %p # to the shell",
    'ProxyCommand "a b" c',
    "ProxyCommand = x",
    "ProxyCommand none\nProxyCommand y",
    "ProxyCommand x\nProxyJump y",
    "ProxyJump y\nProxyCommand x",
    "ProxyCommand none\nProxyJump y",
    "ProxyJump none\nProxyCommand x",
    "ProxyJump none\nProxyJump y",
    "ProxyJump NONE",
    "ProxyJump y # comment",
    "ProxyJump u@a:33,ssh://v@b:44,[::1]:55",
    "ProxyJump ssh://u@a:33/",
    "ProxyJump a@b@c",
    "ProxyJump a:",
    "Host bar\nProxyJump bar\nHost *\nProxyJump bar",
    "IdentityFile ~/.ssh/a\nIdentityFile b\nIdentityFile ~/.ssh/a\nIdentityFile /c",
    "IdentityFile none",
    "IdentitiesOnly yes\nCertificateFile a\nCertificateFile a\nCertificateFile ~/b",
    "IdentityAgent none",
    "IdentityAgent SSH_AUTH_SOCK",
    "IdentityAgent ~/agent-%h-%r",
    "IdentityAgent ${WHERE}/agent",
    "UserKnownHostsFile none",
    "UserKnownHostsFile a ~/b\nUserKnownHostsFile c",
    "UserKnownHostsFile %d/%h ~/%C-%l-%L-%i-%k-%n-%p-%r-%u-%%",
    "HostName bar\nHostKeyAlias ALIAS\nPort 33\nUserKnownHostsFile %h%n%k%p%C",
    "UserKnownHostsFile ${WHERE}/%n",
    "GlobalKnownHostsFile /a /b",
    "GlobalKnownHostsFile none",
    "StrictHostKeyChecking yes",
    "StrictHostKeyChecking off\nHashKnownHosts true",
    "StrictHostKeyChecking Accept-New",
    "CheckHostIP yes",
    "ConnectTimeout 1m30",
    "ConnectTimeout 1w2d3h4m5S\nServerAliveInterval 15\nServerAliveCountMax 2",
    "ConnectTimeout none\nConnectionAttempts 2",
    "Port +22",
    "Port 022",
    "NumberOfPasswordPrompts 007",
    "PasswordAuthentication no\nKbdInteractiveAuthentication NO",
    "ChallengeResponseAuthentication no",
    "PubkeyAuthentication no",
    "PubkeyAuthentication unbound",
    "PreferredAuthentications publickey,password",
    "AddressFamily INET6\nBindAddress 127.0.0.1",
    "RequiredRSASize 2048",
    "SendEnv A B\nSendEnv C_*\nSendEnv -A",
    'SetEnv "A=b c" B=2 A=3\nSetEnv C=3',
    "IgnoreUnknown Foo*,bar\nFooX y\nBAR z\nUser x",
    "Compression yes\nForwardAgent yes\nControlMaster auto\nControlPath ~/x\nLocalForward 1 x:2\nUser x",
    "Protocol 2\nUser x",
    "Include @/one\nPort 33",
    "Include @/one @/t*",
    "Include @/none\nUser x",
    "Include @/[ot]*",
    "Host bar\nInclude @/one\nHost *\nPort 33",
    "Host foo\nInclude @/block\nUser x",
    "Host bar\nInclude @/block\nUser x",
    "Include @/match\nUser y",
    "Host bar\nInclude @/match\nHost foo\nUser y",
    "Include in-ssh-folder",
    "Include ~/.ssh/in-ssh-folder",
]

INCLUDED = {
    "one": "User one\n",
    "two": "User two\nPort 222\n",
    "block": "Host bar\nPort 44\nHost foo\nPort 55\nHost nobody\n",
    "match": "Match host foo\nPort 66\nMatch host nobody\n",
    "self": "Include @/self\n",
}

# Files that ssh refuses as a whole.
REFUSED = [
    "User",
    "User x y",
    "User ''",
    'User "x',
    "User == x",
    "Unknown x",
    "Unknown x\nIgnoreUnknown Unknown",
    "Host bar\nUnknown x",
    "Port 0",
    "Port 65536",
    "Host bar\nPort x",
    "BatchMode maybe",
    "StrictHostKeyChecking sometimes",
    "ConnectTimeout soon",
    "ConnectTimeout -1",
    "ConnectTimeout 99999999999",
    "ServerAliveCountMax x",
    "NumberOfPasswordPrompts -1",
    'Host ""',
    "Match",
    "Match host",
    "Match localnetwork 10.0.0.0/8\nProxyCommand none",
    "Match ! host foo",
    "Match unheard-of x",
    "Match host bar unheard-of x",
    "Match all host foo",
    "Match host foo user * all",
    'Match exec "exit %z"',
    'Match host bar exec "exit %z"',
    "HostName %p",
    "HostName foo%",
    "UserKnownHostsFile %z",
    "UserKnownHostsFile a none",
    'UserKnownHostsFile a ""',
    "UserKnownHostsFile ${NOT_SET}",
    "UserKnownHostsFile ${NOT_SET",
    "IdentityAgent $NO-NAME",
    "ProxyJump",
    "ProxyJump @b",
    "ProxyJump a:x",
    "ProxyJump ::1",
    "ProxyJump a, b",
    "ProxyJump ,a",
    "ProxyJump foo",
    "ProxyJump ssh://a/path",
    "Host bar\nProxyJump a:x",
    "SetEnv FOO",
    "SendEnv A=B",
    'Include ""',
    "Include @/self",
    "CanonicalizeHostname yes\nCanonicalizeFallbackLocal no",
]


@pytest.fixture
def folder(tmp_path: Path, home: Path) -> Path:
    """A folder with the files of INCLUDED; one more is in ~/.ssh."""
    for name, text in INCLUDED.items():
        (tmp_path / name).write_text(text.replace("@/", f"{tmp_path}/"))
    (home / ".ssh").mkdir(mode=0o700)
    (home / ".ssh/in-ssh-folder").write_text("User there\n")
    return tmp_path


def written(folder: Path, text: str) -> Path:
    """A configuration file with this text."""
    path = folder / "config"
    path.write_bytes(text.replace("@/", f"{folder}/").encode())
    return path


def ours(path: Path, host: str = "foo", *, user: str | None = "me", port: int | None = None) -> SshOptions:
    """What we make of the file."""
    return resolve(
        host,
        user=user,
        port=port,
        reader=LocalReader(),
        environ={**os.environ, "WHERE": "/somewhere"},
        local_user=ACCOUNT.pw_name,
        home=ACCOUNT.pw_dir,
        run=shell(os.environ),
        files=[ConfigFile(str(path), is_personal=True, owned=False)],
    )


def ssh_says(path: Path, *arguments: str) -> dict[str, list[str]] | None:
    """What `ssh -G` makes of it: values by keyword; None when it refuses."""
    done = subprocess.run(
        [needs("ssh"), "-F", str(path), "-G", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, "WHERE": "/somewhere"},
        check=False,
        timeout=30,
    )
    if done.returncode:
        return None
    found: dict[str, list[str]] = {}
    for line in done.stdout.decode().split("\n")[:-1]:
        keyword, _, value = line.partition(" ")
        found.setdefault(keyword.lower(), []).append(value)
    return found


def as_ssh_says(options: SshOptions) -> dict[str, list[str]]:
    """Our options in the words of `ssh -G`, as far as it has such words."""
    yes = {True: ["yes"], False: ["no"]}
    raw = {line.keyword: line.value for line in options.lines}
    hops = options.proxy_jump or ()
    return {
        "hostname": [options.hostname],
        "user": [options.user],
        "port": [str(options.port)],
        "identitiesonly": yes[options.identities_only],
        "identityagent": [options.identity_agent] if options.identity_agent else [],
        "identityfile": [] if options.identities_are_default else list(options.identity_files),
        "certificatefile": list(options.certificate_files),
        "proxyjump": [",".join(map(hop_text, hops))] if hops else [],
        "proxycommand": [raw["proxycommand"].lstrip("= ")] if options.proxy_command else [],
        "userknownhostsfile": [" ".join(options.user_known_hosts_files) or "none"],
        "globalknownhostsfile": [" ".join(options.global_known_hosts_files) or "none"],
        "hostkeyalias": [options.host_key_alias] if options.host_key_alias else [],
        "stricthostkeychecking": [{"yes": "true", "no": "false"}.get(*[options.strict_host_key_checking] * 2)],
        "hashknownhosts": yes[options.hash_known_hosts],
        "checkhostip": yes[options.check_host_ip],
        "connecttimeout": [str(options.connect_timeout or "none")],
        "connectionattempts": [str(options.connection_attempts)],
        "serveraliveinterval": [str(options.server_alive_interval)],
        "serveralivecountmax": [str(options.server_alive_count_max)],
        "numberofpasswordprompts": [str(options.number_of_password_prompts)],
        "passwordauthentication": yes[options.password_authentication],
        "kbdinteractiveauthentication": yes[options.kbd_interactive_authentication],
        "requiredrsasize": [str(options.required_rsa_size)],
        "addressfamily": [options.address_family],
        "bindaddress": [options.bind_address] if options.bind_address else [],
        "batchmode": yes[options.batch_mode],
        "sendenv": list(options.send_env),
        "setenv": list(options.set_env),
    }


def hop_text(hop: Hop) -> str:
    """A hop as `ssh -G` writes it."""
    host = f"[{hop.host}]" if ":" in hop.host else hop.host
    return (f"{hop.user}@" if hop.user else "") + host + (f":{hop.port}" if hop.port else "")


def plain(said: dict[str, list[str]], options: SshOptions) -> dict[str, list[str]]:
    """What ssh said in the form of `as_ssh_says`: `~` replaced, `none` and URLs taken out, defaults left out."""
    said = dict(said)
    for keyword in ("identityfile", "certificatefile"):
        said[keyword] = [path.replace("~", ACCOUNT.pw_dir, 1) for path in said.get(keyword, []) if path != "none"]
    if options.identities_are_default:
        own = [path for path in options.identity_files if path in said["identityfile"]]
        assert own == list(options.identity_files)
        said["identityfile"] = []
    said["proxyjump"] = [value.replace("ssh://", "") for value in said.get("proxyjump", [])]
    return said


@pytest.mark.parametrize("text", ACCEPTED)
def test_our_options_are_those_of_ssh(text: str, folder: Path) -> None:
    path = written(folder, text)
    for arguments, given in ((("-l", "me", "foo"), {}), (("-p", "77", "FOO"), {"host": "FOO", "user": None, "port": 77})):
        said = ssh_says(path, *arguments)
        assert said is not None, "ssh refuses it: move it to REFUSED"
        options = ours(path, **given)  # type: ignore[arg-type]
        mine, its = as_ssh_says(options), plain(said, options)
        assert mine == {keyword: its.get(keyword, []) for keyword in mine}
        assert options.pubkey_authentication == (said["pubkeyauthentication"] != ["false"])


def test_the_table_is_not_short() -> None:
    assert len(set(ACCEPTED)) > 100


@pytest.mark.parametrize("text", REFUSED)
def test_what_ssh_refuses_we_refuse(text: str, folder: Path) -> None:
    path = written(folder, text)
    assert ssh_says(path, "-l", "me", "foo") is None, "ssh accepts it: move it to ACCEPTED"
    with pytest.raises(SshConfigError) as caught:
        ours(path)
    assert caught.value.line > 0
    assert caught.value.file in caught.value.message
    assert f"line {caught.value.line}" in caught.value.message
