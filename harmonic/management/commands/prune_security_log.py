"""Delete old events of the security log; the operator decides how long they are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import Tenant
from accounts.security import prune


class Command(BaseCommand):
    help = "Delete the events of the security log before a date (UTC)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--before", required=True, help="a date, for example 2026-01-31")
        parser.add_argument("--tenant", help="the subdomain of a tenant (default: all tenants)")

    def handle(self, *args: Any, **options: Any) -> None:
        before = past_day(options["before"])
        tenants = Tenant.objects.order_by("subdomain")
        if options["tenant"]:
            tenants = tenants.filter(subdomain=options["tenant"])
            if not tenants:
                raise CommandError("The tenant does not exist.")
        for tenant in tenants:
            count = prune(tenant, before)
            self.stdout.write(f"{tenant.name}: {count} event{'' if count == 1 else 's'} deleted.")


def past_day(sent: str) -> datetime:
    """Return the start of a past day (UTC)."""
    try:
        before = datetime.strptime(sent, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise CommandError("--before must be a date, for example 2026-01-31.") from error
    if before > timezone.now():
        raise CommandError("--before must not be in the future.")
    return before
