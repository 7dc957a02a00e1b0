"""The person as a source: when asked, and what an answer means."""

from __future__ import annotations

import pytest

from git_helper.core.credential import Description
from git_helper.errors import Cancelled
from git_helper.secret import Secret
from git_helper.sources.person import Person, Question
from git_helper.system.asking import may_ask

WANTED = Description(b"https", b"good.example", b"team/x", b"alice")


class FakePrompter:
    """Answers each question with the same secret, and with the same name."""

    def __init__(self, answer: Secret | None, name: bytes | None = None) -> None:
        self.answer = answer
        self.name = name
        self.questions: list[Question] = []

    def ask_username(self, question: Question) -> bytes | None:
        self.questions.append(question)
        return self.name

    def ask_secret(self, question: Question) -> Secret | None:
        self.questions.append(question)
        return self.answer


def test_the_person_is_asked_for_the_known_user() -> None:
    prompter = FakePrompter(Secret(b"token"))
    credential = next(Person(prompter, "git clone").find(WANTED))
    assert (credential.username, credential.password) == (b"alice", Secret(b"token"))
    assert prompter.questions == [Question(b"https", b"good.example", b"team/x", b"alice", "git clone")]


def test_who_goes_on_after_a_refusal_gets_one_more_answer() -> None:
    prompter = FakePrompter(Secret(b"token"))
    assert len(list(Person(prompter, "git clone").find(WANTED))) == 2
    assert [question.refused for question in prompter.questions] == [False, True]


@pytest.mark.parametrize(("name", "user"), [(b"alice", b"alice"), (b"", b"git")])
def test_our_commands_ask_for_the_name_too(name: bytes, user: bytes) -> None:
    prompter = FakePrompter(Secret(b"token"), name)
    credential = next(Person(prompter, "git-helper resolve", names=True).find(Description(b"https", b"good.example")))
    assert (credential.username, credential.password) == (user, Secret(b"token"))
    assert [question.username for question in prompter.questions] == [None, user]


def test_nobody_is_asked_before_the_chain_gets_there() -> None:
    prompter = FakePrompter(Secret(b"token"))
    Person(prompter, "git").find(WANTED)
    assert prompter.questions == []


def test_without_a_user_there_is_no_question() -> None:
    prompter = FakePrompter(Secret(b"token"))
    assert list(Person(prompter, "git").find(Description(b"https", b"good.example"))) == []
    assert prompter.questions == []


def test_an_empty_user_is_a_user() -> None:
    prompter = FakePrompter(Secret(b"token"))
    credential = next(Person(prompter, "git").find(Description(b"https", b"good.example", None, b"")))
    assert credential.username == b""


def test_no_terminal_is_no_answer() -> None:
    assert list(Person(FakePrompter(None), "git").find(WANTED)) == []


def test_an_empty_answer_is_a_no() -> None:
    with pytest.raises(Cancelled):
        list(Person(FakePrompter(Secret(b"")), "git").find(WANTED))


@pytest.mark.parametrize(
    ("protocol", "host", "exposed"),
    [
        (b"http", b"good.example", True),
        (b"http", b"127.0.0.1.evil.example:80", True),
        (b"https", b"good.example", False),
        (b"http", b"localhost:8080", False),
        (b"http", b"127.0.0.1:8080", False),
        (b"cert", b"", False),
    ],
)
def test_an_exposed_answer_is_known(protocol: bytes, host: bytes, exposed: bool) -> None:
    assert Question(protocol, host).is_exposed() is exposed


@pytest.mark.parametrize(
    ("environ", "git_settings", "may"),
    [
        ({}, {}, True),
        ({"CI": "true"}, {}, False),
        ({"CI": "1"}, {}, False),
        ({"CI": "false"}, {}, True),
        ({"CI": ""}, {}, True),
        ({"GIT_TERMINAL_PROMPT": "0"}, {}, False),
        ({"GIT_TERMINAL_PROMPT": "00"}, {}, False),
        ({"GIT_TERMINAL_PROMPT": "0k"}, {}, False),
        ({"GIT_TERMINAL_PROMPT": "False"}, {}, False),
        ({"GIT_TERMINAL_PROMPT": "off"}, {}, False),
        ({"GIT_TERMINAL_PROMPT": "no"}, {}, False),
        ({"GIT_TERMINAL_PROMPT": ""}, {}, False),
        ({"GIT_TERMINAL_PROMPT": "nonsense"}, {}, False),
        ({"GIT_TERMINAL_PROMPT": "1"}, {}, True),
        ({"GIT_TERMINAL_PROMPT": "yes"}, {}, True),
        ({"GIT_TERMINAL_PROMPT": "TRUE"}, {}, True),
        ({"GIT_ASKPASS": "/bin/askpass"}, {}, False),
        ({"GIT_ASKPASS": ""}, {}, True),
        ({"GIT_ASKPASS": "", "SSH_ASKPASS": "/bin/askpass"}, {"core.askPass": b"/bin/askpass"}, True),
        ({"SSH_ASKPASS": "/bin/askpass"}, {}, False),
        ({"SSH_ASKPASS": ""}, {}, True),
        ({"SSH_ASKPASS": "/bin/askpass"}, {"core.askPass": b""}, True),
        ({}, {"core.askPass": b"/bin/askpass"}, False),
        ({}, {"core.askPass": b""}, True),
        ({}, {"credential.interactive": b"false"}, False),
        ({}, {"credential.interactive": b"never"}, False),
        ({}, {"credential.interactive": b"0"}, False),
        ({}, {"credential.interactive": b""}, False),
        ({}, {"credential.interactive": b"true"}, True),
        ({"GIT_ASKPASS": ""}, {"credential.interactive": b"never"}, False),
    ],
)
def test_when_a_person_may_be_asked(environ: dict[str, str], git_settings: dict[str, bytes], may: bool) -> None:
    assert may_ask(environ, no_input=False, git_setting=git_settings.get) is may
    assert may_ask(environ, no_input=True, git_setting=git_settings.get) is False


@pytest.mark.parametrize("environ", [{"CI": "1"}, {"GIT_TERMINAL_PROMPT": "0"}, {"GIT_ASKPASS": "/bin/askpass"}])
def test_git_is_not_asked_when_the_environment_says_no(environ: dict[str, str]) -> None:
    asked: list[str] = []

    def setting(name: str) -> None:
        asked.append(name)

    assert not may_ask(environ, no_input=False, git_setting=setting)
    assert asked == []
