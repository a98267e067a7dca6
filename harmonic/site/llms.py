"""`/llms.txt`: an introduction to the tenant for language models."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path

from harmonic.kernel.access import AccessLevel, Rule
from harmonic.kernel.http import conditional
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.pages import require_read_method, with_rule
from harmonic.kernel.rendering.documents import VARY, origin_of
from harmonic.kernel.rendering.markdown import escape_line
from harmonic.site.help import TOPICS


def llms(request: AccessRequest) -> HttpResponse:
    """Return the introduction to a tenant or, on the base domain, to Harmonic."""
    require_read_method(request)
    access = request.access
    has_tenant = bool(access.tenant.subdomain)
    context = {
        "name": escape_line(access.tenant.name) if has_tenant else "",
        "origin": origin_of(request),
        "host": settings.HOST,
        "topics": TOPICS,
    }
    text = render_to_string("llms.txt", context)
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    # The content does not depend on the caller.
    response["Cache-Control"] = "public, max-age=300"
    response["Vary"] = VARY
    conditional.tag(request.headers, response, conditional.etag_of(response.content))
    return response


def urls() -> list[URLPattern]:
    return [path("llms.txt", with_rule(llms, Rule(AccessLevel.PUBLIC)), name="llms")]
