"""The security log: one's own, and the tenant's for its admins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.urls import URLPattern

from accounts import security
from accounts.pages.admin import below_dashboard, for_admins
from accounts.queries import agents_of, person_named
from accounts.security import Wanted
from collectives.models import Collective
from harmonic.kernel.access import Access, Link
from harmonic.kernel.pages import Page, mounted

NOBODY = UUID(int=0)


def _names_of(collectives: Iterable[UUID]) -> Mapping[UUID, str]:
    wanted = set(collectives)
    if not wanted:
        return {}
    return dict(Collective.objects.filter(id__in=wanted).values_list("id", "name"))


def _shown(access: Access, about: frozenset[UUID] | None) -> Mapping[str, Any]:
    """Return a page of the log; `about` whom alone, or everybody."""
    event, who = access.query.get("event", ""), access.query.get("who", "").strip()
    wanted = Wanted(about, event, _user_id(access, who))
    stretch = security.events(wanted, access.query.get("cursor", ""), _names_of)
    filters = {key: value for key, value in (("event", event), ("who", who)) if value}
    return {
        "lines": stretch.lines,
        "older_href": _href(access, {**filters, "cursor": stretch.older}) if stretch.older else "",
        "newer_href": "" if stretch.is_first else _href(access, filters),
        "kinds": security.NAMES.items(),
        "event": event,
        "who": who,
        "is_filtered": bool(filters),
        "is_own": about is not None,
    }


def _user_id(access: Access, who: str) -> UUID | None:
    """Return whose events a reader asks for; nobody's where there is no such person."""
    if not who:
        return None
    person = person_named(who, access)
    return person.user_id if person else NOBODY


def _href(access: Access, query: Mapping[str, str]) -> str:
    return f"{access.path}?{urlencode(query)}" if query else access.path


def own(access: Access, target: None) -> Mapping[str, Any]:
    """Return the events about oneself and the agents one manages."""
    me = access.user
    agents = agents_of(me.user_id).values_list("user_id", flat=True) if me.is_human else ()
    return _shown(access, frozenset({me.user_id, *agents}))


OWN = Page(
    name="security.own",
    template="security/log.html",
    title=lambda access, target: "Security log",
    show=own,
    crumbs=lambda access, target: [Link("Settings", f"{access.user.path}/settings")],
    resource="users",
)

TENANT = Page(
    name="security.tenant",
    template="security/log.html",
    title=lambda access, target: "Security log of the tenant",
    find=for_admins,
    show=lambda access, target: _shown(access, None),
    crumbs=below_dashboard,
    fresh="admin",
)


def urls() -> list[URLPattern]:
    return [*mounted("settings/security", OWN), *mounted("tenant-admin/security", TENANT)]
