"""A requirements file on a server, fetched with the credentials that apply."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from git_helper.core.plain_url import PlainUrl
from git_helper.core.redaction import display_url, subject
from git_helper.errors import UsageError
from git_helper.frozen import frozen
from git_helper.registry.asking import accepted
from git_helper.registry.patience import patiently

if TYPE_CHECKING:
    from git_helper.registry.asking import Client

MOST_BYTES = 10 << 20
_ACCEPT = "text/plain, */*;q=0.8"


@frozen
class TextFile:
    """`content` as it came. `url`: where it came from in the end, without userinfo and fragment; `shown`: that for people."""

    content: bytes
    url: str = field(repr=False)
    shown: str

    def beside(self, path: str) -> PlainUrl:
        """What a relative path in the file means. Raises UsageError, ParseError among them."""
        try:
            return PlainUrl.parse(urljoin(self.url, path))
        except ValueError:
            raise UsageError(f"cannot use '{subject(path)}' in '{self.shown}': it is no URL") from None


def fetch_text(client: Client, url: PlainUrl) -> TextFile:
    """A server that is busy is asked again. Raises NotFound, Refused, NoCredential, Unreachable, UsageError, Cancelled."""
    return patiently(lambda: _fetched(client, url))


def _fetched(client: Client, url: PlainUrl) -> TextFile:
    with client.get(url.text.reveal().decode(), headers={"Accept": _ACCEPT}) as response:
        shown = display_url(response.url)
        accepted(response, shown)
        content = response.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise UsageError(f"cannot read '{shown}': it is longer than {MOST_BYTES >> 20} MiB")
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip(" \t").lower()
        if kind == "text/html" and content.lstrip(b" \t\r\n").startswith(b"<"):
            hint = "name the raw file, and log in for git-helper where it is private: git-helper login URL"
            raise UsageError(f"cannot read '{shown}' as a requirements file: it is a web page", hint)
        return TextFile(content, response.url, shown)
