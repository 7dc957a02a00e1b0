"""tests/cases through the real executable: ref-resolution, storage."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.commands import download, everything_below, resolved, run
from tests.core.cases import cases
from tests.core.rows import expected_commit, revision
from tests.servers.git_http import GitHttpServer, Realm
from tests.servers.repositories import make_repository
from tests.support import run_helper

Case = Mapping[str, Any]
Refs = tuple[GitHttpServer, dict[str, str]]
# A URL with one of these is refused before a server is asked.
REFUSED = ("invalid-revision", "unsupported-object-format", "invalid-url", "invalid-requirement")


@pytest.mark.parametrize("case", cases("ref-resolution"))
def test_ref_resolution(case: Case, refs: Refs, tmp_path: Path) -> None:
    (server, commits), expected = refs, case["expected"]
    rev = revision(case["input"].get("rev"), commits)
    requirement = f"gpkg @ git+{server.url}/gpkg.git" + ("" if rev is None else f"@{quote(rev, safe='/')}")
    done = run("resolve", "--format", "json", requirement)
    (found,) = json.loads(done.stdout)
    if "commit" in expected:
        assert done.returncode == 0
        assert found["commit"] == expected_commit(expected["commit"], commits)
        assert expected.get("warn", "") in done.stderr.decode()
        # One question, or none at all where the commit is named; looking into the history takes one or two more.
        is_hash = rev is not None and re.fullmatch("[0-9a-fA-F]{7,40}", rev) is not None
        named = found["resolved_ref"] is not None
        assert len(server.requests) <= (0 if is_hash and len(str(rev)) == 40 else 3 if is_hash and not named else 1)
    elif done.returncode == 0 and is_hash_of(rev):
        # A whole hash is taken as it is; whether there is such a commit shows when it is fetched.
        fetched = run("download", "-d", tmp_path / "out", requirement, "--json")
        assert fetched.returncode == 6
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
    else:
        assert done.returncode == (2 if expected["error"] in REFUSED else 6)
        assert found["error"] == expected["error"]
        assert expected.get("hint", "") in (found["hint"] or "")
        assert all(name in found["message"] for name in expected.get("tried", ()))
    if "max_refs_fetched" in expected:
        server.forget()
        (path,) = download(requirement, into=tmp_path / "out")
        assert (path / "gpkg.py").is_file()
        assert len(server.requests) <= (1 if is_hash_of(rev) else 2)  # the fetch, which names this one commit


def is_hash_of(rev: str | None) -> bool:
    return rev is not None and re.fullmatch("[0-9a-fA-F]{40}", rev) is not None


def test_an_unreferenced_commit_can_be_had_by_its_hash(refs: Refs, tmp_path: Path) -> None:
    server, commits = refs
    (path,) = download(f"git+{server.url}/gpkg.git@{commits['UNREF'].upper()}", into=tmp_path / "out")
    assert (path / "gpkg.py").is_file()


def test_a_sha256_repository(tmp_path: Path) -> None:
    make_repository(tmp_path / "root/new.git", 2, {"a": "a"}, object_format="sha256")
    with GitHttpServer(tmp_path / "root") as server:
        done = run("resolve", "--format", "json", f"git+{server.url}/new.git@main")
        assert (done.returncode, json.loads(done.stdout)[0]["error"]) == (2, "unsupported-object-format")
        assert b"only SHA-1 is supported" in done.stderr


# ---------------------------------------------------------------------- storage


KINDS = {
    "direct_url": r"direct_url",
    "lock": r"lock|pin",
    "key": r"key|identity",
    "store": r"mode|store|service|login",
    "compile": r"compile|output|requirements|stdout",
}


def about(kind: str) -> list[Any]:
    """The rows about one of these; those about none are about what lies on disk."""

    def kind_of(row: Case) -> str:
        artifact = row["input"].get("artifact", "")
        return next((name for name, pattern in KINDS.items() if re.search(pattern, artifact)), "disk")

    return [case for case in cases("storage") if kind_of(case.values[0]) == kind]


def here(requirement: str, refs: Refs) -> str:
    """The row's requirement at our server; `gpkg tag=ann1 (annotated)` is another way to write it."""
    server, _ = refs
    short = re.fullmatch(r"(\w+)(?: (?:rev|tag|branch)=(\S+))?(?: \(.*\))?", requirement)
    if short is not None:
        return f"gpkg @ git+{server.url}/gpkg.git" + (f"@{short[2]}" if short[2] else "")
    found = re.search(r"https://(?:([^@/]*)@)?h/(?:a/)?", requirement)
    if found is None:
        return requirement
    base = f"{server.url}/" if found[1] is None else server.url.replace("://", f"://{found[1]}@") + "/"
    return requirement[: found.start()] + base + requirement[found.end() :]


