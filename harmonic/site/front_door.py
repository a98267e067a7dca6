"""The front door, at the base domain: the listed tenants, the help and the motto."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import path

from accounts.agents.pages import MOTTO
from accounts.models import Tenant
from harmonic.http.tenant_origin import tenant_origin
from harmonic.kernel.access import AccessLevel, Rule
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.page_views import mount
from harmonic.kernel.pages import require_read_method, with_rule
from harmonic.kernel.rendering.documents import Document, respond
from harmonic.site import llms, well_known
from harmonic.site.help import urls as help_urls

handler400 = "harmonic.http.refusals.bad_request"
handler403 = "harmonic.http.refusals.forbidden"
handler404 = "harmonic.site.not_found.community_missing"
handler500 = "harmonic.http.refusals.server_error"

SHOWN = 200


def front_door(request: AccessRequest) -> HttpResponse:
    """List the tenants whose setting allows it."""
    require_read_method(request)
    access = request.access
    listed = Tenant.objects.filter(is_listed=True, archived_at=None).order_by("name")[:SHOWN]
    tenants = [
        {"subdomain": tenant.subdomain, "name": tenant.name, "url": address_of(request, tenant)}
        for tenant in listed
    ]
    document = Document(
        title="Harmonic",
        template="front_door.html",
        context={"tenants": tenants, "address": f"{tenant_origin(request, 'COMMUNITY')}/"},
        json={"tenants": tenants},
    )
    return respond(request, access, document)


def address_of(request: AccessRequest, tenant: Tenant) -> str:
    return f"{tenant_origin(request, tenant.subdomain)}/"


urlpatterns = [
    path("", with_rule(front_door, Rule(AccessLevel.PUBLIC)), name="front_door"),
    *help_urls(),
    *llms.urls(),
    *well_known.favicon_urls(),
    # The last line of every Markdown document links to it.
    *mount("motto", MOTTO)[:1],
]
