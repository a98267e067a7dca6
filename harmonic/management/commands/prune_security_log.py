"""Delete what the security log holds from before a date: how long it is kept is the operator's
to decide."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import Tenant
from accounts.security import prune


class Command(BaseCommand):
    help = "Delete the events of the security log from before a date (UTC)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--before", required=True, help="a date, such as 2026-01-31")
        parser.add_argument("--tenant", help="the subdomain of one tenant; all of them if absent")

    def handle(self, *args: Any, **options: Any) -> None:
        before = moment(options["before"])
        tenants = Tenant.objects.order_by("subdomain")
        if options["tenant"]:
            tenants = tenants.filter(subdomain=options["tenant"])
            if not tenants:
                raise CommandError("There is no such tenant.")
        for tenant in tenants:
            count = prune(tenant, before)
            self.stdout.write(f"{tenant.name}: {count} event{'' if count == 1 else 's'} deleted.")


def moment(sent: str) -> datetime:
    """Return the beginning of a day."""
    try:
        before = datetime.strptime(sent, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise CommandError("--before is a date such as 2026-01-31.") from error
    if before > timezone.now():
        raise CommandError("--before: that day has not come yet.")
    return before
