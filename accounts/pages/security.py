"""Pages of the security log: the viewer's own, and the tenant's for its admins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.urls import URLPattern

from accounts import security
from accounts.queries import agents_of, person_named
from accounts.rules import ADMINISTRATION, for_admins
from accounts.security import LogQuery, Reading
from accounts.security_words import NAMES
from harmonic.kernel.access import Access
from harmonic.kernel.database.tenancy import NO_ID, parse_uuid
from harmonic.kernel.page_views import mount
from harmonic.kernel.pages import Page
from harmonic.kernel.refusals import Link
from harmonic.kernel.registry import path_to


def _shown(access: Access, about: frozenset[UUID] | None) -> Mapping[str, Any]:
    """Return the context of a page of the log, limited to events about these accounts if given."""
    asked = {name: access.query.get(name, "").strip() for name in ("event", "who", "token")}
    filters = {name: value for name, value in asked.items() if value}
    wanted = LogQuery(
        about,
        access.user.user_id,
        asked["event"],
        *_who(access, asked["who"]),
        (parse_uuid(asked["token"]) or NO_ID) if asked["token"] else None,
    )
    stretch = security.events(
        wanted, access.query.get("cursor", ""), Reading(access, is_own=about is not None)
    )
    return {
        "lines": stretch.lines,
        "older_href": _href(access, {**filters, "cursor": stretch.older}) if stretch.older else "",
        "newer_href": "" if stretch.is_first else _href(access, filters),
        "kinds": NAMES.items(),
        **asked,
        "is_filtered": bool(filters),
        "is_own": about is not None,
    }


def _who(access: Access, word: str) -> tuple[UUID | None, str]:
    """Return the account that a filter names, or the handle of an account that is gone."""
    if not word:
        return None, ""
    person = person_named(word, access)
    if person is not None:
        return person.user_id, ""
    user_id = parse_uuid(word)
    return (user_id, "") if user_id else (None, word.removeprefix("@"))


def _href(access: Access, query: Mapping[str, str]) -> str:
    return f"{access.path}?{urlencode(query)}" if query else access.path


def own(access: Access, target: None) -> Mapping[str, Any]:
    """Return the context of the viewer's own log, with their agents, deleted ones included."""
    me = access.user
    if not me.is_human:
        return _shown(access, frozenset({me.user_id}))
    agents = agents_of(me.user_id).values_list("user_id", flat=True)
    return _shown(access, frozenset({me.user_id, *agents}) | security.deleted_agents_of(me.user_id))


OWN = Page(
    name="security.own",
    template="security/log.html",
    title=lambda access, target: "Security log",
    show=own,
    crumbs=lambda access, target: [
        Link("Settings", path_to("people.settings", handle=access.user.handle))
    ],
)

TENANT = Page(
    name="security.tenant",
    template="security/log.html",
    title=lambda access, target: "Security log of the tenant",
    find=for_admins,
    show=lambda access, target: _shown(access, None),
    crumbs=lambda access, target: [ADMINISTRATION],
    fresh="admin",
)


def urls() -> list[URLPattern]:
    return [*mount("settings/security", OWN), *mount("tenant-admin/security", TENANT)]
