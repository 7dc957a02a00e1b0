"""A page of a registry as what it links to, whatever its form, in bounded memory: PEP 503 in HTML, PEP 691 in JSON."""

from __future__ import annotations

import codecs
import re
from email.message import Message
from typing import TYPE_CHECKING

from git_helper.core.byte_size import MOST_PAGE_BYTES, in_units
from git_helper.net.message import Response
from git_helper.registry import html_page
from git_helper.registry.json_page import JsonPage
from git_helper.registry.links import FileLink, Link, ProjectLink, without_userinfo
from git_helper.registry.page_facts import LoginPage, NotAnIndex, PageFacts, PageTooLarge
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["FileLink", "Link", "LoginPage", "NotAnIndex", "PageFacts", "PageTooLarge", "ProjectLink"]

BLOCK = 1 << 16
_OURS = re.compile(r"application/vnd\.pypi\.simple\.(v[0-9]{1,4}|latest)\+(json|html)")
_HTML, _JSON = ("text/html", "application/xhtml+xml"), ("application/json",)
_META_CHARSET = re.compile(rb"<meta[^>]{1,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_PRESCAN = 1024  # bytes, as browsers do (HTML, 13.2.3.2)
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
# Text as browsers know it: Python's codecs are more, and some of them compress or run names through tables.
_CHARSET = re.compile(
    r"utf-?8|utf-?16(?:-?[lb]e)?|(?:us-)?ascii|latin-?1|iso-?8859-?[0-9]{1,2}|(?:windows|cp)-?125[0-9]|windows-874|ibm866"
    r"|koi8-[ru]|macintosh|gb2312|gbk|gb18030|big5|euc-jp|euc-kr|shift_jis|iso-2022-jp",
    re.IGNORECASE,
)


def read_page(
    page: Response | Iterable[bytes],
    base_url: str | None = None,
    content_type: str | None = None,
    *,
    most_bytes: int = MOST_PAGE_BYTES,
    facts: PageFacts | None = None,
    local: bool = False,
) -> Iterator[Link]:
    """What a page links to, while it arrives. `page`: an answer, which knows its URL and type, or bytes in pieces.

    `facts` is filled meanwhile. `local`: a file of this machine, so that it may link to others. Raises NotAnIndex,
    LoginPage, PageTooLarge, and what reading raises: Unreachable.
    """
    if isinstance(page, Response):
        base_url, content_type, page = page.url, page.headers.get("Content-Type"), blocks(page)
    url = base_url or ""
    facts = facts or PageFacts(without_userinfo(url))
    form, charset = _form(content_type, facts)
    chunks = _limited(page, most_bytes, facts)
    if form == "json":
        yield from _json_links(chunks, url, facts)
    else:
        yield from _html_links(chunks, url, charset, facts, local=local)


def blocks(response: Response) -> Iterator[bytes]:
    """The body of an answer as it comes."""
    while block := response.read1(BLOCK):
        yield block


def too_large(facts: PageFacts, most_bytes: int) -> PageTooLarge:
    """The error for a page that is longer than it may be."""
    return PageTooLarge(
        f"cannot read '{facts.shown}': the page is longer than {in_units(most_bytes)}",
        f"allow more: --max-page-size {in_units(most_bytes * 4)}",
    )


def _limited(chunks: Iterable[bytes], most_bytes: int, facts: PageFacts) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > most_bytes:
            raise too_large(facts, most_bytes)
        yield chunk


def _form(content_type: str | None, facts: PageFacts) -> tuple[str, str | None]:
    """`json` or `html`, and the charset that was named."""
    if not content_type:
        raise facts.not_an_index("the server does not say what it is (no Content-Type)")
    header = Message()
    header["Content-Type"] = re.sub(r"[^\x20-\x7e]", "?", content_type[:500])
    kind, charset = header.get_content_type(), header.get_param("charset")
    named = charset if isinstance(charset, str) and charset else None
    ours = _OURS.fullmatch(kind)
    if ours is not None and ours[1] in ("v1", "latest"):
        return ours[2], named
    if kind in _HTML or kind in _JSON:
        return ("html" if kind in _HTML else "json"), named
    if ours is not None:
        raise facts.not_an_index(f"it speaks another version of the index API ({ours[1]})", "update git-helper")
    raise facts.not_an_index(f"the server calls it '{visible(content_type[:60])}'")


def _json_links(chunks: Iterable[bytes], url: str, facts: PageFacts) -> Iterator[Link]:
    page = JsonPage(url, facts)
    first = True
    for chunk in chunks:
        page.feed(chunk.removeprefix(_MARKS[0][0]) if first else chunk)  # RFC 8259 §8.1 lets us pass over a mark
        first = False
        yield from _taken(page, facts)
    page.end()
    yield from _taken(page, facts)


def _html_links(
    chunks: Iterable[bytes], url: str, charset: str | None, facts: PageFacts, *, local: bool
) -> Iterator[Link]:
    page = html_page.HtmlPage(url, facts, local=local)
    for text in _decoded(chunks, charset, facts):
        page.feed(text)
        yield from _taken(page, facts)
    page.end()
    yield from _taken(page, facts)


def _taken(page: html_page.HtmlPage | JsonPage, facts: PageFacts) -> Iterator[Link]:
    found, page.found = page.found, []
    facts.links += len(found)
    yield from found


def _decoded(chunks: Iterable[bytes], charset: str | None, facts: PageFacts) -> Iterator[str]:
    """A mark at the start tells the charset, then the Content-Type, then a `<meta>` tag; else it is UTF-8."""
    decoder: codecs.IncrementalDecoder | None = None
    name, head = "", b""
    for chunk in _and_end(chunks):
        head += chunk
        if decoder is None:
            if chunk and len(head) < _PRESCAN:
                continue
            name, start = _charset(head, charset, facts)
            decoder = codecs.getincrementaldecoder(name)("strict")
            head = head[start:]
        try:
            yield decoder.decode(head, final=not chunk)
        except UnicodeError:
            raise facts.not_an_index(f"it is not {name.upper()}") from None
        head = b""


def _and_end(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if chunk:
            yield chunk
    yield b""


def _charset(head: bytes, charset: str | None, facts: PageFacts) -> tuple[str, int]:
    """The name for Python, and where the text begins."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    if charset is None:
        found = _META_CHARSET.search(head[:_PRESCAN])
        charset = found[1].decode("ascii") if found else "utf-8"
    name = charset.strip(" \t'\"")
    if _CHARSET.fullmatch(name):
        try:
            return codecs.lookup(name).name, 0
        except LookupError:
            pass
    raise facts.not_an_index(f"its charset '{visible(name[:40])}' is unknown")
