"""The parsers that `scripts/fuzz` tries, what each promises, and the words of its language."""

from __future__ import annotations

import contextlib
import importlib
import io
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from git_helper.errors import GitHelperError
from git_helper.git.pack_errors import Limits

_PAGE = "https://good.example/simple/demo/"
LONGEST = 10
"""Seconds for one input."""


class TooSlowError(Exception):
    """One input needed too long."""


@contextlib.contextmanager
def _limited(seconds: int) -> Iterator[None]:
    def late(*_: object) -> None:
        raise TooSlowError(f"not done after {seconds} s")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass(frozen=True)
class Target:
    """A parser: `run` gets its module and an input, and raises nothing but `promised`. `words` occur in its language."""

    name: str
    module: str
    run: Callable[[Any, bytes], object]
    words: tuple[bytes, ...]
    promised: tuple[type[Exception], ...] = (GitHelperError,)

    def load(self) -> Any | None:
        """The parser's module; None where this version has no such parser."""
        try:
            return importlib.import_module(self.module)
        except ModuleNotFoundError:
            return None

    def attempt(self, module: Any, data: bytes) -> None:
        """Tries one input; raises for a crash."""
        with _limited(LONGEST), contextlib.suppress(*self.promised):
            self.run(module, data)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _wire(wire: Any, data: bytes) -> None:
    message = wire.parse(wire.read(io.BytesIO(data)))
    if message.problem is None and b"url" not in message.scalars:
        again = wire.parse(wire.serialize(message.scalars.items()))
        assert (again.problem, again.scalars) == (None, message.scalars), "what was read is not what is written"


def _record(record: Any, data: bytes) -> None:
    accounts = list(record.load(data))
    again = list(record.load(record.dump(accounts)))
    assert [account.pairs() for account in again] == [account.pairs() for account in accounts], "an account changed"


def _netrc(netrc: Any, data: bytes) -> None:
    with contextlib.suppress(netrc.NetrcError):
        list(netrc.lookup(netrc.parse(data), b"good.example", b"ada"))


def _giturl(giturl: Any, data: bytes) -> None:
    url = giturl.GitUrl.parse(_text(data))
    again = giturl.GitUrl.parse(url.safe_url)
    assert (again.host, again.port, again.path) == (url.host, url.port, url.path), "shown is another place than meant"
    for use in (url.display, url.masked_clone_url, url.clone_url, url.identity):
        str(use)
    url.pinned("a" * 40)
    url.direct_url("a" * 40)


def _plain_url(plain_url: Any, data: bytes) -> None:
    url = plain_url.PlainUrl.parse(_text(data))
    str((url.base, url.safe_url, url.filename, url.hashes, url.display))


def _requirement(requirement: Any, data: bytes) -> None:
    text = _text(data)
    requirement.url_span(text)
    described = requirement.describe(text)
    assert described["ok"] or described["error"], "an unusable requirement has no slug"


def _requirements_file(requirements_file: Any, data: bytes) -> None:
    requirements_file.scan(_text(data), {"TOKEN": "a-token", "EMPTY": ""}, "project")


def _redaction(redaction: Any, data: bytes) -> None:
    text = _text(data)
    str((redaction.redact(text), redaction.display_url(text), redaction.subject(text)))


def _urlmatch(urlmatch: Any, data: bytes) -> None:
    url, _, pattern = data.partition(b"\n")
    urlmatch.match_text(url, pattern)
    assert urlmatch.normalized(url) is None or urlmatch.match_text(url, url), "a URL does not match itself"


def _reference(reference: Any, data: bytes) -> None:
    parsed = reference.Reference.parse(_text(data))
    str((parsed.names(), parsed.ref_prefixes(), parsed.oid))


def _origin(credential: Any, data: bytes) -> None:
    origin = credential.Origin.parse(b"https", data)
    if origin is not None:
        assert credential.Origin.parse(b"https", origin.authority().encode()) == origin, "an origin changed"


def _challenge(challenge: Any, data: bytes) -> None:
    challenge.parse([data.decode("latin-1")])


def _words(settings: Any, data: bytes) -> None:
    settings.split_words([_text(word) for word in data.split(b"\n")])


def _tree(tree_entries: Any, data: bytes) -> None:
    tree_entries.TreeReader(Limits(), fold=True).read(data, b"", 0)


