"""Create the demo world."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from harmonic.access.hosts import tenant_url
from harmonic.demo import seed


class Command(BaseCommand):
    help = "Create the demo world. A second run changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes-i-know", action="store_true", help="create it in production too")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.IS_PRODUCTION and not options["yes_i_know"]:
            raise CommandError("The demo world must not be created in production.")
        if seed.exists():
            self.stdout.write("The demo world already exists.")
            return
        seed.build()
        for line in self._lines():
            self.stdout.write(line)

    def _lines(self) -> list[str]:
        urls = [f"  {tenant_url(subdomain)}/  {name}" for subdomain, name, _ in seed.TENANTS]
        accounts = [
            f"  {handle}@example.com  in {', '.join(tenants)}"
            for handle, _, tenants, _ in seed.PEOPLE
        ]
        return [
            "Created the demo world.",
            *urls,
            f"Accounts (password {seed.PASSWORD}):",
            *accounts,
        ]
