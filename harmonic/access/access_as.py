"""Access for code that acts as a person without a request: commands, the demo, tests."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from accounts.models import TenantUser
from harmonic.access import lookup, sessions
from harmonic.kernel.access import Access
from harmonic.kernel.http.negotiation import Format
from harmonic.kernel.rendering.text import folded


class PersonNotFound(LookupError):
    """The tenant does not exist, or has no member with this handle."""


def access_as(subdomain: str, handle: str, place: str = "", *, now: datetime) -> Access:
    """Return the access of a person who has just signed in, at the time `now`.

    Raises:
        PersonNotFound: the tenant or the person does not exist.
    """
    person = (
        TenantUser.unscoped.filter(tenant__subdomain=subdomain, handle_key=folded(handle))
        .values_list("user_id", flat=True)
        .first()
    )
    found = lookup.find_by_session(subdomain, person, place)
    if found is None or found.actor is None:
        raise PersonNotFound(f"{handle} in {subdomain}")
    return Access(
        now=now,
        host=f"{subdomain}.{settings.HOST}",
        path="/",
        format=Format.JSON,
        tenant=found.tenant,
        actor=found.actor,
        place=found.place,
        membership=found.membership,
        fresh=frozenset(sessions.REVERIFICATION_SCOPES),
    )
