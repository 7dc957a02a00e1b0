"""Asks on the terminal as told by its arguments; prints what it learnt, never a secret, as JSON on stdout."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from typing import Any

from git_helper.errors import Cancelled, UsageError
from git_helper.sources.person import Question
from git_helper.ui.prompt import RichPrompter
from git_helper.ui.ssh_prompt import SshPrompter

FINGERPRINT = "SHA256:n4bQgYhMfWWaL"


def main() -> None:
    """argv: what to ask (secret, username, host key, login, background), then fields of the Question as JSON."""
    what, fields = sys.argv[1], json.loads(sys.argv[2])
    if what == "background":
        # A leader of a session cannot leave its group, its child can.
        child = os.fork()
        if child:
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        os.setpgid(0, 0)
    try:
        answers = _answers(what, fields)
    except (Cancelled, UsageError) as error:
        answers = [type(error).__name__]
    print(json.dumps(answers), flush=True)


def _answers(what: str, fields: dict[str, Any]) -> list[Any]:
    question = Question(
        os.fsencode(fields.get("protocol", "https")),
        os.fsencode(fields.get("host", "good.example")),
        os.fsencode(fields["path"]) if "path" in fields else None,
        os.fsencode(fields.get("username", "alice")),
        fields.get("program", "git"),
        remembered=fields.get("remembered", True),
        checked=fields.get("checked", True),
    )
    if what == "host key":
        return [SshPrompter().confirm_host_key(os.fsdecode(question.host), "ssh-ed25519", FINGERPRINT)]
    prompter = RichPrompter(fields.get("color", "auto"))
    user = [_text(prompter.ask_username(question))] if what in ("username", "login") else []
    return user if what == "username" else [*user, _digest(prompter, question)]


def _digest(prompter: RichPrompter, question: Question) -> str | None:
    secret = prompter.ask_secret(question)
    return None if secret is None else hashlib.sha256(secret.reveal()).hexdigest()


def _text(value: bytes | None) -> str | None:
    return None if value is None else os.fsdecode(value)


if __name__ == "__main__":
    main()
