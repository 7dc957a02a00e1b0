"""Which proxy a connection takes: ours, git's configuration, then the environment by curl's rules (curl(1) "ENVIRONMENT").

git-config(1) http.proxy, remote.<name>.proxy, http.proxyAuthMethod.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from git_helper.core.authority import parse_authority, refuse_controls
from git_helper.core.authorization import authorization
from git_helper.core.credential import Credential, Description, Origin
from git_helper.core.no_proxy import is_exempt
from git_helper.core.url_text import split_url
from git_helper.errors import UsageError
from git_helper.frozen import frozen
from git_helper.net.target import Target
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from git_helper.secret import Secret

    ProxyFor = Callable[[Target], "Proxy | None"]
    GitHttp = Callable[[str, str], "str | None"]
    Named = tuple[str, str]
    OwnSetting = Callable[[str], "Named | None"]
    RemoteSetting = Callable[[str, str], "Named | None"]

HTTP = ("http", "https")
SOCKS = ("socks4", "socks4a", "socks5", "socks5h")
# curl's; a proxy is seldom where servers are.
_DEFAULT_PORTS = {"https": 443}
_DEFAULT_PORT = 1080
_METHODS = ("anyauth", "basic", "digest", "negotiate", "ntlm")
_OURS = ("anyauth", "basic")


@frozen
class Proxy:
    """`scheme`: one of HTTP or SOCKS; `host` without brackets; `setting`: what named it, for messages.

    `username` and `password`: what it was given with, or what it let us in with.
    """

    scheme: str
    host: str
    port: int
    username: bytes | None = field(default=None, repr=False)
    password: Secret | None = None
    setting: str = field(default="", compare=False)

    @property
    def url(self) -> str:
        """Scheme, host and port only."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """`host:port`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def authorization(self) -> Secret | None:
        """The value of `Proxy-Authorization`; None without a password."""
        return None if self.password is None else authorization(Credential(self.username or b"", self.password))

    @property
    def wanted(self) -> Description:
        """What a credential for it is asked with, as git does: scheme, host and port of the proxy."""
        origin = Origin.parse(self.scheme.encode(), self.authority.encode())
        host = self.authority if origin is None else origin.authority()
        return Description(self.scheme.encode(), host.encode(), None, self.username)

    def on_the_way_to(self, target: Target) -> Target:
        """It as a place of its own, for those who decide whom to trust."""
        return replace(Target.parse(f"{self.url}/"), leads_to=target.configured_url)

    def with_login(self, username: bytes, password: Secret) -> Proxy:
        """The same for a user."""
        return replace(self, username=username, password=password)


def _nothing(*_: str) -> None:
    return None


def proxies(
    environ: Mapping[str, str],
    git_http: GitHttp = _nothing,
    remote: RemoteSetting = _nothing,
    own: OwnSetting = _nothing,
) -> ProxyFor:
    """The proxy of each target, or None. The first of these that is set counts, and an empty one means no proxy:
    `own` (of a URL: `--proxy` and its like, name and value), `remote` (of a URL and `proxy`: name and value of
    `remote.<name>.proxy`), `git_http` (of `proxy` and a URL: the value of `http.proxy`), the environment. `no_proxy`
    speaks last for all.

    It raises UsageError when the setting in charge names no usable proxy.
    """

    def chosen(target: Target) -> Named | None:
        url = target.configured_url
        found = own(url) or remote(url, "proxy")
        if found is not None:
            return found
        of_git = git_http("proxy", url)
        return ("http.proxy", of_git) if of_git is not None else _variable(environ, target.origin.scheme.decode())

    def proxy_for(target: Target) -> Proxy | None:
        name, value = chosen(target) or ("", "")
        value = value.strip(" ")
        if not value or is_exempt(target.origin, environ.get("no_proxy", environ.get("NO_PROXY", ""))):
            return None
        proxy = parse(value, name)
        if proxy.scheme in HTTP:
            _check_method(_method(environ, git_http, remote, target))
        return proxy

    return proxy_for


def parse(value: str, setting: str) -> Proxy:
    """`[scheme://][user[:password]@]host[:port]`, userinfo percent-encoded. Raises UsageError that names `setting`.

    Without a scheme it is http, without a port 1080, 443 for https; `socks` is version 4: as in curl.
    """
    text = value if "://" in value else f"http://{value}"
    hint = "name it as http://host:port, https://, socks5h:// or socks5://; an empty value means no proxy"
    url = split_url(text)
    scheme = text.partition("://")[0].lower() if url is None else url.scheme
    scheme = "socks4" if scheme == "socks" else scheme
    if url is None or scheme not in (*HTTP, *SOCKS):
        raise UsageError(f"cannot use the proxy of '{setting}': '{visible(scheme[:40])}' is no kind of proxy", hint)
    try:
        refuse_controls(text)
        authority = parse_authority(url, "proxy")
    except UsageError as error:
        raise UsageError(f"cannot use the proxy of '{setting}': {error.message}", error.hint or hint) from None
    user = None if authority.userinfo is None else authority.userinfo.user
    password = None if authority.userinfo is None else authority.userinfo.password
    port = authority.port or _DEFAULT_PORTS.get(scheme, _DEFAULT_PORT)
    return Proxy(scheme, authority.host or "", port, None if user is None else user.reveal(), password, setting)


def _variable(environ: Mapping[str, str], scheme: str) -> Named | None:
    """The first that is set, lower case before upper case."""
    names = [f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"]
    if scheme == "http" and "REQUEST_METHOD" in environ:
        names.remove("HTTP_PROXY")  # in a CGI script that is a header of whoever asks (CVE-2016-5385)
    return next(((name, environ[name]) for name in names if name in environ), None)


def _method(environ: Mapping[str, str], git_http: GitHttp, remote: RemoteSetting, target: Target) -> Named | None:
    name = "GIT_HTTP_PROXY_AUTHMETHOD"
    if environ.get(name):
        return name, environ[name]
    of_remote = remote(target.configured_url, "proxyauthmethod")
    if of_remote is not None:
        return of_remote
    value = git_http("proxyauthmethod", target.configured_url)
    return None if value is None else ("http.proxyAuthMethod", value)


def _check_method(method: Named | None) -> None:
    """Raises UsageError for a way to log in that we do not have."""
    if method is None or method[1].lower() in _OURS:
        return
    name, value = method
    known = value.lower() in _METHODS
    reason = "git-helper logs in to proxies by 'basic' only" if known else "there is no such way to log in to a proxy"
    hint = "git config --global http.proxyAuthMethod basic, or use a proxy on this machine that logs in for you"
    raise UsageError(f"cannot use '{visible(value)}' of '{name}': {reason}", hint)
