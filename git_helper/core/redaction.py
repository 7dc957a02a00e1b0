"""Text that holds URLs and headers, for a person to see: whatever may be a secret is masked."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from git_helper.core.secret_words import SENSITIVE_NAMES, TOKEN_IN_URL, masked_words
from git_helper.core.url_text import SCHEME_INSIDE, UrlText, hides_credentials, split_url
from git_helper.core.userinfo import masked_userinfo
from git_helper.secret import MASK, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_helper.secret import Secret

_SECRET_KEY = re.compile(
    rf"(?:.*[-_.\[])?(?:{SENSITIVE_NAMES}|sig|signature|auth|authorization|jwt)\]?|key|pass|awsaccesskeyid"
    r"|(?:access|auth|deploy|id|job|private|refresh|session)token",
    re.IGNORECASE,
)
_URL = re.compile(r"(?P<quote>['\"`<(\[]?)(?P<url>" + SCHEME_INSIDE + r"[^ \t\r\n\v\f]*)")
_NESTED_USERINFO = re.compile(r"://[^/@?#]*@")
# The same in a URL that is a value of another one's query, or in JSON.
_NESTED_ENCODED = re.compile(
    r"(%3a%2f%2f|:\\/\\/)(?:[^\s%/\\@?#\"'&]|%(?!2f|40|3f|23|26)){1,2000}(%40|@)", re.IGNORECASE
)
_USERINFO = "!$&'()*+,-._~"  # what a browser leaves as it is there
_URL_SAFE = str.maketrans("+/", "-_")
_CLOSING = {"'": "'", '"': '"', "`": "`", "<": ">", "(": ")", "[": "]"}
# `Basic` and `Bearer` inside of a URL, as servers send back what was sent to them.
_ECHOED = re.compile(
    r"(?:(?<!\w)|(?<=%[0-9a-f]{2}))(?P<head>(?P<scheme>bearer|basic)(?:%20|%09|\+))"
    r"(?P<value>(?:[\w.~+/-]|%2[bf]){4,}(?:=|%3d){0,2})",
    re.IGNORECASE | re.ASCII,
)
# Only where a run of such characters begins, so that a long one costs no square time.
_BARE_USERINFO = re.compile(r"(?:(?<![\w:.%+-])|(?<=:%))([\w.%+-]+):[^\s@/:'\"*]+@(?=[\w\[])")


def display_url(text: str) -> str:
    """One URL for a person: userinfo and secret query values masked (4-git-urls §1.5), controls percent-encoded.

    A URL whose userinfo has no certain end is cut from the first `:` to the last `@`. Text without a scheme may be a
    proxy's URL, as curl takes it, half a URL, or a path.
    """
    return visible(_masked_url(_encodable(text)))


def redact(text: str, secrets: Iterable[Secret] = ()) -> str:
    """Foreign text for a person: `secrets` (plain, percent-encoded, base64), URLs, headers and known tokens masked.

    Line ends and tabs stay; other control characters are percent-encoded.
    """
    text = _encodable(text)
    for form in sorted({form for secret in secrets for form in _written_forms(secret)}, key=len, reverse=True):
        text = text.replace(form, MASK)
    text = _URL.sub(_masked_match, text)
    text = masked_words(_NESTED_ENCODED.sub(rf"\1{MASK}\2", text))
    text = _BARE_USERINFO.sub(rf"\1:{MASK}@", text)
    return re.sub(r"[^\n\t]+", lambda run: visible(run[0]), text)


def subject(text: str) -> str:
    """Text that could not be read, for an error message: nothing that might be part of a userinfo is shown."""
    text = _encodable(text)
    place = text.find("://")
    start = re.search(r"[A-Za-z][A-Za-z0-9+.-]{0,30}\Z", text[:place]) if place >= 0 else None
    if start is None:
        return visible(text if "@" not in text else "***" + text[text.rindex("@") :])
    before, url = text[: start.start()], text[start.start() :]
    parts = split_url(url)
    if parts is None or ("@" in url[parts.authority_end :] and not _is_evident(parts)):
        return visible(before + url[: url.index(":")] + ":***" + url[url.rindex("@") :])
    if parts.userinfo is None and (not parts.port_is_number or parts.port == ""):
        return visible(before + url[: url.index("://") + 3] + parts.host_and_port.partition(":")[0] + ":***")
    return visible(before + _masked_url(url))


def _is_evident(url: UrlText) -> bool:
    """Whether the authority is surely a host alone and no host follows an `@`: then that ends no password."""
    host = url.host_and_port.lower().partition(":")[0]
    named = host == "localhost" or re.fullmatch(r"(?:[a-z0-9_-]+\.)+[a-z]{2,}", host) is not None
    behind = url.text[url.text.find("@", url.authority_end) :]
    return named and url.userinfo is None and "/" not in behind and not hides_credentials(url)


def mask_query(query: str) -> str:
    """A query (or fragment) without its mark: values of keys that name a secret are masked, all else untouched."""
    return "".join(_masked_field(field) for field in re.split(r"([&;])", query))


def _masked_field(field: str) -> str:
    key, equals, value = field.partition("=")
    return f"{key}={MASK}" if equals and value and _SECRET_KEY.fullmatch(unquote(key)) else field


def _masked_url(text: str) -> str:
    url = split_url(text)
    if url is None:
        masked = _masked_url(f"http://{text}")
        return masked[7:] if masked.startswith("http://") else f"***{text[text.rindex('@') :]}"
    if hides_credentials(url):
        return f"{text[: text.index(':')]}:***{text[text.rindex('@') :]}"
    return TOKEN_IN_URL.sub(MASK, "".join(_masked_parts(url)))


def _masked_parts(url: UrlText) -> Iterable[str]:
    yield url.text[: url.authority_start]
    if url.userinfo is not None:
        yield masked_userinfo(url.userinfo, url.scheme) + "@"
    yield url.host_and_port
    yield _without_nested(url.path)
    if url.query is not None:
        yield "?" + _without_nested(mask_query(url.query))
    if url.fragment is not None:
        yield "#" + _without_nested(mask_query(url.fragment))


def _without_nested(text: str) -> str:
    """A proxy's path, or the value of a query, may hold a whole URL with userinfo of its own, or an Authorization."""
    text = _NESTED_ENCODED.sub(rf"\1{MASK}\2", _NESTED_USERINFO.sub(f"://{MASK}@", text))
    return _ECHOED.sub(_masked_echo, text)


