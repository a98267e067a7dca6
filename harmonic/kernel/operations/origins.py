"""The URL of a tenant for code without a request: commands, e-mails."""

from __future__ import annotations

from django.conf import settings


def tenant_url(subdomain: str = "") -> str:
    """Return the URL of a tenant, or of the base domain, without a request.

    It has no trailing slash. In production a proxy serves the default port of the scheme.
    """
    host = f"{subdomain}.{settings.HOST}" if subdomain else settings.HOST
    is_implied = settings.IS_PRODUCTION or settings.PORT == 80
    return f"{settings.PUBLIC_SCHEME}://{host}" + ("" if is_implied else f":{settings.PORT}")
