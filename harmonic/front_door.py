"""The base domain: which tenants there are, and the help."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

from accounts.models import Tenant
from harmonic import llms
from harmonic.help import urls as help_urls
from harmonic.kernel.access import Door, Rule
from harmonic.kernel.documents import Document, respond
from harmonic.kernel.pages import Request, only_reads, with_rule

handler400 = "harmonic.refusals.bad_request"
handler403 = "harmonic.refusals.forbidden"
handler404 = "harmonic.refusals.not_found"
handler500 = "harmonic.refusals.server_error"

SHOWN = 200


def front_door(request: HttpRequest) -> HttpResponse:
    """List the tenants that want to be listed."""
    only_reads(request)
    access = cast(Request, request).access
    listed = Tenant.objects.filter(is_listed=True, archived_at=None).order_by("name")[:SHOWN]
    tenants = [
        {"subdomain": tenant.subdomain, "name": tenant.name, "url": url_of(request, tenant)}
        for tenant in listed
    ]
    document = Document(
        title="Harmonic",
        template="front_door.html",
        context={"tenants": tenants},
        json={"tenants": tenants},
    )
    return respond(request, access, document)


def url_of(request: HttpRequest, tenant: Tenant) -> str:
    port = request.get_port()
    shown = "" if port in {"80", "443"} else f":{port}"
    return f"{request.scheme}://{tenant.subdomain}.{settings.HOST}{shown}/"


urlpatterns = [
    path("", with_rule(front_door, Rule(Door.PUBLIC)), name="front_door"),
    *help_urls(),
    *llms.urls(),
]
