"""`[[tool.uv.index]]`: which indexes of a project are asked, and that none of them gets what is meant for another one."""

from __future__ import annotations

import tomllib

import pytest

from git_helper.core.given import Layer
from git_helper.core.indexes import CredentialsWithNever, Described, Index
from git_helper.core.options import BY_NAME
from git_helper.core.project_settings import of_tables
from git_helper.errors import UsageError
from git_helper.secret import Secret
from git_helper.tasks.index_locations import Configured, index_locations, location


def layer(text: str) -> Layer:
    return of_tables(tomllib.loads(text), "pyproject.toml", lambda key: 7, lambda path: f"/p/{path}")


def values(text: str) -> dict[str, list[object]]:
    return {name: [one.value for one in given] for name, given in layer(text).items()}


INDEX = '[[tool.uv.index]]\nname = "n"\nurl = "https://{}.example/simple/"\n'
A, B, C = (INDEX.format(name) for name in "abc")


def test_the_default_one_the_others_and_flat_ones() -> None:
    text = (
        A + B + "default = true\n" + C + 'format = "flat"\n' + '[[tool.uv.index]]\nurl = "wheels"\ncache-control = 1\n'
    )
    assert values(text) == {
        "index-url": [Described("https://b.example/simple/")],
        "extra-index-url": [Described("https://a.example/simple/"), Described("/p/wheels")],
        "find-links": ["https://c.example/simple/"],
    }
    (given,) = layer(text)["index-url"]
    assert str(given.provenance) == "pyproject.toml:7 [tool.uv]"
    assert BY_NAME["index-url"].kind.show(Described("https://u:hunter2@h/")) == "https://u:****@h/"


def test_an_explicit_one_is_for_packages_that_name_it() -> None:
    assert values(A + "explicit = true\n") == {}


def test_the_older_keys_count_behind_and_our_own_table_alone() -> None:
    older = '[tool.uv]\nindex-url = "https://o/"\nextra-index-url = ["https://e/"]\nno-index = true\n'
    both = values(older + A + B + "default = true\n")
    assert both["extra-index-url"] == [Described("https://a.example/simple/"), "https://e/"]
    assert both["index-url"] == [Described("https://b.example/simple/")]
    assert both["no-index"] == [True]
    assert values(older)["index-url"] == ["https://o/"]
    ours = '[tool.git-helper]\nindex-url = "https://g/"\nextra-index-url = []\n'
    assert values(ours + A + B + "default = true\n") == {"index-url": ["https://g/"], "extra-index-url": []}


@pytest.mark.parametrize("policy", ["auto", "always", "never"])
def test_the_policy_reaches_the_index(policy: str) -> None:
    (given,) = layer(f'{A}authenticate = "{policy}"\n')["extra-index-url"]
    (index,) = index_locations(Configured(extra_index_url=[given.value]))
    assert isinstance(index, Index)
    assert index.authenticate == policy


def test_its_name_opens_no_variable() -> None:
    secrets = {"UV_INDEX_N_USERNAME": "u", "UV_INDEX_N_PASSWORD": "p", "GIT_HELPER_INDEX_N_PASSWORD": "p"}
    (given,) = layer(A)["extra-index-url"]
    index = location(given.value, "index", secrets)
    named = location("n=https://a.example/simple/", "index", secrets)
    assert isinstance(index, Index)
    assert isinstance(named, Index)
    assert (index.name, index.userinfo.password, named.userinfo.password) == (None, None, Secret(b"p"))


def test_never_and_a_password_are_an_error() -> None:
    (given,) = layer('[[tool.uv.index]]\nurl = "https://u:hunter2@h/"\nauthenticate = "never"\n')["extra-index-url"]
    with pytest.raises(CredentialsWithNever) as caught:
        location(given.value, "index")
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[tool.uv]\nindex = 3\n", "expected an array of tables"),
        ("[tool.uv]\nindex = [3]\n", "expected an array of tables"),
        ('[[tool.uv.index]]\nname = "x"\n', "an index without 'url'"),
        ('[[tool.uv.index]]\nurl = ""\n', "an index without 'url'"),
        (A + 'authenticate = "sometimes"\n', "'authenticate' is not one of auto, always, never"),
        (A + "authenticate = []\n", "'authenticate' is not one of"),
        (A + 'default = "yes"\n', "'default' is neither true nor false"),
        (A + "explicit = 1\n", "'explicit' is neither true nor false"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        layer(text)
    assert caught.value.message.startswith("cannot use 'index' of [tool.uv] in 'pyproject.toml', line 7: ")
    assert reason in caught.value.message
