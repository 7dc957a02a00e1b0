"""Running text that is no URL: what a header's name, a key, an option or its own shape gives away as a secret."""

from __future__ import annotations

import re

from git_helper.core.userinfo import LONG_SHAPES, SHAPES
from git_helper.secret import MASK

# Every repetition has a limit where a match may begin anywhere, so that a long run costs no square time.
SENSITIVE_NAMES = (
    r"(?:token|password|passwd|passphrase|pwd|(?:client)?secret|credential"
    r"|(?:api|access|private|secret|account)[-_]?key)"
)
_NAME = rf"(?:[a-z0-9]{{1,40}}[-_.]){{0,6}}(?:[a-z0-9]{{0,40}}token|{SENSITIVE_NAMES})"
_START = r"(?<![a-z0-9])"
_HEADER_NAME = (
    r"(?:proxy-)?authorization|(?:set-)?cookie|private-token|job-token|deploy-token"
    r"|x-(?:[a-z0-9-]{1,60}-)?(?:token|key|api|secret|signature)|api-?key"
)
# What is masked already in a query keeps what follows it.
_EQUALS = r"=(?!\*{4}(?:[&;'\"`>)\]\s]|$))"
_HEADER = re.compile(
    rf"\b((?:{_HEADER_NAME})(?=[ \t]*:)|(?:authorization|cookie)(?=[ \t]*{_EQUALS}))([ \t]*[:=][ \t]*)[^\r\n]+",
    re.IGNORECASE,
)
# JSON, and what Python prints of a dict or of raw headers: `"token": "…"`, `(b'Authorization', b'…')`.
_QUOTED = re.compile(
    rf"(?P<head>(?P<quote>[\"'])(?:{_NAME}|{_HEADER_NAME})(?P=quote)\s{{0,20}}[:,=]\s{{0,20}}b?(?P<open>[\"']))"
    r"(?:(?!(?P=open))[^\r\n])*",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    rf"{_START}({_NAME}|git_helper_token_[a-z0-9_]{{1,200}}){_EQUALS}(?![&;])[^\r\n \t]+", re.IGNORECASE
)
_OPTION = re.compile(
    r"(?<![\w-])(--(?:(?:access|auth|private)-)?(?:token|password|secret|api-key)[ \t]+)(?!-)\S+", re.IGNORECASE
)
# netrc, on one line or several.
_MACHINE = re.compile(r"\b(login\s{1,40}\S{1,200}\s{1,40}password\s{1,40})\S+")
# `Basic realm="x"` and `basic authentication failed` are no credentials.
_BEARER = re.compile(
    r"\b(bearer|basic)([ \t]+)(?=\S*[0-9+/]|\S{20})[A-Za-z0-9._~+/-]{6,}={0,2}(?![\w=])", re.IGNORECASE
)
_TOKEN = re.compile(rf"(?<!\w)(?:{SHAPES}[\w.=-]{{4,}}|{LONG_SHAPES}|eyJ[\w-]{{8,}}\.[\w-]{{8,}}\.[\w-]*)")
# Where a host or a folder may begin so, too; a whole token is long and has no dots.
TOKEN_IN_URL = re.compile(rf"(?<!\w){SHAPES}[\w=-]{{16,}}")
_PRIVATE_KEY = re.compile(r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)(?:(?!-----END).)+", re.DOTALL)


def masked_words(text: str) -> str:
    """`text` with the secrets masked."""
    text = _PRIVATE_KEY.sub(rf"\1{MASK}", text)
    text = _QUOTED.sub(rf"\g<head>{MASK}", text)
    text = _HEADER.sub(rf"\1\2{MASK}", text)
    text = _ATTRIBUTE.sub(rf"\1={MASK}", text)
    text = _OPTION.sub(rf"\1{MASK}", text)
    text = _MACHINE.sub(rf"\1{MASK}", text)
    text = _BEARER.sub(rf"\1\2{MASK}", text)
    return _TOKEN.sub(MASK, text)
