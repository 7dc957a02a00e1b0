"""Which of many settings counts for a URL, asked of the real git with generated configurations."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from git_helper.core import urlmatch
from git_helper.system.git_config import Entry, GitConfig
from tests.servers.isolated import environment
from tests.support import needs

SCHEMES = ("https", "https", "https", "http", "HTTPS", "ssh")
USERS = ("", "", "", "alice@", "bob@", "al%69ce@", "alice:pw@", "@", "Alice@", "a%zz@")
HOSTS = ("good.example", "a.good.example", "b.a.good.example", "GOOD.example", "good.example.", "[::1]", "go_d.example")
PATTERNS = (*HOSTS, "*.good.example", "*.example", "*", "*.*", "a.*.example", "go*.example", "*good.example", "")
PORTS = ("", "", "", ":443", ":80", ":8443", ":0443", ":", ":65536", ":x")
SEGMENTS = (
    "org",
    "repo.git",
    "Org",
    "or",
    "%6Frg",
    ".",
    "..",
    "",
    "a%20b",
    "a b",
    "%2F",
    "ä",
    "%7Ex",
    "%zz",
    "?q",
    "#f",
)
VARIABLES, SECTIONS, URLS = 8, 40, 8


def some_url(by: random.Random, hosts: Sequence[str]) -> str:
    path = "".join("/" + by.choice(SEGMENTS) for _ in range(by.choice((0, 1, 1, 2, 2, 3)))) + by.choice(("", "", "/"))
    return f"{by.choice(SCHEMES)}://{by.choice(USERS)}{by.choice(hosts)}{by.choice(PORTS)}{path}"


def some_pattern(by: random.Random, urls: Sequence[str]) -> str | None:
    """Often one that fits, with less of a path; None for every URL."""
    if by.random() < 0.5:
        return some_url(by, PATTERNS)
    url = by.choice(urls)
    above = url.rpartition("/")[0] if url.count("/") > 3 else url
    return by.choice((url, above, url.replace("good.", "*.", 1), above.replace("example", "*", 1), None))


@pytest.mark.parametrize("seed", range(5))
def test_the_same_settings_count_as_in_git(seed: int, tmp_path: Path) -> None:
    by, git, file = random.Random(seed), needs("git"), tmp_path / "config"
    matched = 0
    for _ in range(6):
        urls = [some_url(by, HOSTS) for _ in range(URLS)]
        chosen = [(some_pattern(by, urls[: URLS // 2]), by.randrange(VARIABLES)) for _ in range(SECTIONS)]
        lines = [
            ("[http]\n" if url is None else f'[http "{url}"]\n') + f" v{one} = {n}\n"
            for n, (url, one) in enumerate(chosen)
        ]
        file.write_text("".join(lines))
        config = GitConfig(
            Entry("global", f"file:{file}", "http", url, f"v{one}", str(n)) for n, (url, one) in enumerate(chosen)
        )
        for url in urls:
            done = subprocess.run(
                [git, "config", "--file", file, "--get-urlmatch", "http", url],
                env=environment(tmp_path),
                capture_output=True,
                check=False,
            )
            theirs = dict(line.split(" ") for line in done.stdout.decode().splitlines())
            found = {f"http.v{one}": config.for_url("http", f"v{one}", url) for one in range(VARIABLES)}
            ours = {name: entries[-1].value for name, entries in found.items() if entries}
            valid = urlmatch.normalized(os.fsencode(url)) is not None
            assert (done.returncode > 1) is not valid, (url, done.stderr)
            assert not valid or ours == theirs, url
            matched += len(theirs)
    assert matched > 30