@pytest.mark.parametrize("case", about("direct_url"))
def test_direct_url(case: Case, refs: Refs) -> None:
    (server, commits), written = refs, case["input"]["requirement"]
    wanted = json.loads(json.dumps(case["expected"]["json"]).replace("https://h/a/", f"{server.url}/"))
    shown = case["expected"].get("must_not_contain", ())
    if "ssh://" in written:  # no server of ours: at a commit nothing need be asked
        commit = "1" * 40
        url, mark, fragment = written.partition("#")
        rev = wanted["vcs_info"].get("requested_revision")
        url = url.removesuffix(f"@{rev}")
        wanted["vcs_info"] |= {"commit_id": commit, "requested_revision": commit}
        found = resolved(f"{url}@{commit}{mark}{fragment}")
    else:
        server.realms = [Realm("/", [("u", "p")])] if "@h/" in written else []
        found = resolved(here(written, refs), env=case["setup"].get("env", {}))
        if wanted["vcs_info"]["commit_id"] == "<sha>":
            rev = wanted["vcs_info"].get("requested_revision", "main")
            names = (f"refs/heads/{rev}", f"refs/tags/{rev}", rev)
            wanted["vcs_info"]["commit_id"] = next((commits[name] for name in names if name in commits), rev)
    assert found[0]["direct_url"] == wanted
    assert not [text for text in shown if text in json.dumps(found)]


@pytest.mark.parametrize("case", about("lock"))
def test_the_commit_is_locked(case: Case, refs: Refs) -> None:
    (server, commits), requirement = refs, here(case["input"]["requirement"], refs)
    server.realms = [Realm("/", [("u", "p")])] if "@h/" in case["input"]["requirement"] else []
    done = run("resolve", requirement)
    rev = requirement.partition("gpkg.git")[2].partition("#")[0].removeprefix("@")
    names = (f"refs/heads/{rev}", f"refs/tags/{rev}", "refs/heads/main")
    commit = next(commits[name] for name in names if name in commits)
    fragment = requirement.partition("#")[2]
    assert done.stdout.decode().strip() == f"gpkg @ git+{server.url}/gpkg.git@{commit}" + (
        f"#{fragment}" * bool(fragment)
    )
    assert not [text for text in case["expected"].get("must_not_contain", ()) if text.encode() in done.stdout]


@pytest.mark.parametrize("case", about("disk"))
def test_what_lies_on_disk(case: Case, home: Path, refs: Refs, tmp_path: Path) -> None:
    server, _ = refs
    server.realms = [Realm("/", [("u", "p")])]
    requirement = here(case["input"]["requirement"], refs)
    download(requirement, into=tmp_path / "out")
    url, _, rev = requirement.rpartition("git+")[2].partition("#")[0].rpartition("gpkg.git")
    words = ["--ref", rev[1:]] if rev else []
    assert run("clone", *words, f"{url}gpkg.git", tmp_path / "clone").returncode == 0
    assert (home / ".cache/git-helper/git-v1").is_dir()
    assert b"[remote" in (tmp_path / "clone/.git/config").read_bytes()
    content = everything_below(home / ".cache/git-helper", tmp_path / "out", tmp_path / "clone")
    assert not [text for text in case["expected"].get("must_not_contain", ()) if text.encode() in content]
    assert b"u:p@" not in content


@pytest.mark.parametrize("case", about("key"))
def test_one_cache_for_all_ways_to_write_a_url(case: Case, refs: Refs, tmp_path: Path) -> None:
    assert case["expected"]["same_key"] is True
    server, commits = refs
    download(f"git+{server.url}/gpkg.git@{commits['refs/heads/main']}", into=tmp_path / "first")
    server.forget()
    others = [server.url_for(name, "u", "p") for name in ("gpkg", "gpkg.git/", "gpkg/", "%67pkg.git")]
    words = [f"name{number} @ git+{url}@{commits['refs/heads/main']}" for number, url in enumerate(others)]
    assert len(download(*words, into=tmp_path / "out")) == len(others)
    assert all(one["cached"] for one in resolved(*words))
    assert server.requests == []


@pytest.mark.parametrize("case", about("compile"))
def test_no_credentials_in_what_is_written(case: Case, tmp_path: Path) -> None:
    written = case["input"]["requirement"]
    at = "@" + "1" * 40 if "git+" in written and not re.search(r"\.git@", written) else ""
    (tmp_path / "r.txt").write_text(f"{written}{at}\n")
    for form in ("text", "requirements", "json"):
        for words in ([f"{written}{at}"] if " " not in written.strip() or " @ " in written else [], ["-r", "r.txt"]):
            done = run("resolve", "--offline", "--format", form, *words, cwd=tmp_path)
            assert done.returncode in (0, 5) or not words
            hidden = [*case["expected"].get("must_not_contain", ()), "u:p@"]
            assert not [text for text in hidden if text.encode() in done.stdout + done.stderr]


@pytest.mark.parametrize("case", about("store"))
def test_the_store_is_its_owner_s(case: Case, home: Path) -> None:
    text = b"protocol=https\nhost=good.example\nusername=u\npassword=p\n"
    assert run_helper("--store", "file", "store", stdin=text).returncode == 0
    path = home / ".local/share/git-helper/credentials"
    modes = {kind: f"{stat.S_IMODE(os.stat(one).st_mode):04o}" for kind, one in (("file", path), ("dir", path.parent))}
    assert modes == {kind: case["expected"].get(kind, mode) for kind, mode in modes.items()}
    assert not re.search(r"\.new-", " ".join(os.listdir(path.parent)))
