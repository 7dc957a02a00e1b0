"""What the project's files must not say: where they were written, or which machine serves packages there."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.house.source import project_files
from tests.support import OUTER_ENVIRONMENT, ROOT

# Hosts that stand in http:// URLs of documentation and tests; none of them is a real server.
EXAMPLE_HOST = re.compile(
    r"""
    (?: [a-z0-9_-]+\. )* (?: example (?: \.(?:com|net|org) )? | test | invalid | localhost )   # RFC 2606, RFC 6761
    | 127\.[0-9.]+ | \[::1] | 0\.0\.0\.0
    | [a-z] | host | user | proxy | registry                                                   # one-word stand-ins
    | www\.(?:freedesktop|w3)\.org                                                              # names of XML formats
    | .* [{}<>$%*…\\|()] .*                                                                    # placeholders, patterns
    """,
    re.VERBOSE | re.IGNORECASE,
)
HTTP_URL = re.compile(r"http://([^\s/'\"`?#,;]*)")


def machine_paths(root: Path, home: str) -> list[str]:
    """The folders that only exist here: the clone, the folder around it and the home folder.

    A folder directly below / is a plausible example in any file, so it counts only as a home folder.
    """
    candidates = [str(root), str(root.parent)]
    return [path for path in candidates if path.count("/") > 1] + ([home] if len(home) > 1 else [])


def path_lines(text: str, paths: Iterable[str]) -> Iterator[int]:
    """Lines of `text` in which one of `paths` stands as a whole path, not as the end of another one or of a URL."""
    pattern = re.compile("|".join(rf"(?<![\w.~/:-]){re.escape(path)}(?![\w.-])" for path in paths) or r"(?!)")
    for number, line in enumerate(text.split("\n"), 1):
        if pattern.search(line):
            yield number


def plain_http_hosts(text: str) -> Iterator[str]:
    """Hosts of http:// URLs in `text` that are no example host."""
    for netloc in HTTP_URL.findall(text):
        host = netloc.rpartition("@")[2]
        host = host if host.startswith("[") else host.partition(":")[0]
        host = re.sub(r"](:.*)?$", "]", host)
        if host and not EXAMPLE_HOST.fullmatch(host):
            yield host


def texts() -> Iterator[tuple[Path, str]]:
    """Every file of the project that is text, by its path relative to ROOT."""
    for name in project_files():
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            yield name, content.decode("utf-8", "replace")


def test_no_file_names_a_folder_of_this_machine() -> None:
    home = OUTER_ENVIRONMENT.get("HOME", os.sep)
    paths = machine_paths(ROOT, home)
    assert not [f"{name}:{line}" for name, text in texts() for line in path_lines(text, paths)]


def test_http_urls_name_example_hosts_only() -> None:
    assert not [f"{name}: {host}" for name, text in texts() for host in plain_http_hosts(text)]


def test_every_case_file_is_json() -> None:
    for path in sorted((ROOT / "tests/cases").glob("**/*.json")):
        try:
            assert json.loads(path.read_bytes()), f"{path.name} holds no case"
        except ValueError as error:
            pytest.fail(f"{path.name}: {error}")


def test_a_folder_of_this_machine_is_noticed() -> None:
    paths = machine_paths(Path("/srv/builds/here"), "/home/someone")
    assert paths == ["/srv/builds/here", "/srv/builds", "/home/someone"]
    assert list(path_lines("ok\ncd /srv/builds/here/x\n'/home/someone'", paths)) == [2, 3]
    assert not list(path_lines("https://good.example/srv/builds/here /home/someone-else", paths))
    assert machine_paths(Path("/src"), "/") == []
    assert not list(path_lines("anything", []))


@pytest.mark.parametrize("url", ["pypi.internal:8080/simple", "10.1.2.3/", "u:p@mirror.corp/x"])
def test_a_real_http_host_is_noticed(url: str) -> None:
    assert list(plain_http_hosts("see http:" + "//" + url))


@pytest.mark.parametrize(
    "url", ["http://u:p@good.example:80/x", "http://[::1]:9447/", "http://localhost:9101", "http://"]
)
def test_an_example_http_host_is_fine(url: str) -> None:
    assert not list(plain_http_hosts(f"see {url}"))
