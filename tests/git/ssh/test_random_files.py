"""Files that nobody would write, from a fixed seed: what we make of them is what `ssh -G` and `ssh-keygen -F` make of them.

Where versions of OpenSSH differ (quotes in Match, `%j` in `%C`) or `ssh -G` shows a value as it is written, nothing is made.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from git_helper.git.ssh.config import SshConfigError, SshOptions
from git_helper.git.ssh.known_hosts_lines import hashed, parse, place
from git_helper.git.ssh.public_key import fingerprint
from tests.git.ssh.test_config import ACCOUNT, as_ssh_says, ours, plain, ssh_says, written
from tests.git.ssh.test_known_hosts import EC, ED, RSA, found_by_keygen, key, text

ASKED_FOR = ["foo", "FOO", "foo.good.example", "bar", "127.0.0.1", "a-b", "::1", "127.1"]
PATTERNS = ["foo", "f*", "*", "?oo", "FOO", "b*", "bar", "*.good.example", "!bar", "!foo", "f[o]o", "::1", "foo,bar"]
VALUES = {
    "user": ["me", "x", '"a b"', "x#y", "a.b"],
    "port": ["22", "33", "+44", "055", '"66"'],
    "hostname": ["bar", "%h.good.example", "FOO.good.example", "127.0.0.1", "fe80::1", "10.1", "%%x", "0x7f.1"],
    "identityfile": ["~/.ssh/a", "b", "/c", "none", '"/a b"'],
    "certificatefile": ["~/.ssh/a", "b", "none"],
    "proxyjump": ["y", "u@a:33", "a,b", "ssh://v@b:44", "[::1]:55", "bar", "foo", "u@h,[::2]"],
    "proxycommand": ["nc %h %p", "none", "x %% %r %n", '"a b" c', "x # z"],
    "identityagent": ["none", "SSH_AUTH_SOCK", "~/a-%h", "${WHERE}/agent"],
    "userknownhostsfile": ["none", "a ~/b", "%d/%h", "${WHERE}/%n", '"a b" c', "~/.ssh/kh_%k_%n_%p_%r"],
    "globalknownhostsfile": ["none", "/a /b", '"/a b"'],
    "hostkeyalias": ["ALIAS", "al.ias"],
    "stricthostkeychecking": ["yes", "no", "ask", "accept-new", "off", "TRUE"],
    "checkhostip": ["yes", "no"],
    "connecttimeout": ["10", "1m", "none", "1h5"],
    "serveraliveinterval": ["5", "1m", "none"],
    "batchmode": ["no", "NO", "maybe"],
    "challengeresponseauthentication": ["no", "yes"],
    "requiredrsasize": ["2048", "3000"],
    "addressfamily": ["inet", "any", "inet4"],
    "identitiesonly": ["yes", "no"],
    "sendenv": ["A B", "C_* -A", "-C_*", "LANG", "-A", "A", "'A B'", "X-Y"],
    "setenv": ["A=1", "B=2 C=3", '"A=b c"', "A=", "A=1=2", "A"],
    "canonicalizehostname": ["yes", "no", "always"],
    "ignoreunknown": ["Foo*", "bar,foo*"],
    "foox": ["y"],
    "compression": ["yes", "no"],
}
COMMANDS = ["true", "false", '"test %h = foo"', '"test %n = foo"', '"test %p = 22"', '"test %r = me"', '"exit 3"']


class Writer:
    """Lines by chance."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def some(self, choices: list[str], most: int, between: str) -> str:
        """One to `most` of them."""
        return between.join(self.random.choice(choices) for _ in range(self.random.randint(1, most)))

    def criterion(self) -> str:
        """A criterion of Match."""
        pick = self.random.choice
        values = {
            "host": self.some(PATTERNS, 3, ","),
            "originalhost": self.some(PATTERNS, 2, ","),
            "user": pick(["me", "m*", "!me,*", "x,me", ACCOUNT.pw_name]),
            "localuser": pick([ACCOUNT.pw_name, "nobody", "!nobody,*"]),
            "exec": pick(COMMANDS),
        }
        name = pick([*values, "canonical", "final"])
        word = pick(["", "", "!"]) + pick([name, name.title()])
        return word + pick([" ", " ", "=", " = ", "= "]) + values[name] if name in values else word

    def line(self) -> str:
        """A line of ssh_config."""
        pick, chance = self.random.choice, self.random.random()
        if chance < 0.2:
            return pick(["Host ", "host=", '"Host" ']) + self.some(PATTERNS, 3, " ") + pick(["", " # c"])
        if chance < 0.35:
            return "Match " + pick([self.some([self.criterion()], 2, " "), self.criterion(), "all", "!all"])
        if chance < 0.42:
            return "Include " + pick(["@/one", "@/*e", "@/none @/one", "@/[o]?e # c", '"@/one"', "~/nothing"])
        name = pick([*VALUES, "user", "port", "hostname", "proxyjump", "sendenv"])
        word = pick([name, name.upper(), f"{name} "]) + pick([" ", "\t", "=", " = "]) + pick(VALUES[name])
        return pick(["", "  ", "\t"]) + word + pick(["", "", " ", " # comment", "\r"])

    def lines(self, most: int) -> str:
        """Some of them."""
        return "".join(f"{self.line()}\n" for _ in range(self.random.randint(1, most)))


