"""ssh_config(5): what we make of a file is what `ssh -G` makes of it, and what ssh refuses we refuse."""

from __future__ import annotations

import grp
import os
import pwd
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_helper.errors import Timeout
from git_helper.git.ssh.config import ConfigFile, Hop, SshConfigError, SshOptions, UnsafeName, resolve
from git_helper.git.ssh.config_lines import split_words
from git_helper.git.ssh.machine import LocalReader, shell
from git_helper.git.ssh.options import algorithms
from git_helper.git.ssh.patterns import matches, matches_host, matches_list
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
    r'User "a\ b"',
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
    asked = [
        (("foo",), ours(path, user=None)),
        (("-l", "me", "foo"), ours(path)),
        (("-p", "77", "FOO"), ours(path, "FOO", user=None, port=77)),
    ]
    for arguments, options in asked:
        said = ssh_says(path, *arguments)
        assert said is not None, "ssh refuses it: move it to REFUSED"
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


class Memory:
    """A Reader without a machine: files by path."""

    system_folder = "/etc/ssh"

    def __init__(self, **files: str | bytes) -> None:
        self.files = {f"/{name}": text.encode() if isinstance(text, str) else text for name, text in files.items()}

    def read(self, path: str, *, owned: bool) -> bytes | None:
        return self.files.get(path)

    def names(self, pattern: str) -> list[str]:
        return sorted(path for path in self.files if matches(path, pattern))

    def home_of(self, user: str) -> str | None:
        return "/home/other" if user == "other" else None

    def host_name(self) -> str:
        return "desk.good.example"

    def user_id(self) -> int:
        return 1234


class Shell:
    """Notes the commands of `Match exec` and says `status` to each."""

    def __init__(self, status: int = 0) -> None:
        self.status = status
        self.commands: list[str] = []

    def __call__(self, command: str) -> int:
        self.commands.append(command)
        return self.status


def resolved(
    text: str | bytes,
    host: str = "foo",
    *,
    run: Callable[[str], int] | None = None,
    environ: Mapping[str, str] | None = None,
    user: str | None = None,
    port: int | None = None,
    **files: str,
) -> SshOptions:
    """What a configuration in memory comes to; further files by name, to be included as /name."""
    return resolve(
        host,
        user=user,
        port=port,
        reader=Memory(config=text, **files),
        environ=environ or {},
        local_user="me",
        home="/home/me",
        run=run or Shell(),
        files=[ConfigFile("/config", is_personal=True, owned=True)],
    )


def test_defaults() -> None:
    options = resolved("")
    assert (options.hostname, options.port, options.user) == ("foo", 22, "me")
    assert options.identity_files[0] == "/home/me/.ssh/id_rsa"
    assert "/home/me/.ssh/id_ed25519" in options.identity_files
    assert options.user_known_hosts_files == ("/home/me/.ssh/known_hosts", "/home/me/.ssh/known_hosts2")
    assert options.global_known_hosts_files == ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
    assert options.strict_host_key_checking == "ask"
    assert options.identity_agent is None
    assert options.lines == ()


def test_the_lines_that_took_effect_are_named() -> None:
    options = resolved("Host bar\nUser a\nHost foo\nUser b # me\nInclude /more\nUser c", more="Port 33\nUser d")
    assert options.lines == (("/config", 4, "user", "b # me"), ("/more", 1, "port", "33"))


def test_what_the_url_says_comes_first() -> None:
    options = resolved("User a\nPort 33", user="git", port=44)
    assert (options.user, options.port) == ("git", 44)


def test_tags() -> None:
    text = "Match tagged work,play\nPort 33\nHost foo\nTag work\n"
    assert resolved(text).port == 22, "the tag is set after the question"
    assert resolved("Host foo\nTag work\n" + text).port == 33
    assert resolved("Host foo\nTag idle\n" + text).port == 22
    assert resolved("Match !tagged work\nPort 33").port == 33


def test_exec_runs_only_where_all_before_it_is_true() -> None:
    shell = Shell()
    text = """
        Match host bar exec "a"
        Match host foo !user me exec "b"
        Match host foo exec "c %h %n %p %r %u %l %L %i %d %k" exec "d"
        Host bar
        Include /more
    """
    resolved(text, run=shell, more='Match exec "e"\n')
    assert shell.commands == ["c foo foo 22 me me desk.good.example desk 1234 /home/me foo", "d"]


