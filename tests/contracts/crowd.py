"""Real processes at work on one store, all started or killed by one small program: `python -m tests.contracts.crowd`.

Forks, so that the imports are paid once; it prints what the test needs as JSON.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from git_helper.core.credential import Account, Credential
from git_helper.secret import Secret
from tests.contracts.openers import open_store
from tests.support import ROOT

HOST = b"crowd.example"
SECONDS = 90


def account(user: str, number: int) -> Account:
    """What process `user` stores as its value of that number: long enough for several parts where values are short."""
    return Account(b"https", HOST, None, Credential(user.encode(), Secret(b"%d-" % number + b"x" * 1500)))


def number(credential: Credential) -> int:
    """The number in a credential of `account`; raises ValueError when it is torn."""
    assert credential.password is not None
    text = credential.password.reveal()
    count, _, rest = text.partition(b"-")
    if rest != b"x" * 1500:
        raise ValueError(f"a torn value of {len(text)} bytes")
    return int(count)


def run(*words: str) -> dict[str, int]:
    """Runs the program and gives its answer: for each user the last number whose `store` returned."""
    command = [sys.executable, "-m", "tests.contracts.crowd", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=SECONDS + 10, check=False)
    assert done.returncode == 0, done.stderr.decode()
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def together(store: str, processes: int, times: int) -> dict[str, int]:
    """So many processes, each with a user of its own, store so many times, all beginning at once."""
    start, begin = os.pipe()

    def work(user: str) -> None:
        os.close(begin)  # else nobody sees the end of the pipe, which is the signal
        os.read(start, 1)
        opened = open_store(store)
        for count in range(1, times + 1):
            opened.store(account(user, count))

    children = [_fork(work, f"user-{n}") for n in range(processes)]
    os.close(start)
    os.close(begin)
    failed = [child for child in children if os.waitpid(child, 0)[1] != 0]
    if failed:
        raise SystemExit(f"{len(failed)} of {processes} processes failed")
    return {f"user-{n}": times for n in range(processes)}


def killed(store: str, rounds: int) -> dict[str, int]:
    """In each round a process stores on and on, and is killed at a random moment."""
    acknowledged: dict[str, int] = {}
    chance = random.Random(rounds)
    for turn in range(rounds):
        user = f"killed-{turn}"
        told, tell = os.pipe()
        child = _fork(_store_on, store, user, tell)
        os.close(tell)
        os.read(told, 2)  # the first line: it has begun
        time.sleep(chance.uniform(0, 0.12))  # the random moment, not a synchronisation
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with open(told, "rb") as rest:
            acknowledged[user] = rest.read().count(b"\n")
    return acknowledged


def _store_on(store: str, user: str, tell: int) -> None:
    opened = open_store(store)
    os.write(tell, b"0\n")
    for count in range(1, 10_000):
        opened.store(account(user, count))
        os.write(tell, b"%d\n" % count)


def _fork(work: Callable[..., None], *arguments: object) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        signal.alarm(SECONDS)  # no process stays behind
        try:
            work(*arguments)
            code = 0
        except Exception as error:
            print(repr(error), file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    return child


def main() -> None:
    """`together STORE PROCESSES TIMES` or `killed STORE ROUNDS`."""
    match sys.argv[1:]:
        case ["together", store, processes, times]:
            answer = together(store, int(processes), int(times))
        case ["killed", store, rounds]:
            answer = killed(store, int(rounds))
        case _:
            raise SystemExit(__doc__)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
