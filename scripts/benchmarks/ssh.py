"""SSH: our own client beside OpenSSH's

Both have the same keys, the same hosts to trust and the same server. What is said of commands is of whole processes; the
client alone connects ten times in one process, and what it costs to start that process is taken off.
"""

from __future__ import annotations

import shlex
import shutil
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from scripts.benchmarks._fetchers import Wanted, git_clone, ours, program
from scripts.benchmarks._harness import Bench
from scripts.benchmarks._materials import source_files, tree_repository
from scripts.benchmarks._relay import Relay
from scripts.benchmarks._remote import places
from scripts.benchmarks._subject import TIME, Goal, Subject
from tests.servers.repositories import make_repository, python_project, resolve
from tests.servers.sshd import USER, Keys, Sshd, public

RESOLVE, LS_REMOTE = "git-helper resolve", "git ls-remote"
CLIENT, LS_REMOTES, PROCESS, NOTHING = "our client, 10 times", "git ls-remote, 10 times", "our client, not once", "true"
DOWNLOAD, CLONE, ONE = "git-helper download", "git clone --depth 1", "1 file"
BULK, OPENSSH = "our client", "ssh"
SIZES = (1_000, 5_000)
NEAR, FAR = "near", "far"
MEGABYTES = {NEAR: 400, FAR: 100}
MOST = 15
MOST_SLOW = 7
_ROUND_TRIP = 0.05
_TIMES = 10
_CIPHER = "aes128-gcm@openssh.com"
_SCRIPT = Path(__file__).with_name("_ssh_client.py")


def measure(bench: Bench) -> None:
    """One table for first references, for each size of tree, for each way that bulk takes."""
    if not all(map(shutil.which, ("ssh", "sshd", "ssh-keygen"))):
        bench.skip("SSH", "OpenSSH is not installed")
        return
    keys = Keys(bench.folder / "keys")
    with ExitStack() as stack:
        sshd = stack.enter_context(Sshd(bench.folder / "sshd", [keys.key("host")], [public(keys.key("user"))]))
        relay = stack.enter_context(Relay(sshd.port, _ROUND_TRIP))
        machine = _Machine(bench, keys, {NEAR: sshd.port, FAR: relay.port})
        _first_refs(bench, machine)
        _trees(bench, machine)
        for host in (NEAR, FAR):
            _bulk(bench, machine, host)


class _Machine:
    """A home folder with ~/.ssh, and an environment in which git uses OpenSSH with the same files."""

    def __init__(self, bench: Bench, keys: Keys, ports: dict[str, int]) -> None:
        self.environ = bench.environ("home")
        self.home = bench.folder / "home"
        folder = self.home / ".ssh"
        folder.mkdir(mode=0o700)
        known = folder / "known_hosts"
        known.write_text("".join(f"[127.0.0.1]:{port} {public(keys.key('host'))}\n" for port in ports.values()))
        places = "".join(f"Host {name}\n HostName 127.0.0.1\n Port {port}\n" for name, port in ports.items())
        common = (
            f"Host *\n User {USER}\n IdentityFile {keys.key('user')}\n UserKnownHostsFile {known}\n Ciphers {_CIPHER}\n"
        )
        self._config = folder / "config"
        self._config.write_text(places + common)
        self._config.chmod(0o600)
        # OpenSSH takes its home folder from the user database.
        self.ssh = [program("ssh"), "-F", str(self._config)]
        self.git = {**self.environ, "GIT_SSH_COMMAND": shlex.join(self.ssh)}
        self._python = bench.installation.program("python")

    def client(self, name: str, *words: str, expects: bytes, goals: tuple[Goal, ...] = ()) -> Subject:
        """Our client without its command."""
        command = [self._python, "-I", str(_SCRIPT), str(self.home), *words]
        return Subject(name, command, self.environ, expects=expects, goals=goals, counted=False)


