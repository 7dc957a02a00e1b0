"""The PEM files that settings name (RFC 7468): authorities to trust, and the certificate and key we show."""

from __future__ import annotations

import os
import re
import ssl
import stat
from typing import TYPE_CHECKING

from git_helper.errors import UsageError, shell_word
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_helper.core.trust import ClientCertificate, Named, Roots
    from git_helper.secret import Secret

_LONGEST = 16 << 20  # bytes; Mozilla's list has a quarter of a MiB
_BLOCK = re.compile(
    rb"-----BEGIN (?:X509 )?CERTIFICATE-----[\s0-9A-Za-z+/=]*-----END (?:X509 )?CERTIFICATE-----", re.ASCII
)
_CERTIFICATE = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----")
_KEY = re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")
_DER = b"\x30"


class WrongPassphrase(UsageError):
    """The key stays closed."""


def load_roots(context: ssl.SSLContext, roots: Roots, warn: Callable[[str], None]) -> None:
    """Lets `context` trust the authorities in these files and folders and no others.

    A file must be there and hold some. Of a folder every regular file counts, whatever its name; what is no certificate is
    passed over, a folder that cannot be read is warned of. Raises UsageError, also when there is not one authority.
    """
    # Not capath: OpenSSL finds only names that are hashes there, so in most folders nothing.
    for file in roots.files:
        _trust(context, _certificates(file), file)
    found = bool(roots.files)
    for folder in roots.folders:
        for path in _files(folder, warn):
            try:
                blocks = _BLOCK.findall(_read(path))
                found = _add(context, blocks) or found
            except (OSError, ssl.SSLError) as error:
                warn(f"'{visible(path)}' of {folder.setting} is passed over: {_reason(error)}")
    if not found:
        named = ", ".join(f"'{visible(folder.path)}'" for folder in roots.folders)
        raise UsageError(
            f"cannot trust any server: there is no certificate in {named} ({roots.setting})",
            f"put PEM files there, or {_without(roots.setting)}",
        )


def load_client(context: ssl.SSLContext, client: ClientCertificate, passphrase: Callable[[str], Secret | None]) -> None:
    """Lets `context` show this certificate where a server asks for one. `passphrase` is asked for that of a key, by its file.

    Raises UsageError, WrongPassphrase among them.
    """
    key = client.key or client.certificate
    _check(client.certificate, _CERTIFICATE, "certificate")
    _check(key, _KEY, "private key")

    asked = False

    def word() -> bytes:
        # Without such a function OpenSSL itself would ask, on the terminal of whoever is there.
        nonlocal asked
        asked, found = True, passphrase(key.path)
        if found is None:
            hint = f"use a copy without passphrase: openssl pkey -in {shell_word(key.path)} -out FILE"
            raise _unusable(key, "its key is encrypted, and nobody can be asked for the passphrase", hint)
        return found.reveal()

    try:
        context.load_cert_chain(client.certificate.path, key.path, password=word)
    except (OSError, ssl.SSLError) as error:
        name = getattr(error, "reason", None)
        if name == "KEY_VALUES_MISMATCH":
            raise _unusable(key, "the key belongs to another certificate") from error
        if asked:
            wrong = _unusable(key, "the passphrase is wrong")
            raise WrongPassphrase(wrong.message, wrong.hint) from error
        raise _unusable(key, _reason(error)) from error
    except ValueError:
        raise _unusable(key, "no key has a passphrase as long as that") from None


def _certificates(file: Named) -> list[bytes]:
    try:
        data = _read(file.path)
    except OSError as error:
        raise _unreadable(file, _reason(error)) from error
    blocks: list[bytes] = _BLOCK.findall(data)
    if not blocks:
        reason = "it is not PEM but DER" if data.startswith(_DER) else "there is no certificate in it"
        convert = f"openssl x509 -inform der -in {shell_word(file.path)} -out FILE" if data.startswith(_DER) else None
        raise _unreadable(file, reason, convert)
    return blocks


def _trust(context: ssl.SSLContext, blocks: list[bytes], file: Named) -> None:
    try:
        _add(context, blocks)
    except ssl.SSLError as error:
        raise _unreadable(file, f"a certificate in it is damaged ({_reason(error)})") from error


def _add(context: ssl.SSLContext, blocks: list[bytes]) -> bool:
    if blocks:
        context.load_verify_locations(cadata=b"\n".join(blocks).decode("ascii"))
    return bool(blocks)


def _files(folder: Named, warn: Callable[[str], None]) -> Iterator[str]:
    try:
        names = sorted(os.listdir(folder.path))
    except OSError as error:
        warn(f"the folder '{visible(folder.path)}' of {folder.setting} is passed over: {_reason(error)}")
        return
    paths = (os.path.join(folder.path, name) for name in names)
    yield from (path for path in paths if os.path.isfile(path))


def _read(path: str) -> bytes:
    """The content of a regular file. Raises OSError."""
    # A pipe would have to be waited for, and could be read only once.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(0, "it is no regular file")
    with open(path, "rb") as file:
        data = file.read(_LONGEST + 1)
    if len(data) > _LONGEST:
        raise OSError(0, "it is too large")
    return data


def _check(file: Named, wanted: re.Pattern[bytes], what: str) -> None:
    try:
        data = _read(file.path)
    except OSError as error:
        raise _unusable(file, _reason(error)) from error
    if wanted.search(data) is None:
        if data.startswith(_DER):
            raise _unusable(file, "it is not PEM", f"openssl pkcs12 -in {shell_word(file.path)} -out FILE")
        raise _unusable(file, f"there is no {what} in it", "--client-cert FILE,KEY")


def _unreadable(file: Named, reason: str, hint: str | None = None) -> UsageError:
    shown, setting = visible(file.path), visible(file.setting)
    message = f"cannot read the certificates in '{shown}' ({setting}): {reason}"
    return UsageError(message, visible(hint) if hint else f"name a PEM file, or {_without(setting)}")


def _unusable(file: Named, reason: str, hint: str | None = None) -> UsageError:
    shown, setting = visible(file.path), visible(file.setting)
    message = f"cannot use the client certificate '{shown}' ({setting}): {reason}"
    return UsageError(message, visible(hint) if hint else f"name a PEM file, or {_without(setting)}")


def _without(setting: str) -> str:
    """How to do without: a command where there is one."""
    if setting.isupper() and " " not in setting:
        return f"unset {setting}"
    if setting.startswith("http."):
        return f"see: git config --show-origin --get-regexp '{setting}'"
    return f"leave {setting} out"


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "it cannot be read").lower().replace("_", " ")
    return (error.strerror or "it cannot be read").lower()