def _pointer(lfs_pointer: Any, data: bytes) -> None:
    lfs_pointer.read_pointer(data)


_URL = (
    b"https://",
    b"ssh://",
    b"git+",
    b"file:///",
    b"git@",
    b":",
    b"@",
    b"/",
    b"..",
    b"%2e",
    b"%0a",
    b"#",
    b"?",
    b"good.example",
)
_FILE = (b"\\\n", b" #", b"${TOKEN}", b"--hash=sha256:", b"-r ", b"-e ", b"--index-url=", b"'", b'"', b"\r\n")
_KEYS = (
    b"protocol=https\n",
    b"host=good.example\n",
    b"username=",
    b"password=",
    b"path=",
    b"url=",
    b"wwwauth[]=",
    b"=",
    b"\n\n",
    b"\r\n",
)
_LFS = (b"version https://git-lfs.github.com/spec/v1\n", b"oid sha256:", b"size ", b"0" * 64, b"\n")


def _index_html(module: Any, data: bytes) -> None:
    list(module.read_page([data[place : place + 40] for place in range(0, len(data), 40)], _PAGE, "text/html"))


def _index_json(module: Any, data: bytes) -> None:
    pieces = [data[place : place + 40] for place in range(0, len(data), 40)]
    list(module.read_page(pieces, _PAGE, "application/vnd.pypi.simple.v1+json"))


TARGETS = (
    Target("wire", "git_helper.core.wire", _wire, (*_KEYS, *_URL)),
    Target("record", "git_helper.core.record", _record, _KEYS, (GitHelperError, ValueError)),
    Target(
        "netrc",
        "git_helper.core.netrc",
        _netrc,
        (b"machine ", b"default ", b"login ", b"password ", b"macdef ", b'"', b"\\", b"#"),
    ),
    Target("giturl", "git_helper.core.giturl", _giturl, (*_URL, b"@v1", b"#subdirectory=", b"&egg=")),
    Target("plain-url", "git_helper.core.plain_url", _plain_url, (*_URL, b"#sha256=", b".whl", b".tar.gz")),
    Target(
        "requirement",
        "git_helper.core.requirement",
        _requirement,
        (*_URL, b"name", b"[extra]", b" @ ", b" ; ", b"python_version>'3'"),
    ),
    Target("requirements-file", "git_helper.core.requirements_file", _requirements_file, (*_URL, *_FILE, b"name @ ")),
    Target(
        "redaction",
        "git_helper.core.redaction",
        _redaction,
        (*_URL, b"Authorization: Basic ", b"token=", b"ghp_", b"'", b" "),
    ),
    Target(
        "index-html",
        "git_helper.registry.index_page",
        _index_html,
        (
            *_URL,
            b'<a href="',
            b"</a>",
            b"<base href=",
            b"<!--",
            b"<script>",
            b'" data-yanked="',
            b"#sha256=",
            b".whl",
            b"&#",
        ),
    ),
    Target(
        "index-json",
        "git_helper.registry.index_page",
        _index_json,
        (
            *_URL,
            b'{"files": [',
            b'{"filename": "a-1.whl", "url": "',
            b'"hashes": {',
            b'"meta": {"api-version": "',
            b"}]}",
        ),
    ),
    Target("urlmatch", "git_helper.core.urlmatch", _urlmatch, (*_URL, b"*.", b"\n")),
    Target(
        "reference",
        "git_helper.core.reference",
        _reference,
        (b"refs/heads/", b"refs/tags/", b"HEAD", b"a" * 40, b"/", b"~", b"^"),
    ),
    Target(
        "origin", "git_helper.core.credential", _origin, (b"good.example", b":443", b":", b"[::1]", b"[", b"]", b"@")
    ),
    Target(
        "challenge",
        "git_helper.core.challenge",
        _challenge,
        (b"Basic ", b"Bearer ", b"realm=", b'"', b",", b"=", b"\\", b" "),
    ),
    Target("words", "git_helper.core.settings", _words, (b"--store", b"--timeout", b"=", b"\n", b"-", b"get")),
    Target(
        "tree", "git_helper.git.tree_entries", _tree, (b"100644 ", b"40000 ", b"120000 ", b".git", b"\0", b"0" * 20)
    ),
    Target("lfs-pointer", "git_helper.git.lfs_pointer", _pointer, _LFS),
)
