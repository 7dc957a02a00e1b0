"""`python person.py URL…`: gets each URL as a command would whose indexes they are, a person at its terminal."""

from __future__ import annotations

import sys

from git_helper.core.command_settings import CommandSettings
from git_helper.core.given import of_environment, of_options
from git_helper.core.indexes import Index
from git_helper.errors import GitHelperError
from git_helper.system.environment import environment
from git_helper.system.messages import say
from git_helper.ui.progress import Display
from git_helper.wiring.commands import CommandHouse


def main(urls: list[str]) -> None:
    def report(name: str, error: GitHelperError) -> None:
        say(sys.stderr, f"warning: {name}", error)

    settings = CommandSettings(of_options({"store": ["file"]}), of_environment(environment()))
    house = CommandHouse(settings, report, "git-helper index")
    client = house.registry(Display(quiet=True), [Index.parse(url) for url in urls])
    for url in urls:
        try:
            with client.get(url) as response:
                sys.stdout.write(f"{response.status}\n")
        except GitHelperError as error:
            sys.stdout.write(f"{error.exit_code} {error}\n")
    house.close()


if __name__ == "__main__":
    main(sys.argv[1:])
