"""Make the demo world, once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from harmonic.access.hosts import tenant_url
from harmonic.demo import seed


class Command(BaseCommand):
    help = "Make the demo world. A second run changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes-i-know", action="store_true", help="Also in production.")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.IS_PRODUCTION and not options["yes_i_know"]:
            raise CommandError("The demo world does not belong in production.")
        if seed.exists():
            self.stdout.write("The demo world is there already.")
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
            "The demo world is made.",
            *urls,
            f"Accounts, all with the password {seed.PASSWORD}:",
            *accounts,
        ]
