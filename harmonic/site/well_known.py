"""`/.well-known/oauth-protected-resource`: how a client gets in here (RFC 9728)."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path

from harmonic.kernel.access import Door, Rule
from harmonic.kernel.http import conditional
from harmonic.kernel.pages import Request, only_reads, with_rule
from harmonic.kernel.rendering.documents import origin_of
from harmonic.kernel.scopes import ScopeResource, Verb


def protected_resource(request: HttpRequest) -> HttpResponse:
    """Describe the tenant as a protected resource.

    No authorisation server is named, since people make the tokens.
    """
    only_reads(request)
    origin = origin_of(request)
    response = JsonResponse(
        {
            "resource": origin,
            "resource_name": cast(Request, request).access.tenant.name,
            "resource_documentation": f"{origin}/help/api",
            "bearer_methods_supported": ["header"],
            "scopes_supported": [
                f"{verb}:{resource}" for resource in ScopeResource for verb in Verb
            ],
        },
        json_dumps_params={"ensure_ascii": False},
    )
    # The same for everybody, whoever asks.
    response["Cache-Control"] = "public, max-age=300"
    conditional.tag(request.headers, response, conditional.etag_of(response.content))
    return response


def urls() -> list[URLPattern]:
    view = with_rule(protected_resource, Rule(Door.PUBLIC))
    return [path(".well-known/oauth-protected-resource", view, name="protected-resource")]