def test_exec_ends_at_the_first_failure() -> None:
    shell = Shell(1)
    assert resolved("Match exec a exec b\nPort 33", run=shell).port == 22
    assert shell.commands == ["a"]


def test_a_shell_that_never_answers_is_an_error() -> None:
    needs("sleep")
    with pytest.raises(Timeout):
        resolved("Match exec 'sleep 60'\nUser x", run=shell(os.environ, 0.2))


def test_the_shell_is_that_of_the_person() -> None:
    assert shell({"SHELL": needs("sh"), "A": "7"})('exit "$A"') == 7
    assert shell({"PATH": os.environ["PATH"]})("true") == 0


@pytest.mark.parametrize(
    "criterion", ["localnetwork 10.0.0.0/8", "version x", "command x", "sessiontype shell", "any x", "!unknown x"]
)
def test_an_unknown_criterion_is_an_error_and_never_matches(criterion: str) -> None:
    with pytest.raises(SshConfigError) as caught:
        resolved(f"User a\nMatch host bar {criterion}\nProxyCommand none")
    assert (caught.value.file, caught.value.line) == ("/config", 2)
    assert "GIT_SSH_COMMAND=ssh" in (caught.value.hint or "")


@pytest.mark.parametrize("text", ["RestrictAll yes", "Host bar\nRestrictAll yes", "Include /more"])
def test_an_unknown_keyword_is_an_error(text: str) -> None:
    with pytest.raises(SshConfigError, match="restrictall"):
        resolved(text, more="RestrictAll yes")


def test_a_refused_connection() -> None:
    with pytest.raises(SshConfigError, match="retired"):
        resolved('Host foo\nRefuseConnection "it is retired"')
    assert resolved('Host bar\nRefuseConnection "it is retired"').hostname == "foo"


@pytest.mark.parametrize(
    "text",
    [
        "CanonicalizeHostname yes\nCanonicalDomains good.example",
        "CanonicalizeHostname always\nCanonicalDomains good.example\nProxyCommand x",
        "CanonicalizePermittedCNAMEs *.a:*.b",
        "HostName foo.\nCanonicalizeHostname yes",
    ],
)
def test_names_that_the_dns_would_have_to_complete_are_refused(text: str) -> None:
    with pytest.raises(SshConfigError, match="DNS"):
        resolved(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("CanonicalizeHostname yes\nCanonicalDomains good.example\nProxyCommand x", "foo"),
        ("CanonicalizeHostname yes\nCanonicalDomains good.example", "a.b.c"),
        ("CanonicalizeHostname yes\nCanonicalDomains good.example", "127.0.0.1"),
        ("CanonicalizeHostname yes\nCanonicalDomains none\nCanonicalizePermittedCNAMEs none", "foo"),
    ],
)
def test_names_that_need_no_dns_are_not(text: str, host: str) -> None:
    assert resolved(text + "\nMatch canonical\nPort 33", host).port == 33


@pytest.mark.parametrize(
    "host",
    ["", "-oProxyCommand=x", "a b", "a;b", "$(x)", "`x`", "a\nb", "a\0b", "a|b", "'", '"', "a\u2028b", "a\\b", "${x}"],
)
def test_hosts_that_a_shell_would_read_are_refused(host: str) -> None:
    with pytest.raises(UnsafeName):
        resolved("Match exec 'echo %h'", host)


@pytest.mark.parametrize("user", ["-l", "a;b", "$(x)", "`x`", "a\nb", "a -b", "a\\", "a\0", "${x}", "'", "\x7f"])
def test_users_that_a_shell_would_read_are_refused(user: str) -> None:
    with pytest.raises(UnsafeName):
        resolved("", user=user)


def test_unusual_users_are_fine() -> None:
    for user in ("DOMAIN\\me", "me@corp", "Me Too", "git$", "é"):
        assert resolved("", user=user).user == user


def test_a_command_has_its_tokens() -> None:
    options = resolved("HostName BAR\nPort 33\nUser x\nProxyCommand nc '%h' %n %p %r 100%%")
    assert options.proxy_command == "nc 'bar' foo 33 x 100%"
    assert options.proxy_jump is None
    with pytest.raises(SshConfigError, match="%d"):
        resolved("ProxyCommand x %d")
    with pytest.raises(SshConfigError, match="proxyusefdpass"):
        resolved("ProxyCommand x\nProxyUseFdpass yes")


def test_jumps_have_their_tokens() -> None:
    options = resolved("ProxyJump %r@gate.%h:33,[::1]", "foo.example")
    assert options.proxy_jump == (Hop("gate.foo.example", "me", 33), Hop("::1"))


