"""Who and where a URL names: userinfo, host and port, refused when they could mean something else to another reader."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote

from git_helper.core.parse_error import ParseError
from git_helper.core.url_text import UrlText, hides_credentials, is_scp_like
from git_helper.core.userinfo import UserInfo, masked_userinfo
from git_helper.frozen import frozen
from git_helper.secret import visible

DEFAULT_PORTS = {"http": 80, "https": 443}
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# `_` because aliases of ~/.ssh/config and names of local networks have it.
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?")


@frozen
class Authority:
    """`host` in lower case, IPv6 without brackets, None for `file:///`; `port` None when it is the scheme's default."""

    userinfo: UserInfo | None
    host: str | None
    port: int | None

    @property
    def netloc(self) -> str:
        """`host[:port]`, IPv6 in brackets; empty for `file:///`."""
        host = self.host or ""
        return (f"[{host}]" if ":" in host else host) + ("" if self.port is None else f":{self.port}")


class Located:
    """What every URL with an `authority` knows of it."""

    __slots__ = ()
    authority: Authority

    @property
    def userinfo(self) -> UserInfo | None:
        """What stands before the host's `@`."""
        return self.authority.userinfo

    @property
    def host(self) -> str | None:
        """In lower case, IPv6 without brackets; None for a file."""
        return self.authority.host

    @property
    def port(self) -> int | None:
        """None when it is the scheme's default, or not written."""
        return self.authority.port


def refuse_controls(text: str, span: tuple[int, int] | None = None) -> None:
    """Raise ParseError `invalid-url` for control characters, surrogates and any blank in `text` (CVE-2020-5260)."""
    if text.isascii() and text.isprintable() and " " not in text:
        return  # nearly every URL of a long list
    for place, char in enumerate(text):
        if "\ud800" <= char <= "\udfff" or char.isspace() or visible(char) != char:
            reason = "it contains a blank" if char in " \t" else "it contains a control character"
            raise ParseError("invalid-url", text, reason, span or (place, place + 1), "write it percent-encoded")


def refuse_encoded_controls(url: UrlText, start: int, end: int) -> None:
    """Raise ParseError `invalid-url` when `url.text[start:end]` decodes to a control character: helpers read lines."""
    part = url.text[start:end]
    if ("%" in part or not part.isprintable()) and _CONTROL.search(unquote(part)) is not None:
        raise ParseError("invalid-url", url.text, "it contains an encoded control character", (start, end))


def parse_authority(url: UrlText, scheme: str) -> Authority:
    """Userinfo, host and port of `url`; `scheme` without `git+`. Raises ParseError."""
    span = (url.authority_start, url.authority_end)
    if hides_credentials(url):
        whole = (url.authority_start, url.text.rindex("@"))
        raise ParseError(
            "ambiguous-authority",
            url.text,
            "it is unclear where the user name and password end",
            whole,
            "percent-encode '/', '?', '#', '@' and ':' in the user name, password or path: %2F %3F %23 %40 %3A",
        )
    if is_scp_like(url):
        raise _scp_form(url)
    if url.text[url.authority_end : url.authority_end + 1] == "\\":
        raise ParseError("invalid-url", url.text, "it contains a backslash", span, "write '/'")
    refuse_encoded_controls(url, *span)
    userinfo = _userinfo(url, scheme)
    host = _host(url, scheme)
    return Authority(userinfo, host, _port(url, scheme))


def _userinfo(url: UrlText, scheme: str) -> UserInfo | None:
    span = (url.authority_start, max(url.authority_start, url.userinfo_end - 1))
    text = url.userinfo
    if text is None:
        return None
    try:
        userinfo = UserInfo.parse(text)
    except ValueError:
        reason = "its user name or password is not UTF-8 when decoded"
        raise ParseError("userinfo-not-utf8", url.text, reason, span, "percent-encode UTF-8 bytes") from None
    if scheme == "file" and userinfo is not None:
        raise ParseError("invalid-url", url.text, "a file has no user name", span, "leave the part before '@' out")
    if scheme == "ssh" and userinfo is not None and userinfo.password is not None:
        raise ParseError(
            "ssh-password",
            url.text,
            "a password in an ssh URL would be shown in the list of processes",
            span,
            "leave the password out; ssh asks for it, or use a key",
        )
    if scheme == "ssh" and unquote(text).startswith("-"):
        raise ParseError("invalid-user", url.text, "its user name looks like an option", span)
    return userinfo


def _host(url: UrlText, scheme: str) -> str | None:
    span = (url.userinfo_end, url.authority_end)
    text = url.host_and_port
    host = text[: len(text) - len(url.port) - 1] if url.port is not None else text
    if scheme == "file":
        if text.lower() not in ("", "localhost"):
            raise ParseError(
                "invalid-host", url.text, "a file URL names no host", span, "write 'file:///' and the path"
            )
        return None
    if not host:
        raise ParseError("missing-host", url.text, "it names no host", span)
    if host.startswith("["):
        try:
            return ipaddress.IPv6Address(host[1:-1] if host.endswith("]") and "%" not in host else "").compressed
        except ipaddress.AddressValueError:
            raise ParseError("invalid-host", url.text, "its host is no IPv6 address", span) from None
    if host.startswith("-"):
        raise ParseError("invalid-host", url.text, "its host looks like an option", span)
    if not host.isascii():
        hint = "write the host in its ASCII form, 'xn--…', so that it cannot be mistaken for another one"
        raise ParseError("invalid-host", url.text, "its host has letters beyond ASCII", span, hint)
    if _HOST.fullmatch(host) is None or ".." in host:
        raise ParseError("invalid-host", url.text, "its host is no host name", span)
    return host.lower()


def _port(url: UrlText, scheme: str) -> int | None:
    port = url.port
    if not url.port_is_number:
        span = (url.authority_end - len(port or ""), url.authority_end)
        raise ParseError("invalid-port", url.text, "its port is no number from 1 to 65535", span)
    if not port or scheme == "file":
        return None
    return None if int(port) == DEFAULT_PORTS.get(scheme) else int(port)


def _scp_form(url: UrlText) -> ParseError:
    path = (url.port or "") + url.text[url.authority_end :]
    host = url.host_and_port[: -len(url.port or "") - 1]
    return scp_error(url.text, (0, len(url.text)), url.userinfo, host, path)


def scp_error(text: str, span: tuple[int, int], user: str | None, host: str, path: str) -> ParseError:
    """The error for `user@host:path` that names the URL to write instead."""
    shown = "" if user is None else masked_userinfo(user, "ssh") + "@"
    before, at, _ = path.partition("@")
    if at and (user is None or ":" in path or not ("/" in before or before.endswith(".git"))):
        # `user:password@host/path` without a scheme looks the same; its password must not come back in a hint.
        return ParseError("invalid-url", text, "it is no URL", span, "write 'git+https://host/path'")
    hint = visible(f"write 'git+ssh://{shown}{host}/{path.lstrip('/')}'")
    return ParseError("scp-form", text, "'user@host:path' is no URL", span, hint)
