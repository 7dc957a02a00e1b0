"""Which certificates count for which server, and which setting said so: roots, a client certificate, or no verification.

One answer for Git and registries, for each URL anew. Of the roots one choice is made, never mixed: the setting `cert`, git's
variables, `SSL_CERT_FILE` and `SSL_CERT_DIR` together, git's configuration, the system, Mozilla's list.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from git_helper.core import git_values
from git_helper.core.given import PROJECT
from git_helper.core.home_path import under_home
from git_helper.core.insecure_host import ANY, InsecureHost
from git_helper.core.settings import BOOLISH, boolean
from git_helper.errors import UsageError
from git_helper.frozen import frozen
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from git_helper.core.credential import Origin
    from git_helper.core.given import Given

__all__ = ["ClientCertificate", "InsecureHost", "Named", "Roots", "Trust", "TrustSettings"]


@frozen
class Named:
    """The path of a file or folder, and the setting that names it."""

    path: str
    setting: str = field(compare=False)


@frozen
class Roots:
    """The authorities: Mozilla's list, the system's own, or those in PEM files and in all files of folders."""

    kind: Literal["bundled", "native", "files"] = "bundled"
    files: tuple[Named, ...] = ()
    folders: tuple[Named, ...] = ()
    setting: str = field(default="default", compare=False)

    @property
    def named(self) -> tuple[Named, ...]:
        """Files and folders."""
        return self.files + self.folders


@frozen
class ClientCertificate:
    """PEM files; without `key` the key is in `certificate`, before or behind the certificates.

    `asked_for`: whether git would ask its helpers for the key's passphrase (http.sslCertPasswordProtected).
    """

    certificate: Named
    key: Named | None = None
    asked_for: bool = False


@frozen
class Trust:
    """What holds for one server; equal ones share their connections' settings.

    `because`: without `verify`, the setting that says so. `project`: where verification or roots are what only a
    pyproject.toml says, that value. `warnings`: what a person should know of these settings.
    """

    verify: bool = True
    roots: Roots = field(default_factory=Roots)
    client: ClientCertificate | None = None
    because: str | None = field(default=None, compare=False)
    project: Given | None = field(default=None, compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)


class _Names(NamedTuple):
    """What git calls a client certificate and its key, in the environment and in `http.*`."""

    certificate_variable: str
    key_variable: str
    certificate: str
    key: str
    protected_variable: str
    protected: str


# A certificate for servers is none for proxies.
_FOR_SERVERS = _Names(
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
    "sslCert",
    "sslKey",
    "GIT_SSL_CERT_PASSWORD_PROTECTED",
    "sslCertPasswordProtected",
)
_FOR_PROXIES = _Names(
    "GIT_PROXY_SSL_CERT",
    "GIT_PROXY_SSL_KEY",
    "proxySSLCert",
    "proxySSLKey",
    "GIT_PROXY_SSL_CERT_PASSWORD_PROTECTED",
    "proxySSLCertPasswordProtected",
)


class Server(Protocol):
    """Where a request goes: its origin, and its URL as git's configuration is matched with it (user, but no password).

    `leads_to`: of a proxy, such a URL of the request that goes through it: what git has for proxies is matched with that.
    """

    @property
    def origin(self) -> Origin: ...
    @property
    def configured_url(self) -> str: ...
    @property
    def leads_to(self) -> str | None: ...


@frozen
class TrustSettings:
    """Everything that decides. `given(option, url)`: our settings `cert`, `client-cert`, `native-tls` and
    `allow-insecure-host` with their provenance. `git_http(variable, url)`: git's `http.<url>.<variable>` (a bare name: true).

    `home`: what `~` is in variables and git's configuration. `separator`: what stands between folders in SSL_CERT_DIR.
    """

    given: Callable[[str, str], Sequence[Given]] = lambda option, url: ()
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    git_http: Callable[[str, str], str | None] = lambda variable, url: None
    home: str = "~"
    separator: str = ":"

    def trust_for(self, server: Server) -> Trust:
        """What holds for one request. Raises UsageError for a value that can be read as neither yes nor no."""
        url, origin = server.configured_url, server.origin
        because, project = self._unverified(server), None
        if because is None:
            # Last of all: where a person says the same, it is that what counts.
            project = self._insecure(origin, url, of_project=True)
            because = None if project is None else _said(project)
        cert = self._last("cert", url)
        if because is None and cert is not None and cert.provenance.kind == PROJECT:
            project = cert
        warnings = tuple(self._warnings(origin, url, because, project))
        roots = self._roots(server, cert) if because is None else Roots()
        return Trust(because is None, roots, self._client(server), because, project, warnings)

    def _insecure(self, origin: Origin, url: str, *, of_project: bool) -> Given | None:
        for given in self.given("allow-insecure-host", url):
            if (given.provenance.kind == PROJECT) is of_project and given.value.matches(origin):
                return given
        return None

    def _unverified(self, server: Server) -> str | None:
        """The setting of the person that turns verification off; those of git do so for servers only, not for proxies."""
        url = server.configured_url
        given = self._insecure(server.origin, url, of_project=False)
        if given is not None:
            return _said(given)
        if server.leads_to is not None:
            return None
        if self._switch("GIT_SSL_NO_VERIFY"):
            return "GIT_SSL_NO_VERIFY"
        value = self.git_http("sslVerify", url)
        verify = True if value is None else git_values.boolean(value)
        if verify is None:
            raise _unreadable("http.sslVerify", value or "", "a boolean")
        return None if verify else "http.sslVerify"

    def _warnings(self, origin: Origin, url: str, because: str | None, project: Given | None) -> Iterator[str]:
        for given in self.given("allow-insecure-host", url):
            if given.value.scheme == "http":
                yield f"'{given.value}' of {given.provenance} has no effect: http needs no exception"
            elif given.value.host == ANY:
                yield f"the wildcard '{given.value}' of {given.provenance} turns verification off for every host"
        withheld = "" if project is None or origin.is_loopback() else "; no credential goes there"
        if because is not None:
            yield f"the certificate of '{origin.authority()}' is not verified ({because}){withheld}"
        elif project is not None:
            roots = visible(project.value)
            yield f"'{roots}' decides whether '{origin.authority()}' is trusted ({project.provenance}){withheld}"

    def _switch(self, variable: str) -> bool:
        text = self.environ.get(variable) or "0"
        value = boolean(text)
        if value is None:
            raise _unreadable(variable, text, BOOLISH)
        return value

    def _roots(self, server: Server, chosen: Given | None) -> Roots:
        if chosen is not None:
            return _of_files(Named(chosen.value, str(chosen.provenance)))
        url = server.configured_url
        if server.leads_to is not None:
            file = self._variable("GIT_PROXY_SSL_CAINFO") or self._in_git("proxySSLCAInfo", server.leads_to)
            if file:
                return _of_files(file)
        file, folder = self._variable("GIT_SSL_CAINFO"), self._variable("GIT_SSL_CAPATH")
        if file or folder:
            return _of_files(file, folder)
        file, folders = self._variable("SSL_CERT_FILE"), self._variable("SSL_CERT_DIR")
        if file or folders:
            paths = folders.path.split(self.separator) if folders else ()
            return _of_files(file, *(Named(under_home(path, self.home), "SSL_CERT_DIR") for path in paths if path))
        file, folder = self._in_git("sslCAInfo", url), self._in_git("sslCAPath", url)
        if file or folder:
            return _of_files(file, folder)
        native = self._last("native-tls", url)
        if native is not None:
            return Roots("native" if native.value else "bundled", setting=str(native.provenance))
        return Roots()

    def _client(self, server: Server) -> ClientCertificate | None:
        chosen = self._last("client-cert", server.configured_url)
        if chosen is not None:
            setting = str(chosen.provenance)
            certificate, _, key = chosen.value.partition(",")
            return ClientCertificate(
                Named(certificate, setting), Named(key, setting) if key else None, self._asks_helpers(server)
            )
        url = server.leads_to or server.configured_url
        git = _FOR_SERVERS if server.leads_to is None else _FOR_PROXIES
        key_for_git = self._variable(git.key_variable) or self._in_git(git.key, url)
        for found, named in (
            (self._variable(git.certificate_variable), key_for_git),
            (self._variable("SSL_CLIENT_CERT"), None),
            (self._in_git(git.certificate, url), key_for_git),
        ):
            if found is not None:
                return ClientCertificate(found, named, self._asks_helpers(server))
        return None

    def _asks_helpers(self, server: Server) -> bool:
        git = _FOR_SERVERS if server.leads_to is None else _FOR_PROXIES
        value = self.environ.get(git.protected_variable)
        if value is None:
            value = self.git_http(git.protected, server.leads_to or server.configured_url)
        return value is not None and bool(git_values.boolean(value))

    def _last(self, option: str, url: str) -> Given | None:
        given = self.given(option, url)
        return given[-1] if given else None

    def _variable(self, name: str) -> Named | None:
        value = self.environ.get(name)
        return Named(under_home(value, self.home), name) if value else None

    def _in_git(self, variable: str, url: str) -> Named | None:
        value = self.git_http(variable, url)
        if not value:
            return None
        return Named(under_home(value, self.home), f"http.{variable}")


def _said(insecure: Given) -> str:
    return f"{insecure.provenance}: {insecure.value}"


def _of_files(file: Named | None, *folders: Named | None) -> Roots:
    named = tuple(folder for folder in folders if folder is not None)
    settings = dict.fromkeys(one.setting for one in (file, *named) if one is not None)
    return Roots("files", () if file is None else (file,), named, " and ".join(settings))


def _unreadable(setting: str, text: str, expected: str) -> UsageError:
    return UsageError(f"cannot use '{setting}': expected {expected}, not '{visible(text)}'")
