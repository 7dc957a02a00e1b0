"""Pages in HTML and JSON, sound, broken and hostile."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_helper.errors import GitHelperError
from git_helper.net.body import BufferBody
from git_helper.net.message import Headers, Response
from git_helper.registry.index_page import (
    FileLink,
    Link,
    LoginPage,
    NotAnIndex,
    PageFacts,
    PageTooLarge,
    ProjectLink,
    read_page,
)

URL = "https://h.example/simple/demo/"
HTML, JSON = "text/html; charset=utf-8", "application/vnd.pypi.simple.v1+json"
SHA = "a" * 64


def html(body: str | bytes, content_type: str = HTML, facts: PageFacts | None = None, step: int = 0) -> list[Link]:
    content = body.encode() if isinstance(body, str) else body
    return list(read_page(pieces(content, step), URL, content_type, facts=facts))


def js(value: Any, facts: PageFacts | None = None, step: int = 0) -> list[Link]:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return list(read_page(pieces(content, step), URL, JSON, facts=facts))


def pieces(content: bytes, step: int) -> Iterable[bytes]:
    return [content[place : place + step] for place in range(0, len(content), step)] if step else [content]


PAGE = f"""<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.1">
<meta name="pypi:project-status" content="archived"><meta name="pypi:project-status-reason" content="no &amp; more">
<title>Links</title></head><body><h1>Links for demo</h1>
<a href="../../f/demo-1.0-py3-none-any.whl#sha256={SHA}" data-requires-python="&gt;=3.8" data-core-metadata="sha256={SHA}"
   data-provenance="/prov/1">demo-1.0-py3-none-any.whl</a><br>
