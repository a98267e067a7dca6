"""Template context shared by every HTML page: navigation, tenant, collective, viewer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from harmonic.kernel.access import Access, ApiState
from harmonic.kernel.http.request import has_access
from harmonic.kernel.navigation import Menu
from harmonic.kernel.registry import pages, path_to
from harmonic.kernel.rendering.accents import Accent, accent_of
from harmonic.kernel.rendering.documents import alternate, origin_of

THEMES = frozenset({"light", "dark"})


@dataclass(frozen=True, slots=True)
class NavLink:
    href: str
    label: str
    icon: str
    current: bool
    badge: int = 0


@dataclass(frozen=True, slots=True)
class Viewer:
    name: str
    path: str
    is_agent: bool
    is_at_settings: bool

    @property
    def settings_path(self) -> str:
        return f"{self.path}/settings"

    @property
    def tokens_path(self) -> str:
        return f"{self.path}/settings/tokens"


@dataclass(frozen=True, slots=True)
class ShownPlace:
    name: str
    path: str
    kind: str
    api_word: str
    is_api_on: bool
    links: tuple[NavLink, ...]


@dataclass(frozen=True, slots=True)
class Site:
    name: str
    host: str
    origin: str
    accent: Accent
    theme: str
    # "exact" for readers who switched to exact times, else "".
    times: str
    markdown_href: str
    sign_in_href: str
    viewer: Viewer | None = None
    place: ShownPlace | None = None
    nav: tuple[NavLink, ...] = ()


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the context of `base.html`. Only menu badges run queries."""
    if not has_access(request):
        return {"site": Site("Harmonic", "", "", accent_of(""), "", "", "", "")}
    access = request.access
    actor = access.actor
    theme = request.COOKIES.get("theme", "")
    has_tenant = bool(access.tenant.subdomain)
    return {
        "site": Site(
            name=access.tenant.name,
            host=access.host,
            origin=origin_of(request),
            accent=accent_of(access.tenant.subdomain),
            theme=theme if theme in THEMES else "",
            times="exact" if request.COOKIES.get("times") == "exact" else "",
            markdown_href=alternate(access.path),
            sign_in_href="/login" if has_tenant and access.path != "/login" else "",
            viewer=_viewer(access),
            place=_place(access),
            nav=tuple(_links(access, Menu.SITE)) if actor else (),
        )
    }


def _viewer(access: Access) -> Viewer | None:
    actor = access.actor
    if actor is None:
        return None
    return Viewer(
        actor.name,
        actor.path,
        actor.is_agent,
        is_at_settings=access.path == f"{actor.path}/settings",
    )


def _links(access: Access, menu: Menu) -> Iterator[NavLink]:
    """Yield the entries of a menu that the caller may see, in order."""
    declared = [
        (entry, mounted)
        for mounted in pages().values()
        for entry in mounted.page.nav
        if entry.menu is menu and entry.is_shown(access)
    ]
    for entry, mounted in sorted(declared, key=lambda pair: pair[0].order):
        base = access.required_place.path if menu is Menu.PLACE else ""
        href = entry.path or path_to(mounted.page.name, base, handle=access.user.handle)
        is_below = entry.has_below and access.path.startswith(f"{href}/")
        is_current = access.path == href or is_below
        yield NavLink(href, entry.label, entry.icon, is_current, entry.badge(access))


def _place(access: Access) -> ShownPlace | None:
    place = access.place
    if place is None or place.is_main or not access.is_member or access.actor is None:
        return None
    return ShownPlace(
        name=place.name,
        path=place.path,
        kind=place.kind,
        api_word=api_word(access),
        is_api_on=access.api_state is ApiState.ON,
        links=tuple(_links(access, Menu.PLACE)),
    )


def api_word(access: Access) -> str:
    """Return the state of the API switches as the label of a badge."""
    return {
        ApiState.ON: "API on",
        ApiState.OFF_HERE: "API off here",
        ApiState.OFF_FOR_TENANT: f"API off for {access.tenant.name}",
    }[access.api_state]
