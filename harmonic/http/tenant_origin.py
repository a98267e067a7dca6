"""What the addresses in an answer begin with, as whoever asked will reach it."""

from __future__ import annotations

from django.conf import settings

from harmonic.kernel.http.request import AccessRequest


def tenant_origin(request: AccessRequest, subdomain: str = "") -> str:
    """Return the origin of a tenant, or of the front door, behind the same port and scheme.

    The port is the one that the sender named: behind a proxy, that of the socket is another.
    """
    port = request.get_host().rpartition(":")[2]
    shown = f":{port}" if port.isdecimal() else ""
    host = f"{subdomain}.{settings.HOST}" if subdomain else settings.HOST
    return f"{request.scheme}://{host}{shown}"
