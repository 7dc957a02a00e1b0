"""tests/cases through the real executable: url-parse, redaction, env-expansion, requirements."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.commands import configure, on_path, program, run
from tests.core.cases import cases
from tests.core.rows import gives_away
from tests.servers.recording import RecordingServer

Case = Mapping[str, Any]
PINNED = "gpkg @ git+https://good.example/gpkg.git@" + "1" * 40


def without_userinfo(text: str) -> str:
    """What is written down: no userinfo but the name of an ssh user."""
    return re.sub(r"((?:https?|file)://)[^/?#@]*@", r"\1", text)


# ---------------------------------------------------------------------- url-parse, redaction


@functools.cache
def parsed_all(area: str, *options: str) -> dict[str, str]:
    """What `parse --json` says about every URL of an area, in one run: a line for each."""
    rows = [case.values[0]["input"] for case in cases(area)]
    found = [row if isinstance(row, str) else row.get("url", row.get("requirement")) for row in rows]
    texts = [text for text in found if text is not None and "\0" not in text]
    done = run("parse", "--json", *options, "--", *texts)
    assert done.returncode == 2  # some are unusable
    return dict(zip(texts, done.stdout.decode().split("\n"), strict=False))


@pytest.mark.parametrize("case", [case for case in cases("url-parse") if "\0" not in case.values[0]["input"]])
def test_url_parse(case: Case) -> None:
    expected = dict(case["expected"])
    hidden, hint = expected.pop("must_not_contain", []), expected.pop("hint", None) or ""
    found = json.loads(parsed_all("url-parse", "--reveal")[case["input"]])
    assert {name: found.get(name) for name in expected} == expected
    assert hint in found.get("hint", "")
    masked = json.loads(parsed_all("url-parse")[case["input"]])
    password = expected.get("password")
    assert masked.get("password") == ("****" if password else None)
    assert not password or not gives_away(password, masked, case)
    if hidden:
        done = run("parse", "--", case["input"])
        assert done.returncode == 2
        shown = json.dumps([found, masked, (done.stdout + done.stderr).decode()])
        assert not [secret for secret in hidden if secret in shown]


@pytest.mark.parametrize("case", [case for case in cases("redaction") if "url" in case.values[0]["input"]])
def test_redaction(case: Case) -> None:
    found = json.loads(parsed_all("redaction")[case["input"]["url"]])
    if found["ok"]:
        assert found["display"] == case["expected"].get("display", found["display"])
    else:  # of what cannot be read less may be shown
        assert case["expected"].get("display", "") in found["message"] or "***" in found["message"]
    shown = json.dumps(found)
    assert not [secret for secret in case["expected"].get("must_not_contain", ()) if secret in shown]


def is_typed(case: Any) -> bool:
    row = case.values[0]["input"]
    return "cli" in row or ("requirement" in row and "process" not in row)


@pytest.mark.parametrize("case", [case for case in cases("redaction") if is_typed(case)])
def test_what_is_typed_is_not_shown(case: Case) -> None:
    words, expected = case["input"].get("cli") or [case["input"]["requirement"]], case["expected"]
    commands = ([],) if words[0] in ("parse", "resolve", "download", "index", "clone") else (["resolve"], ["download"])
    for command in commands:
        done = run(*command, *words)
        assert done.returncode == expected.get("exit", done.returncode)
        for secret in expected.get("must_not_contain", ()):
            assert secret.encode() not in done.stdout + done.stderr


@pytest.mark.parametrize("case", [case for case in cases("redaction") if "process" in case.values[0]["input"]])
def test_no_child_sees_the_secret(case: Case, home: Path) -> None:
    expected, requirement = case["expected"], case["input"].get("requirement", "git+https://u:sekrit@h/r.git")
    for name in ("git", "ssh", "keyring"):
        script = (
            f"#!/bin/sh\necho {name} \"$@\" >>'{home}/argv'; env >>'{home}/env'\n"
            f'exec "$(command -v -p {name})" "$@"\n'
        )
        program(home, name, script)
    configure(("credential.helper", "lab"))
    here = requirement.replace("https://", "http://").replace("@h/", "@127.0.0.1:1/")
    for command in ("resolve", "download"):
        assert run(command, here, env={"PATH": on_path(home)}).returncode in (2, 5)
    # Another one makes us run git, so that there is something to see.
    with RecordingServer(lambda request: (401, {}, b"")) as server:
        run("resolve", "git+" + server.url_for("a.git", "sekrit"), env={"PATH": on_path(home), "CI": "1"})
    assert (home / "argv").read_text().startswith("git ")
    for name in ("argv", "env"):
        seen = (home / name).read_text()
        assert not [secret for secret in expected.get(f"{name}_must_not_contain", ()) if secret in seen]
        assert not [secret for secret in expected.get("must_not_contain", ()) if secret in seen]


# ---------------------------------------------------------------------- env-expansion


def is_line(case: Any) -> bool:
    return "line" in case.values[0]["setup"].get("where", "line")


@pytest.mark.parametrize("case", [case for case in cases("env-expansion") if not is_line(case)])
def test_elsewhere_only_requirements_are_expanded(case: Case, tmp_path: Path) -> None:
    words = [case["input"]] if " @ " in case["input"] else case["input"].split(" ")
    done = run("resolve", "--offline", "--format", "json", *words, "x", cwd=tmp_path, env=case["setup"].get("env", {}))
    place = re.search(r"https?://\S+", case["expected"].get("expanded", ""))
    assert place is None or without_userinfo(place[0]) in [one["url"] for one in json.loads(done.stdout)]
    hidden = case["expected"].get("must_not_contain", ())
    assert not [secret for secret in hidden if secret.encode() in done.stdout + done.stderr]


@pytest.mark.parametrize("case", [case for case in cases("env-expansion") if is_line(case)])
def test_env_expansion(case: Case, tmp_path: Path) -> None:
    line, expected, env = case["input"], case["expected"], case["setup"].get("env", {})
    (tmp_path / "requirements.txt").write_text(f"{line}\n{PINNED}\n")
    named = re.fullmatch(r"(?:-r|-c|--requirement|--constraint)[ =]?(\S+)", expected.get("expanded", ""))
    if named is not None:
        (tmp_path / named[1]).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / named[1]).write_text(PINNED.replace("gpkg", "nested") + "\n")

    def resolve(form: str) -> tuple[int, str, str]:
        words = ["resolve", "--offline", "--format", form, "-r", "requirements.txt"]
        done = run(*words, cwd=tmp_path, env=env)
        shown = done.stdout.decode(), done.stderr.decode()
        assert not [secret for secret in expected.get("must_not_contain", ()) if secret in "".join(shown)]
        return done.returncode, *shown

    code, out, said = resolve("json")
    if "error" in expected:
        assert code == 2
        assert expected.get("hint", "") in said
        assert "line 1 of 'requirements.txt'" in said
        return
    assert expected.get("warn", "") in said
    assert ("is not set" in said) is (" is not set" in expected.get("warn", ""))
    said_of = json.loads(out)
    found = [one["url"] for one in said_of if one["kind"] not in ("index", "find-links")]
    if " @ " in line:
        # Offline a branch stays unknown; its URL is in what is said of it.
        assert code in (0, 5)
        where = expected["expanded"].replace("<cwd>", str(tmp_path)).partition(" @ ")[2]
        assert found[0].removeprefix("git+").partition("@")[0] in without_userinfo(where) or code == 5
        assert found[1] == "https://good.example/gpkg.git"
        return
    assert code == 0, said
    place = re.search(r"https?://\S+", expected["expanded"])
    places = [] if place is None or named is not None else [without_userinfo(place[0])]
    assert [one["url"] for one in said_of if one["url"] not in found] == places
    # What is written back has another file in its place, and every variable that is no secret.
    nested = named is not None and line.startswith(("-r", "--requirement"))
    assert found == ["https://good.example/nested.git"] * nested + ["https://good.example/gpkg.git"]
    first = PINNED.replace("gpkg", "nested") if nested else without_userinfo(line)
    assert resolve("requirements")[:2] == (0, f"{first}\n{PINNED}\n")


@pytest.mark.parametrize("case", [case for case in cases("env-expansion") if " @ " in case.values[0]["input"]])
def test_an_argument_is_expanded_as_a_line_is(case: Case, tmp_path: Path) -> None:
    line, expected, env = case["input"], case["expected"], case["setup"].get("env", {})
    (tmp_path / "requirements.txt").write_text(f"{line}\n")
    both = [
        run("resolve", "--offline", "--format", "json", *words, cwd=tmp_path, env=env)
        for words in ([line], ["-r", "requirements.txt"])
    ]
    assert both[0].returncode == both[1].returncode
    urls = [[one.get("url") for one in json.loads(done.stdout)] for done in both]
    assert urls[0] == urls[1]
    assert not [secret for secret in expected.get("must_not_contain", ()) if secret.encode() in both[0].stderr]


# ---------------------------------------------------------------------- requirements


@pytest.mark.parametrize("case", cases("requirements"))
def test_requirements(case: Case, tmp_path: Path) -> None:
    """What the rows expect of a file is asked in tests/tasks; here: exit code, words, and no secret."""
    expected, files = case["expected"], case["setup"].get("files", {})
    for name, text in {**files, "requirements.txt": case["input"]}.items():
        if "://" not in name:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(text.encode())
    words = ["resolve", "--offline", "--format", "requirements", "-r", "requirements.txt"]
    done = run(*words, cwd=tmp_path, env=case["setup"].get("env", {}))
    out, said = done.stdout.decode(), done.stderr.decode()
    is_absent = expected.get("error") == "not-found"
    assert done.returncode in ((6 if is_absent else 2,) if "error" in expected else (0, 5)), said
    assert expected.get("warn", "") in said
    assert expected.get("hint", "") in said
    if "error" in expected and not is_absent:
        assert re.search(r"line [0-9]+ of '", said)
    hidden = [*expected.get("must_not_contain", ()), "u:p@"]
    assert not [secret for secret in hidden if secret in out + said]