def test_an_agent_named_by_a_variable() -> None:
    assert resolved("IdentityAgent $AGENT", environ={"AGENT": "/a"}).identity_agent == "/a"
    assert resolved("IdentityAgent $AGENT").identity_agent == "none"


def test_paths_have_their_tokens() -> None:
    text = "IdentityFile %d/%u-%L\nIdentityFile ${KEYS}/a\nCertificateFile ~other/%h\nRevokedHostKeys ~/gone"
    options = resolved(text, environ={"KEYS": "/keys"})
    assert options.identity_files == ("/home/me/me-desk", "/keys/a")
    assert options.certificate_files == ("/home/other/foo",)
    assert options.revoked_host_keys == "/home/me/gone"
    with pytest.raises(SshConfigError, match="nobody-here"):
        resolved("IdentityFile ~nobody-here/x")
    with pytest.raises(SshConfigError, match="KEYS"):
        resolved("IdentityFile ${KEYS}/a")


def test_an_include_has_variables() -> None:
    assert resolved("Include ${PLACE}re", environ={"PLACE": "/mo"}, more="Port 33").port == 33


def test_a_nul_byte_is_an_error() -> None:
    with pytest.raises(SshConfigError, match="NUL"):
        resolved(b"User a\0\nProxyCommand x")


def test_the_files_of_the_person_and_of_the_machine(tmp_path: Path, home: Path) -> None:
    reader = LocalReader(str(tmp_path))

    def found() -> SshOptions:
        return resolve(
            "foo", user=None, port=None, reader=reader, environ=os.environ, local_user="me", home=str(home), run=Shell()
        )

    assert found().lines == ()
    (home / ".ssh").mkdir(mode=0o700)
    (home / ".ssh/config").write_text("Port 33\n")
    (tmp_path / "ssh_config").write_text("User x\nPort 44\nInclude more.d/*\n")
    (tmp_path / "more.d/folder").mkdir(parents=True)
    (tmp_path / "more.d/a").write_text("HashKnownHosts yes\n")
    options = found()
    assert (options.port, options.user, options.hash_known_hosts) == (33, "x", True)
    (tmp_path / "more.d/b").write_text("Include ~/x\n")
    with pytest.raises(SshConfigError, match="personal"):
        found()


@pytest.mark.parametrize("depth", [16, 17])
def test_files_may_include_each_other_as_deep_as_for_ssh(depth: int, folder: Path) -> None:
    for at in range(1, depth):
        (folder / f"deep{at}").write_text(f"Include {folder}/deep{at + 1}\n")
    (folder / f"deep{depth}").write_text("User deep\n")
    path = written(folder, "Include @/deep1")
    said = ssh_says(path, "foo")
    if depth > 16:
        assert said is None
        with pytest.raises(SshConfigError, match="16"):
            ours(path)
    else:
        assert said is not None and said["user"] == ["deep"]
        assert ours(path, user=None).user == "deep"


def test_a_file_that_others_may_write_is_refused(folder: Path) -> None:
    included = folder / "one"
    included.chmod(0o606)
    path = written(folder, "Include @/one")
    assert ssh_says(path, "foo") is None
    with pytest.raises(SshConfigError, match="may write") as caught:
        ours(path)
    assert caught.value.file == str(included)
    included.chmod(0o644)
    assert ours(path, user=None).user == "one"


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files to other groups")
def test_a_file_that_a_group_may_write_is_refused(folder: Path) -> None:
    os.chown(folder / "one", 0, 12345)
    (folder / "one").chmod(0o664)
    path = written(folder, "Include @/one")
    assert ssh_says(path, "foo") is None
    with pytest.raises(SshConfigError, match="may write"):
        ours(path)


def test_a_group_of_one_is_nobody_else(folder: Path) -> None:
    alone = not set(grp.getgrgid(ACCOUNT.pw_gid).gr_mem) - {ACCOUNT.pw_name}
    if not alone or any(one.pw_gid == ACCOUNT.pw_gid and one.pw_uid != ACCOUNT.pw_uid for one in pwd.getpwall()):
        pytest.skip("the user shares a group")
    os.chown(folder / "one", -1, ACCOUNT.pw_gid)
    (folder / "one").chmod(0o664)
    assert ours(written(folder, "Include @/one"), user=None).user == "one"


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_a_file_of_another_user_is_refused(folder: Path) -> None:
    os.chown(folder / "one", 12345, -1)
    path = written(folder, "Include @/one")
    assert ssh_says(path, "foo") is None
    with pytest.raises(SshConfigError, match="owns"):
        ours(path)