@pytest.mark.parametrize("seed", range(8))
def test_configurations_are_read_as_by_ssh(seed: int, tmp_path: Path, home: Path) -> None:
    writer = Writer(seed)
    accepted = 0
    for _ in range(30):
        (tmp_path / "one").write_text(writer.lines(3).replace("@/", f"{tmp_path}/none/"))
        content, host = writer.lines(10), writer.random.choice(ASKED_FOR)
        path = written(tmp_path, content)
        said = ssh_says(path, "-l", "me", host)
        options: SshOptions | None = None
        try:
            options = ours(path, host)
        except SshConfigError as error:
            assert said is None, (error.message, content)
        if options is not None:
            assert said is not None, content
            accepted += 1
            mine, its = as_ssh_says(options), plain(said, options)
            assert mine == {keyword: its.get(keyword, []) for keyword in mine}, content
    assert 8 < accepted < 30


HOSTS = """good.example GOOD.example *.example g??d.* * !* !good.example !*.example evil.example [good.example]:2222 [*]:* ::1
[*.example]:22* 192.0.2.1 192.0.2.* [::1]:2222 *:* good.exampl[e] ! ? ** *e*e* ex*, "good.example" #x @x |x = gooD.Example"""
LOOKED_UP = [("good.example", 22), ("good.example", 2222), ("evil.example", 22), ("::1", 2222), ("192.0.2.1", 22)]


def known_hosts_line(random: Random) -> str:
    """A line of known_hosts, in which all may be wrong."""
    pick = random.choice
    good = text(key(*pick([(ED, 0), (ED, 1), (ED, 2), (EC, 0), (RSA, 0)])))
    kind, base64 = good.split(" ")
    shown = [good] * 12 + [kind, f"{good}A", good[:-4], f"ssh-dss {base64}", f"{kind.upper()} {base64}", f'"{good}"']
    shown += [f"# {good}", f"a=b {good}", f"{good}\0x", f"{kind}\t{base64}", "1024 35 12345", good.replace("A", "-", 1)]
    names = ",".join(pick(HOSTS.split()) for _ in range(random.randint(1, 3)))
    if random.random() < 0.25:
        whole = hashed(place(*pick(LOOKED_UP)), random.randbytes(20))
        names = pick([whole, whole, whole[:-3], whole.replace("|1|", "|2|"), f"{whole},{names}", f"!{whole}"])
    marker = pick(["", "", "", "@revoked ", "@cert-authority ", "@cert-authority\t", "@Revoked ", "@revoked @revoked "])
    line = pick(["", " ", "\t"]) + marker + names + pick([" ", " ", "\t", "  "]) + pick(shown)
    return line + pick(["", " c d", "\r", " "])


@pytest.mark.parametrize("seed", range(3))
def test_known_hosts_are_read_as_by_ssh_keygen(seed: int, tmp_path: Path) -> None:
    random, path, found = Random(seed), tmp_path / "known_hosts", 0
    for _ in range(30):
        path.write_bytes("\n".join(known_hosts_line(random) for _ in range(random.randint(1, 12))).encode())
        entries, _ = parse(str(path), path.read_bytes())
        for host, port in random.sample(LOOKED_UP, 2):
            name = place(host, port)
            mine = [(entry.line, entry.marker, fingerprint(entry.key)) for entry in entries if entry.names(name)]
            words = {"CA": "@cert-authority", "REVOKED": "@revoked", "": ""}
            its = [(line, words[marker], shown) for line, marker, shown in found_by_keygen(path, name)]
            assert mine == its, path.read_bytes()
            found += len(mine)
    assert found > 8
