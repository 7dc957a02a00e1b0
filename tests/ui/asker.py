"""Asks on the terminal as told by its arguments; prints what it learnt, never a secret, as JSON on stdout."""

from __future__ import annotations

import hashlib
import json
import os
import sys

from git_helper.errors import Cancelled, UsageError
from git_helper.sources.person import Question
from git_helper.ui.prompt import RichPrompter


def main() -> None:
    """argv: what to ask (secret, username, confirm, login, background), then the Question's fields as JSON."""
    what, fields = sys.argv[1], json.loads(sys.argv[2])
    options = {name: fields.pop(name) for name in ("program", "remembered") if name in fields}
    values = {name: os.fsencode(value) for name, value in fields.items()}
    question = Question(**{"protocol": b"https", "host": b"good.example", "username": b"alice", **values}, **options)
    prompter = RichPrompter()
    if what == "background":
        # A leader of a session cannot leave its group, its child can.
        child = os.fork()
        if child:
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        os.setpgid(0, 0)
    try:
        answers = {
            "secret": lambda: [_digest(prompter, question)],
            "background": lambda: [_digest(prompter, question)],
            "username": lambda: [_text(prompter.ask_username(question))],
            "login": lambda: [_text(prompter.ask_username(question)), _digest(prompter, question)],
            "confirm": lambda: [prompter.confirm(options.get("program", "sure?"))],
        }[what]()
    except (Cancelled, UsageError) as error:
        answers = [type(error).__name__]
    print(json.dumps(answers), flush=True)


def _digest(prompter: RichPrompter, question: Question) -> str | None:
    secret = prompter.ask_secret(question)
    return None if secret is None else hashlib.sha256(secret.reveal()).hexdigest()


def _text(value: bytes | None) -> str | None:
    return None if value is None else os.fsdecode(value)


if __name__ == "__main__":
    main()
