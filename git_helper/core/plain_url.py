"""URLs of artefacts, indexes and find-links pages: what is not a Git repository."""

from __future__ import annotations

from functools import cached_property, lru_cache
from urllib.parse import unquote

from git_helper.core.authority import Authority, Located, parse_authority, refuse_controls, refuse_encoded_controls
from git_helper.core.giturl import fragment_fields, parse_subdirectory
from git_helper.core.parse_error import ParseError
from git_helper.core.redaction import display_url
from git_helper.core.url_text import split_url
from git_helper.frozen import frozen
from git_helper.secret import Secret

SCHEMES = ("https", "http", "file")
_HASHES = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")


@frozen
class PlainUrl(Located):
    """`path`, `query` (without `?`) and `fragment` (without `#`) as written; `text` is the whole, for the wire only.

    A query may hold a signature, so it is a Secret; repr and str show no secret.
    """

    scheme: str
    authority: Authority
    path: str
    query: Secret | None
    fragment: str | None
    subdirectory: str | None
    text: Secret
    display: str

    @classmethod
    def parse(cls, text: str) -> PlainUrl:
        """An http, https or file URL. Raises ParseError, nothing else."""
        return _parsed(text)

    @property
    def base(self) -> Secret:
        """The URL without userinfo and fragment: what a request is made of."""
        query = b"" if self.query is None else b"?" + self.query.reveal()
        return Secret(f"{self.scheme}://{self.authority.netloc}{self.path}".encode() + query)

    @cached_property
    def safe_url(self) -> str:
        """Without userinfo and fragment, secret query values masked: for reports."""
        return display_url(self.base.reveal().decode())

    @property
    def filename(self) -> str:
        """The last segment of the path, decoded; it may be empty."""
        return unquote(self.path.rpartition("/")[2])

    @property
    def hashes(self) -> tuple[tuple[str, str], ...]:
        """`(algorithm, hexadecimal digest)` of the fragment, in lower case (PEP 503)."""
        fields = fragment_fields(self.fragment)
        return tuple((name, value.lower()) for name in _HASHES for value in fields.get(name, []))

    def __str__(self) -> str:
        return self.display


@lru_cache(maxsize=64)  # each layer reads the URL of a request by itself
def _parsed(text: str) -> PlainUrl:
    refuse_controls(text)
    url = split_url(text)
    if url is None:
        hint = "write 'https://host/path'"
        raise ParseError("invalid-url", text, "it is no URL", (0, len(text)), hint)
    if url.scheme not in SCHEMES:
        hint = "use one of: " + ", ".join(SCHEMES)
        span, details = (0, len(url.scheme)), {"scheme": url.scheme}
        raise ParseError("unsupported-scheme", text, f"'{url.scheme}' is not supported", span, hint, details)
    authority = parse_authority(url, url.scheme)
    refuse_encoded_controls(url, url.authority_end, len(text))
    query = None if url.query is None else Secret(url.query.encode())
    parts = (url.path or "/", query, url.fragment, parse_subdirectory(url))
    return PlainUrl(url.scheme, authority, *parts, Secret(text.encode()), display_url(text))
