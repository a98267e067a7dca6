"""Pages of tenant administration: settings, collectives and people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from django.http import HttpResponse
from django.urls import URLPattern, path

from accounts.models import TenantUser, User
from accounts.queries import agents_of, person_at, tenant_role_holders, with_user
from accounts.rules import ADMINISTRATION, for_admins, tenant_of
from collectives.administration import actions
from collectives.models import Collective
from collectives.reports import queries as reports
from collectives.reports.models import Status
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.actions import ResourceRef
from harmonic.kernel.http.numbered import numbered
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.navigation import Menu, NavEntry
from harmonic.kernel.page_views import form_alias, mount
from harmonic.kernel.pages import Page, redirect, require_read_method, with_rule
from harmonic.kernel.refusals import Link, Unreadable
from harmonic.kernel.registry import path_to

PER_PAGE = 50
SHOWN = 100


def dashboard(access: Access, target: None) -> Mapping[str, Any]:
    standard = Collective.objects.filter(kind="standard", is_main=False)
    page = numbered(standard.order_by("-created_at", "-id"), access)
    return {
        "tenant": tenant_of(access),
        "admins": tenant_role_holders(SHOWN),
        "reports": reports.counts()[Status.PENDING],
        "collectives": page.object_list,
        "page": page,
        "path": access.path,
        "people_count": TenantUser.objects.filter(
            archived_at=None, user__user_type="human"
        ).count(),
    }


DASHBOARD = Page(
    name="admin.dashboard",
    nav=(
        NavEntry(
            menu=Menu.SITE,
            order=7,
            label="Administration",
            icon="shield",
            is_shown=lambda access: access.user.is_tenant_admin,
        ),
    ),
    template="admin/dashboard.html",
    title=lambda access, target: "Tenant Admin",
    find=for_admins,
    show=dashboard,
    fresh="admin",
)


def dashboard_crumb(access: Access, target: object) -> list[Link]:
    return [ADMINISTRATION]


SETTINGS = Page(
    name="admin.settings",
    template="admin/settings.html",
    title=lambda access, target: "Tenant Settings",
    find=for_admins,
    show=lambda access, target: {"tenant": tenant_of(access)},
    crumbs=dashboard_crumb,
    actions=(actions.update_tenant_settings,),
    writes={"POST": actions.update_tenant_settings},
    fresh="admin",
)


# --- People ---------------------------------------------------------------------------------


def listed(access: Access, target: None) -> Mapping[str, Any]:
    query = access.query.get("q", "").strip()
    if len(query) > User.EMAIL_LENGTH:
        raise Unreadable(
            f"The search is too long (maximum {User.EMAIL_LENGTH} characters).",
            hint="Search for a part of an e-mail address.",
        )
    rows = with_user().filter(user__user_type="human").order_by("display_name", "id")
    if query:
        rows = rows.filter(user__email__icontains=query)
    page = numbered(rows, access, PER_PAGE)
    return {
        "people": page.object_list,
        "page": page,
        "path": access.path,
        "query": query,
        "q_length": User.EMAIL_LENGTH,
        "asked": f"q={quote(query)}",
    }


PEOPLE = Page(
    name="admin.people",
    template="admin/people.html",
    title=lambda access, target: "Users",
    find=for_admins,
    show=listed,
    crumbs=dashboard_crumb,
    fresh="admin",
)


def managed(access: Access, handle: str) -> TenantUser:
    for_admins(access)
    return person_at(access, handle)


PERSON = Page(
    name="admin.person",
    template="admin/person.html",
    title=lambda access, person: person.display_name,
    find=managed,
    show=lambda access, person: {"person": person, "agents": list(agents_of(person.user_id))},
    crumbs=lambda access, person: [
        *dashboard_crumb(access, person),
        Link("Users", path_to("admin.people")),
    ],
    about=lambda access, person: ResourceRef(
        "User", person.handle, path_to("admin.person", handle=person.handle)
    ),
    actions=(actions.update_tenant_roles, actions.remove_from_tenant),
    fresh="admin",
)


def admin(request: AccessRequest) -> HttpResponse:
    """Redirect an admin to the dashboard."""
    require_read_method(request)
    access = request.access
    for_admins(access)
    return redirect(access, "/tenant-admin")


def urls() -> list[URLPattern]:
    return [
        path("admin", with_rule(admin, Rule(AccessLevel.TENANT)), name="admin"),
        *mount("tenant-admin", DASHBOARD),
        *mount("tenant-admin/settings", SETTINGS),
        *mount("tenant-admin/users", PEOPLE),
        *mount("tenant-admin/users/<str:handle>", PERSON),
        path(
            "tenant-admin/users/<str:handle>/roles",
            form_alias(PERSON, actions.update_tenant_roles),
            name="admin.person.roles",
        ),
    ]
