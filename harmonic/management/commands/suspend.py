"""Suspend an account, in all tenants."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import Tenant, User
from accounts.queries import active_tenant_admins
from accounts.suspension import suspend
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.management.accounts import add_account_argument, find_account


class Command(BaseCommand):
    help = "Suspend a person and their agents, or one agent. Ends sessions and revokes tokens."

    def add_arguments(self, parser: CommandParser) -> None:
        add_account_argument(parser)
        parser.add_argument("--reason", default="", help="shown to the parent of an agent")

    def handle(self, *args: Any, **options: Any) -> None:
        user = find_account(options["account"])
        if user.suspended_at:
            raise CommandError(
                f"{user.name} has been suspended since {user.suspended_at:%-d %b %Y}."
            )
        agents = suspend(user, now=timezone.now(), reason=options["reason"])
        self.stdout.write(
            f"{user.name} is suspended. Their sessions ended and their tokens are revoked."
        )
        for agent in agents:
            self.stdout.write(f"Also suspended: {agent.name} ({agent.id}).")
        for tenant in tenants_without_an_admin(user):
            self.stdout.write(
                f"{tenant.name} has no active tenant admin. Create one with:"
                f" manage.py create_person {tenant.subdomain} --admin …"
            )


def tenants_without_an_admin(user: User) -> list[Tenant]:
    """Return the tenants of a user that have no active tenant admin."""
    tenants = Tenant.objects.filter(tenantusers__user=user, tenantusers__archived_at=None)
    return [tenant for tenant in tenants.order_by("name") if not _has_admin(tenant)]


def _has_admin(tenant: Tenant) -> bool:
    with tenant_bound(tenant.id):
        return active_tenant_admins().exists()
