"""What commands that make people share: asking for a password, and naming what is wrong."""

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
        help="read the password from standard input, one line, instead of asking for it",
    )


def read_password(options: dict[str, Any]) -> str:
    """Return a new password: piped in, or typed twice.

    Raises:
        Invalid: it is no good one.
        CommandError: there is nobody to ask, or the two differ.
    """
    return _read_from_stdin() if options["password_stdin"] else _prompt_twice()


def problem_sentence(problem: Problem) -> str:
    """Return the sentence of a problem, which names the argument as it is typed."""
    is_option = problem.param not in {"subdomain", "password"}
    name = f"--{problem.param.replace('_', '-')}" if is_option else f"The {problem.param}"
    return f"{name} {wording.reason(problem)}."


def _read_from_stdin() -> str:
    return people.checked_password(sys.stdin.readline().rstrip("\r\n"))


def _prompt_twice() -> str:
    """Ask for the password twice, on a terminal that does not show it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            password = people.checked_password(getpass.getpass("Password: "))
            again = getpass.getpass("The same once more: ")
        except (getpass.GetPassWarning, EOFError) as error:
            raise CommandError(
                "There is no terminal to ask for the password on. Use --password-stdin."
            ) from error
    if again != password:
        raise CommandError("The two passwords differ.")
    return password
