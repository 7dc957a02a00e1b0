"""The demo's third part: a private package index is asked, and a pinned version downloaded and installed."""

from __future__ import annotations

import secrets
import sys

from scripts._demo_credentials import USER, World
from tests.servers.index import IndexServer
from tests.servers.packages import wheel
from tests.servers.rules import Realm

PROJECT = "tool"


def index_and_download(demo: World) -> None:
    """The token goes in once; what the index lists, and the file with its digest, come with it."""
    token = f"index-{secrets.token_hex(8)}"
    name, content = wheel(PROJECT, "1.0", {f"{PROJECT}.py": "VERSION = '1.0'\n"})
    with IndexServer({PROJECT: {name: content}}, [Realm("/", [(USER, token)])]) as server:
        url, stage = server.index_url, demo.stage
        stage.run("git-helper", "index", url, "--project", PROJECT, expect=3)
        login = ("git-helper", "login", url, "--username", USER, "--with-token", "--store", "file")
        stage.run(*login, stdin=f"{token}\n", shown_stdin="< token")
        listed = stage.run("git-helper", "index", url, "--project", PROJECT)
        stage.check(name in listed.output, "the index lists the file")
        server.forget()
        found = stage.run("git-helper", "download", f"{PROJECT}==1.0", "--index-url", url, "-d", "wheels")
        stage.check((stage.work / "wheels" / name).read_bytes() == content, "the file is there, whole and as digested")
        statuses = [status for _, status in server.exchanges]
        stage.check(statuses == [401, 200, 200], "one refusal, then the page and the file with the token")
        stage.check(token not in found.all + listed.all, "the token is not shown")
    options = ("--quiet", "--no-index", "--disable-pip-version-check", "--target", "from-wheel")
    stage.run(sys.executable, "-m", "pip", "install", *options, "--find-links", "wheels", PROJECT)
    stage.check((stage.work / "from-wheel" / f"{PROJECT}.py").is_file(), "pip installs it without any network")
    stage.run("git-helper", "logout", url, "--username", USER)


STEPS = [("a private package index: listed, downloaded, installed", index_and_download)]