def _first_refs(bench: Bench, machine: _Machine) -> None:
    path = make_repository(bench.folder / "repositories/demo.git")
    commit = resolve(path, "main").encode()
    url = f"ssh://{NEAR}{path}"
    git = [program("git"), "ls-remote", url, "refs/heads/main"]
    resolve_words = [bench.installation.program("git-helper"), "resolve", f"demo @ git+{url}@main", "--no-input"]
    often = f"for _ in {' '.join(map(str, range(_TIMES)))}; do {shlex.join(git)}; done"
    goal = Goal(1.0, LS_REMOTES, TIME, (PROCESS, NOTHING))
    subjects = [
        Subject(
            RESOLVE,
            resolve_words,
            machine.environ,
            expects=commit,
            goals=(Goal(0.95, LS_REMOTE, number="S10"),),
            counted=False,
        ),
        Subject(LS_REMOTE, git, machine.git, expects=commit, counted=False),
        machine.client(CLIENT, "first-refs", f"git+{url}", str(_TIMES), expects=commit, goals=(goal,)),
        machine.client(PROCESS, "first-refs", f"git+{url}", "0", expects=b""),
        Subject(LS_REMOTES, [program("sh"), "-c", often], machine.git, expects=commit, counted=False),
        Subject(NOTHING, [program("true")], machine.environ, expects=b"", counted=False),
    ]
    bench.compare(subjects, base=LS_REMOTE, most=MOST)


def _trees(bench: Bench, machine: _Machine) -> None:
    root = bench.folder / "repositories"
    commits = {}
    for count in (0, *SIZES):
        path = tree_repository(root / f"{count}.git", {**python_project(), **source_files(count)})
        commits[count] = resolve(path, "main")
    with places(bench.folder) as found:
        kind, folder = found[0]
        for count in SIZES:
            place = folder / f"{count}-files"
            place.mkdir()
            many, one = (
                Wanted(f"ssh://{NEAR}{root}/{number}.git", commits[number], "greeting.py", place)
                for number in (count, 0)
            )
            first, git_first = f"{DOWNLOAD}, {ONE}", f"{CLONE}, {ONE}"
            goals = (Goal(1.0, CLONE, TIME, (first, git_first), 0.0, "S10"),)
            temporary = {"TMPDIR": str(place)}
            subjects = [
                replace(subject, environ={**environ, **temporary})
                for subject, environ in (
                    (ours(bench, many, DOWNLOAD, goals), machine.environ),
                    (ours(bench, one, first), machine.environ),
                    (git_clone(bench, many, CLONE, "--depth", "1"), machine.git),
                    (git_clone(bench, one, git_first, "--depth", "1"), machine.git),
                )
            ]
            bench.compare(subjects, base=CLONE, most=MOST_SLOW, title=f"{count:,} files, written to {kind}")


def _bulk(bench: Bench, machine: _Machine, host: str) -> None:
    size = MEGABYTES[host] // (10 if bench.quick else 1) * 1_000_000
    way = f"{size / 1e6:.0f} MB through one channel, {_CIPHER}"
    way += f", {_ROUND_TRIP * 1e3:.0f} ms there and back" if host == FAR else ""
    least = {NEAR: 0.8, FAR: 1.5}[host]
    none, ssh_none = f"{BULK}, nothing", f"{OPENSSH}, nothing"
    goals = (Goal(1 / least, OPENSSH, TIME, (none, ssh_none), number="S10" if host == FAR else ""),)
    write, count = f"head -c {size} /dev/zero", "wc -c"
    alone = "exec true"
    subjects = [
        machine.client(BULK, "bulk", host, write, expects=str(size).encode(), goals=goals),
        machine.client(none, "bulk", host, alone, expects=b"0"),
        _openssh(machine, OPENSSH, host, write, f"| {count}", str(size).encode()),
        _openssh(machine, ssh_none, host, alone, "", b""),
    ]
    bench.compare(subjects, base=OPENSSH, most=MOST_SLOW, title=way)


def _openssh(machine: _Machine, name: str, host: str, command: str, after: str, expects: bytes) -> Subject:
    words = [program("sh"), "-c", f"{shlex.join([*machine.ssh, host, command])} {after}"]
    return Subject(name, words, machine.environ, expects=expects, counted=False)
