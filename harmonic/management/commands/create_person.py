"""Create a person in a tenant."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts import rules as people
from accounts.models import Tenant, TenantUser, User
from collectives.rules.tenants import join_tenant
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.operations import audit
from harmonic.kernel.operations.origins import tenant_url
from harmonic.kernel.parameters.decoding import RawParams, validated
from harmonic.kernel.parameters.fields import Line, Params
from harmonic.kernel.refusals import Invalid
from harmonic.kernel.rendering.text import folded
from harmonic.management.prompts import add_password_option, problem_sentence, read_password


class PersonNameParams(Params):
    name = Line(max_length=User.NAME_LENGTH)


class Command(BaseCommand):
    help = "Create a person in a tenant. Prompts for the person's password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subdomain", help="the tenant, for example garden")
        parser.add_argument("--email", required=True, help="the e-mail address for signing in")
        parser.add_argument("--handle", required=True, help="for example bob")
        parser.add_argument("--name", required=True, help="the display name")
        parser.add_argument("--admin", action="store_true", help="make the person a tenant admin")
        add_password_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(subdomain=folded(options["subdomain"])).first()
        if tenant is None:
            raise CommandError(f"The tenant {options['subdomain']} does not exist.")
        try:
            person = self._create(tenant, options)
        except Invalid as invalid:
            raise CommandError(" ".join(map(problem_sentence, invalid.problems))) from invalid
        role = "a tenant admin" if person.is_admin else "a member"
        self.stdout.write(f"{person.display_name} is now {role} of {tenant.name}.")
        where = tenant_url(tenant.subdomain)
        self.stdout.write(f"Sign in as {person.user.email}: {where}/login")

    def _create(self, tenant: Tenant, options: dict[str, Any]) -> TenantUser:
        with tenant_bound(tenant.id):
            name = validated(PersonNameParams, RawParams({"name": options["name"]}))["name"]
            email = people.checked_email(options["email"])
            handle = people.checked_handle(options["handle"])
            password = read_password(options)
            with transaction.atomic():
                now, is_admin = timezone.now(), options["admin"]
                user = people.new_user(name=name, email=email, now=now, password=password)
                person = join_tenant(user, tenant, now=now, handle=handle, is_admin=is_admin)
                facts = {"person_id": user.id, "is_admin": is_admin}
                audit.record("admin_action", tenant_id=tenant.id, **facts)
        return person
