"""The keywords of ssh_config(5): how the value of each is read, and which ones are none of our business.

A keyword that is in neither table is an error, as for OpenSSH: it might be one that restricts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from git_helper.git.ssh.jumps import Hop, parse_jumps, parse_port

if TYPE_CHECKING:
    from git_helper.git.ssh.config_lines import Line

ValueOf = Callable[["Line"], Any]

_LARGEST = 0x7FFFFFFF
_NUMBER = re.compile(r"\+?[0-9]{1,10}", re.ASCII)
_PERIODS = re.compile(r"(?:[0-9]{1,10}[smhdw]?)+", re.ASCII | re.IGNORECASE)
_PERIOD = re.compile(r"([0-9]+)([smhdw]?)", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def _word(line: Line) -> str:
    return line.word()


def _port(line: Line) -> int:
    port = parse_port(line.word())
    if port is None:
        raise line.error("the port is not a number from 1 to 65535")
    return port


def _number(line: Line) -> int:
    word = line.word()
    if _NUMBER.fullmatch(word) is None or int(word) > _LARGEST:
        raise line.error(f"'{line.keyword}' takes a number")
    return int(word)


def _seconds(line: Line) -> int | None:
    word = line.word()
    if word == "none":
        return None
    if _PERIODS.fullmatch(word) is None:
        raise line.error(f"'{line.keyword}' takes a time such as 30 or 1h30m")
    total = sum(int(count) * _SECONDS[unit] for count, unit in _PERIOD.findall(word.lower()))
    if total > _LARGEST:
        raise line.error(f"'{line.keyword}' is too long a time")
    return total


def _choice(**meanings: object) -> ValueOf:
    """Reads one of the words, upper and lower case being the same; `_` stands for `-`."""
    table = {word.replace("_", "-"): meaning for word, meaning in meanings.items()}

    def read(line: Line) -> object:
        word = line.word().lower()
        if word not in table:
            raise line.error(f"'{line.keyword}' takes one of: {', '.join(table)}")
        return table[word]

    return read


def _files(line: Line) -> tuple[str, ...]:
    """Some paths; () for `none`."""
    if "" in line.words:
        raise line.error(f"'{line.keyword}' has an empty value")
    if any(word.lower() == "none" for word in line.words):
        if len(line.words) > 1:
            raise line.error("'none' must stand alone")
        return ()
    return line.words


def _command(line: Line) -> str | None:
    """The rest of the line as it is, for a shell; None for `none`."""
    command = line.rest.lstrip(" \t\r=")
    if not command:
        raise line.error(f"'{line.keyword}' has no value")
    return None if command.lower() == "none" else command


def _jumps(line: Line) -> tuple[Hop, ...]:
    hops = parse_jumps(line.rest.lstrip(" \t\r="))
    if hops is None:
        raise line.error("the jump host is none: [user@]host[:port], several with commas")
    return hops


def _methods(line: Line) -> tuple[str, ...]:
    return tuple(line.word().split(","))


def _sent(line: Line) -> tuple[str, ...]:
    if any("=" in word for word in line.words):
        raise line.error("a name of an environment variable is bad")
    return line.words


def _set(line: Line) -> tuple[str, ...]:
    """Assignments NAME=VALUE; the first one of a name counts."""
    if not all("=" in word[1:] for word in line.words):
        raise line.error("'setenv' takes NAME=VALUE")
    first: dict[str, str] = {}
    for word in line.words:
        first.setdefault(word.partition("=")[0], word)
    return tuple(first.values())


def _words(line: Line) -> tuple[str, ...]:
    return line.words


_flag = _choice(yes=True, true=True, no=False, false=False)

# Canonical name (aliases below) → reader. The first value counts.
SINGLE: dict[str, ValueOf] = {
    "addressfamily": _choice(any="any", inet="inet", inet6="inet6"),
    "batchmode": _flag,
    "bindaddress": _word,
    "canonicaldomains": _words,
    "canonicalizefallbacklocal": _flag,
    "canonicalizehostname": _choice(yes="yes", true="yes", no="no", false="no", always="always"),
    "canonicalizemaxdots": _number,
    "canonicalizepermittedcnames": _words,
    "casignaturealgorithms": _word,
    "checkhostip": _flag,
    "ciphers": _word,
    "connectionattempts": _number,
    "connecttimeout": _seconds,
    "globalknownhostsfile": _files,
    "hashknownhosts": _flag,
    "hostkeyalgorithms": _word,
    "hostkeyalias": _word,
    "hostname": _word,
    "identitiesonly": _flag,
    "identityagent": _word,
    "ignoreunknown": _word,
    "kbdinteractiveauthentication": _flag,
    "kexalgorithms": _word,
    "macs": _word,
    "numberofpasswordprompts": _number,
    "passwordauthentication": _flag,
    "port": _port,
    "preferredauthentications": _methods,
    "proxycommand": _command,
    "proxyjump": _jumps,
    "proxyusefdpass": _flag,
    "pubkeyacceptedalgorithms": _word,
    "pubkeyauthentication": _choice(yes=True, true=True, no=False, false=False, unbound=True, host_bound=True),
    "refuseconnection": _word,
    "requiredrsasize": _number,
    "revokedhostkeys": _word,
    "serveralivecountmax": _number,
    "serveraliveinterval": _seconds,
    "setenv": _set,
    "stricthostkeychecking": _choice(
        yes="yes", true="yes", no="no", false="no", off="no", ask="ask", accept_new="accept-new"
    ),
    "tag": _word,
    "user": _word,
    "userknownhostsfile": _files,
}

TIMES = frozenset(name for name, reads in SINGLE.items() if reads is _seconds)

# Every value counts.
REPEATED: dict[str, ValueOf] = {"certificatefile": _word, "identityfile": _word, "sendenv": _sent}

ALIASES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "dsaauthentication": "pubkeyauthentication",
    "identityfile2": "identityfile",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
    "skeyauthentication": "kbdinteractiveauthentication",
    "tisauthentication": "kbdinteractiveauthentication",
}

# They concern terminals, forwarding, multiplexing, logging and what else a fetch has not; or they offer a way to log in,
# or to trust a host, that we do not have, so that ignoring them is the stricter reading. With those of Debian and macOS.
_OTHERS = """
addkeystoagent afstokenpassing bindinterface channeltimeout cipher clearallforwardings compression compressionlevel
controlmaster controlpath controlpersist dynamicforward enableescapecommandline enablesshkeysign escapechar
exitonforwardfailure fallbacktorsh fingerprinthash forkafterauthentication forwardagent forwardx11 forwardx11timeout
forwardx11trusted gatewayports globalknownhostsfile2 gssapiauthentication gssapiclientidentity gssapidelegatecredentials
gssapikexalgorithms gssapikeyexchange gssapirenewalforcesrekey gssapiserveridentity gssapitrustdns
hostbasedacceptedalgorithms hostbasedauthentication hostbasedkeytypes ipqos kbdinteractivedevices keepalive
kerberosauthentication kerberostgtpassing knownhostscommand localcommand localforward loglevel logverbose
nohostauthenticationforlocalhost obscurekeystroketiming permitlocalcommand permitremoteopen pkcs11provider protocol
protocolkeepalives rekeylimit remotecommand remoteforward requesttty rhostsauthentication rhostsrsaauthentication
rsaauthentication securitykeyprovider sessiontype setuptimeout smartcarddevice stdinnull streamlocalbindmask
streamlocalbindunlink syslogfacility tcpkeepalive tunnel tunneldevice updatehostkeys useblacklistedkeys usekeychain
useprivilegedport userknownhostsfile2 useroaming usersh verifyhostkeydns versionaddendum visualhostkey warnweakcrypto
xauthlocation
"""
IGNORED = frozenset(_OTHERS.split())