def _masked_echo(match: re.Match[str]) -> str:
    """`/basic+tools/` is no Authorization: what follows `Basic` has to be base64 of `user:password` (RFC 7617)."""
    value = unquote(match["value"])
    if match["scheme"].lower() == "bearer":
        is_secret = len(value) >= 20
    else:
        is_secret = any(_is_user_password(text) for text in (value, value.partition("/")[0]))
    return match["head"] + MASK if is_secret else match[0]


def _is_user_password(text: str) -> bool:
    """Whether the beginning of `text` is base64 of something with a colon and without controls, in whatever encoding."""
    try:
        decoded = base64.b64decode(text[: len(text) // 4 * 4])
    except ValueError:
        return False
    return b":" in decoded and all(byte >= 0x20 and byte != 0x7F for byte in decoded)


def _masked_match(match: re.Match[str]) -> str:
    """A URL in running text ends at the quote that opened it, so that the rest keeps its punctuation."""
    url = match["url"]
    end = url.rfind(_CLOSING.get(match["quote"], " "))
    cut = len(url) if end < 0 or "@" in url[end:] else end
    return match["quote"] + _masked_port(_masked_url(url[:cut])) + url[cut:]


def _masked_port(text: str) -> str:
    """A URL cut off in running text: where a port should be there may be a password that had a blank in it."""
    url = split_url(text)
    if url is None or url.userinfo is not None or not url.port or url.port.isdigit() or MASK in url.port:
        return text
    start = url.authority_end - len(url.port)
    return f"{text[:start]}{MASK}{text[url.authority_end :]}"


def _written_forms(secret: Secret) -> Iterable[str]:
    """How others write a secret; one of fewer than four characters would mask ordinary words, so only exact URLs do."""
    value = secret.reveal()
    text = value.decode("utf-8", "replace")
    if len(value) < 4:
        return
    yield text
    yield json.dumps(text)[1:-1].replace("/", "\\/")
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    whole = quote(value, safe="")
    for encoded in (quote(value), whole, quote(value, safe=_USERINFO), whole.replace("%20", "+"), quote(whole)):
        yield encoded
        yield re.sub(r"%[0-9A-F]{2}", lambda escape: escape[0].lower(), encoded)
    # Base64 of `user:secret` holds the secret at one of three alignments; characters shared with others are cut.
    for skipped in range(3):
        inner = base64.b64encode(b"\0" * skipped + value).decode().rstrip("=")
        core = inner[(0, 2, 3)[skipped] : len(inner) - (1 if (skipped + len(value)) % 3 else 0)]
        if len(core) >= 6:
            yield core
            yield core.translate(_URL_SAFE)


def _encodable(text: str) -> str:
    """Without surrogates that stand for no byte: nothing can write them."""
    return text.encode("utf-8", "replace").decode("utf-8") if _has_lone_surrogate(text) else text


def _has_lone_surrogate(text: str) -> bool:
    return not text.isascii() and any(
        "\ud800" <= char <= "\udfff" and not "\udc80" <= char <= "\udcff" for char in text
    )
