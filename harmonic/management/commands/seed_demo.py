"""Create the demo world."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from harmonic.demo import seed
from harmonic.kernel.operations.origins import tenant_url


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
        if options["verbosity"]:
            self.stdout.write("Created the demo world.\n")
            self.stdout.write("\n".join(summary()))


def summary() -> list[str]:
    """Return the addresses of the demo world, and who can sign in, as lines for a terminal."""
    urls = [f"  {tenant_url(subdomain)}/  {name}" for subdomain, name, _ in seed.TENANTS]
    tenants = {f"{handle}@example.com": tenants for handle, _, tenants, _ in seed.PEOPLE}
    active = set(User.objects.filter(suspended_at=None).values_list("email", flat=True))
    width = max(map(len, tenants))
    accounts = [
        f"  {email:{width}}  in {', '.join(where)}"
        for email, where in tenants.items()
        if email in active
    ]
    return [
        "Open one of these addresses:",
        *urls,
        "",
        f"Sign in with the password {seed.PASSWORD} as:",
        *accounts,
    ]
