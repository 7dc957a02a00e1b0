"""The options that mean the same for every command: one table for the command line, the environment, `[tool.git-helper]`
of pyproject.toml, `gitHelper.*` of git's configuration, and `settings`.
"""

from __future__ import annotations

from git_helper.core.byte_size import MOST_PAGE_BYTES
from git_helper.core.option_kinds import (
    HOST,
    INDEX,
    INSECURE_HOST,
    LOCATION,
    PATH,
    PATHS,
    PROXY,
    SECONDS,
    SIZE,
    STORE,
    SWITCH,
    Kind,
    choice,
)
from git_helper.frozen import frozen

COMMON, CACHE, INDEXES = "Options of every command", "Options of the cache", "Options of package indexes"


@frozen
class Variable:
    """A variable of another program that is honoured. `separators`: what stands between the values of a list.

    `unsaid`: values that say nothing to us, such as the default of that program.
    """

    name: str
    separators: str = " "
    unsaid: tuple[str, ...] = ()


@frozen
class Option:
    """One row. `many`: a list; then `adds` says whether what several places give adds up, else the first place has it all.

    `variables` come after our own one, in order. `uv`: its keys in `[tool.uv]`. `personal`: on the command line and in
    the environment only, since no project and no repository is to decide how a command speaks to a person, or what it
    writes. `about_secrets`: not in pyproject.toml either, since it says where a person's secrets are kept or who may see
    them. `first_choice`: git's configuration has it too, but only for whoever has not chosen yet.
    `empty_counts`: an empty word is a value; else it is as if nothing was given.
    """

    name: str
    kind: Kind
    metavar: str | None
    help: str
    flags: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    uv: tuple[str, ...] = ()
    separators: str = " "
    many: bool = False
    adds: bool = False
    personal: bool = False
    about_secrets: bool = False
    first_choice: bool = False
    empty_counts: bool = False
    default: object = None
    group: str = COMMON

    @property
    def attribute(self) -> str:
        """Its name in Python: `netrc_file`."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> Variable:
        """Our own variable."""
        return Variable("GIT_HELPER_" + self.name.upper().replace("-", "_"), self.separators)

    @property
    def words(self) -> tuple[str, ...]:
        """How it is written on the command line."""
        return (f"--{self.name}", *self.flags)

    @property
    def git_key(self) -> str:
        """How git's configuration names it; `gitHelper.netrc-file` is the same as `gitHelper.netrcFile`."""
        first, *rest = self.name.split("-")
        return first + "".join(part.capitalize() for part in rest)

    @property
    def in_project(self) -> bool:
        """Whether a pyproject.toml may say it."""
        return not (self.personal or self.about_secrets)

    @property
    def in_git(self) -> bool:
        """Whether `gitHelper.<option>` is a setting of commands."""
        return not (self.personal or self.first_choice)


_PROVIDERS = ("disabled", "subprocess", "import")
_HOSTS = " ,"  # a host has neither

TABLE = (
    Option(
        "store",
        STORE,
        "NAME",
        "Where to keep credentials: keyring, file or none.",
        about_secrets=True,
        first_choice=True,
    ),
    Option(
        "keyring-provider",
        choice(*_PROVIDERS),
        "NAME",
        "Ask the keyring for registries: disabled, subprocess (the keyring program) or import (the library).",
        variables=(Variable("UV_KEYRING_PROVIDER"), Variable("PIP_KEYRING_PROVIDER", unsaid=("auto",))),
        uv=("keyring-provider",),
        default="disabled",
    ),
    Option("netrc-file", PATH, "FILE", "Read this file instead of ~/.netrc."),
    Option(
        "native-tls",
        SWITCH,
        None,
        "Trust the certificates of the system instead of Mozilla's.",
        flags=("--system-certs",),
        variables=(Variable("UV_NATIVE_TLS"), Variable("UV_SYSTEM_CERTS")),
        uv=("native-tls", "system-certs"),
        default=False,
    ),
    Option(
        "allow-insecure-host",
        INSECURE_HOST,
        "HOST",
        "Dangerous: do not verify the certificate of HOST or HOST:PORT. Repeatable.",
        flags=("--trusted-host",),
        variables=(Variable("UV_INSECURE_HOST", _HOSTS),),
        uv=("allow-insecure-host",),
        separators=_HOSTS,
        many=True,
        adds=True,
    ),
    Option(
        "allow-http",
        HOST,
        "HOST",
        "Send tokens to this host over plain http. Repeatable.",
        separators=_HOSTS,
        many=True,
        adds=True,
        about_secrets=True,
    ),
    Option("cert", PATH, "FILE", "Trust the certificate authorities in this file (PEM) and no others."),
    Option("client-cert", PATHS, "FILE[,KEY]", "Show this certificate (PEM) to servers that want one."),
    Option("proxy", PROXY, "URL", "Reach servers through this proxy; '' for none.", empty_counts=True),
    Option("timeout", SECONDS, "SECONDS", "The limit of each wait: servers, keyring, helpers."),
    Option("offline", SWITCH, None, "Ask no server; use the cache.", default=False),
    Option(
        "no-input",
        SWITCH,
        None,
        "Never ask a person.",
        flags=("--non-interactive",),
        default=False,
    ),
    Option("quiet", SWITCH, None, "Say only what went wrong.", flags=("-q",), personal=True, default=False),
    Option("verbose", SWITCH, None, "Say more.", flags=("-v",), personal=True, default=False),
    Option("trace", PATH, "FILE", "Append to FILE what happens, without secrets.", personal=True),
    Option("color", choice("auto", "always", "never"), "WHEN", "auto, always or never.", personal=True, default="auto"),
    Option("cache-dir", PATH, "DIR", "Where the cache is.", about_secrets=True, group=CACHE),
    Option(
        "index-url",
        INDEX,
        "[NAME=]URL",
        "The package index.",
        flags=("--default-index", "-i"),
        variables=(Variable("UV_INDEX_URL"), Variable("UV_DEFAULT_INDEX"), Variable("PIP_INDEX_URL")),
        uv=("index-url",),
        group=INDEXES,
    ),
    Option(
        "extra-index-url",
        INDEX,
        "[NAME=]URL",
        "One more index. Repeatable.",
        flags=("--index",),
        variables=(Variable("UV_INDEX"), Variable("UV_EXTRA_INDEX_URL"), Variable("PIP_EXTRA_INDEX_URL")),
        uv=("extra-index-url",),
        many=True,
        group=INDEXES,
    ),
    Option(
        "find-links",
        LOCATION,
        "URL",
        "A page, folder or file with links to archives. Repeatable.",
        flags=("-f",),
        variables=(Variable("UV_FIND_LINKS", ","), Variable("PIP_FIND_LINKS")),
        uv=("find-links",),
        many=True,
        group=INDEXES,
    ),
    Option(
        "no-index",
        SWITCH,
        None,
        "Ask no index, only the places of --find-links.",
        variables=(Variable("UV_NO_INDEX"), Variable("PIP_NO_INDEX")),
        uv=("no-index",),
        default=False,
        group=INDEXES,
    ),
    Option(
        "max-page-size",
        SIZE,
        "SIZE",
        "How long an index page may be (default: 256MiB).",
        default=MOST_PAGE_BYTES,
        group=INDEXES,
    ),
)
BY_NAME = {option.name: option for option in TABLE}
