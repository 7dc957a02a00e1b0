"""tests/cases, requirements: files as people write them, those that they name too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from git_helper.core.plain_url import PlainUrl
from git_helper.core.requirements_file import (
    CONSTRAINT,
    EDITABLE,
    EXTRA_INDEX_URL,
    FIND_LINKS,
    INDEX_URL,
    NO_INDEX,
    OptionItem,
    RequirementItem,
)
from git_helper.errors import GitHelperError, NotFound
from git_helper.tasks.gather import Gathered, gather, read_file
from git_helper.tasks.index_locations import Configured, index_locations
from git_helper.tasks.resolve import slug
from tests.core.cases import cases

Case = Mapping[str, Any]
# Asserted beside the facts, or (project_url) in tests/core/test_distribution.py.
BESIDE = ("warn", "must_not_contain", "project_url")


@dataclass(frozen=True)
class OnServer:
    """A file that `setup.files` names by its URL."""

    content: bytes
    url: str

    @property
    def shown(self) -> str:
        return PlainUrl.parse(self.url).safe_url

    def beside(self, path: str) -> PlainUrl:
        return PlainUrl.parse(urljoin(self.url, path))


def gathered(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Gathered:
    """What the row's files say. Raises what the first unusable thing in them raises."""
    monkeypatch.chdir(folder)
    given = {**case["setup"].get("files", {}), "requirements.txt": case["input"]}
    for name, text in given.items():
        if "://" not in name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(text.encode())

    def fetch(url: PlainUrl) -> OnServer:
        text = url.text.reveal().decode()
        if text not in given:
            raise NotFound(f"cannot find '{url.safe_url}'")
        return OnServer(given[text].encode(), text)

    found = gather((), ["requirements.txt"], read_file, case["setup"].get("env", {}), fetch)
    index_locations(Configured(), found.files)
    wrong = next((one.error for one in found.wanted if one.error is not None), None)
    if wrong is not None:
        raise wrong
    return found


def facts(found: Gathered) -> dict[str, Any]:
    """Everything that a row may expect."""
    options = [item for source in found.files for item in source.scan.options]
    requirements = [one.requirement for one in found.wanted if one.requirement is not None]
    first = requirements[0] if requirements else None
    named = {
        "extra_index_urls": EXTRA_INDEX_URL,
        "find_links": FIND_LINKS,
        "constraints": CONSTRAINT,
        "editables": EDITABLE,
        "index_urls": INDEX_URL,
    }
    return {name: values(options, option) for name, option in named.items()} | {
        "index_url": next(iter(values(options, INDEX_URL)), None),
        "no_index": any(option.name == NO_INDEX for option in options),
        "insecure_hosts": [],
        "trusted_hosts": [],
        "requirements": [one.text for one in found.wanted],
        "hashes": [
            digest
            for source in found.files
            for item in source.scan.items
            if isinstance(item, RequirementItem)
            for digest in item.hashes
        ],
        "name": first and first.name,
        "names": [one.name for one in requirements],
        "extras": list(first.extras) if first else [],
        "marker": first and first.marker,
        "no_infinite_loop": True,
        "ok": True,
    }


def values(options: list[OptionItem], name: str) -> list[str | None]:
    """What the options of that name say, with all secrets."""
    return [
        option.value if option.url is None else option.url.text.reveal().decode()
        for option in options
        if option.name == name
    ]


@pytest.mark.parametrize("case", cases("requirements"))
def test_case(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = case["expected"]
    hidden = expected.get("must_not_contain", ())
    if "error" in expected:
        with pytest.raises(GitHelperError) as caught:
            gathered(case, tmp_path, monkeypatch)
        error = caught.value
        assert slug(error) == expected["error"]
        assert expected.get("hint", "") in (error.hint or "")
        details = getattr(error, "details", {})
        assert details.get("line") == expected.get("line", details.get("line"))
        assert slug(error) == "not-found" or " of '" in error.message, "no line is named"
        shown = json.dumps([error.message, error.hint, dict(details)])
    else:
        found = gathered(case, tmp_path, monkeypatch)
        known = facts(found)
        wanted = {name: value for name, value in expected.items() if name not in BESIDE}
        assert {name: known[name] for name in wanted} == wanted
        assert expected.get("warn") in (None, *found.warnings)
        urls = [option.url for source in found.files for option in source.scan.options]
        shown = json.dumps(
            [found.warnings, *map(str, urls), *(r.requirement.display for r in found.wanted if r.requirement)]
        )
    assert not [secret for secret in hidden if secret in shown]