<A HREF='demo-1.0.tar.gz' data-yanked>demo-1.0.tar.gz</A>
<a href="demo-0.9.tar.gz" data-yanked="bro&#107;en" data-dist-info-metadata="true" data-gpg-sig="true">demo</a>
<a href="demo-0.9.tar.gz.asc">signature</a> <a name="here">no link</a> <a href="mailto:x@h.example">mail</a>
<a href="javascript:alert('demo-1.0.tar.gz')">demo-2.0.tar.gz</a>
</body></html>"""


@pytest.mark.parametrize("step", [0, 1, 7, 64])
def test_a_page_in_html(step: int) -> None:
    facts = PageFacts(URL)
    assert html(PAGE, facts=facts, step=step) == [
        FileLink(
            "demo-1.0-py3-none-any.whl",
            "https://h.example/f/demo-1.0-py3-none-any.whl",
            (("sha256", SHA),),
            ">=3.8",
            metadata=(("sha256", SHA),),
            provenance="https://h.example/prov/1",
        ),
        FileLink("demo-1.0.tar.gz", URL + "demo-1.0.tar.gz", yanked=True),
        FileLink("demo-0.9.tar.gz", URL + "demo-0.9.tar.gz", yanked="broken", metadata=True),
    ]
    assert (facts.api_version, facts.status, facts.reason) == ("1.1", "archived", "no & more")
    assert (facts.links, facts.refused) == (3, 1)
    assert facts.warning is not None
    assert "'javascript:' is not followed" in facts.warning


FILE = {
    "filename": "demo-1.0-py3-none-any.whl",
    "url": "../../f/demo-1.0-py3-none-any.whl",
    "hashes": {"sha256": SHA, "blake2b_256": SHA},
    "requires-python": ">=3.8",
    "size": 1234,
    "upload-time": "2024-01-02T03:04:05.678901Z",
    "yanked": False,
    "core-metadata": {"sha256": SHA},
    "dist-info-metadata": False,
    "provenance": "https://h.example/prov/1",
    "gpg-sig": True,
    "new": [{"deep": [1, {"er": None}]}],
}


@pytest.mark.parametrize("step", [0, 1, 7, 64])
def test_a_page_in_json(step: int) -> None:
    facts = PageFacts(URL)
    page = {
        "meta": {"api-version": "1.4", "_last-serial": 1, "tracks": ["https://x.example/"]},
        "name": "demo",
        "alternate-locations": [],
        "project-status": {"status": "quarantined", "reason": "bad"},
        "versions": ["1.0", "0.9", 3],
        "files": [
            FILE,
            {"filename": "demo-0.9.tar.gz", "url": "/d.tar.gz", "hashes": {}, "yanked": "bad", "size": -1},
            7,
        ],
    }
    assert js(page, facts, step) == [
        FileLink(
            "demo-1.0-py3-none-any.whl",
            "https://h.example/f/demo-1.0-py3-none-any.whl",
            (("sha256", SHA), ("blake2b_256", SHA)),
            ">=3.8",
            size=1234,
            metadata=(("sha256", SHA),),
            upload_time="2024-01-02T03:04:05.678901Z",
            provenance="https://h.example/prov/1",
        ),
        FileLink("demo-0.9.tar.gz", "https://h.example/d.tar.gz", yanked="bad"),
    ]
    assert (facts.api_version, facts.versions, facts.status, facts.reason) == (
        "1.4",
        ["1.0", "0.9"],
        "quarantined",
        "bad",
    )
    assert facts.warning is None


def test_projects() -> None:
    names = ["demo", "Foo.Bar"]
    listed = [ProjectLink(name) for name in names]
    assert js({"meta": {"api-version": "1.0"}, "projects": [{"name": name} for name in (*names, "-", "a/b")]}) == listed
    anchors = '<a href="/simple/demo/">demo</a><a href="foo-bar/">Foo.Bar</a>'
    noise = '<a href="../">../</a><a href="?C=N;O=D">Name</a><a href="/help/">Need help?</a><a href="demo/">other</a>'
    assert html(noise + anchors) == listed
    assert html('<a href="../">../</a>\n<a href="demo/">demo/</a>') == listed[:1]  # nginx


def test_an_answer_knows_its_url_and_type() -> None:
    body = BufferBody(b'<base href="https://files.example/x/"><a href="demo-1.tar.gz"></a>')
    response = Response(200, Headers([("content-type", "text/html")]), "https://moved.example/simple/demo/", body)
    assert list(read_page(response)) == [FileLink("demo-1.tar.gz", "https://files.example/x/demo-1.tar.gz")]


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ('<base href="/files/">', "https://h.example/files/d-1.zip"),
        ('<base href="//o.example/x">', "https://o.example/d-1.zip"),
        ('<base target="_top"><base href="a/"><base href="b/">', URL + "a/d-1.zip"),
    ],
)
def test_a_base(base: str, url: str) -> None:
    (link,) = html(f"<head>{base}</head><a href=d-1.zip>x</a>")
    assert isinstance(link, FileLink)
    assert link.url == url


def test_an_empty_page_is_one() -> None:
    assert html("<!DOCTYPE html><html><body></body></html>") == []
    assert js({"meta": {"api-version": "1.0"}, "files": []}) == []


@pytest.mark.parametrize(
    ("content_type", "body", "says"),
    [
        (None, "", "no Content-Type"),
        ("", "", "no Content-Type"),
        ("application/octet-stream", "", "calls it 'application/octet-stream'"),
        ("text/plain\x1b[2J", "", "%1B"),
        ("application/vnd.pypi.simple.v2+json", "{}", "another version of the index API (v2)"),
        ("text/html; charset=rot13", "", "charset 'rot13' is unknown"),
        ("text/html; charset=utf-9", "", "charset 'utf-9' is unknown"),
        ("text/html; charset=ascii", "é", "is not ASCII"),
        ("text/html", b"\xff\xe9", "is not UTF-8"),
        ("text/html", '<meta charset="zip">', "charset 'zip' is unknown"),
        ("text/html", '<meta name="pypi:repository-version" content="2.0">', "version '2.0'"),
        ("text/html", '<base href="javascript:x">', "<base href> cannot be used"),
        ("text/html", '<a href="/news">News</a><a href="/x">Y</a>', "none of its 2 links"),
        ("text/html", '<a href="demo-1.0.tar.gz', "ends within a link"),
        ("text/html", "<a x='" + "y" * (3 << 20), "longer than 1 MiB"),
        (JSON, "", "cut off"),
        (JSON, "[]", "no object"),
        (JSON, "{", "cut off"),
        (JSON, '{"files": [', "cut off"),
        (JSON, '{"files": [,]}', "damaged"),
        (JSON, b'{"\xff": 1}', "damaged"),
        (JSON, '{"message": "log in"}', "neither 'files' nor 'projects'"),
        (JSON, '{"meta": {"api-version": "2.0"}, "files": []}', "version '2.0'"),
        (JSON, '{"a": "' + "x" * (3 << 20), "longer than 1 MiB"),
        (JSON, '{"a": ' + "[" * 100_000, "nested too deep"),
        (JSON, '{"files": [{"x": [' + "1," * 100_000, "too large"),
        (JSON, '{"files": [{"size": ' + "9" * 100_000 + "}]}", "damaged"),
    ],
)
def test_what_is_no_index_page(content_type: str | None, body: str | bytes, says: str) -> None:
    content = body.encode() if isinstance(body, str) else body
    with pytest.raises(NotAnIndex) as caught:
        list(read_page(pieces(content, 1 << 16), URL + "?token=sekrit", content_type))
    assert says in caught.value.message
    assert caught.value.exit_code == 2
    assert "sekrit" not in caught.value.message
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize(
    "body",
    [
        '<form action="/x"><input type=text><input TYPE="Password"></form><a href="/help">help</a>',
        '<form method=post action="https://sso.example/saml2?x"></form>',
    ],
)
def test_a_login_page_is_called_so(body: str) -> None:
    with pytest.raises(LoginPage, match="a page to log in at") as caught:
        html(body)
    assert caught.value.exit_code == 4
    assert html(body + '<a href="d-1.zip"></a>') == [FileLink("d-1.zip", URL + "d-1.zip")]


@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "windows-1252", "utf-16", "shift_jis", "UTF8"])
def test_a_charset(charset: str) -> None:
    page = '<p>x</p><a href="d-1.zip" data-yanked="caf\u00e9">d</a>' if charset != "shift_jis" else PAGE
    found = html(page.encode(charset), f'text/html; charset="{charset}"')
    assert isinstance(found[-1], FileLink)
    assert found[-1].yanked in ("caf\u00e9", "broken")
    declared = f'<html><meta http-equiv="content-type" content="text/html; charset={charset}">{page}'
    if charset != "utf-16":
        assert html(declared.encode(charset), "text/html")[-1] == found[-1]


def test_a_byte_order_mark() -> None:
    link = '<a href="d-1.zip"></a>'
    for encoded in (link.encode("utf-8-sig"), link.encode("utf-16")):
        assert len(html(encoded, "text/html; charset=latin-1")) == 1
    assert js(b"\xef\xbb\xbf" + json.dumps({"files": []}).encode()) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"filename": "../d-1.zip"},
        {"filename": "a\u202eb-1.zip"},
        {"filename": 1},
        {"url": None},
        {"url": "file:///etc/passwd"},
        {"hashes": {"sha256": "abc"}},
        {"hashes": {"sha256": 1}},
        {"hashes": {"a/b": SHA}},
        {"core-metadata": {"sha256": "x"}},
        {"provenance": "javascript:x"},
    ],
)
def test_a_file_that_is_left_out(fields: dict[str, Any]) -> None:
    facts = PageFacts(URL)
    page = {"files": [FILE | fields, {"filename": "d-1.zip", "url": "d-1.zip", "hashes": {}}]}
    assert js(page, facts) == [FileLink("d-1.zip", URL + "d-1.zip")]
    assert facts.refused == 1


def test_a_file_with_a_bad_digest_is_left_out_of_html_too() -> None:
    facts = PageFacts(URL)
    assert html('<a href="d-1.zip#sha256=abc">d-1.zip</a>', facts=facts) == []
    assert facts.warning == f"left out of '{URL}': 'd-1.zip': its sha256 is none"


def test_many_bad_links_make_a_short_warning() -> None:
    facts = PageFacts(URL)
    html('<a href="file:///d-1.zip">d</a>' * 1000, facts=facts)
    assert facts.warning is not None
    assert facts.warning.endswith(", and 997 more")
    assert len(facts.warning) < 400


def test_a_page_over_the_limit_is_refused() -> None:
    with pytest.raises(PageTooLarge) as caught:
        list(read_page((b" " * 1000 for _ in range(100)), URL, HTML, most_bytes=50_000))
    assert caught.value.message == f"cannot read '{URL}': the page is longer than 50kB"
    assert caught.value.hint == "allow more: --max-page-size 200kB"
    assert list(read_page([b" " * 50_000], URL, HTML, most_bytes=50_000)) == []


@pytest.mark.parametrize("unit", ["<a <", "<!--", "<![CDATA[", "</", "&#", "<a href='", "<!", "<?", "a='", "<script>"])
def test_no_page_takes_square_time(unit: str) -> None:
    body = (unit * (1 << 20))[: 3 << 20].encode()
    started = time.process_time()
    with contextlib.suppress(GitHelperError):
        html(body, step=1 << 16)
    assert time.process_time() - started < 30, "square time would be hours"


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*FILE, "x"]), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["meta", "files", "projects", "versions", "project-status", "name"]), ANY_JSON))
def test_any_json_is_a_page_or_none(value: dict[str, Any]) -> None:
    try:
        assert all(isinstance(link, FileLink | ProjectLink) for link in js(value, step=5))
    except NotAnIndex:
        pass


TAGS = [
    '<a href="',
    "d-1.zip",
    '">',
    "</a>",
    "<base href='",
    "'>",
    "<!--",
    "-->",
    "&lt;",
    "\x00",
    "#sha256=",
    "é",
    "<",
    ">",
]


@given(st.lists(st.sampled_from(TAGS) | st.text(max_size=5)).map("".join), st.sampled_from([0, 1, 5]))
def test_any_html_is_a_page_or_none(body: str, step: int) -> None:
    try:
        assert all(
            isinstance(link, FileLink | ProjectLink) for link in html(body.encode("utf-8", "replace"), step=step)
        )
    except (NotAnIndex, LoginPage):
        pass


@given(st.binary(max_size=200), st.sampled_from([HTML, JSON, "text/html; charset=utf-16", "application/json"]))
def test_any_bytes_are_a_page_or_none(body: bytes, content_type: str) -> None:
    try:
        links = list(read_page([body], URL, content_type))
        assert all(isinstance(link, FileLink | ProjectLink) for link in links)
    except (NotAnIndex, LoginPage):
        pass


MEMORY = """\
import resource, sys
from tests.registry.test_index_page import long_page
from git_helper.registry.index_page import read_page
count = lambda megabytes: sum(1 for _ in read_page(long_page(sys.argv[1], megabytes), "https://h/s/", sys.argv[1]))
count(0)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert count(12) > 30_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def long_page(content_type: str, megabytes: int) -> Iterator[bytes]:
    """A page of that length, made while it is read."""
    name = "demo-1.0.%d-py3-none-any.whl"
    line = f'<a href="../../f/{name}#sha256={SHA}" data-core-metadata="sha256={SHA}">{name}</a><br>\n'
    if content_type == JSON:
        yield b'{"meta": {"api-version": "1.0"}, "files": [{"filename": "d-1.zip", "url": "d-1.zip"}'
        line = f', {{"filename": "{name}", "url": "https://h/f/{name}", "hashes": {{"sha256": "{SHA}"}}, "size": 1}}'
    for start in range(0, megabytes * 1_000_000 // len(line), 500):
        yield "".join(line % ((number,) * line.count("%d")) for number in range(start, start + 500)).encode()
    yield b"]}" if content_type == JSON else b""


@pytest.mark.parametrize("content_type", ["text/html", JSON])
def test_a_long_page_needs_no_memory(content_type: str) -> None:
    done = subprocess.run([sys.executable, "-c", MEMORY, content_type], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * unit < 4_000_000
