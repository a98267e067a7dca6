"""Password prompts and error messages of the commands that create people."""

from __future__ import annotations

import getpass
import sys
import warnings
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import rules as people
from harmonic.kernel.parameters import wording
from harmonic.kernel.refusals import Problem


def add_password_option(parser: CommandParser) -> None:
    parser.add_argument(
        "--password-stdin",
        action="store_true",
        help="read the password from one line of standard input instead of prompting for it",
    )


def read_password(options: dict[str, Any]) -> str:
    """Return a new password, read from standard input or prompted for twice.

    Raises:
        Invalid: the password is not acceptable.
        CommandError: no terminal is attached, or the two passwords differ.
    """
    return _read_from_stdin() if options["password_stdin"] else _prompt_twice()


def problem_sentence(problem: Problem) -> str:
    """Return the message of a problem, with the argument as typed on the command line."""
    is_option = problem.param not in {"subdomain", "password"}
    name = f"--{problem.param.replace('_', '-')}" if is_option else f"The {problem.param}"
    return f"{name} {wording.reason(problem)}."


def _read_from_stdin() -> str:
    return people.checked_password(sys.stdin.readline().rstrip("\r\n"))


def _prompt_twice() -> str:
    """Prompt for the password twice, on a terminal that does not echo it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            password = people.checked_password(getpass.getpass("Password: "))
            again = getpass.getpass("Password again: ")
        except (getpass.GetPassWarning, EOFError) as error:
            raise CommandError(
                "There is no terminal to prompt for the password. Use --password-stdin."
            ) from error
    if again != password:
        raise CommandError("The two passwords differ.")
    return password
