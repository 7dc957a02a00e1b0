"""Explicit token variables: `GIT_HELPER_TOKEN_<HOST>`, with `GIT_HELPER_USERNAME_<HOST>` where the user name matters.

HOST is the host, with `:port` unless it is the default one, in upper case, every other character `_`. A host with a `-` is
written like one with a dot there, so it gets its token only where `GIT_HELPER_HOST_<HOST>` names it.
"""

from git_helper.core.credential import ANY_USER, Credential, Description
from git_helper.errors import UsageError
from git_helper.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class EnvironmentToken:
    """The token variables of `environ` (text), turned to bytes by `to_bytes`; plain http only by `allow_http`."""

    def __init__(
        self, environ: "Mapping[str, str]", to_bytes: "Callable[[str], bytes]", allow_http: "Iterable[bytes]"
    ) -> None:
        self._environ = environ
        self._to_bytes = to_bytes
        self._allow_http = allow_http

    def find(self, wanted: "Description") -> "Iterator[Credential]":
        """The token of exactly this origin. Raises UsageError when the variable may be meant for another host."""
        origin = wanted.origin()
        if origin is None or not origin.may_get_tokens(self._allow_http):
            return
        host = origin.authority()
        name = variable_suffix(host)
        token = self._environ.get("GIT_HELPER_TOKEN_" + name)
        meant = self._environ.get("GIT_HELPER_HOST_" + name)
        if not token or (meant is not None and meant.lower() != host):
            return
        if meant is None and "-" in host:
            # Of `git-corp.example` and `git.corp.example`, anyone may register the one that was not meant.
            message = f"the variable 'GIT_HELPER_TOKEN_{name}' could be meant for another host than '{host}'"
            raise UsageError(message, f"say that this one is meant: export GIT_HELPER_HOST_{name}={host}")
        username = self._environ.get("GIT_HELPER_USERNAME_" + name)
        user = self._to_bytes(username) if username else wanted.username or ANY_USER
        if wanted.username is None or wanted.username == user:
            yield Credential(user, Secret(self._to_bytes(token)))


def variable_suffix(host: str) -> str:
    """`host[:port]` as it stands in a variable's name."""
    return "".join(char if char.isascii() and char.isalnum() else "_" for char in host.upper())
