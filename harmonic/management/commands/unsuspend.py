"""Lift the suspension of an account."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.suspension import end_suspension
from harmonic.management.accounts import add_account_argument, find_account


class Command(BaseCommand):
    help = "Lift the suspension of a person or an agent. Revoked tokens stay revoked."

    def add_arguments(self, parser: CommandParser) -> None:
        add_account_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user = find_account(options["account"])
        if not user.suspended_at:
            raise CommandError(f"{user.name} is not suspended.")
        if user.parent and user.parent.suspended_at:
            raise CommandError(
                f"{user.name} is an agent of {user.parent.name}, who is suspended."
                f" First lift the suspension of the parent: manage.py unsuspend {user.parent.email}"
            )
        end_suspension(user)
        self.stdout.write(f"{user.name} is no longer suspended, and can sign in and create tokens.")
        for agent in user.agents.exclude(suspended_at=None).order_by("name"):
            self.stdout.write(
                f"Still suspended: {agent.name}. Lift it with: manage.py unsuspend {agent.id}"
            )
