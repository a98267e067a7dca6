"""Paths served by another page: `/settings/actions/…`, `/workspace/actions/…`, `/workspace`.

Browsers are redirected from `/settings` and `/workspace`. Some agents post to the path they asked
for, not to the one they were redirected to (`docs/agents.md`), so actions run there, too. A token
gets its workspace at `/workspace` without a redirect.
"""

from __future__ import annotations

import re

from django.http import HttpResponse
from django.urls import URLPattern, path

from collectives.queries import own_workspace
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.pages import with_rule
from harmonic.kernel.refusals import NotFound
from harmonic.kernel.registry import path_to

_FORWARDED = re.compile(r"/(?P<page>settings|workspace)(?P<below>/actions(/[^/]+)?)")
_WORKSPACE = "/workspace"


def path_of(access: Access) -> str:
    """Return the path that the request is forwarded to, or ""."""
    if access.actor is None:
        return ""
    if access.path == _WORKSPACE:
        return _workspace(access) if access.token is not None else ""
    match = _FORWARDED.fullmatch(access.path)
    if match is None:
        return ""
    page = _settings(access) if match["page"] == "settings" else _workspace(access)
    return f"{page}{match['below']}" if page else ""


def _settings(access: Access) -> str:
    return path_to("people.settings", handle=access.user.handle)


def _workspace(access: Access) -> str:
    with tenant_bound(access.tenant.id):
        workspace = own_workspace(access.user.person_id)
    return workspace.path if workspace else ""


def not_forwarded(request: AccessRequest, **kwargs: str) -> HttpResponse:
    """Refuse a caller without such a page; all others are forwarded before routing.

    Raises:
        NotFound: always.
    """
    raise NotFound


def urls() -> list[URLPattern]:
    rule = Rule(AccessLevel.TENANT)
    return [
        path(f"{page}/{below}", with_rule(not_forwarded, rule), name=f"forward.{page}")
        for page in ("settings", "workspace")
        for below in ("actions", "actions/<str:action_name>")
    ]
