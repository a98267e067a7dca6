"""Create an API token from the command line, by the same rule as the page."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts.models import Tenant, TenantUser
from accounts.queries import with_user
from harmonic.access.access_as import PersonNotFound, access_as
from harmonic.http.refusals import message_of
from harmonic.kernel.access import Access
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.parameters.decoding import RawParams
from harmonic.kernel.pipeline import Call, perform
from harmonic.kernel.refusals import Refused
from harmonic.kernel.rendering.text import folded
from tokens.actions import create_api_token
from tokens.lifetimes import parse_lifetime


class Command(BaseCommand):
    help = "Create an API token and print its plaintext, which cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, help="the tenant's subdomain")
        parser.add_argument("--user", required=True, help="the person's handle")
        parser.add_argument("--for", dest="agent", help="the handle of an agent of that person")
        parser.add_argument("--name", required=True)
        parser.add_argument("--scope", choices=["read", "write"], default="read")
        parser.add_argument("--expires", default="12m", help="for example 12h, 7d, 2w, 3m")

    def handle(self, *args: Any, **options: Any) -> None:
        lifetime = parse_lifetime(options["expires"])
        if lifetime is None:
            raise CommandError("--expires must be a number and one of h, d, w, m, for example 7d.")
        values = {
            "name": options["name"],
            "read_write": options["scope"],
            "duration": lifetime[0],
            "duration_unit": lifetime[1],
        }
        self.stdout.write(issue_token(options, values))


def issue_token(options: dict[str, Any], values: dict[str, Any]) -> str:
    def owner(access: Access) -> TenantUser:
        handle = options["agent"] or options["user"]
        found = with_user().filter(handle_key=folded(handle)).first()
        if found is None:
            raise PersonNotFound(handle)
        return found

    try:
        with transaction.atomic():
            # Locks the tenant, as the write of a request does, so that permissions do not change.
            Tenant.objects.filter(subdomain=options["tenant"]).change_access()
            access = access_as(options["tenant"], options["user"], now=timezone.now())
            with tenant_bound(access.tenant.id):
                call = Call(action=create_api_token, raw=RawParams(values), find=owner)
                outcome = perform(call, access)
    except PersonNotFound as error:
        raise CommandError(f"There is no such person or agent: {error}.") from error
    except Refused as refused:
        raise CommandError(message_of(refused)) from refused
    assert outcome.secret is not None  # the action always returns a secret
    return outcome.secret.plaintext
