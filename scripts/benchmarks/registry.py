"""Package registries: one private index on loopback

Installers cannot be made to ask for pages only, so they go on to the files: requests are counted for pages alone, refusals
(401) for everything. The far way is one of 20 ms, there and back, through a relay.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scripts.benchmarks._fetchers import uv_compile
from scripts.benchmarks._harness import Bench, BrokenSubjectError, Runner
from scripts.benchmarks._index_serving import PASSWORD, USER, Asked, IndexRemote, name, serving_index
from scripts.benchmarks._subject import ABOVE, Goal, Subject

PROJECTS = 20
MEGABYTES, QUICK_MEGABYTES = 100, 20
LIMIT = 80  # MiB above start-up
ROUND_TRIP = 0.02
OURS, UV, PIP = "git-helper index", "uv pip compile --no-deps", "pip download --no-deps"
NOTHING = f"{OURS}, no page"
MOST, MOST_LONG = 10, 1

Made = Callable[[Bench, str, Path], Subject | None]


def measure(bench: Bench) -> None:
    """Requests and refusals as the server counts them, then times, then the memory for a long page."""
    megabytes = QUICK_MEGABYTES if bench.quick else MEGABYTES
    with serving_index(PROJECTS, 2000, megabytes, ROUND_TRIP) as remote:
        _requests(bench, remote)
        _pages(bench, remote)
        _memory(bench, remote, megabytes)


def _requests(bench: Bench, remote: IndexRemote) -> None:
    """In three ways to have the credential, 20 projects; ours against each peer."""
    host = remote.url.removeprefix("http://")
    ways = {
        "user and password in the URL": (f"http://{USER}:{PASSWORD}@{host}", False),
        "user in the URL, password in netrc": (f"http://{USER}@{host}", True),
        "nothing in the URL, netrc": (remote.url, True),
    }
    for way, (url, in_netrc) in ways.items():
        found: dict[str, tuple[int, int]] = {}
        for made in (_ours, _uv, _pip):
            netrc = bench.folder / "netrc"
            netrc.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n" if in_netrc else "")
            netrc.chmod(0o600)
            subject = made(bench, f"{url}/simple/", netrc)
            if subject is None:
                continue
            remote.seen()
            try:
                Runner(bench.folder).prove(subject)
            except BrokenSubjectError as error:
                bench.skip(f"{subject.name}, {way}", str(error))
                continue
            found[subject.name] = _counted(remote.seen())
        _compare(bench, way, found)


def _counted(seen: list[Asked]) -> tuple[int, int]:
    pages = sum(one.path.startswith("/simple/") for one in seen)
    return pages, sum(one.status == 401 for one in seen)


def _compare(bench: Bench, way: str, found: dict[str, tuple[int, int]]) -> None:
    ours = found.get(OURS)
    figures = "; ".join(
        f"{name}: {pages} requests for pages, {refused} refused" for name, (pages, refused) in found.items()
    )
    peers = [counts for name, counts in found.items() if name != OURS]
    if ours is None or not peers:
        bench.note(f"{way}: {figures}")
        return
    if way.startswith("nothing"):
        # pip sends what netrc has unasked, to whoever is at that host; that first refusal is the price of not doing so.
        peers = [counts for name, counts in found.items() if name == UV]
        way += " (goal against uv alone: pip sends netrc unasked)"
    met = all(ours[0] <= pages and ours[1] <= refused for pages, refused in peers)
    bench.check(f"{way}: {figures} (goal: not more)", met)


def _pages(bench: Bench, remote: IndexRemote) -> None:
    """20 pages over a long way, in wall time."""
    netrc = bench.folder / "netrc"
    netrc.write_text("")
    host = remote.far.removeprefix("http://")
    url = f"http://{USER}:{PASSWORD}@{host}/simple/"
    subjects = [subject for made in (_ours, _uv, _pip) if (subject := made(bench, url, netrc)) is not None]
    bench.compare(subjects, base=OURS, most=MOST)


def _memory(bench: Bench, remote: IndexRemote, megabytes: int) -> None:
    """A page so long that who holds it whole is seen to."""
    index = [bench.installation.program("git-helper"), "index", "--no-input", "-q"]
    environ = bench.environ("long")
    folder = bench.folder / "empty"
    folder.mkdir()
    limit = (Goal(LIMIT, NOTHING, ABOVE),)
    subjects = [
        Subject(NOTHING, [*index, str(folder)], environ, expects=b"", counted=False),
        *(
            Subject(
                f"{OURS}, {megabytes} MB of {form.upper()}",
                [*index, f"{remote.url}/long/{form}/"],
                environ,
                expects=b"demo-1.0.1-py3-none-any.whl",
                goals=limit,
                counted=False,
            )
            for form in ("html", "json")
        ),
    ]
    bench.compare(subjects, base=NOTHING, most=MOST_LONG)


def _ours(bench: Bench, url: str, netrc: Path) -> Subject:
    words = [bench.installation.program("git-helper"), "index", url, "--no-input", "-q"]
    words += [word for number in range(PROJECTS) for word in ("--project", name(number))]
    expects = f"{name(PROJECTS - 1)}-1.0".encode()
    return Subject(OURS, words, bench.environ("ours", NETRC=str(netrc)), b"", expects, counted=False)


def _uv(bench: Bench, url: str, netrc: Path) -> Subject | None:
    cache = bench.folder / "uv-cache"
    words = uv_compile(bench, cache)
    if words is None:
        return None
    expects = f"{name(PROJECTS - 1)}==1.0".encode()
    environ = bench.environ("uv", NETRC=str(netrc))
    return Subject(UV, [*words, "--index-url", url], environ, _names(), expects, counted=False, fresh=(cache,))


def _pip(bench: Bench, url: str, netrc: Path) -> Subject:
    out = bench.folder / "pip"
    listed = bench.folder / "names.txt"
    listed.write_bytes(_names())
    words = [bench.installation.program("python"), "-m", "pip", "download", "-qq", "--no-deps", "--no-cache-dir"]
    words += ["--disable-pip-version-check", "--no-input", "-d", str(out), "--index-url", url, "-r", str(listed)]
    environ = bench.environ("pip", NETRC=str(netrc), PIP_CONFIG_FILE="/dev/null")
    makes = out / f"{name(PROJECTS - 1)}-1.0-py3-none-any.whl"
    return Subject(PIP, words, environ, counted=False, fresh=(out,), makes=makes)


def _names() -> bytes:
    return "".join(f"{name(number)}==1.0\n" for number in range(PROJECTS)).encode()
