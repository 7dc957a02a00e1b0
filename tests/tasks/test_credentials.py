"""Who is asked on a server's demand, and who hears how it went."""

from __future__ import annotations

import pytest

from git_helper.core.chain import Candidate, Chain
from git_helper.core.credential import Account, Credential, Description
from git_helper.errors import Cancelled, GitHelperError, StoreError
from git_helper.secret import Secret
from git_helper.sources.other_helpers import ToldToQuit
from git_helper.stores.credential_file import CredentialFile
from git_helper.tasks.credentials import HELPERS, PERSON, AskedCredentials
from tests.contracts.openers import credential_file

WANTED = Description(b"https", b"good.example")
GIVEN = Credential(b"me", Secret(b"secret"))


class Helpers:
    """Hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes | None]] = []
        self.error: GitHelperError | None = None

    def tell(self, operation: str, wanted: Description, credential: Credential) -> None:
        self.heard.append((operation, credential.username))
        if self.error is not None:
            raise self.error


class Setup:
    """The task with the real file store, helpers that hear, and a chain of one source."""

    def __init__(self, home: object) -> None:
        self.store = credential_file()
        self.helpers = Helpers()
        self.reports: list[str] = []
        self.explained: list[str] = []
        self.error: GitHelperError | None = None
        self.opened = 0
        self.asked = AskedCredentials(
            self._chain,
            lambda ask: ["one", "person"] if ask else ["one"],
            lambda wanted: wanted.without_path(),
            lambda: self.helpers,
            self._writer,
            lambda: [self.store],
            lambda name, error: self.reports.append(f"{name}: {error.message}"),
            self.explained.append,
        )

    def _writer(self) -> CredentialFile:
        self.opened += 1
        return self.store

    def _chain(self, ask: bool) -> Chain:
        def opener(wanted: Description) -> None:
            if self.error is not None:
                raise self.error

        return Chain([("one", opener)], lambda name, error: self.reports.append(name), 0.0)

    def kept(self) -> list[bytes | None]:
        return [account.username for account in self.store.accounts()]


@pytest.fixture
def setup(home: object) -> Setup:
    return Setup(home)


def test_what_the_person_typed_is_kept_by_us(setup: Setup) -> None:
    setup.asked.approve(Candidate(PERSON, GIVEN), WANTED)
    assert setup.kept() == [b"me"]
    assert setup.helpers.heard == []
    (found,) = setup.store.find(WANTED)
    assert found.password == Secret(b"secret")


def test_what_a_helper_gave_is_kept_by_the_helper(setup: Setup) -> None:
    setup.asked.approve(Candidate(HELPERS, GIVEN), WANTED)
    assert setup.helpers.heard == [("store", b"me")]
    assert (setup.kept(), setup.opened) == ([], 0)


@pytest.mark.parametrize("source", ["URL", "netrc", "variable", "ci token", "file", "askpass"])
def test_nothing_else_is_copied(setup: Setup, source: str) -> None:
    setup.asked.approve(Candidate(source, GIVEN), WANTED)
    assert (setup.kept(), setup.opened, setup.helpers.heard) == ([], 0, [])
    assert setup.explained == [f"let in at good.example by: {source}"]


def test_what_passes_by_itself_is_not_kept(setup: Setup) -> None:
    setup.asked.approve(Candidate(PERSON, Credential(b"me", Secret(b"x"), ephemeral=True)), WANTED)
    assert setup.kept() == []


@pytest.mark.parametrize("source", [PERSON, HELPERS, "URL", "file"])
def test_only_the_very_secret_is_forgotten(setup: Setup, source: str) -> None:
    for user, secret in ((b"me", b"secret"), (b"you", b"other")):
        setup.store.store(Account(b"https", b"good.example", None, Credential(user, Secret(secret))))
    setup.asked.reject(Candidate(source, Credential(b"me", Secret(b"wrong"))), WANTED)
    assert sorted(map(str, setup.kept())) == ["b'me'", "b'you'"]
    setup.asked.reject(Candidate(source, GIVEN), WANTED)
    assert setup.kept() == [b"you"]
    assert setup.helpers.heard == ([("erase", b"me")] * 2 if source == HELPERS else [])
    assert not [line for line in setup.explained if "secret" in line]


def test_a_helper_that_fails_is_reported_and_the_rest_goes_on(setup: Setup) -> None:
    setup.store.store(Account(b"https", b"good.example", None, GIVEN))
    setup.helpers.error = StoreError("broken")
    setup.asked.reject(Candidate(HELPERS, GIVEN), WANTED)
    assert setup.reports == [f"{HELPERS}: broken"]
    assert setup.kept() == []


def test_a_helper_that_says_quit_ends_the_search_but_not_the_command(setup: Setup) -> None:
    setup.error = ToldToQuit("told to quit")
    assert list(setup.asked.candidates(WANTED, ask=True)) == []
    assert setup.reports == [f"{HELPERS}: told to quit"]


def test_a_person_who_says_no_ends_the_command(setup: Setup) -> None:
    setup.error = Cancelled("cancelled")
    with pytest.raises(Cancelled):
        list(setup.asked.candidates(WANTED, ask=True))


def test_names_and_scope(setup: Setup) -> None:
    assert setup.asked.names(WANTED, ask=True) == ["one", "person"]
    assert setup.asked.names(WANTED, ask=False) == ["one"]
    assert setup.asked.scoped(Description(b"https", b"h", b"path")).path is None
