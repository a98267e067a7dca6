"""Where the site is, for those who have no request to ask: commands."""

from __future__ import annotations

from django.conf import settings


def address_of(subdomain: str = "") -> str:
    """Return the URL of a tenant, or of the front door, without a slash at its end.

    In production a proxy stands in front, at the port that its scheme implies.
    """
    host = f"{subdomain}.{settings.HOST}" if subdomain else settings.HOST
    is_implied = settings.IS_PRODUCTION or settings.PORT == 80
    return f"{settings.PUBLIC_SCHEME}://{host}" + ("" if is_implied else f":{settings.PORT}")
