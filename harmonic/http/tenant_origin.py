"""The origin of URLs in a response, as seen by the client."""

from __future__ import annotations

from django.conf import settings

from harmonic.kernel.http.request import AccessRequest


def tenant_origin(request: AccessRequest, subdomain: str = "") -> str:
    """Return the origin of a tenant, or of the base domain, with the request's scheme and port.

    The port is that of the Host header; behind a proxy, the socket has another one.
    """
    port = request.get_host().rpartition(":")[2]
    shown = f":{port}" if port.isdecimal() else ""
    host = f"{subdomain}.{settings.HOST}" if subdomain else settings.HOST
    return f"{request.scheme}://{host}{shown}"
