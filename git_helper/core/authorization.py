"""Credential → the value of an `Authorization` header (RFC 7617, RFC 6750, RFC 9110 §11.6.2)."""

from __future__ import annotations

import binascii

from git_helper.core.credential import Credential
from git_helper.secret import Secret


def authorization(credential: Credential) -> Secret:
    """`authtype credential` where there is one, else Basic with the very bytes of user name and password (as git sends)."""
    if credential.authtype is not None and credential.credential is not None:
        return Secret(credential.authtype + b" " + credential.credential.reveal())
    password = b"" if credential.password is None else credential.password.reveal()
    pair = (credential.username or b"") + b":" + password
    return Secret(b"Basic " + binascii.b2a_base64(pair, newline=False))