def test_a_file_that_cannot_be_read_is_refused(folder: Path) -> None:
    (folder / "loop").symlink_to("loop")
    with pytest.raises(SshConfigError, match="loop"):
        ours(folder / "loop")


@pytest.mark.parametrize(
    "spec", ["ssh-ed25519", "rsa*", "-ssh-*", "+ssh-rsa", "^rsa-sha2-512,ecdsa*", "+ssh*", "-*cert*,*ecdsa*"]
)
def test_algorithms_are_put_together_as_by_ssh(spec: str, folder: Path) -> None:
    asked = subprocess.run([needs("ssh"), "-Q", "HostKeyAlgorithms"], capture_output=True, check=True)
    known = asked.stdout.decode().split()
    default = (ssh_says(written(folder, ""), "foo") or {})["hostkeyalgorithms"][0].split(",")
    said = ssh_says(written(folder, f"HostKeyAlgorithms {spec}"), "foo")
    assert said is not None
    assert list(algorithms(spec, default, known)) == said["hostkeyalgorithms"][0].split(",")


def test_algorithms_that_we_do_not_have_are_left_out() -> None:
    assert algorithms("chacha,a", ("b", "a"), ("a", "b", "c")) == ("a",)
    assert algorithms("chacha", ("b", "a"), ("a", "b", "c")) == ()
    assert algorithms(None, ("b", "a"), ("a", "b", "c")) == ("b", "a")
    assert algorithms("^c,x", ("b", "a"), ("a", "b", "c")) == ("c", "b", "a")


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=12))
def test_patterns_are_those_of_the_manual(pattern: str, text: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(char, char) for char in pattern)
    assert matches(text, pattern) == (re.fullmatch(expression, text) is not None)


def test_a_hostile_pattern_is_quick() -> None:
    assert not matches("a" * 3000 + "b", "*a" * 500 + "c")


def test_lists_of_patterns() -> None:
    assert matches_list("foo", "bar,f*")
    assert not matches_list("foo", "f*,!foo")
    assert not matches_list("foo", "!foo,f*")
    assert not matches_list("foo", "!bar")
    assert not matches_list("foo", "")
    assert matches_host("FOO", "f*") and matches_host("foo", "F*")
    assert not matches_host("foo\u212a", "fook"), "the Kelvin sign is no k"


PIECES = st.sampled_from(
    [
        *(
            "Host",
            "Match",
            "Include",
            "User",
            "Port",
            "ProxyJump",
            "ProxyCommand",
            "HostName",
            "IdentityFile",
            "SetEnv",
        ),
        *(
            "IdentityAgent",
            "UserKnownHostsFile",
            "all",
            "final",
            "canonical",
            "exec",
            "host",
            "tagged",
            "foo",
            "!",
            "none",
        ),
        *(
            "*",
            "?",
            "%h",
            "%",
            "%%",
            "%C",
            "${A}",
            "${B}",
            "${",
            "~",
            "~x",
            "=",
            '"',
            "'",
            "\\",
            "#",
            ",",
            " ",
            "\t",
            "\n",
        ),
        *(
            "@",
            ":",
            "[",
            "]",
            "::1",
            "ssh://",
            "22",
            "/more",
            "\r",
            "\f",
            "\xe9",
            "\udc80",
            "CanonicalizeHostname",
            "yes",
        ),
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join) | st.lists(PIECES, max_size=40).map(" ".join))
def test_any_file_is_read_or_refused(text: str) -> None:
    content = text.encode("utf-8", "surrogateescape")
    try:
        options = resolved(content, environ={"A": "a"}, more="User x\nHost foo\nMatch exec x")
    except SshConfigError as error:
        assert error.message
    else:
        assert options.hostname and 1 <= options.port <= 65535


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        assert resolved(content).hostname == "foo"
    except SshConfigError as error:
        assert error.file == "/config"


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_host_is_used_or_refused(host: str, user: str) -> None:
    try:
        options = resolved("Match exec x\nProxyCommand x %h %r", host, user=user)
    except UnsafeName:
        return
    assert options.original_host == host and options.user == user


@given(st.text(" ab#\"'\\", max_size=20))
def test_words_are_split_or_refused(text: str) -> None:
    words = split_words(text)
    assert words is None or len("".join(words)) <= len(text)
