"""Well-known paths, which clients request without a link.

`/.well-known/oauth-protected-resource` describes how to authenticate (RFC 9728), and `/favicon.ico`
redirects browsers to the icon.
"""

from __future__ import annotations

from django.http import HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.templatetags.static import static
from django.urls import URLPattern, path

from harmonic.kernel.access import AccessLevel, Rule
from harmonic.kernel.http import conditional
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.pages import require_read_method, with_rule
from harmonic.kernel.rendering.accents import accent_of
from harmonic.kernel.rendering.documents import origin_of
from harmonic.kernel.scopes import ScopeResource, Verb

# Seconds for which browsers cache the redirect; a new release may have a new icon.
ICON_MAX_AGE = 24 * 3600


def protected_resource(request: AccessRequest) -> HttpResponse:
    """Describe the tenant as a protected resource.

    It names no authorisation server, since people create the tokens.
    """
    require_read_method(request)
    origin = origin_of(request)
    response = JsonResponse(
        {
            "resource": origin,
            "resource_name": request.access.tenant.name,
            "resource_documentation": f"{origin}/help/api",
            "bearer_methods_supported": ["header"],
            "scopes_supported": [
                f"{verb}:{resource}" for resource in ScopeResource for verb in Verb
            ],
        },
        json_dumps_params={"ensure_ascii": False},
    )
    # The same for every caller.
    response["Cache-Control"] = "public, max-age=300"
    conditional.tag(request.headers, response, conditional.etag_of(response.content))
    return response


def favicon(request: AccessRequest) -> HttpResponse:
    """Redirect to the tenant's icon, whose file name changes with its content."""
    require_read_method(request)
    response = HttpResponsePermanentRedirect(
        static(accent_of(request.access.tenant.subdomain).icon)
    )
    response["Cache-Control"] = f"public, max-age={ICON_MAX_AGE}"
    return response


def favicon_urls() -> list[URLPattern]:
    return [path("favicon.ico", with_rule(favicon, Rule(AccessLevel.PUBLIC)), name="favicon")]


def urls() -> list[URLPattern]:
    view = with_rule(protected_resource, Rule(AccessLevel.PUBLIC))
    return [
        path(".well-known/oauth-protected-resource", view, name="protected-resource"),
        *favicon_urls(),
    ]
