"""The account argument of commands."""

from __future__ import annotations

from django.core.management.base import CommandError, CommandParser

from accounts.models import User
from accounts.sign_in import account_key
from harmonic.kernel.access import UserType
from harmonic.kernel.database.tenancy import parse_uuid


def add_account_argument(parser: CommandParser) -> None:
    parser.add_argument("account", help="an e-mail address, or the ID of a person or agent")


def find_account(word: str) -> User:
    """Return the person or agent with this e-mail address or user ID.

    Raises:
        CommandError: no account matches.
    """
    user_id = parse_uuid(word)
    wanted = {"id": user_id} if user_id else {"email_key": account_key(word)}
    kinds = (UserType.HUMAN, UserType.AI_AGENT)
    user = User.objects.select_related("parent").filter(**wanted, user_type__in=kinds).first()
    if user is None:
        raise CommandError(
            f"No person or agent has the e-mail address or ID {word}."
            " The security log and the server's log contain IDs."
        )
    return user
