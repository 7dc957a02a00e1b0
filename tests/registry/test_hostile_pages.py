"""Numbers, names and URLs of a registry that no library reads: a sentence or another file, never a bug, never a long wait."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from git_helper.core.digests import Digests
from git_helper.core.plain_url import PlainUrl
from git_helper.errors import Unreachable, UsageError
from git_helper.net.body import BufferBody
from git_helper.net.message import Headers, Response
from git_helper.registry.artefact import Artefact, Artefacts
from git_helper.registry.artefact_cache import ArtefactCache
from git_helper.registry.html_page import HtmlPage
from git_helper.registry.links import FileLink
from git_helper.registry.page_facts import PageFacts
from git_helper.registry.partial_file import PartialFile
from git_helper.registry.selection import Pin, applies_here, best
from git_helper.registry.text_file import TextFile
from git_helper.tasks.index_locations import location

_DIGITS = "9" * 5000
_GOOD = FileLink("p-1.0.tar.gz", "https://good.example/p-1.0.tar.gz")


@pytest.mark.parametrize(
    "filename", [f"p-{_DIGITS}.tar.gz", f"p-{_DIGITS}-py3-none-any.whl", f"p-1.0-{_DIGITS}-py3-none-any.whl"]
)
def test_versions_that_no_int_can_be_are_passed_over(filename: str) -> None:
    assert best("p", Pin("1.0"), [FileLink(filename, "https://good.example/x"), _GOOD], "3.12.0") is _GOOD


def test_a_demand_that_cannot_be_read_demands_nothing() -> None:
    link = FileLink(_GOOD.filename, _GOOD.url, (), f">={_DIGITS}")
    assert best("p", Pin("1.0"), [link], "3.12.0") is link
    assert best("p", Pin(_DIGITS), [_GOOD], "3.12.0") is None


def test_a_name_that_stands_for_thousands_of_tags_is_none() -> None:
    many = ".".join(f"x{count}" for count in range(12))
    link = FileLink(f"p-1.0-py3.{many}-none.{many}-any.{many}.whl", "https://good.example/x")
    assert best("p", Pin("1.0"), [link, _GOOD], "3.12.0") is _GOOD
    few = FileLink("p-1.0-py2.py3-none-any.whl", "https://good.example/x")
    assert best("p", Pin("1.0"), [few, _GOOD], "3.12.0") is few


@pytest.mark.parametrize("marker", ["os_name ~= 'x'", f"python_version >= '{_DIGITS}'"])
def test_markers_that_compare_what_cannot_be_compared(marker: str) -> None:
    with pytest.raises(UsageError, match="cannot tell whether this machine is meant"):
        applies_here(marker)


def test_a_length_that_no_int_can_be_is_none(tmp_path: Path) -> None:
    def get(url: str, *, headers: object) -> Response:
        return Response(200, Headers([("Content-Length", _DIGITS)]), url, BufferBody(b"abc"))

    seen: list[tuple[int, int | None]] = []
    url = PlainUrl.parse("https://good.example/p-1.0.tar.gz")
    fetched = Artefacts(get, ArtefactCache(str(tmp_path / "cache"))).fetch(
        Artefact(url, "p-1.0.tar.gz", Digests.of()), str(tmp_path), lambda size, total: seen.append((size, total))
    )
    assert (fetched.size, seen) == (3, [(3, None)])


def test_a_range_that_no_int_can_be_is_another_one(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="another part"):
        PartialFile(str(tmp_path / "x")).open(206, Headers([("Content-Range", f"bytes {'0' * 5000}-2/3")]))


def test_urls_that_urllib_refuses_are_refused_in_our_words() -> None:
    with pytest.raises(UsageError, match="it is no URL"):
        TextFile(b"", "https://good.example/r.txt", "https://good.example/r.txt").beside("//[x")
    with pytest.raises(UsageError, match="it is no path and no URL"):
        location("file://[x", "find-links")


def test_a_tag_that_comes_letter_by_letter_costs_no_square_time() -> None:
    page = HtmlPage("https://good.example/simple/p/", PageFacts("here"))
    start = time.process_time()
    for letter in f'<a title="{"x" * 60_000}" href="p-1.0.tar.gz">p-1.0.tar.gz</a>':
        page.feed(letter)
    page.end()
    assert [link.filename for link in page.found if isinstance(link, FileLink)] == ["p-1.0.tar.gz"]
    assert time.process_time() - start < 3
