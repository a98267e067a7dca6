"""The routes of the JSON API."""

from __future__ import annotations

from django.urls import URLPattern

from api.v1 import collectives, describe, info, notes, token_self, tokens, users


def shared_urls() -> list[URLPattern]:
    """Return what lies below every base: the tenant's, a collective's, a workspace's."""
    return [*info.urls(), *notes.urls()]


def tenant_urls() -> list[URLPattern]:
    """Return what lies below the tenant's base alone."""
    return [
        *describe.urls(),
        *collectives.urls(),
        *users.urls(),
        *token_self.urls(),
        *tokens.urls(),
    ]


def workspace_urls() -> list[URLPattern]:
    """Return what workspaces have besides: older clients look for their collectives there."""
    return collectives.urls()
