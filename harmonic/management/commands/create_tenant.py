"""Create a tenant and its first tenant admin, for a new production site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import rules as people
from accounts.models import Tenant, TenantUser, User
from accounts.timezones import checked_timezone
from collectives.rules.handles import checked_subdomain
from collectives.rules.tenants import join_tenant, new_tenant
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.operations import audit
from harmonic.kernel.operations.origins import tenant_url
from harmonic.kernel.parameters.decoding import RawParams, validated
from harmonic.kernel.parameters.fields import Line, Params
from harmonic.kernel.refusals import Invalid
from harmonic.kernel.rendering.text import folded
from harmonic.management.prompts import add_password_option, problem_sentence, read_password


class Command(BaseCommand):
    help = "Create a tenant and its first person, a tenant admin. Prompts for a password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subdomain", help="the subdomain, for example garden")
        parser.add_argument("--name", required=True, help="the name of the tenant")
        parser.add_argument(
            "--timezone", default="UTC", help="for example Europe/Vienna (default: UTC)"
        )
        parser.add_argument(
            "--admin-email", required=True, help="the e-mail address for signing in"
        )
        parser.add_argument("--admin-handle", required=True, help="for example alice")
        parser.add_argument("--admin-name", required=True, help="the display name")
        parser.add_argument(
            "--listed", action="store_true", help="list the tenant publicly on the base domain"
        )
        add_password_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            wanted = validated_options(options)
            password = read_password(options)
            person = create_tenant(wanted, password, timezone.now())
        except Invalid as invalid:
            raise CommandError(" ".join(map(problem_sentence, invalid.problems))) from invalid
        except IntegrityError as error:
            # Another command created the same between the check and the write.
            raise CommandError(
                "Another command has just created the tenant or the person. Nothing was changed."
            ) from error
        self.stdout.write(f"Created the tenant {wanted.name} with the admin {person.handle}.")
        self.stdout.write(f"Sign in as {wanted.email}: {tenant_url(wanted.subdomain)}/login")


# --- The new tenant ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewTenant:
    """The validated options of a new tenant and its first person."""

    subdomain: str
    name: str
    timezone: str
    email: str
    handle: str
    admin_name: str
    is_listed: bool


class TenantNameParams(Params):
    name = Line(max_length=Tenant.NAME_LENGTH)
    admin_name = Line(max_length=User.NAME_LENGTH)


def validated_options(options: dict[str, Any]) -> NewTenant:
    names = validated(
        TenantNameParams, RawParams({name: options[name] for name in ("name", "admin_name")})
    )
    return NewTenant(
        subdomain=checked_subdomain(folded(options["subdomain"])),
        timezone=checked_timezone(options["timezone"]),
        email=people.checked_email(options["admin_email"], "admin_email"),
        handle=people.spelt_handle(options["admin_handle"], "admin_handle"),
        is_listed=options["listed"],
        **names,
    )


# --- Creation -------------------------------------------------------------------------------


@transaction.atomic
def create_tenant(wanted: NewTenant, password: str, now: datetime) -> TenantUser:
    """Create the tenant and its admin in one transaction; return the admin."""
    tenant = new_tenant(
        subdomain=wanted.subdomain,
        name=wanted.name,
        host=settings.HOST,
        now=now,
        timezone=wanted.timezone,
        is_listed=wanted.is_listed,
    )
    user = people.new_user(name=wanted.admin_name, email=wanted.email, now=now, password=password)
    with tenant_bound(tenant.id):
        person = join_tenant(user, tenant, now=now, handle=wanted.handle, is_admin=True)
    audit.record("admin_action", tenant_id=tenant.id, person_id=user.id, is_admin=True)
    return person
