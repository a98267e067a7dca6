"""Tenants and collectives in hosts and paths."""

from __future__ import annotations

import re

from django.conf import settings

from harmonic.access.credentials import has_credentials
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.rendering.text import folded

# Segments below /collectives and /workspace that are pages, not handles.
PAGE_NAMES = frozenset({"new", "available", "actions"})


def subdomain_of(request: AccessRequest) -> str | None:
    """Return the tenant's subdomain, or None at the base domain."""
    host = request.get_host().lower()
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    name = name.rstrip(".")
    if name.endswith(f".{settings.HOST}"):
        return name.removesuffix(f".{settings.HOST}")
    return None


def handle_in_path(path: str) -> str:
    """Return the folded handle of the collective in a path, or ""."""
    parts = path.split("/")
    if len(parts) < 3 or parts[1] not in {"collectives", "workspace"}:
        return ""
    is_index = parts[2] == "actions"
    is_page = parts[2] in PAGE_NAMES and parts[3:4] in ([], ["actions"])
    return "" if is_index or is_page else folded(parts[2])


def with_action_from_query(request: AccessRequest, path: str) -> str:
    """Return the path with an action that older clients append to the query string."""
    query = request.META.get("QUERY_STRING", "")
    is_json = request.content_type == "application/json"
    match = re.search(r"/actions/([a-z_]+)$", query)
    if match is None or request.method != "POST" or not is_json or not has_credentials(request):
        return path
    request.META["QUERY_STRING"] = query[: match.start()]
    return f"{path.rstrip('/')}/actions/{match.group(1)}"
